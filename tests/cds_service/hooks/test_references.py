"""The medications of prescriptions are read if the search does not return them."""

from dataclasses import replace
from typing import Any

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.references import MAX_READS, unresolved
from coverage_policies.format.searches import ENCOUNTERS, PRESCRIPTIONS
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.references import ChartServer
from tests.support.hook_fakes import (
    PATIENT,
    PATIENT_ID,
    FakeEhr,
    Service,
    WatchingAssessor,
    authorization,
    bundle,
    call,
)

SERVER_URL = "https://ehr.example/fhir"
SERVER = ChartServer.known_as([SERVER_URL])


def prescription(number: int, reference: object) -> tuple[str, dict[str, Any]]:
    return "", {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "medicationReference": {"reference": reference},
    }


def test_a_missing_medication_is_listed_once() -> None:
    assert unresolved([prescription(1, "Medication/a"), prescription(2, "Medication/a")], SERVER) == ("Medication/a",)


def test_a_product_that_came_with_the_search_is_not_read_again() -> None:
    there = ("", {"resourceType": "Medication", "id": "a"})
    assert unresolved([prescription(1, "Medication/a"), there], SERVER) == ()


def test_a_product_that_came_under_its_full_url_is_not_read_again() -> None:
    there = ("urn:uuid:1", {"resourceType": "Medication", "id": "a"})
    assert unresolved([prescription(1, "urn:uuid:1"), there], SERVER) == ()


def test_a_contained_product_is_not_read() -> None:
    assert unresolved([prescription(1, "#a")], SERVER) == ()


def test_a_reference_that_is_not_a_string_is_ignored() -> None:
    assert unresolved([prescription(1, ["Medication/a"]), ("", {"resourceType": ["x"]})], SERVER) == ()


def ordered(*references: object) -> tuple[str, dict[str, Any]]:
    reasons = [{"reference": reference} for reference in references]
    return "", {"resourceType": "ServiceRequest", "id": "o", "reasonReference": reasons}


def encounter(*people: str) -> tuple[str, dict[str, Any]]:
    took_part = [{"individual": {"reference": person}} for person in people]
    return "", {"resourceType": "Encounter", "id": "e", "participant": took_part}


def test_the_roles_of_those_at_an_encounter_are_listed_only_where_a_policy_asks_for_a_specialty() -> None:
    visit = encounter("PractitionerRole/r", "Practitioner/d", "#PractitionerRole/c", "PractitionerRole/there")
    there = ("", {"resourceType": "PractitionerRole", "id": "there"})
    assert unresolved([visit, there], SERVER, follows_roles=True) == ("PractitionerRole/r",)
    assert unresolved([visit, there], SERVER) == ()


def test_a_condition_that_an_order_gives_as_its_reason_is_listed() -> None:
    wanted = ordered("Condition/a", f"{SERVER_URL}/Condition/b", "Observation/c", "#d", 5)
    assert unresolved([], SERVER, [wanted]) == ("Condition/a", "Condition/b")


def test_a_reason_in_the_chart_or_among_the_orders_is_not_read_again() -> None:
    there, draft = ("", {"resourceType": "Condition", "id": "a"}), ("", {"resourceType": "Condition", "id": "b"})
    assert unresolved([there], SERVER, [ordered("Condition/a", "Condition/b"), draft]) == ()


def test_the_reason_of_a_request_in_the_chart_is_not_read() -> None:
    assert unresolved([ordered("Condition/a")], SERVER) == ()


def test_no_more_than_fifty_are_read() -> None:
    many = [prescription(n, f"Medication/{n}") for n in range(MAX_READS + 1)]
    assert len(unresolved(many, SERVER)) == MAX_READS


def test_the_product_is_read_from_the_server_with_the_token(ehr: FakeEhr) -> None:
    ehr.answers["MedicationRequest"] = (200, bundle(asked_for("Medication/a")))
    ehr.answers["Medication/a"] = (200, {"resourceType": "Medication", "id": "a"})
    judge = WatchingAssessor(PRESCRIPTIONS)
    Service(judge).post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert [each["id"] for each in judge.records[0].of_type("Medication")] == ["a"]
    assert ehr.headers[ehr.asked.index("fhir/Medication/a")]["Authorization"] == "Bearer token-1"


def test_the_role_is_read_from_the_server_after_the_encounter(ehr: FakeEhr) -> None:
    about = {"subject": {"reference": f"Patient/{PATIENT_ID}"}}
    _, visit = encounter("PractitionerRole/r")
    ehr.answers["Encounter"] = (200, bundle({**visit, **about}))
    ehr.answers["PractitionerRole/r"] = (200, {"resourceType": "PractitionerRole", "id": "r"})
    for search, read in ((replace(ENCOUNTERS, follows_roles=True), ["r"]), (ENCOUNTERS, [])):
        judge = WatchingAssessor(search)
        Service(judge).post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
        assert [each["id"] for each in judge.records[0].of_type("PractitionerRole")] == read


def test_a_payer_is_read_only_if_it_is_needed(ehr: FakeEhr) -> None:
    known = {"reference": "Organization/a", "identifier": {"system": "urn:naic", "value": "1"}}
    coverage = {"resourceType": "Coverage", "beneficiary": {"reference": f"Patient/{PATIENT_ID}"}}
    prefetch = {"patient": PATIENT, "medicationRequests": None, "coverage": coverage | {"payor": [known]}}
    judge = WatchingAssessor(PRESCRIPTIONS)
    Service(judge).post(call(fhirServer=ehr.base, prefetch=prefetch))
    assert ehr.asked == []
    judge.rules = PlanRules(payers=(Payer("Another", ("Owner",), identifiers=frozenset({"urn:naic|2"})),))
    Service(judge).post(call(fhirServer=ehr.base, prefetch=prefetch))
    assert ehr.asked == ["fhir/Organization/a"]
    judge.rules = PlanRules(payers=(Payer("Ours", ("Owner",), identifiers=frozenset({"urn:naic|1"})),))
    Service(judge).post(call(fhirServer=ehr.base, prefetch=prefetch))
    assert ehr.asked == ["fhir/Organization/a"]
    other = coverage | {"payor": [known, {"reference": "Organization/b"}]}
    Service(judge).post(call(fhirServer=ehr.base, prefetch=prefetch | {"coverage": other}))
    assert ehr.asked[1:] == ["fhir/Organization/b"]


def test_an_absolute_reference_is_read_only_from_the_server_of_the_call(ehr: FakeEhr) -> None:
    references = [f"{ehr.base}/Medication/a", "http://elsewhere.example/fhir/Medication/b", "Medication/../../c"]
    ehr.answers["MedicationRequest"] = (200, bundle(*(asked_for(each, n) for n, each in enumerate(references))))
    ehr.answers["Medication/a"] = (200, {"resourceType": "Medication", "id": "a"})
    judge = WatchingAssessor(PRESCRIPTIONS)
    Service(judge).post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert [path for path in ehr.asked if "Medication/" in path] == ["fhir/Medication/a"]


def test_a_product_that_cannot_be_read_leaves_the_prescription(ehr: FakeEhr) -> None:
    ehr.answers["MedicationRequest"] = (200, bundle(asked_for("Medication/a")))
    ehr.answers["Medication/a"] = (500, {})
    judge = WatchingAssessor(PRESCRIPTIONS)
    Service(judge).post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert len(judge.records[0].of_type("MedicationRequest")) == 1
    assert judge.records[0].of_type("Medication") == ()


def test_a_chart_in_memory_gives_what_a_reference_points_at_by_uuid() -> None:
    entry = [{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Medication", "id": "1"}}]
    chart = ChartInMemory(Store.from_bundle({"resourceType": "Bundle", "entry": entry}))
    assert chart.read("urn:uuid:1") == ("urn:uuid:1", {"resourceType": "Medication", "id": "1"})
    assert chart.read("Medication/2") is None


def asked_for(reference: str, number: int = 1) -> dict[str, Any]:
    return prescription(number, reference)[1] | {"subject": {"reference": f"Patient/{PATIENT_ID}"}}
