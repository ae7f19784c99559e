"""The forms of a package and the drafts of their responses (the profiles of DTR 2.2.0)."""

from collections.abc import Callable, Iterator
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.dtr_calls import Dtr, Form
from cds_service.selfcheck.filling import ORIGIN, all_items, contained_form
from cds_service.selfcheck.json_shape import is_absolute, is_text, objects
from cds_service.selfcheck.outcomes import Level, expect
from cds_service.selfcheck.session import Session

_DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_RESPONSE = "dtr-questionnaireresponse"
_SOURCES = ("auto-client", "auto-server", "override", "manual")
_USES = ("withpa", "withclaim", "withorder", "retain-doc", "OTH")
_TIMES = ("under-1min", "under-3min", "under-5min", "over-5min")
_REFERENCE_RESOURCE = "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource"


def extensions(found: Any, url: str) -> list[dict[str, Any]]:
    """Return the extensions of an element with a url."""
    return [each for each in objects(found.get("extension")) if each.get("url") == url]


def canonical_of(response: Any) -> str:
    """Return the canonical that a response answers: its own, or that of the form it contains."""
    stated = str(response.get("questionnaire", ""))
    if not stated.startswith("#"):
        return stated
    derived = contained_form(response).get("derivedFrom")
    return str(derived[0]) if isinstance(derived, list) and derived else ""


def fault_of_origins(response: Any) -> str:
    """Return what is wrong with the origin of an answer (dtrx-1); empty if nothing is."""
    for item in all_items(response.get("item")):
        for answer in objects(item.get("answer")):
            found = extensions(answer, ORIGIN)
            if len(found) != 1:
                return f"an answer has {len(found)} origins"
            stated = {str(each.get("url")): each for each in objects(found[0].get("extension"))}
            source = stated.get("source", {}).get("valueCode")
            if source not in _SOURCES:
                return "the source of an origin is absent or has another value"
            if ("author" in stated) != (source in ("manual", "override")):
                return f"an origin of the source {source} has {'an' if 'author' in stated else 'no'} author"
    return ""


def add_checks(area: Area) -> None:
    """Add the checks."""

    def each_form(name: str, level: Level, source: str, right: str, look: Callable[[Form], None]) -> None:
        def run(session: Session) -> str:
            found = Dtr(session).drafts() if name.startswith("draft") else Dtr(session).forms()
            for form in found:
                look(form)
            return f"{len(found)} forms"

        area.check(name, level, source, right)(run)

    def version(form: Form) -> None:
        expect(is_absolute(form.questionnaire.get("url")), "a Questionnaire has no url")
        expect(is_text(form.questionnaire.get("version")), "a Questionnaire has no version")

    each_form(
        "form-version", Level.SHALL, "dtr-base-questionnaire", "A Questionnaire has a url and a version.", version
    )

    def subject(form: Form) -> None:
        right = form.questionnaire.get("subjectType") == ["Patient"]
        expect(right, "subjectType of a Questionnaire is absent or another than Patient")

    each_form("form-subject", Level.SHALL, "dtr-base-questionnaire", "A Questionnaire is about a Patient.", subject)

    def times(form: Form) -> None:
        for found in extensions(form.questionnaire, f"{_DTR}/estimated-completion-time"):
            stated = {str(each.get("url")): each.get("valueCode") for each in objects(found.get("extension"))}
            expect(stated.get("totalTime") in _TIMES, "the total completion time is absent or has another value")
            audience = extensions(form.questionnaire, f"{_DTR}/questionnaireAudience")
            if any(each.get("valueCode") in ("clinical", "patient") for each in audience):
                expect(stated.get("clinicalTime") in _TIMES, "the clinical completion time is absent")

    each_form(
        "form-time", Level.SHALL, "dtrq-6", "A clinical form states the clinical time beside the total time.", times
    )

    def items(form: Form) -> None:
        for item in all_items(form.questionnaire.get("item")):
            expect(is_text(item.get("text")), "an item has no text")
            if item.get("type") == "reference":
                expect(bool(extensions(item, _REFERENCE_RESOURCE)), "an item of references names no type of resource")

    each_form("form-items", Level.SHALL, "dtr-std-questionnaire, dtrq-4", "Every item of a form has a text.", items)

    def adaptive(form: Form) -> None:
        if form.is_adaptive:
            expect(not form.questionnaire.get("item"), "an adaptive Questionnaire to search has items")

    each_form(
        "form-adaptive",
        Level.SHALL,
        "dtr-questionnaire-adapt-search",
        "An adaptive form has no items before it is begun.",
        adaptive,
    )

    def canonical(form: Form) -> None:
        found = canonical_of(form.response)
        expect("|" in found, "the draft names its Questionnaire without a version")
        expect(found == form.canonical, "the draft names another Questionnaire than that of its Bundle")

    each_form(
        "draft-canonical",
        Level.SHALL,
        "spec-122, oper-16",
        "A draft names the Questionnaire of its Bundle, with its version.",
        canonical,
    )

    def patient(form: Form) -> None:
        stated = form.response.get("subject")
        expect(is_text(isinstance(stated, dict) and stated.get("reference")), "a draft has no subject")

    each_form("draft-subject", Level.SHALL, "oper-18", "A draft is about the patient.", patient)

    def coverage(form: Form) -> None:
        found = extensions(form.response, f"{_DTR}/qr-coverage")
        expect(bool(found), "a draft has no qr-coverage")
        expect(all(is_text(_reference(each)) for each in found), "a qr-coverage has no reference")

    each_form("draft-coverage", Level.SHALL, _RESPONSE, "A draft names the Coverage (qr-coverage).", coverage)

    def uses(form: Form) -> None:
        found = [each for use in extensions(form.response, f"{_DTR}/intendedUse") for each in _codes(use)]
        expect(bool(found), "a draft has no intendedUse")
        expect(all(each in _USES for each in found), "an intendedUse has another code")

    each_form("draft-use", Level.SHALL, _RESPONSE, "A draft says what it is for (intendedUse).", uses)

    def links(form: Form) -> None:
        expect(not {"basedOn", "partOf"} & form.response.keys(), "a draft has basedOn or partOf")

    each_form("draft-links", Level.SHALL, _RESPONSE, "A draft has neither basedOn nor partOf.", links)

    def origins(form: Form) -> None:
        fault = fault_of_origins(form.response)
        expect(not fault, fault)

    each_form(
        "draft-origins",
        Level.SHALL,
        "dtrx-1",
        "Every answer says where it comes from, and its author if a person gave it.",
        origins,
    )

    @area.check("draft-order", Level.SHALL, "oper-18", "A draft names the order (qr-context).")
    def _draft_order(session: Session) -> str:
        dtr = Dtr(session)
        order = dtr.documented().call.case.reference
        found = [
            str(_reference(each)) for form in dtr.drafts() for each in extensions(form.response, f"{_DTR}/qr-context")
        ]
        expect(bool(found), "no draft has a qr-context")
        expect(any(each.endswith(order) for each in found), "a draft names another order")
        return f"{len(found)} references"


def _reference(extension: Any) -> Any:
    value = extension.get("valueReference")
    return value.get("reference") if isinstance(value, dict) else None


def _codes(extension: Any) -> Iterator[str]:
    if "valueCode" in extension:
        yield extension["valueCode"]
    concept = extension.get("valueCodeableConcept")
    if isinstance(concept, dict):
        yield from (str(each.get("code")) for each in objects(concept.get("coding")))
