"""Attestations: a practitioner's answers in a QuestionnaireResponse."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.codings import items
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Evidence, PatientRecord

_YES = {"yes", "y", "true", "373066001", "LA33-6"}
_NO = {"no", "n", "false", "373067005", "LA32-8"}
_UNSURE = {"unknown", "unk", "asku", "dont-know", "don't know", "don’t know", "not sure", "261665006", "LA12688-0"}

_TYPE_IN_ADDRESS = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[^/]+(?:/_history/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class Answer:
    """The newest answer to one question: `yes`, `no`, or the chosen word; empty if it was withdrawn."""

    value: str
    evidence: Evidence


def answers(
    record: PatientRecord,
    order: str,
    is_ours: Callable[[str], bool],
    valid_for: CalendarPeriod,
) -> dict[str, Answer]:
    """Return the answers that count, by `linkId`.

    A response counts if it is completed or amended, about this patient, authored by a practitioner, not authored after
    the chart was read, and either at most `valid_for` old or based on the order (`Type/id`). `is_ours` decides by the
    canonical of its questionnaire; a response without one counts. The newest answer to a question stands. "Don't know"
    withdraws an older answer, and two different answers at the same time withdraw each other.
    """
    newest: dict[str, tuple[datetime, Answer]] = {}
    for resource in record.of_type("QuestionnaireResponse"):
        authored = _authored(record, resource)
        if authored is None or not _counts(record, resource, authored, order, is_ours, valid_for):
            continue
        for link, value in _answers_in(resource):
            evidence = Evidence(record.reference(resource), "Clinician's answer", str(authored), value or "not known")
            answer = Answer(value, evidence)
            moment = authored.instant or datetime.combine(authored.latest, datetime.min.time(), record.zone)
            known = newest.get(link)
            if known is None or moment > known[0]:
                newest[link] = moment, answer
            elif moment == known[0] and value != known[1].value:
                newest[link] = moment, Answer("", evidence)
    return {link: answer for link, (_, answer) in newest.items()}


def _authored(record: PatientRecord, resource: Resource) -> DateInterval | None:
    authored = record.when(resource.get("authored"))
    return authored if authored and authored.earliest == authored.latest else None


def _counts(
    record: PatientRecord,
    resource: Resource,
    authored: DateInterval,
    order: str,
    is_ours: Callable[[str], bool],
    valid_for: CalendarPeriod,
) -> bool:
    if resource.get("status") not in ("completed", "amended"):
        return False
    questionnaire = resource.get("questionnaire")
    if isinstance(questionnaire, str) and questionnaire and not is_ours(questionnaire):
        return False
    if not _is_by_practitioner(record, resource):
        return False
    too_late = authored.instant > record.read_at if authored.instant else authored.earliest > record.today
    based_on = [item.get("reference") for item in items(resource.get("basedOn"))]
    based_on_order = any(isinstance(each, str) and order in (each, record.relative(each)) for each in based_on)
    if too_late or not (based_on_order or plus(authored.latest, valid_for) >= record.today):
        return False
    return record.is_usable(resource, "status", "author", "authored", "item", "subject", "questionnaire", "basedOn")


def _is_by_practitioner(record: PatientRecord, resource: Resource) -> bool:
    """Return whether the author is a practitioner: by the target of the reference, else its address, else its type."""
    for author in items(resource.get("author")):
        found, target = record.resolve(author, within=resource), author.get("reference")
        kind = found.get("resourceType") if found is not None else author.get("type")
        if found is None and isinstance(target, str) and (named := _TYPE_IN_ADDRESS.search(target)):
            kind = named[1]
        if kind in ("Practitioner", "PractitionerRole"):
            return True
    return False


def _answers_in(parent: Resource) -> Iterator[tuple[str, str]]:
    for item in items(parent.get("item")):
        link = item.get("linkId")
        given = list(items(item.get("answer")))
        if isinstance(link, str) and given:
            words = {_word(answer) for answer in given}
            yield link, words.pop() if len(words) == 1 else ""
        yield from _answers_in(item)
        for answer in given:
            yield from _answers_in(answer)


def _word(answer: Resource) -> str:
    if isinstance(answer.get("valueBoolean"), bool):
        return "yes" if answer["valueBoolean"] else "no"
    chosen = list(items(answer.get("valueCoding")))
    given = [*(c.get("code") for c in chosen), *(c.get("display") for c in chosen), answer.get("valueString")]
    texts = [text.strip() for text in given if isinstance(text, str) and text.strip()]
    for word in texts:
        for meaning, words in (("yes", _YES), ("no", _NO), ("", _UNSURE)):
            if word in words or word.lower() in words:
                return meaning
    return texts[0] if texts else ""
