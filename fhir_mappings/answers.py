"""Answers of practitioners in QuestionnaireResponses. Which of them count for an order is for others to decide."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_mappings.codings import items
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Evidence, PatientRecord

_YES = {"yes", "y", "true", "373066001", "LA33-6"}
_NO = {"no", "n", "false", "373067005", "LA32-8"}
_UNSURE = {"unknown", "unk", "asku", "dont-know", "don't know", "don’t know", "not sure", "261665006", "LA12688-0"}

_DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_QR_CONTEXT = f"{_DTR}/qr-context"
_INFORMATION_ORIGIN = f"{_DTR}/information-origin"
_ELEMENTS = ("status", "author", "authored", "item", "subject", "questionnaire", "basedOn")

_TYPE_IN_ADDRESS = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[^/]+(?:/_history/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class Answer:
    """The newest answer to one question: `yes`, `no`, or the chosen word; empty if it was withdrawn."""

    value: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """A QuestionnaireResponse with what practitioners answered in it, by `linkId`.

    `questionnaire` is its canonical, empty without one. `about` are the References to what it was filled in for.
    `moment` orders forms by time; of a form with only a day, it is the beginning of that day.
    """

    reference: str
    authored: DateInterval
    moment: datetime
    questionnaire: str
    about: tuple[Mapping[str, Any], ...]
    given: tuple[tuple[str, str], ...]

    def evidence(self, value: str) -> Evidence:
        """Return the evidence of one of its answers."""
        return Evidence(self.reference, "Clinician's answer", str(self.authored), value)


def answer_forms(record: PatientRecord) -> tuple[AnswerForm, ...]:
    """Return the forms that count, whatever their age and questionnaire.

    A form counts if it is completed or amended, about this patient, and not authored after the chart was read. Its
    author is a practitioner; otherwise only the answers count whose origin names one (Da Vinci DTR,
    information-origin).
    """
    return record.cached("answer forms", lambda: tuple(_forms(record)))


def all_answers(record: PatientRecord, resource: Resource) -> dict[str, str]:
    """Return every answer in a QuestionnaireResponse by `linkId`, as an `Answer` has it, whether or not it counts."""
    return dict(_answers_in(resource, record, resource, by_practitioner=True))


def newest(forms: Iterable[AnswerForm]) -> dict[str, Answer]:
    """Return the newest answer to each question.

    "Don't know" withdraws an older answer, and two different answers at the same time withdraw each other.
    """
    found: dict[str, tuple[datetime, Answer]] = {}
    for form in forms:
        for link, value in form.given:
            known = found.get(link)
            if known is None or form.moment > known[0]:
                found[link] = form.moment, Answer(value, form.evidence(value or "not known"))
            elif form.moment == known[0] and value != known[1].value:
                found[link] = form.moment, Answer("", form.evidence(value or "not known"))
    return {link: answer for link, (_, answer) in found.items()}


def _forms(record: PatientRecord) -> Iterator[AnswerForm]:
    for resource in record.of_type("QuestionnaireResponse"):
        authored = record.when(resource.get("authored"))
        if authored is None or authored.earliest != authored.latest:
            continue
        too_late = authored.instant > record.read_at if authored.instant else authored.earliest > record.today
        if too_late or resource.get("status") not in ("completed", "amended"):
            continue
        given = tuple(_answers_in(resource, record, resource, by_practitioner=_is_by_practitioner(record, resource)))
        if given and record.is_usable(resource, *_ELEMENTS):
            questionnaire = resource.get("questionnaire")
            yield AnswerForm(
                reference=record.reference(resource),
                authored=authored,
                moment=authored.instant or datetime.combine(authored.latest, datetime.min.time(), record.zone),
                questionnaire=questionnaire if isinstance(questionnaire, str) else "",
                about=(*items(resource.get("basedOn")), *_contexts(resource)),
                given=given,
            )


def _contexts(resource: Resource) -> Iterator[Mapping[str, Any]]:
    for extension in items(resource.get("extension")):
        if extension.get("url") == _QR_CONTEXT:
            yield from items(extension.get("valueReference"))


def _is_by_practitioner(record: PatientRecord, resource: Resource) -> bool:
    return any(_is_practitioner(record, author, resource) for author in items(resource.get("author")))


def _is_practitioner(record: PatientRecord, author: Mapping[str, Any], within: Resource) -> bool:
    """Return whether a Reference is to a practitioner: by its target, else by its address, else by its type."""
    found, target = record.resolve(author, within=within), author.get("reference")
    kind = found.get("resourceType") if found is not None else author.get("type")
    if found is None and isinstance(target, str) and (named := _TYPE_IN_ADDRESS.search(target)):
        kind = named[1]
    return kind in ("Practitioner", "PractitionerRole")


def _answers_in(
    parent: Resource, record: PatientRecord, form: Resource, *, by_practitioner: bool
) -> Iterator[tuple[str, str]]:
    for item in items(parent.get("item")):
        link = item.get("linkId")
        given = list(items(item.get("answer")))
        attested = given if by_practitioner else [each for each in given if _names_practitioner(record, each, form)]
        if isinstance(link, str) and attested:
            words = {_word(answer) for answer in attested}
            yield link, words.pop() if len(words) == 1 else ""
        for below in (item, *given):
            yield from _answers_in(below, record, form, by_practitioner=by_practitioner)


def _names_practitioner(record: PatientRecord, answer: Resource, form: Resource) -> bool:
    """Return whether the origin of an answer names a practitioner as its author."""
    return any(
        _is_practitioner(record, practitioner, form)
        for origin in items(answer.get("extension"))
        if origin.get("url") == _INFORMATION_ORIGIN
        for author in items(origin.get("extension"))
        if author.get("url") == "author"
        for part in items(author.get("extension"))
        if part.get("url") == "practitioner"
        for practitioner in items(part.get("valueReference"))
    )


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
