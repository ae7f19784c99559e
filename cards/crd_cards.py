"""Build the cards of CRD services (Da Vinci CRD, card types): each beside the coverage information, none repeating it.

| type | topic | for |
| --- | --- | --- |
| Propose Alternate Request | `therapy-alternatives-req` | what fails, and a changed order that fares better |
| Instructions | `appropriate-use` | what fails and on what evidence, or what to document next; not beside the first |
| Identify Additional Orders | `clinical-reminder` | an order that belongs to this one under its policy |
| External Reference | `guideline` | each policy behind what is shown |
| Request Form Completion | `claim` | the form of open questions, for a client without DTR |

A card carries no determination: the assertion id in the coverage information leads to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from cards.build import said_in_detail, said_on_top, shown_together, suggestion
from cards.companion_order import companion_order
from cards.crd_topics import Topic
from cards.crd_versions import CrdVersion
from cards.form_task import form_task
from cards.links import policy_links
from cards.markdown import escaped, shortened
from cards.override_reasons import override_reasons
from cards.phrasing import lower_first
from cards.style import CardStyle
from cards.summary import SUMMARY_LENGTH
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment, Suggestion
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.fhir_json import Resource

ASSOCIATED = "davinci-crd.associated-resource"
"""The card extension that names the orders a card is about (CRD 2.2.1 dev-25)."""
_WARNED_OF = (Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET)


@dataclass(frozen=True, slots=True)
class CrdCard:
    """A card, the assessment that it was made from, and the suggestions that it offers, in their order."""

    card: Mapping[str, Any]
    assessment: Assessment
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class CrdCards:
    """What the cards of one call have in common.

    `wants` says whether the client wants cards of a topic, and `most` how many cards at most. `patient` is the
    reference of the patient, `orders` are the orders of the call by reference, and `policy_pages` is as in `Addresses`.
    `canonicals` is the base of questionnaire canonicals for a client without DTR, which gets a task for each form;
    empty for any other.
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
    policy_pages: str = ""
    canonicals: str = ""

    def of(self, assessments: Iterable[Assessment]) -> tuple[CrdCard, ...]:
        """Return the cards for all assessments of a call, the most important first."""
        shown = shown_together(assessments, self.hook)
        found = [each for each in shown if each.outcome is not Outcome.SUPPORTED]
        ids = {id(each): self.card_id(each) for each in shown}
        made = [
            *(card for each in found for card in self._of_assessment(each, ids[id(each)])),
            *(card for each in shown for card in self._companions(each, ids[id(each)])),
            *self._references(found, ids),
        ]
        return tuple(made[: self.most])

    def _of_assessment(self, assessment: Assessment, card_id: UUID) -> Iterator[CrdCard]:
        if assessment.suggestions and self.wants(Topic.REQUIRED_ALTERNATIVE):
            yield CrdCard(self._alternative(assessment, card_id), assessment, assessment.suggestions)
        elif self.wants(Topic.APPROPRIATE_USE):
            yield CrdCard(self._told(uuid5(card_id, "instructions"), Topic.APPROPRIATE_USE, assessment), assessment)
        if self.canonicals and self.wants(Topic.CLAIM):
            for each in assessment.determinations:
                if each.questions:
                    yield CrdCard(self._form(assessment, each, card_id), assessment)

    def _told(self, own_id: UUID, topic: Topic, assessment: Assessment) -> dict[str, Any]:
        """Return a card that says what fails and on what evidence, or what to document next."""
        return self._card(own_id, topic, [assessment], said_on_top(assessment)) | {
            "indicator": "warning" if assessment.outcome in _WARNED_OF else "info",
            "detail": said_in_detail(assessment, self.style, is_from_payer=True),
            "overrideReasons": override_reasons(assessment.determinations),
        }

    def _alternative(self, assessment: Assessment, card_id: UUID) -> dict[str, Any]:
        own_id = uuid5(card_id, "alternative")
        return self._told(own_id, Topic.REQUIRED_ALTERNATIVE, assessment) | {
            "suggestions": [suggestion(each, self.style, own_id) for each in assessment.suggestions],
            "selectionBehavior": self.style.selection_behavior,
        }

    def _companions(self, assessment: Assessment, card_id: UUID) -> Iterator[CrdCard]:
        """Yield the orders that every revision wants beside an order, unless the order fails anyway."""
        first, *others = assessment.determinations
        wanted = [each for each in first.companions if all(each in other.companions for other in others)]
        if assessment.outcome in _WARNED_OF or not self.wants(Topic.CLINICAL_REMINDER):
            return
        for each in wanted:
            own_id = uuid5(card_id, f"companion {each.add.system} {each.add.code}")
            order = companion_order(each, self.orders.get(first.order, {}), self.patient)
            label = f"Order {lower_first(each.add.label)}, if clinically appropriate"
            action = {"type": "create", "description": label, "resource": order}
            card = self._card(own_id, Topic.CLINICAL_REMINDER, [assessment], each.says) | {
                "detail": f"For: {escaped(_labels([assessment]))}. {escaped(each.says)}",
                "suggestions": [
                    {"label": label, "uuid": str(uuid5(own_id, "order")), "isRecommended": False, "actions": [action]}
                ],
                "selectionBehavior": self.style.selection_behavior,
                "overrideReasons": override_reasons(assessment.determinations),
            }
            yield CrdCard(card, assessment)

    def _references(self, found: Sequence[Assessment], ids: Mapping[int, UUID]) -> Iterator[CrdCard]:
        """Yield one External Reference per policy, for all orders that it concerns."""
        if not self.wants(Topic.GUIDELINE):
            return
        by_policy: dict[str, dict[int, Assessment]] = {}
        for each in found:
            for judged in each.determinations:
                by_policy.setdefault(judged.policy, {})[id(each)] = each
        for name, about in by_policy.items():
            concerned = tuple(about.values())
            if links := list(_links(name, concerned, self.policy_pages)):
                card_id = uuid5(ids[id(concerned[0])], f"reference {name}")
                yield CrdCard(self._reference(name, concerned, links, card_id), concerned[0])

    def _reference(
        self, name: str, about: Sequence[Assessment], links: Sequence[dict[str, str]], card_id: UUID
    ) -> dict[str, Any]:
        title = next(judged.title for judged in about[0].determinations if judged.policy == name)
        card = self._card(card_id, Topic.GUIDELINE, about, f"Coverage policy {name}: {title}")
        return card | {"detail": f"Applies to: {escaped(_labels(about))}.", "links": links}

    def _form(self, assessment: Assessment, asking: Determination, card_id: UUID) -> dict[str, Any]:
        own = uuid5(card_id, f"form {asking.full_name}")
        label = f"Complete the form for policy {asking.policy}"
        task = form_task(asking, self.canonicals, patient=self.patient, payer=self.payer, day=self.day)
        action = {"type": "create", "description": label, "resource": task}
        return self._card(own, Topic.CLAIM, [assessment], f"{label} ({asking.revision})") | {
            "detail": f"For: {escaped(_labels([assessment]))}.",
            "suggestions": [
                {"label": label, "uuid": str(uuid5(own, "task")), "isRecommended": False, "actions": [action]}
            ],
            "selectionBehavior": self.style.selection_behavior,
        }

    def _card(self, card_id: UUID, topic: Topic, about: Sequence[Assessment], summary: str) -> dict[str, Any]:
        """Return what every card has (CRD 2.2.1 resp-4, resp-5, dev-25)."""
        orders = dict.fromkeys(one.order for each in about for one in each.all_determinations)
        return {
            "uuid": str(card_id),
            "summary": shortened(summary, SUMMARY_LENGTH),
            "indicator": "info",
            "source": {"label": self.payer.name, "topic": topic.as_coding(self.version)},
            "extension": {ASSOCIATED: [{"reference": order} for order in orders]},
        }


def _links(name: str, about: Sequence[Assessment], policy_pages: str) -> Iterator[dict[str, str]]:
    """Yield the links to a policy, each address once."""
    pairs = ((judged, each) for each in about for judged in each.determinations if judged.policy == name)
    found = {url: label for judged, each in pairs for label, url in policy_links(judged, each, policy_pages)}
    yield from ({"label": label, "url": url, "type": "absolute"} for url, label in found.items())


def _labels(about: Iterable[Assessment]) -> str:
    """Return the names of the orders that a card is about."""
    names = (one.order_label for each in about for one in each.all_determinations if one.order_label)
    return "; ".join(dict.fromkeys(names))
