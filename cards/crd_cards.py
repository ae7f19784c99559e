"""Build the cards of CRD services (Da Vinci CRD, card types): each beside the coverage information, none repeating it.

| type | topic | for |
| --- | --- | --- |
| Propose Alternate Request | `therapy-alternatives-req` | what fails, and a changed order that fares better |
| Instructions | `appropriate-use` | what fails and on what evidence, or what to document next; not beside the first |
| Request Form Completion | `claim` | the form of open questions, for a client without DTR |
| Identify Additional Orders | `clinical-reminder` | an order that belongs to others under their policy |
| External Reference | `guideline` | each policy behind what is shown |

A card carries no determination: the assertion id in the coverage information leads to it. What leaves a clinician
nothing to do has no card: the coverage information says all of an order that is supported, or that was not checked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from cards.associated_orders import associated_orders
from cards.build import AssessedCard, failing, indicator, said_in_detail, said_on_top, shown_together, suggestion
from cards.companion_order import companion_order
from cards.coverage_verdict import applying
from cards.crd_topics import Topic
from cards.crd_versions import CrdVersion
from cards.fine_print import fine_print
from cards.form_task import form_task
from cards.links import policy_links
from cards.markdown import escaped, shortened
from cards.override_reasons import override_reasons
from cards.phrasing import lower_first
from cards.reference_detail import order_names, reference_detail
from cards.style import CardStyle
from cards.summary import SUMMARY_LENGTH
from coverage_policies.format.model import Companion
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.fhir_json import Resource

_ALL_SAID = (Outcome.SUPPORTED, Outcome.NOT_EVALUATED)
"""The outcomes after which the coverage information leaves a clinician nothing to do under the policy."""


@dataclass(frozen=True, slots=True)
class CrdCards:
    """What the cards of one call have in common.

    `wants` says whether the client wants cards of a topic, and `most` how many cards at most. `patient` is the
    reference of the patient, `orders` are the orders of the call by reference, and `policy_pages` is as in `Addresses`.
    `authorized` are the orders with a prior authorization on file, which a change could void. `canonicals` is the base
    of questionnaire canonicals for a client without DTR, which gets a task for each form; empty for any other.
    """

    payer: Payer
    version: CrdVersion
    hook: str
    style: CardStyle
    card_id: Callable[[Assessment], UUID]
    wants: Callable[[Topic], bool]
    most: int
    patient: str
    orders: Mapping[str, Resource]
    day: date
    authorized: frozenset[str] = frozenset()
    policy_pages: str = ""
    canonicals: str = ""

    def of(self, assessments: Iterable[Assessment]) -> tuple[AssessedCard, ...]:
        """Return the cards for all assessments of a call, the most important first."""
        shown = tuple(_told_apart(shown_together(assessments, self.hook)))
        found = [each for each in shown if each.outcome not in _ALL_SAID]
        ids = {id(each): self.card_id(each) for each in shown}
        made = [
            *(card for each in found for card in self._of_assessment(each, ids[id(each)])),
            *self._additional_orders(shown, ids),
            *self._references(found, ids),
        ]
        return tuple(made[: self.most])

    def _of_assessment(self, assessment: Assessment, card_id: UUID) -> Iterator[AssessedCard]:
        may_change = assessment.determinations[0].order not in self.authorized
        if assessment.suggestions and may_change and self.wants(Topic.REQUIRED_ALTERNATIVE):
            yield AssessedCard(assessment, self._alternative(assessment, card_id), assessment.suggestions)
        elif _leaves_something_to_do(assessment) and self.wants(Topic.APPROPRIATE_USE):
            told = self._told(uuid5(card_id, "instructions"), Topic.APPROPRIATE_USE, assessment)
            yield AssessedCard(assessment, told)
        if self.canonicals and self.wants(Topic.CLAIM):
            for each in assessment.determinations:
                if each.questions:
                    yield AssessedCard(assessment, self._form(assessment, each, card_id))

    def _told(self, own_id: UUID, topic: Topic, assessment: Assessment) -> dict[str, Any]:
        """Return a card that says what fails and on what evidence, or what to document next."""
        return self._card(own_id, topic, [assessment], said_on_top(assessment)) | {
            "indicator": indicator(assessment),
            "detail": said_in_detail(assessment, self.style, is_from_payer=True),
            "overrideReasons": override_reasons(assessment.determinations),
        }

    def _alternative(self, assessment: Assessment, card_id: UUID) -> dict[str, Any]:
        own_id = uuid5(card_id, "alternative")
        return self._told(own_id, Topic.REQUIRED_ALTERNATIVE, assessment) | self._suggesting(
            suggestion(each, self.style, own_id) for each in assessment.suggestions
        )

    def _form(self, assessment: Assessment, asking: Determination, card_id: UUID) -> dict[str, Any]:
        own_id = uuid5(card_id, f"form {asking.full_name}")
        label = f"Complete the form for policy {asking.policy}"
        order = self.orders.get(asking.order, {})
        task = form_task(asking, self.canonicals, order, patient=self.patient, payer=self.payer, day=self.day)
        return (
            self._card(own_id, Topic.CLAIM, [assessment], f"{label} ({asking.revision})")
            | {"detail": f"**{order_names([assessment])}**"}
            | self._suggesting([_creation(label, task, own_id)])
        )

    def _additional_orders(self, shown: Iterable[Assessment], ids: Mapping[int, UUID]) -> Iterator[AssessedCard]:
        """Yield one card per order that belongs to others and is missing, for all orders that it belongs to."""
        if not self.wants(Topic.CLINICAL_REMINDER):
            return
        wanting: dict[tuple[str, str], tuple[Companion, Assessment, list[Assessment]]] = {}
        for lead in shown:
            for each in (lead, *lead.also):
                for companion in _companions(each):
                    key = companion.add.system, companion.add.code
                    wanting.setdefault(key, (companion, lead, []))[2].append(each)
        for (system, code), (companion, lead, about) in wanting.items():
            own_id = uuid5(ids[id(lead)], f"companion {system} {code}")
            yield AssessedCard(lead, self._additional_order(companion, about, own_id))

    def _additional_order(self, companion: Companion, about: Sequence[Assessment], own_id: UUID) -> dict[str, Any]:
        first, added = about[0].determinations, companion.add
        order = companion_order(companion, self.orders.get(first[0].order, {}), self.patient)
        label = f"Order {lower_first(added.label)}, if clinically appropriate"
        told = (
            f"**{order_names(about)}**",
            f"**To order as well:** {escaped(added.label)} ({escaped(added.code)})",
            fine_print(first, is_from_payer=True),
        )
        return (
            self._card(own_id, Topic.CLINICAL_REMINDER, about, companion.says)
            | {"detail": "\n\n".join(told), "overrideReasons": override_reasons(first)}
            | self._suggesting([_creation(label, order, own_id)])
        )

    def _references(self, found: Sequence[Assessment], ids: Mapping[int, UUID]) -> Iterator[AssessedCard]:
        """Yield one External Reference per policy, for all orders that it concerns."""
        if not self.wants(Topic.GUIDELINE):
            return
        by_policy: dict[str, dict[int, Assessment]] = {}
        for each in found:
            for judged in applying(each):
                by_policy.setdefault(judged.policy, {})[id(each)] = each
        for name, about in by_policy.items():
            concerned = tuple(about.values())
            linked = [(one, each) for each in concerned for one in each.determinations if one.policy == name]
            if links := policy_links(linked, self.policy_pages):
                card_id = uuid5(ids[id(concerned[0])], f"reference {name}")
                yield AssessedCard(concerned[0], self._reference(name, concerned, links, card_id))

    def _reference(
        self, name: str, about: Sequence[Assessment], links: Sequence[dict[str, str]], card_id: UUID
    ) -> dict[str, Any]:
        title = next(judged.title for judged in about[0].determinations if judged.policy == name)
        card = self._card(card_id, Topic.GUIDELINE, about, f"Coverage policy {name}: {title}")
        return card | {"detail": reference_detail(name, about), "links": links}

    def _suggesting(self, suggestions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        return {"suggestions": list(suggestions), "selectionBehavior": self.style.selection_behavior}

    def _card(self, card_id: UUID, topic: Topic, about: Sequence[Assessment], summary: str) -> dict[str, Any]:
        """Return what every card has (CRD 2.2.1 resp-4, resp-5, dev-25)."""
        orders = dict.fromkeys(one.order for each in about for one in each.all_determinations)
        return {
            "uuid": str(card_id),
            "summary": shortened(summary, SUMMARY_LENGTH),
            "indicator": "info",
            "source": {"label": self.payer.name, "topic": topic.as_coding(self.version)},
            "extension": associated_orders(orders, self.version),
        }


def _told_apart(shown: Iterable[Assessment]) -> Iterator[Assessment]:
    """Yield each assessment with those orders only for which all that its card says is true (CRD 2.2.1 dev-24).

    The coverage information of an order that fails on nothing must not stand beside a card that says what another one
    of the same procedure fails on.
    """
    for lead in shown:
        told = lead.outcome, failing(lead)
        yield replace(lead, also=tuple(each for each in lead.also if (each.outcome, failing(each)) == told))
        yield from (each for each in lead.also if (each.outcome, failing(each)) != told)


def _leaves_something_to_do(assessment: Assessment) -> bool:
    """Return whether a clinician can mend or document something, beyond waiting for what the plan decides."""
    return assessment.outcome in RULED_OUT or any(each.questions for each in assessment.determinations)


def _companions(assessment: Assessment) -> Iterator[Companion]:
    """Yield the orders that every revision wants beside an order, unless the order fails or no policy may apply."""
    first, *others = assessment.determinations
    if assessment.outcome not in RULED_OUT and not assessment.may_not_apply:
        yield from (each for each in first.companions if all(each in other.companions for other in others))


def _creation(label: str, resource: Resource, card_id: UUID) -> dict[str, Any]:
    """Return the suggestion to create a resource; it is never preselected."""
    action = {"type": "create", "description": label, "resource": resource}
    return {"label": label, "uuid": str(uuid5(card_id, "creation")), "isRecommended": False, "actions": [action]}
