"""The other forms of a search that a server refuses in its usual form."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask import Response, request

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.search_forms import search_forms
from cds_service.fhir_client.source import FhirAccess, SearchResult
from cds_service.settings import Settings
from coverage_policies.format.searches import CARE_PLANS, CONDITIONS, EXAMS, PRESCRIPTIONS, Search, observation_search
from fhir_mappings.record import Availability
from tests.support.hook_fakes import LOOPBACK, FakeEhr, bundle, condition, outcome

COMPLETE, UNAVAILABLE = Availability.COMPLETE, Availability.UNAVAILABLE
LOINC = "http://loinc.org"
CODES = [f"{LOINC}|72514-3", f"{LOINC}|29463-7", f"{LOINC}|38208-5"]
PAIN, WEIGHT, SCORE = "72514-3", "29463-7", "38208-5"
Parameters = dict[str, list[str]]


def searched(ehr: FakeEhr, search: Search, **settings: Any) -> SearchResult:
    """Return the result of a search."""
    return FhirClients(Settings(**LOOPBACK | settings))(FhirAccess(ehr.base), Deadline(5)).search(search, "p-1")


def ids(result: SearchResult) -> list[str]:
    """Return the ids of the entries, in alphabetical order."""
    return sorted(resource["id"] for _, resource in result.entries)


def resource(kind: str, own_id: str, **members: Any) -> dict[str, Any]:
    """Return a resource of the patient."""
    return {"resourceType": kind, "id": own_id, "subject": {"reference": "Patient/p-1"}, **members}


def observation(own_id: str, code: str) -> dict[str, Any]:
    """Return an observation by code."""
    return resource("Observation", own_id, code={"coding": [{"system": LOINC, "code": code}]})


def serve(
    ehr: FakeEhr,
    kind: str,
    accepts: Callable[[Parameters], bool],
    *found: dict[str, Any],
    refusal: tuple[int, Any] = (400, outcome("invalid")),
    matches: Callable[[dict[str, Any], Parameters], bool] = lambda _resource, _sent: True,
) -> None:
    """Let a server answer the searches for a type that it accepts with what matches, and refuse the others."""

    def answer() -> Response:
        sent = parse_qs(request.query_string.decode())
        if not accepts(sent):
            status, body = refusal
            return Response(json.dumps(body), status)
        return Response(json.dumps(bundle(*(each for each in found if matches(each, sent)))))

    ehr.answers |= {kind: answer, "metadata": (200, {"rest": [{"resource": [{"type": kind}]}]})}


def has_code(found: dict[str, Any], sent: Parameters) -> bool:
    """Return whether an observation has one of the codes of a search."""
    (coding,) = found["code"]["coding"]
    return f"{coding['system']}|{coding['code']}" in sent["code"][0].split(",")


def takes_one_code(sent: Parameters) -> bool:
    return len(sent["code"][0].split(",")) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        (400, outcome("not-supported")),
        (400, outcome("invalid")),
        (404, None),
        (405, None),
        (414, None),
        (422, outcome("not-supported")),
        (501, outcome("not-supported")),
        (403, outcome("not-supported")),
    ],
)
def test_codes_that_a_server_refuses_together_are_searched_one_by_one(ehr: FakeEhr, refusal: tuple[int, Any]) -> None:
    chart = [observation("1", PAIN), observation("2", SCORE)]
    serve(ehr, "Observation", takes_one_code, *chart, refusal=refusal, matches=has_code)
    result = searched(ehr, observation_search(CODES))
    assert (ids(result), result.availability) == (["1", "2"], COMPLETE)
    assert ehr.asked_for("Observation") == 1 + len(CODES)


@pytest.mark.parametrize("refusal", [(401, outcome("login")), (403, outcome("forbidden")), (500, None), (429, None)])
def test_a_failure_that_no_other_form_would_help_is_not_repeated(ehr: FakeEhr, refusal: tuple[int, Any]) -> None:
    serve(ehr, "Observation", takes_one_code, refusal=refusal)
    assert searched(ehr, observation_search(CODES), call_timeout_seconds=0.3) == SearchResult()
    assert {query.count(",") for query in ehr.asked if "Observation" in query} == {len(CODES) - 1}


def test_a_code_that_fails_costs_the_completeness_and_not_the_others(ehr: FakeEhr) -> None:
    def accepts(sent: Parameters) -> bool:
        return takes_one_code(sent) and WEIGHT not in sent["code"][0]

    serve(ehr, "Observation", accepts, observation("1", PAIN), observation("2", SCORE), matches=has_code)
    result = searched(ehr, observation_search([f"{LOINC}|{code}" for code in ("1-8", WEIGHT, PAIN)]))
    assert (ids(result), result.availability) == (["1"], UNAVAILABLE)


def test_where_a_server_lists_no_such_address_nothing_else_is_tried(ehr: FakeEhr) -> None:
    ehr.answers |= {"Observation": (404, None), "metadata": (404, None)}
    assert searched(ehr, observation_search(CODES)) == SearchResult()
    assert len(ehr.asked) == 2


def test_a_server_that_requires_a_status_gets_all_of_them(ehr: FakeEhr) -> None:
    chart = [resource("Procedure", "1", status="completed"), resource("Procedure", "2", status="not-done")]
    serve(
        ehr,
        "Procedure",
        lambda sent: "status" in sent,
        *chart,
        matches=lambda found, sent: found["status"] in sent["status"][0].split(","),
        refusal=(400, outcome("required")),
    )
    result = searched(ehr, Search("Procedure", "procedures"))
    assert (ids(result), result.availability) == (["1", "2"], COMPLETE)


def test_a_server_that_refuses_the_page_size_is_asked_without_it(ehr: FakeEhr) -> None:
    serve(ehr, "Condition", lambda sent: "_count" not in sent, condition("1"))
    result = searched(ehr, CONDITIONS)
    assert (ids(result), result.availability) == (["1"], COMPLETE)


@pytest.mark.parametrize("refusal", [(400, outcome("not-supported")), (422, None)])
def test_a_parameter_that_a_server_refuses_is_applied_here(ehr: FakeEhr, refusal: tuple[int, Any]) -> None:
    chart = [resource("MedicationRequest", intent, intent=intent) for intent in ("order", "proposal")]
    drug = {"resourceType": "Medication", "id": "drug"}
    serve(ehr, "MedicationRequest", lambda sent: set(sent) == {"patient"}, *chart, drug, refusal=refusal)
    result = searched(ehr, PRESCRIPTIONS)
    assert (ids(result), result.availability) == (["drug", "order"], COMPLETE)


def test_the_category_of_a_plan_is_applied_here(ehr: FakeEhr) -> None:
    chart = [resource("CarePlan", each, category=[{"coding": [{"code": each}]}]) for each in ("assess-plan", "diet")]
    serve(ehr, "CarePlan", lambda sent: set(sent) == {"patient"}, *chart)
    assert ids(searched(ehr, CARE_PLANS)) == ["assess-plan"]


def test_observations_are_never_searched_without_code_and_category(ehr: FakeEhr) -> None:
    serve(ehr, "Observation", lambda sent: set(sent) == {"patient", "category"}, observation("1", PAIN))
    exams = replace(EXAMS, parameters=(*EXAMS.parameters, ("date", "ge2024-03-02")), look_back=None)
    result = searched(ehr, exams)
    assert (ids(result), result.availability) == (["1"], COMPLETE)
    assert all("category=exam" in query for query in ehr.asked if "Observation" in query)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (CONDITIONS, {"encounter-diagnosis": condition("1"), "problem-list-item": condition("2")}),
        (observation_search(CODES), {"vital-signs": observation("1", WEIGHT), "survey": observation("2", PAIN)}),
        (
            Search("DiagnosticReport", "diagnosticReports"),
            {"LAB": resource("DiagnosticReport", "1"), "LP29684-5": resource("DiagnosticReport", "2")},
        ),
    ],
)
def test_a_server_that_requires_a_category_gives_data_and_proves_no_absence(
    ehr: FakeEhr, search: Search, found: dict[str, dict[str, Any]]
) -> None:
    by_id = {each["id"]: category for category, each in found.items()}
    serve(
        ehr,
        search.resource_type,
        lambda sent: "category" in sent,
        *found.values(),
        matches=lambda each, sent: sent["category"] == [by_id[each["id"]]],
        refusal=(400, outcome("required")),
    )
    result = searched(ehr, search)
    assert (ids(result), result.availability) == (["1", "2"], UNAVAILABLE)


def test_no_query_of_many_codes_is_too_long() -> None:
    codes = [f"{LOINC}|{number}-1" for number in range(10_000, 10_300)]
    usual = next(search_forms(observation_search(codes)))
    assert sorted(code for query in usual.queries for code in query.codes) == codes
    for query in usual.queries:
        assert len(query.query("x" * 64).replace("|", "%7C")) < 2_048


def test_few_codes_are_one_query() -> None:
    (query,) = next(search_forms(observation_search(CODES))).queries
    assert query.query("p") == f"Observation?patient=p&_count=200&code={','.join(sorted(CODES))}"


def test_a_single_code_is_not_searched_twice_in_the_same_form() -> None:
    queries = [query.query("p") for form in search_forms(observation_search(CODES[:1])) for query in form.queries]
    assert len(set(queries)) == len(queries)


def test_more_codes_than_a_call_has_time_for_are_not_searched_one_by_one() -> None:
    many = observation_search([f"{LOINC}|{number}-1" for number in range(101)])
    assert max(len(form.queries) for form in search_forms(many)) < 50


def test_several_queries_keep_to_the_number_of_threads(ehr: FakeEhr) -> None:
    running = most = 0

    def answer() -> Response:
        nonlocal running, most
        if "," in request.query_string.decode():
            return Response("{}", 400)
        running += 1
        most = max(most, running)
        ehr.stopped.wait(0.05)
        running -= 1
        return Response(json.dumps(bundle()))

    ehr.answers["Observation"] = answer
    codes = [f"{LOINC}|{number}-1" for number in range(12)]
    assert searched(ehr, observation_search(codes), query_threads=3).availability is COMPLETE
    assert most == 3


@pytest.mark.parametrize("kind", ["MedicationDispense", "MedicationRequest", "Procedure", "ServiceRequest"])
def test_all_statuses_are_those_that_the_specification_has(kind: str) -> None:
    (by_status,) = [
        dict(query.parameters)["status"]
        for form in search_forms(Search(kind, kind))
        for query in form.queries
        if "status" in dict(query.parameters)
    ]
    field = get_fhir_model_class(kind).model_fields["status"]
    assert isinstance(field.json_schema_extra, dict)
    assert set(by_status.split(",")) == set(cast("list[str]", field.json_schema_extra["enum_values"]))
