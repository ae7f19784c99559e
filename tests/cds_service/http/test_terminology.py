"""Value sets at the FHIR base: read, search, and $expand, and who gets codes of CPT."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.valueset import ValueSet as FhirValueSet

from coverage_policies.format.library import load_library
from fhir_mappings.codings import CPT
from tests.support.backend_tokens import backend_client, given_token
from tests.support.crd_calls import CrdService

PUBLIC = "https://cds.example.org"
SETS = "/fhir/ValueSet"
EXPAND = f"{SETS}/$expand"
FHIR_JSON = "application/fhir+json"
OPEN, LICENSED, WORDS = "low-back-pain", "sleep-study", "faber-test"
EHR = backend_client()
SECRET = "Xanthippe-7"


@cache
def anonymous() -> Any:
    """A client of a service that allows unauthenticated calls."""
    return CrdService().client


@cache
def registered(**settings: Any) -> Any:
    """A client that sends an access token with every call."""
    return with_token(CrdService(client=EHR, **settings).client)


def with_token(client: Any) -> Any:
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {given_token(client.application, EHR)}"
    return client


def client_at(moment: datetime) -> Any:
    """A registered client at this moment, of a service in New York."""
    return with_token(CrdService(client=EHR, clock=lambda: moment, time_zone="America/New_York").client)


def canonical(name: str) -> str:
    return f"{PUBLIC}{SETS}/{name}"


def asking(**parameters: Any) -> dict[str, Any]:
    """Parameters with values of the type string, or of another type by name__type."""
    sent = []
    for each, value in parameters.items():
        name, _, member = each.partition("__")
        sent.append({"name": name, member or "valueString": value})
    return {"resourceType": "Parameters", "parameter": sent}


def expanded(client: Any, **parameters: Any) -> Any:
    return client.post(EXPAND, json=asking(**parameters))


def outcome(response: Any, status: int, code: str, place: str | None = None) -> str:
    """The diagnostics of a refusal with this status, code, and place."""
    assert (response.status_code, response.mimetype) == (status, FHIR_JSON), response.text
    assert response.json["resourceType"] == "OperationOutcome"
    (issue,) = response.json["issue"]
    assert (issue["code"], issue.get("expression")) == (code, [place] if place else None)
    assert SECRET not in response.text
    said: str = issue["diagnostics"]
    return said


# --- read and search -------------------------------------------------------------------------------------------------


def test_a_value_set_is_read_by_its_name() -> None:
    response = anonymous().get(f"{SETS}/{OPEN}")
    assert (response.status_code, response.mimetype) == (200, FHIR_JSON)
    FhirValueSet.model_validate(response.json)
    assert response.json["url"] == canonical(OPEN)
    again = anonymous().get(f"{SETS}/{OPEN}", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_canonical_base_of_the_operator_is_that_of_the_value_sets() -> None:
    client = CrdService(canonical_base="https://forms.example.org").client
    url = f"https://forms.example.org{SETS}/{OPEN}"
    assert client.get(f"{SETS}/{OPEN}").json["url"] == url
    assert client.get(EXPAND, query_string={"url": url}).json["url"] == url


@pytest.mark.parametrize("path", [f"{SETS}/nothing", f"{SETS}/{OPEN}/_history/1", f"{SETS}/$validate-code"])
def test_what_is_not_there_is_a_404(path: str) -> None:
    outcome(anonymous().get(path), 404, "not-found")


def test_a_search_finds_by_canonical_and_version() -> None:
    version = anonymous().get(f"{SETS}/{OPEN}").json["version"]
    for query, found in (
        ({"url": canonical(OPEN)}, 1),
        ({"url": f"{canonical(OPEN)}|{version}"}, 1),
        ({"url": canonical(OPEN), "version": version}, 1),
        ({"url": f"{canonical(OPEN)}|other"}, 0),
        ({"url": canonical(OPEN), "version": "other"}, 0),
        ({"url": OPEN}, 0),
    ):
        bundle = registered().get(SETS, query_string=query).json
        assert (bundle["total"], len(bundle.get("entry", ()))) == (found, found), query


def test_a_registered_client_finds_every_value_set() -> None:
    bundle = registered().get(SETS).json
    Bundle.model_validate(bundle)
    assert {each["resource"]["id"] for each in bundle["entry"]} == set(load_library().value_sets)
    assert CPT in str(bundle)


# --- CPT -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "client",
    [anonymous, lambda: CrdService(client=EHR, public_policies=True).client],
    ids=["no authentication", "public, no token"],
)
def test_nobody_else_gets_a_code_of_cpt(client: Any) -> None:
    bundle = client().get(SETS).json
    Bundle.model_validate(bundle)
    *found, left_out = bundle["entry"]
    assert CPT not in str(found)
    with_cpt = sum(each.has_cpt for each in load_library().value_sets.values())
    assert (bundle["total"], len(found)) == (len(load_library().value_sets) - with_cpt,) * 2
    assert left_out["search"] == {"mode": "outcome"}
    assert f"{with_cpt} value sets are left out" in left_out["resource"]["issue"][0]["diagnostics"]
    assert "registered clients" in outcome(client().get(f"{SETS}/{LICENSED}"), 404, "not-found")


def test_an_expansion_with_codes_of_cpt_is_for_registered_clients() -> None:
    place = "Parameters.parameter[0].valueUri"
    refused = expanded(anonymous(), url__valueUri=canonical(LICENSED))
    assert "registered clients" in outcome(refused, 404, "not-found", place)
    given = expanded(registered(), url__valueUri=canonical(LICENSED)).json
    assert CPT in {each["system"] for each in given["expansion"]["contains"]}
    assert registered(public_policies=True).get(f"{SETS}/{LICENSED}").status_code == 200


def test_an_access_token_needs_the_scope_for_value_sets() -> None:
    client = CrdService(client=EHR).client
    header = {"Authorization": f"Bearer {given_token(client.application, EHR, 'system/Questionnaire.rs')}"}
    for path in (SETS, f"{SETS}/{OPEN}", EXPAND):
        outcome(client.get(path, headers=header), 403, "forbidden")


# --- $expand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [FHIR_JSON, "application/json"])
def test_a_value_set_is_expanded_by_parameters(content_type: str) -> None:
    response = anonymous().post(EXPAND, json=asking(url__valueUri=canonical(OPEN)), content_type=content_type)
    assert (response.status_code, response.mimetype) == (200, FHIR_JSON)
    assert response.headers["Cache-Control"] == "no-store"
    FhirValueSet.model_validate(response.json)
    assert response.json["expansion"]["total"] == len(response.json["expansion"]["contains"]) > 5


def test_a_get_expands_the_same() -> None:
    query = {"url": canonical(OPEN), "filter": "low back", "count": "2"}
    by_query = anonymous().get(EXPAND, query_string=query)
    by_body = expanded(anonymous(), url__valueUri=canonical(OPEN), filter="low back", count__valueInteger=2)
    assert by_query.json == by_body.json
    assert len(by_query.json["expansion"]["contains"]) == 2


@pytest.mark.requirement("dtr:oper-5")
def test_the_codes_are_those_of_the_local_day() -> None:
    """A code that ends with 2025 is given at 01:00 UTC of New Year's Day, when it is still the old year in New York."""
    name, code = next(
        (name, row.code)
        for name, codes in load_library().value_sets.items()
        for row in codes.rows
        if row.valid_to == date(2025, 12, 31)
    )
    for hour, found in ((1, 1), (6, 0)):
        client = client_at(datetime(2026, 1, 1, hour, tzinfo=UTC))
        contains = expanded(client, url__valueUri=canonical(name)).json["expansion"].get("contains", [])
        assert [each["code"] for each in contains].count(code) == found


@pytest.mark.parametrize("url", ["http://loinc.org/vs/LL715-4", f"{PUBLIC}{SETS}/{SECRET}", OPEN])
def test_a_value_set_that_is_not_known_is_not_found(url: str) -> None:
    outcome(expanded(anonymous(), url__valueUri=url), 404, "not-found", "Parameters.parameter[0].valueUri")
    outcome(anonymous().get(EXPAND, query_string={"url": url}), 404, "not-found", "url")


def test_another_version_is_not_found_and_the_installed_one_is_named() -> None:
    version = anonymous().get(f"{SETS}/{OPEN}").json["version"]
    assert expanded(anonymous(), url__valueUri=f"{canonical(OPEN)}|{version}").status_code == 200
    response = expanded(anonymous(), url__valueUri=f"{canonical(OPEN)}|{SECRET}")
    assert version in outcome(response, 404, "not-found", "Parameters.parameter[0].valueUri")


def test_a_value_set_of_words_is_empty() -> None:
    found = expanded(anonymous(), url__valueUri=canonical(WORDS)).json
    assert (found["expansion"]["total"], "contains" in found["expansion"]) == (0, False)
    assert "words" in found["description"]


def test_every_value_set_that_the_service_comes_with_is_answered() -> None:
    statuses = {
        name: registered().get(EXPAND, query_string={"url": canonical(name)}).status_code
        for name in load_library().value_sets
    }
    assert {name for name, status in statuses.items() if status != 200} == {"sacral-insufficiency-fracture"}


@pytest.mark.parametrize(
    ("body", "status", "code", "place"),
    [
        ({}, 400, "structure", None),
        ([], 400, "structure", None),
        ({"resourceType": "ValueSet", "url": SECRET}, 400, "structure", None),
        (asking(), 400, "required", "Parameters.parameter"),
        (asking(url=3), 400, "value", "Parameters.parameter[0].valueString"),
        (asking(url=SECRET, count=SECRET), 400, "value", "Parameters.parameter[1]"),
        (asking(url=SECRET, offset__valueInteger=-1), 400, "value", "Parameters.parameter[1].valueInteger"),
        (asking(url=SECRET, date__valueDate="1999-01-01"), 422, "not-supported", "Parameters.parameter[1].valueDate"),
        (asking(url=SECRET, context__valueUri=SECRET), 422, "not-supported", "Parameters.parameter[1].valueUri"),
        (asking(url=f"|{SECRET}"), 404, "not-found", "Parameters.parameter[0].valueString"),
        (asking(url="|" * 1000), 404, "not-found", "Parameters.parameter[0].valueString"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(body: Any, status: int, code: str, place: str | None) -> None:
    outcome(anonymous().post(EXPAND, json=body), status, code, place)


def test_a_body_that_is_no_json_is_refused() -> None:
    for body, content_type, status in ((b"{", FHIR_JSON, 400), (b"url=x", "application/x-www-form-urlencoded", 415)):
        response = anonymous().post(EXPAND, data=body, content_type=content_type)
        assert (response.status_code, response.mimetype) == (status, FHIR_JSON)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_value_sets_cannot_be_written(method: str) -> None:
    for path in (SETS, f"{SETS}/{OPEN}", EXPAND):
        assert anonymous().open(path, method=method).status_code == 405
