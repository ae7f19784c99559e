"""A policy revision as an adaptive form of Da Vinci DTR 2.2.0: it has no questions until they are asked.

The package of an order has the form without items. Its response contains a form of its own, which has the questions
that were asked so far and grows call by call.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from coverage_policies.format.canonicals import questionnaire_canonical, questionnaire_url
from coverage_policies.format.model import APPLIES, PATHWAY, SIDE, Policy
from coverage_policies.format.questions import QuestionType
from coverage_policies.judging.determination import Question
from coverage_policies.judging.next_screen import Screen
from coverage_policies.questionnaires.extensions import ADAPTIVE_FORM, ADAPTIVE_STEP, adaptive
from coverage_policies.questionnaires.form_head import head, population, purpose
from coverage_policies.questionnaires.items import Item, form_items
from coverage_policies.questionnaires.population import shown_values
from coverage_policies.questionnaires.questionnaire import questionnaire_id
from fhir_mappings.codings import items

STEP_ID = "form"
"""The id of the form that a response contains."""
FORM_CONTEXTS = "urn:cds-coverage-policies:form-context"
"""The system of the identifier in which a contained form carries what its service must know at the next call."""
END = "end"
_OPENS_OTHERS = (APPLIES, PATHWAY, SIDE)
_BEHAVIOR = ("enableWhen", "enableBehavior")
_QUESTIONS = frozenset(each.value for each in QuestionType)


def adaptive_questionnaire(policy: Policy, canonical_base: str, next_question: str) -> dict[str, Any]:
    """Return the form of a revision without its items, with the canonical of its standard form.

    `next_question` is the address of the operation that returns the next question.
    """
    found: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": questionnaire_id(policy),
        "meta": {"profile": [ADAPTIVE_FORM]},
        "extension": [adaptive(next_question), *purpose(policy)],
        "url": questionnaire_url(canonical_base, policy.name),
        **head(policy),
    }
    return {name: value for name, value in found.items() if value}


def contained_questionnaire(
    policy: Policy,
    canonical_base: str,
    next_question: str,
    asked: Sequence[str],
    *,
    context: str = "",
    is_last: bool = False,
) -> dict[str, Any]:
    """Return the form that a response contains: the questions asked so far, by `linkId`, in that order.

    A criterion that is documented at one go keeps its questions in one group, wherever they stand in `asked`; a
    `linkId` that the form of the revision does not have is left out. No item depends on an answer: what is moot is not
    asked. `is_last` adds, after the last question, that no more clinical questions follow (DTR 2.2.0, spec-39).
    `context` is for the next call. The form has no canonical of its own: `derivedFrom` names that of the revision
    (SDC, adaptive form).
    """
    shown = [policy.index[link] for link in asked if link in policy.index]
    canonical = questionnaire_canonical(canonical_base, policy.name, policy.revision, policy.edition)
    found: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": STEP_ID,
        "meta": {"profile": [ADAPTIVE_STEP]},
        "extension": [adaptive(next_question), *population(shown)],
        "identifier": [{"system": FORM_CONTEXTS, "value": context}] if context else [],
        "derivedFrom": [canonical],
        **head(policy),
        "item": [*_Form(policy).items(asked), *_end(is_last)],
    }
    return {name: value for name, value in found.items() if value}


def screen_links(question: Question) -> tuple[str, ...]:
    """Return the `linkId`s that a screen asks: those of its parts, or its own."""
    return tuple(each.id for each in question.parts or (question,))


def is_last_screen(screen: Screen) -> bool:
    """Return whether no question follows the one of a screen, whatever is answered; true if it has none.

    The answers whether the policy applies, for the pathway, and for the side may open other questions.
    """
    if screen.question is None:
        return True
    return screen.items_left[1] <= 1 and screen.question.id not in _OPENS_OTHERS


def asked_links(contained: Mapping[str, Any]) -> list[str]:
    """Return the `linkId`s of the questions of a contained form, in its order, each once. Never raises.

    Values of the chart are no questions. A form of ours has no groups within groups.
    """
    found: dict[str, None] = {}
    for item in items(contained.get("item")):
        for each in items(item.get("item")) if item.get("type") == "group" else (item,):
            link, kind = each.get("linkId"), each.get("type")
            if isinstance(link, str) and isinstance(kind, str) and kind in _QUESTIONS:
                found[link] = None
    return list(found)


def answered_links(response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `linkId` of each item of a response that has an answer, those within items and answers included."""
    for item in items(response.get("item")):
        link, given = item.get("linkId"), items(item.get("answer"))
        if given and isinstance(link, str):
            yield link
        for each in (item, *given):
            yield from answered_links(each)


def context_of(contained: Mapping[str, Any]) -> str:
    """Return what a contained form carries for its service; empty if it carries nothing. Never raises."""
    for each in items(contained.get("identifier")):
        if each.get("system") == FORM_CONTEXTS and isinstance(each.get("value"), str):
            return str(each["value"])
    return ""


def _end(is_last: bool) -> Iterator[Item]:
    if is_last:
        yield {"linkId": END, "text": "No more clinical questions follow.", "type": "display"}


class _Form:
    """The items of the standard form of one revision, to be asked one by one."""

    def __init__(self, policy: Policy) -> None:
        self._items = dict(_by_link(form_items(policy)))
        self._values = {c.id: [each.item() for each in shown_values(c)] for c in policy.walk()}
        self._groups: dict[str, Item] = {}
        for c in policy.walk():
            if c.children and c.is_one_item and c.id not in self._groups:
                whole = self._items.get(f"{c.id}/parts") or self._items.get(c.id)
                self._groups.update({below.id: whole for below in c.walk() if whole is not None})

    def items(self, asked: Iterable[str]) -> list[Item]:
        """Return the items of these questions, those of one group together at the place of the first."""
        found: list[Item] = []
        groups: dict[str, Item] = {}
        for link in dict.fromkeys(asked):
            item, group = self._items.get(link), self._groups.get(link)
            if item is None or item["type"] == "group":
                continue
            if group is None:
                found += self._question(item)
                continue
            if group["linkId"] not in groups:
                groups[group["linkId"]] = {**_plain(group), "item": self._help(group)}
                found.append(groups[group["linkId"]])
            groups[group["linkId"]]["item"] += self._question(item)
        return found

    def _question(self, item: Item) -> Iterator[Item]:
        """Yield a question, then what the chart has measured."""
        yield _plain(item)
        yield from self._values.get(item["linkId"], ())

    def _help(self, group: Item) -> list[Item]:
        """Return the help text of a group that has one of its own."""
        return [_plain(each) for each in group["item"][:1] if each["type"] == "display"]


def _by_link(form: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    for item in form:
        yield item["linkId"], item
        yield from _by_link(item.get("item", ()))


def _plain(item: Item) -> Item:
    """Return an item of the standard form that depends on no answer."""
    return {name: value for name, value in item.items() if name not in _BEHAVIOR}
