"""Answers of practitioners in QuestionnaireResponses. Which of them count for an order is for others to decide."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from fhir_mappings.bundle import contained_by_id
from fhir_mappings.codings import items
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Evidence, PatientRecord

_YES = {"yes", "y", "true", "373066001", "LA33-6"}
_NO = {"no", "n", "false", "373067005", "LA32-8"}
_UNSURE = {"unknown", "unk", "asku", "dont-know", "don't know", "don’t know", "not sure", "261665006", "LA12688-0"}

_DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_QR_CONTEXT = f"{_DTR}/qr-context"
_INFORMATION_ORIGIN = f"{_DTR}/information-origin"
_ELEMENTS = ("status", "author", "authored", "item", "subject", "questionnaire", "basedOn")

_Resolve = Callable[[Json, Resource], Resource | None]
"""Returns the target of a Reference within a resource, if it is known."""
_TYPE_IN_ADDRESS = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[^/]+(?:/_history/[^/]+)?$")


class Answer(Struct, frozen=True):
    """The newest answer to one question: `yes`, `no`, or the chosen word; empty if it was withdrawn."""

    value: str
    evidence: Evidence


class AnswerForm(Struct, frozen=True):
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


def answer_forms(record: PatientRecord) -> tuple[AnswerForm, ...]:
    """Return the forms that count, whatever their age and questionnaire.

    A form counts if it is completed or amended, about this patient, and not authored after the chart was read. Its
    author is a practitioner; otherwise only the answers count whose origin names one (Da Vinci DTR,
    information-origin).
    """
    return record.cached("answer forms", lambda: tuple(_forms(record)))


def all_answers(record: PatientRecord, resource: Resource) -> dict[str, str]:
    """Return every answer in a QuestionnaireResponse by `linkId`, as an `Answer` has it, whether or not it counts."""
    return dict(_answers_in(resource, record.resolve, resource, by_practitioner=True))


def practitioners_answers(resource: Resource) -> dict[str, str]:
    """Return the answers of practitioners in a QuestionnaireResponse by `linkId`, as an `Answer` has them.

    The response alone says who a practitioner is: by what it contains, by the address of a Reference, or by its type.
    """
    resolve = _contained_in(resource)
    return dict(_answers_in(resource, resolve, resource, by_practitioner=_is_by_practitioner(resource, resolve)))


def is_by_practitioner(resource: Resource) -> bool:
    """Return whether a QuestionnaireResponse itself names a practitioner as its author."""
    return _is_by_practitioner(resource, _contained_in(resource))


def questionnaire_of(resource: Resource) -> str:
    """Return the canonical of the questionnaire that a QuestionnaireResponse answers; empty if it names none.

    An adaptive form is contained in its response (SDC): then it is the canonical from which that form is derived, else
    the form's own. A reference to no contained form, or to several, stays as it is: it is the canonical of none.
    """
    named = resource.get("questionnaire")
    if not isinstance(named, str) or not named.startswith("#"):
        return named if isinstance(named, str) else ""
    form = contained_form(resource)
    if form is None:
        return named
    derived = form.get("derivedFrom")
    base = derived[0] if isinstance(derived, list) and derived else None
    if isinstance(base, str):
        return base
    url, version = form.get("url"), form.get("version")
    if not isinstance(url, str) or not url:
        return named
    return f"{url}|{version}" if isinstance(version, str) else url


def contained_form(resource: Resource) -> Resource | None:
    """Return the Questionnaire that a QuestionnaireResponse contains and answers; None if there is not exactly one."""
    named = resource.get("questionnaire")
    if not isinstance(named, str) or not named.startswith("#"):
        return None
    ids = (named, named[1:])  # some servers write the id as it stands in a reference
    found = [each for each in items(resource.get("contained")) if each.get("id") in ids]
    return found[0] if len(found) == 1 and found[0].get("resourceType") == "Questionnaire" else None


def newest(forms: Iterable[AnswerForm]) -> dict[str, Answer]:
    """Return the newest answer to each question.

    "Don't know" withdraws an older answer, and two different answers at the same time withdraw each other.
    """
    found: dict[str, tuple[datetime, Answer]] = {}
    for form in forms:
        authored = str(form.authored)
        for link, value in form.given:
            known = found.get(link)
            if known is None or form.moment > known[0]:
                counts = value
            elif form.moment == known[0] and value != known[1].value:
                counts = ""
            else:
                continue
            evidence = Evidence(form.reference, "Clinician's answer", authored, value or "not known")
            found[link] = form.moment, Answer(counts, evidence)
    return {link: answer for link, (_, answer) in found.items()}


def _forms(record: PatientRecord) -> Iterator[AnswerForm]:
    for resource in record.of_type("QuestionnaireResponse"):
        authored = record.when(resource.get("authored"))
        if authored is None or authored.earliest != authored.latest:
            continue
        too_late = authored.instant > record.read_at if authored.instant else authored.earliest > record.today
        if too_late or resource.get("status") not in ("completed", "amended"):
            continue
        is_attested = _is_by_practitioner(resource, record.resolve)
        given = tuple(_answers_in(resource, record.resolve, resource, by_practitioner=is_attested))
        if given and record.is_usable(resource, *_ELEMENTS):
            yield AnswerForm(
                reference=record.reference(resource),
                authored=authored,
                moment=authored.instant or datetime.combine(authored.latest, datetime.min.time(), record.zone),
                questionnaire=questionnaire_of(resource),
                about=(*items(resource.get("basedOn")), *_contexts(resource)),
                given=given,
            )


def _contexts(resource: Resource) -> Iterator[Mapping[str, Any]]:
    for extension in items(resource.get("extension")):
        if extension.get("url") == _QR_CONTEXT:
            yield from items(extension.get("valueReference"))


def _contained_in(resource: Resource) -> _Resolve:
    contained = contained_by_id(resource)

    def resolve(reference: Json, _within: Resource) -> Resource | None:
        target = reference.get("reference") if isinstance(reference, Mapping) else None
        return contained.get(target[1:]) if isinstance(target, str) and target.startswith("#") else None

    return resolve


def _is_by_practitioner(resource: Resource, resolve: _Resolve) -> bool:
    return any(_is_practitioner(author, resource, resolve) for author in items(resource.get("author")))


def _is_practitioner(author: Mapping[str, Any], within: Resource, resolve: _Resolve) -> bool:
    """Return whether a Reference is to a practitioner: by its target, else by its address, else by its type."""
    found, target = resolve(author, within), author.get("reference")
    kind = found.get("resourceType") if found is not None else author.get("type")
    if found is None and isinstance(target, str) and (named := _TYPE_IN_ADDRESS.search(target)):
        kind = named[1]
    return kind in ("Practitioner", "PractitionerRole")


def _answers_in(
    parent: Resource, resolve: _Resolve, form: Resource, *, by_practitioner: bool
) -> Iterator[tuple[str, str]]:
    for item in items(parent.get("item")):
        link = item.get("linkId")
        given = list(items(item.get("answer")))
        attested = given if by_practitioner else [each for each in given if _names_practitioner(each, form, resolve)]
        if isinstance(link, str) and attested:
            words = {_word(answer) for answer in attested}
            yield link, words.pop() if len(words) == 1 else ""
        for below in (item, *given):
            if "item" in below:
                yield from _answers_in(below, resolve, form, by_practitioner=by_practitioner)


def _names_practitioner(answer: Resource, form: Resource, resolve: _Resolve) -> bool:
    """Return whether the origin of an answer names a practitioner as its author."""
    return any(
        _is_practitioner(practitioner, form, resolve)
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
