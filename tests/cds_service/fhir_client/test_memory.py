"""Searches in a store, with matching and other values for every parameter."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.fhir_client.memory import Store, known_parameters
from cds_service.fhir_client.search_parameters import SearchError, parameters_of
from coverage_policies.format import searches
from fhir_mappings.codings import CPT, ICD10CM, LOINC

BASE = "https://ehr.example/fhir"
MINE = {"reference": "Patient/p1"}


def store_of(*resources):
    entries = [{"fullUrl": f"{BASE}/{r['resourceType']}/{r['id']}", "resource": r} for r in resources]
    return Store.from_bundle({"resourceType": "Bundle", "type": "collection", "entry": entries})


def found(store, resource_type, *params):
    return [resource["id"] for _, resource in store.search(resource_type, params)]


def concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


def of_type(resource_type, resource_id, **elements):
    return {"resourceType": resource_type, "id": resource_id, "subject": MINE, **elements}


@pytest.mark.parametrize("value", ["p1", "Patient/p1", f"{BASE}/Patient/p1", "nobody,p1"])
@pytest.mark.parametrize("name", ["patient", "subject", "patient:Patient"])
def test_every_form_of_the_patient_parameter_matches(name, value):
    store = store_of(
        of_type("Patient", "p1"),
        of_type("Condition", "mine"),
        of_type("Condition", "mine-absolute", subject={"reference": f"{BASE}/Patient/p1"}),
        of_type("Condition", "mine-versioned", subject={"reference": "Patient/p1/_history/3"}),
        of_type("Condition", "other", subject={"reference": "Patient/p10"}),
        of_type("Condition", "other-server", subject={"reference": "https://elsewhere.example/fhir/Patient/p1"}),
        of_type("Condition", "nobody", subject={"display": "Patient/p1"}),
    )
    assert found(store, "Condition", (name, value)) == ["mine", "mine-absolute", "mine-versioned"]


def test_an_absolute_patient_is_found_without_the_patient_in_the_bundle():
    store = store_of(of_type("Condition", "mine", subject={"reference": f"{BASE}/Patient/p1"}))
    assert found(store, "Condition", ("patient", "p1")) == ["mine"]


def test_the_patient_parameter_uses_the_element_of_the_type():
    store = store_of(
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": MINE},
        {"resourceType": "Coverage", "id": "c", "beneficiary": MINE},
        {"resourceType": "Task", "id": "t", "for": MINE},
        {"resourceType": "Task", "id": "u", "for": {"reference": "Patient/p2"}},
    )
    for resource_type, resource_id in (("AllergyIntolerance", "a"), ("Coverage", "c"), ("Task", "t")):
        assert found(store, resource_type, ("patient", "p1")) == [resource_id]
        assert found(store, resource_type, ("patient", "p3")) == []


def test_id():
    store = store_of(of_type("Condition", "a"), of_type("Condition", "b"), of_type("Condition", "c"))
    assert found(store, "Condition", ("_id", "a,c,z")) == ["a", "c"]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("27096", ["cpt", "local", "bare"]),
        (f"{CPT}|27096", ["cpt"]),
        (f"{CPT}|", ["cpt"]),
        ("|27096", ["bare"]),
        (f"{ICD10CM}|27096", []),
        (f"{CPT}|27096,{ICD10CM}|M53.3", ["cpt", "icd"]),
        ("2709", []),
    ],
)
def test_code_with_and_without_system(value, ids):
    store = store_of(
        of_type("Procedure", "cpt", code=concept(CPT, "27096")),
        of_type(
            "Procedure",
            "local",
            code={"coding": [{"system": "urn:x", "code": "1"}, {"system": "urn:y", "code": "27096"}]},
        ),
        of_type("Procedure", "bare", code={"coding": [{"code": "27096"}]}),
        of_type("Procedure", "icd", code=concept(ICD10CM, "M53.3")),
        of_type("Procedure", "text", code={"text": "27096"}),
        of_type("Procedure", "silent"),
    )
    assert found(store, "Procedure", ("code", value)) == ids


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("final", ["plain"]),
        ("urn:any|final", ["plain"]),
        ("urn:any|draft", []),
        ("urn:any|", ["plain"]),
        ("|final", ["plain"]),
        ("draft,urn:other|final", ["plain"]),
    ],
)
def test_a_plain_code_is_of_every_system(wanted, names):
    assert found(store_of(of_type("Observation", "plain", status="final")), "Observation", ("status", wanted)) == names


def test_medication_code_category_intent_and_status():
    store = store_of(
        of_type(
            "MedicationRequest",
            "order",
            status="active",
            intent="order",
            medicationCodeableConcept=concept("urn:r", "1"),
            category=[concept("urn:c", "community"), concept("urn:c", "discharge")],
        ),
        of_type("MedicationRequest", "plan", status="draft", intent="plan", medicationCodeableConcept={"text": "x"}),
    )
    for name, hit, miss in (
        ("intent", "order,original-order", "proposal"),
        ("status", "active", "stopped"),
        ("code", "1", "2"),
        ("category", "discharge", "inpatient"),
    ):
        assert found(store, "MedicationRequest", (name, hit)) == ["order"], name
        assert found(store, "MedicationRequest", (name, miss)) == [], name


def test_all_parameters_must_match():
    active = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
    store = store_of(
        of_type("Condition", "a", clinicalStatus=active, code=concept(ICD10CM, "M53.3")),
        of_type("Condition", "b", clinicalStatus=active),
        of_type("Condition", "c", code=concept(ICD10CM, "M53.3")),
    )
    assert found(store, "Condition", ("clinical-status", "active")) == ["a", "b"]
    assert found(store, "Condition", ("clinical-status", "active"), ("code", "M53.3"), ("patient", "p1")) == ["a"]
    assert found(store, "Condition", ("clinical-status", "resolved")) == []


DATES = {
    "before": {"performedDateTime": "2026-01-04"},
    "at-ten": {"performedDateTime": "2026-01-05T10:00:00-05:00"},
    "late-evening": {"performedDateTime": "2026-01-05T23:30:00-05:00"},
    "all-month": {"performedDateTime": "2026-01"},
    "course": {"performedPeriod": {"start": "2025-12-20", "end": "2026-01-05"}},
    "open": {"performedPeriod": {"start": "2026-01-06"}},
    "impossible": {"performedDateTime": "2026-02-30"},
    "undated": {},
}


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (["2026-01-05"], ["at-ten", "late-evening"]),
        (["eq2026-01"], ["before", "at-ten", "late-evening", "all-month"]),
        (["ge2026-01-05"], ["at-ten", "late-evening", "all-month", "open"]),
        (["gt2026-01-05"], ["all-month", "open"]),
        (["le2026-01-05"], ["before", "at-ten", "late-evening", "all-month", "course"]),
        (["lt2026-01-05"], ["before", "all-month", "course"]),
        (["ge2026-01-05", "le2026-01-05"], ["at-ten", "late-evening", "all-month"]),
        (["2026-01-04,2026-01-05"], ["before", "at-ten", "late-evening"]),
        (["ge2026-01-05T15:00:00Z", "lt2026-01-06T00:00:00Z"], ["at-ten", "all-month"]),
        (["gt2026-01-05T15:00:00Z", "lt2026-01-06T05:00:00Z"], ["late-evening", "all-month"]),
        (["gt2027"], ["open"]),
    ],
)
def test_date_prefixes(values, ids):
    store = store_of(*(of_type("Procedure", name, **when) for name, when in DATES.items()))
    assert found(store, "Procedure", *(("date", value) for value in values)) == ids


@pytest.mark.parametrize(
    ("resource_type", "name", "element"),
    [
        ("Observation", "date", "effectiveDateTime"),
        ("DiagnosticReport", "date", "effectiveDateTime"),
        ("ImagingStudy", "started", "started"),
        ("MedicationRequest", "authoredon", "authoredOn"),
        ("ServiceRequest", "authored", "authoredOn"),
        ("ServiceRequest", "occurrence", "occurrenceDateTime"),
        ("QuestionnaireResponse", "authored", "authored"),
        ("Condition", "onset-date", "onsetDateTime"),
        ("Condition", "recorded-date", "recordedDate"),
        ("MedicationDispense", "whenhandedover", "whenHandedOver"),
    ],
)
def test_every_type_is_searched_by_its_own_date(resource_type, name, element):
    store = store_of(of_type(resource_type, "a", **{element: "2026-01-05"}))
    assert found(store, resource_type, (name, "ge2026-01-05")) == ["a"]
    assert found(store, resource_type, (name, "gt2026-01-05")) == []


def test_questionnaire_with_and_without_version():
    canonical = "https://cds.example/Questionnaire/CP.MP.126|2025-04"
    store = store_of(
        of_type("QuestionnaireResponse", "a", questionnaire=canonical), of_type("QuestionnaireResponse", "b")
    )
    assert found(store, "QuestionnaireResponse", ("questionnaire", canonical)) == ["a"]
    assert found(store, "QuestionnaireResponse", ("questionnaire", canonical.split("|")[0])) == ["a"]
    assert found(store, "QuestionnaireResponse", ("questionnaire", canonical + "x")) == []


def test_unknown_and_empty_parameters_are_ignored():
    store = store_of(of_type("Condition", "a"), of_type("Condition", "b", subject={"reference": "Patient/p2"}))
    params = [("patient", "p1"), ("_sort", "-date"), ("color", "blue"), ("_count", "1"), ("code", "")]
    assert found(store, "Condition", *params) == ["a"]
    assert known_parameters("Condition", params) == [("patient", "p1")]


@pytest.mark.parametrize(
    "param", [("code:not", "1"), ("patient:Group", "p1"), ("onset-date", "sa2026"), ("onset-date", "x")]
)
def test_unsupported_modifiers_and_dates_are_refused(param):
    with pytest.raises(SearchError, match=param[0].split(":")[0]):
        store_of(of_type("Condition", "a")).search("Condition", [param])


def test_every_search_of_the_service_is_supported():
    """The patient is read, not searched."""
    ours = [value for value in vars(searches).values() if type(value) is searches.Search]
    ours.append(searches.observation_search([f"{LOINC}|72514-3"]))
    for search in ours:
        names = ["patient", *(name for name, _ in search.parameters), *(["code"] if search.codes else [])]
        assert set(names) <= set(parameters_of(search.resource_type)), search.resource_type


@pytest.mark.parametrize(
    ("kind", "element"),
    [("Immunization", "patient"), ("RiskAssessment", "subject"), ("Task", "for"), ("Claim", "patient")],
)
def test_an_unlisted_type_is_searched_by_patient(kind, element):
    store = store_of(
        {"resourceType": kind, "id": "a", element: {"reference": "Patient/p1"}},
        {"resourceType": kind, "id": "b", element: {"reference": "Patient/p2"}},
        {"resourceType": kind, "id": "c"},
    )
    assert found(store, kind, ("patient", "p1")) == ["a"]
    assert found(store, kind, ("subject", "Patient/p1")) == ["a"]


UUID = "urn:uuid:5f0c1a52-0000-4000-8000-000000000001"


@pytest.mark.parametrize("patient", [{"id": "5f0c1a52-0000-4000-8000-000000000001"}, {}, {"id": "p1"}])
def test_a_transaction_whose_references_are_uuids(patient):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": UUID, "resource": {"resourceType": "Patient", **patient}, "request": {"method": "POST"}},
            {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Condition", "subject": {"reference": UUID}}},
            {
                "fullUrl": "urn:uuid:3",
                "resource": {"resourceType": "Condition", "subject": {"reference": "urn:uuid:9"}},
            },
        ],
    }
    store = Store.from_bundle(bundle)
    own_id = patient.get("id", UUID.split(":")[-1])
    for value in (own_id, UUID):
        assert [url for url, _ in store.search("Condition", [("patient", value)])] == ["urn:uuid:2"]
    assert store.read("Patient", own_id) is bundle["entry"][0]["resource"]
    assert store.read("Condition", "2") is bundle["entry"][1]["resource"]


@pytest.mark.parametrize(
    "rubbish",
    [
        None,
        "text",
        7,
        [],
        {},
        {"resource": None},
        {"resource": {"id": "no-type"}},
        {"resource": {"resourceType": "OperationOutcome", "issue": []}},
    ],
)
def test_a_malformed_entry_is_skipped_and_the_chart_is_not_whole(rubbish: Any):
    good = {"fullUrl": 5, "resource": of_type("Condition", "a")}
    store = Store.from_bundle({"resourceType": "Bundle", "type": "searchset", "entry": [rubbish, good]})
    assert not store.is_whole
    assert store.search("Condition", []) == [("", good["resource"])]


@pytest.mark.parametrize(
    ("entry", "is_whole"), [({}, True), ({"entry": []}, True), ({"entry": {"resource": {}}}, False)]
)
def test_a_bundle_without_entries(entry, is_whole):
    store = Store.from_bundle({"resourceType": "Bundle", **entry})
    assert store.is_whole is is_whole
    assert store.types() == ()


@pytest.mark.parametrize("value", [None, [], "x", {}, {"resourceType": "Patient"}, {"resourceType": 3}])
def test_a_value_that_is_not_a_bundle_is_refused(value):
    with pytest.raises(ValueError, match="A chart is a FHIR Bundle"):
        Store.from_bundle(value)


def test_the_store_does_not_change_resources():
    weight = of_type("Observation", "a", valueQuantity={"value": Decimal("24.90")})
    store = store_of(weight)
    assert store.search("Observation", []) == [(f"{BASE}/Observation/a", weight)]
    assert store.read("Observation", "a") is weight
    assert store.read("Observation", "b") is None


def test_the_store_keeps_the_latest_of_two_resources_with_the_same_id():
    plain, other = of_type("Condition", "a"), of_type("Condition", "a", code={"text": "x"})
    older, newer = ({**plain, "meta": {"lastUpdated": f"2026-01-0{day}T10:00:00Z"}} for day in (1, 2))
    for entries, stays in (((plain, other), plain), ((older, newer), newer), ((newer, older), newer)):
        assert [kept for _, kept in store_of(*entries).search("Condition", [])] == [stays]


def test_several_charts_in_one_store():
    charts = [{"resourceType": "Bundle", "entry": [{"resource": of_type("Condition", name)}]} for name in ("a", "b")]
    store = Store.from_bundle(*charts)
    assert found(store, "Condition") == ["a", "b"]
    assert store.is_whole
