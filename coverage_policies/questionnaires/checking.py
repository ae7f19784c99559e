"""Check a response by the rules of its form, and read its answers for the next screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.questions import QuestionType
from coverage_policies.questionnaires.answer_checks import Fault, is_from_server, origin_faults, value_faults
from coverage_policies.questionnaires.enabling import Answer, enabled
from coverage_policies.questionnaires.items import Item
from fhir_mappings.answers import is_by_practitioner, practitioners_answers
from fhir_mappings.fhir_json import Resource

__all__ = ["Fault", "faults_of", "given_answers"]

_ROOT = "QuestionnaireResponse"
_COMPLETE = ("completed", "amended")
_NO_QUESTION = ("group", "display")
_QUESTIONS = frozenset(each.value for each in QuestionType)


def faults_of(form: Sequence[Item], response: Resource) -> Iterator[Fault]:
    """Yield what is wrong with the items of a QuestionnaireResponse by the rules of its form. Never raises.

    `form` are the items of a form of ours, adaptive or not. Checked are the places of items, the types and numbers of
    answers, options and units, what other answers make moot, what a complete response must answer, and where each
    answer comes from. The work is linear in the size of both: an item that is not at its place in the form is reported
    once, and nothing below it is read.
    """
    return _Check(form, response).faults()


def given_answers(form: Sequence[Item], response: Resource, *, is_chart_lost: bool = False) -> dict[str, str]:
    """Return the answers of a response without faults, as `next_screen` takes them: by `linkId`.

    An answer counts if it will count once the response is in the chart: if a practitioner gave it. A question without
    one is answered "don't know" (empty): it was asked, and it is not asked again. An answer that this service took
    from the chart and nobody signed is left out: the chart says it, unless it is lost.
    """
    check = _Check(form, response)
    for _ in check.places():
        pass
    attested = practitioners_answers(response)
    from_chart = {
        each.item["linkId"]: _word(said)
        for each in check.matches
        if any(isinstance(answer, Mapping) and is_from_server(answer) for answer in _answers(each.received))
        for said in _said(each.received)
    }
    known = {**(from_chart if is_chart_lost else {}), **attested}
    asked = (item["linkId"] for item in _flat(form) if item["type"] in _QUESTIONS)
    return {link: known.get(link, "") for link in asked if link in known or link not in from_chart}


def _word(answer: Answer) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return answer


@dataclass(frozen=True, slots=True)
class _Match:
    """An item of a response, the item of the form that it belongs to, and its place."""

    item: Item
    received: Mapping[str, Any]
    place: str


class _Check:
    """One check. `matches` are the items of the response that stand where the form has them."""

    def __init__(self, form: Sequence[Item], response: Resource) -> None:
        self._form = form
        self._response = response
        self._parents = dict(_parents(form, ""))
        self._is_by_practitioner = is_by_practitioner(response)
        self.matches: list[_Match] = []

    def faults(self) -> Iterator[Fault]:
        yield from self.places()
        answers = {each.item["linkId"]: said for each in self.matches for said in _said(each.received)}
        shown = frozenset(enabled(self._form, answers))
        for each in self.matches:
            if each.item["linkId"] not in shown and _answers(each.received):
                yield Fault(each.place, "Leave this item out: another answer makes it moot.")
            yield from self._answer_faults(each)
        if self._response.get("status") in _COMPLETE:
            yield from self._missing(shown)

    def places(self) -> Iterator[Fault]:
        """Yield each item that does not stand where the form has it, and collect the others."""
        return self._places(self._form, self._response, _ROOT)

    def _places(self, level: Iterable[Item], parent: Mapping[str, Any], place: str) -> Iterator[Fault]:
        received = parent.get("item")
        if received is None:
            return
        if not isinstance(received, list):
            yield Fault(f"{place}.item", "Send an array of items.")
            return
        here = {item["linkId"]: item for item in level}
        seen: set[str] = set()
        for number, each in enumerate(received):
            at = f"{place}.item[{number}]"
            link = each.get("linkId") if isinstance(each, Mapping) else None
            if not isinstance(link, str):
                yield Fault(at, "Send an item with a linkId of the form.")
            elif link not in here:
                yield Fault(at, self._misplaced(link))
            elif link in seen:
                yield Fault(at, "Send this item once, with all its answers.")
            else:
                seen.add(link)
                yield from self._below(_Match(here[link], each, at))

    def _below(self, match: _Match) -> Iterator[Fault]:
        self.matches.append(match)
        below = match.item.get("item", ())
        yield from self._places(below, match.received, match.place)
        for number, answer in enumerate(_answers(match.received)):
            if isinstance(answer, Mapping):
                yield from self._places(below, answer, f"{match.place}.answer[{number}]")

    def _misplaced(self, link: str) -> str:
        parent = self._parents.get(link)
        if parent is None:
            return "Leave this item out: the form has none with its linkId."
        return f"Send this item within the item {parent}." if parent else "Send this item at the top of the response."

    def _answer_faults(self, match: _Match) -> Iterator[Fault]:
        received = match.received.get("answer")
        place = f"{match.place}.answer"
        if received is None:
            return
        if match.item["type"] in _NO_QUESTION:
            yield Fault(place, "Send no answer: this item is no question.")
            return
        if not isinstance(received, list) or not received:
            yield Fault(place, "Send an array of answers, or no answer.")
            return
        if len(received) > 1 and not match.item.get("repeats"):
            yield Fault(place, "Send one answer.")
        for number, answer in enumerate(received):
            at = f"{place}[{number}]"
            if isinstance(answer, Mapping):
                yield from value_faults(match.item, answer, at)
                yield from origin_faults(answer, at, is_by_practitioner=self._is_by_practitioner)
            else:
                yield Fault(at, "Send an answer with a value.")

    def _missing(self, shown: Set[str]) -> Iterator[Fault]:
        answered = {each.item["linkId"] for each in self.matches if _answers(each.received)}
        for item in _flat(self._form):
            link = item["linkId"]
            if item.get("required") and item["type"] not in _NO_QUESTION and link in shown and link not in answered:
                yield Fault(_ROOT, f"Answer the item {link} before the response is complete.")


def _answers(received: Mapping[str, Any]) -> Sequence[Any]:
    found = received.get("answer")
    return found if isinstance(found, list) else ()


def _said(received: Mapping[str, Any]) -> Iterator[Answer]:
    """Yield the answers on which other items may depend: yes or no, or the code of an option."""
    for answer in _answers(received):
        value = answer.get("valueBoolean") if isinstance(answer, Mapping) else None
        coding = answer.get("valueCoding") if isinstance(answer, Mapping) else None
        code = coding.get("code") if isinstance(coding, Mapping) else None
        if isinstance(value, bool):
            yield value
        elif isinstance(code, str):
            yield code


def _flat(form: Iterable[Item]) -> Iterator[Item]:
    for item in form:
        yield item
        yield from _flat(item.get("item", ()))


def _parents(form: Iterable[Item], above: str) -> Iterator[tuple[str, str]]:
    """Yield each item of a form with the one that it is in; those at the top are in none."""
    for item in form:
        yield item["linkId"], above
        yield from _parents(item.get("item", ()), item["linkId"])
