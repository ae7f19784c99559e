"""What a search leaves out proves no absence, from the call to the card."""

import copy
from typing import Any

import pytest

from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.codings import ICD10CM
from fhir_mappings.fhir_json import Json
from tests.support.hook_fakes import PATIENT, PATIENT_ID, Service, bundle, call, outcome

SERVER = "https://ehr.example/fhir"
STATUS = "http://terminology.hl7.org/CodeSystem/condition-"
FIBROMYALGIA: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "fm",
    "clinicalStatus": {"coding": [{"system": f"{STATUS}clinical", "code": "active"}]},
    "verificationStatus": {"coding": [{"system": f"{STATUS}ver-status", "code": "confirmed"}]},
    "category": [{"coding": [{"system": f"{STATUS}category", "code": "problem-list-item"}]}],
    "code": {"coding": [{"system": ICD10CM, "code": "M79.7"}], "text": "Fibromyalgia"},
    "subject": {"reference": f"Patient/{PATIENT_ID}"},
    "recordedDate": "2026-01-10",
}
BACK_PAIN = FIBROMYALGIA | {"id": "bp", "code": {"coding": [{"system": ICD10CM, "code": "M54.50"}]}}
CRITERION = "II.E"

PRESENT, NONE, UNREAD = ("not-met", "Present"), ("unknown", "none-recorded"), ("unknown", "data-unavailable")


@pytest.fixture(name="assessor", scope="module")
def _assessor() -> Assessor:
    return load_assessor(Settings())


def of(subject: Any, resource: dict[str, Any] = FIBROMYALGIA, **members: Any) -> dict[str, Any]:
    made = resource | {"subject": subject} | members
    return {name: value for name, value in made.items() if value is not None}


def refer(reference: str, **members: Any) -> dict[str, Any]:
    return of({"reference": reference}, **members)


def at(base: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with the full URL of a resource on a server."""
    return {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", "resource": resource}


def entries(*sent: dict[str, Any], **members: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(sent), **members}


def found(assessor: Assessor, conditions: Json, **prefetch: Json) -> tuple[tuple[str, str], dict[str, Any], Service]:
    """Return status and reason of the criterion, the determination, and the service, for a problem list."""
    empty = {search.key: bundle() for search in assessor.library.searches()} | {"coverage": bundle()}
    service = Service(assessor)
    request = call(prefetch=empty | {"patient": PATIENT, "conditions": conditions} | prefetch, fhirServer=SERVER)
    response = service.post(copy.deepcopy(request))
    assert response.status_code == 200, response.text
    (card,) = response.json["cards"]
    determination = card["extension"]["cds-service.determination"]
    criterion: dict[str, str] = next(
        (each for each in determination.get("criteria", []) if each["id"] == CRITERION), {}
    )
    return (criterion.get("status", ""), criterion.get("reason", "")), determination, service


PROBLEM_LISTS = {
    "plain": (bundle(FIBROMYALGIA), PRESENT),
    "of this patient, versioned": (bundle(refer(f"Patient/{PATIENT_ID}/_history/4")), PRESENT),
    "by the address of the server": (bundle(refer(f"{SERVER}/Patient/{PATIENT_ID}")), PRESENT),
    "by another spelling of it": (bundle(refer(f"http://EHR.EXAMPLE:80/fhir/Patient/{PATIENT_ID}")), PRESENT),
    "by what the server calls itself": (
        bundle(
            refer(f"https://in.example/r4/Patient/{PATIENT_ID}"),
            link=[{"relation": "self", "url": f"https://in.example/r4/Condition?patient={PATIENT_ID}"}],
        ),
        PRESENT,
    ),
    "in a Bundle in the Bundle": (bundle(bundle(FIBROMYALGIA)), PRESENT),
    "in a batch response": (
        {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": bundle(FIBROMYALGIA)}]},
        PRESENT,
    ),
    "with a general caveat": (bundle(FIBROMYALGIA, outcome("processing", "warning")), PRESENT),
    "nothing": (bundle(), NONE),
    "nothing, with a general caveat": (bundle(outcome("processing", "warning")), NONE),
    "another patient's": (bundle(BACK_PAIN, refer("Patient/other")), NONE),
    "by an identifier only": (bundle(BACK_PAIN, of({"identifier": {"value": "MRN"}})), UNREAD),
    "by a display only": (bundle(BACK_PAIN, of({"display": "The patient"})), UNREAD),
    "without a subject": (bundle(BACK_PAIN, of(None)), UNREAD),
    "contained": (bundle(BACK_PAIN, refer("#p", contained=[{"resourceType": "Patient", "id": "p"}])), UNREAD),
    "by a URN without an entry": (bundle(BACK_PAIN, refer("urn:uuid:1")), UNREAD),
    "on another server": (bundle(BACK_PAIN, refer(f"https://other.example/fhir/Patient/{PATIENT_ID}")), UNREAD),
    "cut short, says an outcome": (bundle(BACK_PAIN, outcome("incomplete", "warning")), UNREAD),
    "replaced by an outcome": (
        entries(
            {"resource": BACK_PAIN},
            {"resource": outcome("processing", "warning"), "search": {"mode": "match"}},
        ),
        UNREAD,
    ),
    "a total in words": (bundle(BACK_PAIN, total="2"), UNREAD),
    "a next page without an address": (bundle(BACK_PAIN, link=[{"relation": "Next"}]), UNREAD),
}


@pytest.mark.parametrize(("conditions", "expected"), PROBLEM_LISTS.values(), ids=PROBLEM_LISTS)
def test_a_problem_list_is_read_is_empty_or_proves_nothing(
    assessor: Assessor, conditions: Json, expected: tuple[str, str]
) -> None:
    answer, determination, _ = found(assessor, conditions)
    assert answer == expected
    assert ("Not read completely: Condition." in determination["notes"]) is (expected is UNREAD)


def test_one_id_on_two_servers_is_two_conditions(assessor: Assessor) -> None:
    same_id = BACK_PAIN | {"id": "fm"}
    for order in ((FIBROMYALGIA, same_id), (same_id, FIBROMYALGIA)):
        sent = entries(at(SERVER, order[0]), at("https://clinic-b.example/fhir", order[1]))
        assert found(assessor, sent)[0] == PRESENT


def merged(**members: Any) -> dict[str, Json]:
    """Return the prefetch of a patient whose record was merged into another."""
    procedure = {
        "resourceType": "Procedure",
        "id": "pr",
        "status": "completed",
        "subject": {"reference": "Patient/new"},
    }
    coverage = {"resourceType": "Coverage", "id": "cv", "status": "active", "beneficiary": {"reference": "Patient/new"}}
    return {"procedures": bundle(procedure), "coverage": bundle(coverage)} | members


def test_a_chart_under_the_id_of_the_surviving_record_is_not_evaluated(assessor: Assessor) -> None:
    answer, determination, _ = found(assessor, bundle(refer("Patient/new")), **merged())
    assert (answer, determination["outcome"]) == (UNREAD, "not-evaluated")
    notes = " ".join(determination["notes"])
    assert "No coverage on file" not in notes
    assert "Could not read the patient's coverage." in notes


def test_a_linked_record_may_hold_what_the_patients_own_lacks(assessor: Assessor) -> None:
    patient = {"resourceType": "Patient", "id": PATIENT_ID, "link": [{"other": {"reference": "Patient/new"}}]}
    assert found(assessor, bundle(BACK_PAIN, refer("Patient/new")), patient=patient)[0] == UNREAD


def test_resources_of_other_patients_are_a_warning_in_the_log(assessor: Assessor) -> None:
    *_, service = found(assessor, bundle(BACK_PAIN, refer("Patient/other"), refer("Patient/third", id="3")))
    warnings = [line for line in service.lines() if line["level"] == "warning"]
    assert [(line["event"], line["count"]) for line in warnings] == [
        ("resources of other patients excluded", {"Condition": 2})
    ]
    assert "other" not in str(warnings[0]["count"])


def test_a_modified_condition_is_shown_and_does_not_decide(assessor: Assessor) -> None:
    modified = FIBROMYALGIA | {"modifierExtension": [{"url": "http://example.org/absent", "valueBoolean": True}]}
    answer, determination, _ = found(assessor, bundle(modified))
    assert answer == ("unknown", "InvalidAttribute")
    assert (
        "Not used: Condition/fm, Condition has modifierExtension, which may change its meaning."
        in (determination["notes"])
    )
