"""The FHIR base: forms by id, by name, and by canonical; who may read them; and what it says of itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from cds_service.http.authentication import audiences
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.fuzzing import whole_service

LIBRARY = load_library()
FORMS = "/fhir/Questionnaire"
PUBLIC = "http://127.0.0.1:8000"
SIJ = f"{PUBLIC}{FORMS}/CP.MP.126"
FHIR_JSON = "application/fhir+json"
CPT_SYSTEM = "ama-assn.org"


def get(path: str, **headers: str) -> Any:
    return whole_service().client.get(path, headers=headers)


def found(path: str) -> list[str]:
    """The ids of the forms that a search finds."""
    bundle = get(path).json
    assert bundle["total"] == len(bundle.get("entry", ()))
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


# --- read ------------------------------------------------------------------------------------------------------------


def test_a_form_is_read_by_its_id() -> None:
    response = get(f"{FORMS}/CP.MP.126-2022-06.2")
    assert (response.status_code, response.mimetype) == (200, FHIR_JSON)
    assert response.json == questionnaire(LIBRARY.policies["CP.MP.126@2022-06"], PUBLIC)


@pytest.mark.parametrize(
    ("at", "form_id"),
    [
        (datetime(2023, 5, 31, 17, tzinfo=UTC), "CP.MP.126-2022-06.2"),
        (datetime(2025, 4, 1, 17, tzinfo=UTC), "CP.MP.126-2025-04.2"),
    ],
)
def test_the_name_of_a_policy_gives_the_form_of_the_revision_in_force(at: datetime, form_id: str) -> None:
    app = create_app(
        settings=Settings(),
        assessor=Assessor(LIBRARY, PlanRules()),
        clock=lambda: at,
        new_id=lambda: "id",
    )
    assert app.test_client().get(f"{FORMS}/CP.MP.126").json["id"] == form_id


def test_a_form_names_the_canonical_base_of_the_operator() -> None:
    app = create_app(
        settings=Settings(canonical_base="https://forms.example.org"),
        assessor=Assessor(LIBRARY, PlanRules()),
        clock=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        new_id=lambda: "id",
    )
    assert (
        app.test_client().get(f"{FORMS}/CP.MP.126").json["url"]
        == "https://forms.example.org/fhir/Questionnaire/CP.MP.126"
    )


@pytest.mark.parametrize(
    "path",
    [
        f"{FORMS}/CP.MP.999",
        f"{FORMS}/CP.MP.126-2025-04.99",
        f"{FORMS}/CP.MP.126@2025-04",
        "/fhir/Patient/1",
        f"{FORMS}/CP.MP.126/_history/1",
    ],
)
def test_what_is_not_there_is_a_404_with_an_operation_outcome(path: str) -> None:
    response = get(path)
    assert (response.status_code, response.mimetype) == (404, FHIR_JSON)
    assert response.json["resourceType"] == "OperationOutcome"
    assert response.json["issue"][0]["code"] == "not-found"


def test_a_form_cannot_be_written() -> None:
    response = whole_service().client.post(FORMS, json={})
    assert (response.status_code, response.mimetype) == (405, FHIR_JSON)
    assert response.json["resourceType"] == "OperationOutcome"


# --- search ----------------------------------------------------------------------------------------------------------


def test_without_parameters_every_form_is_found() -> None:
    response = get(FORMS)
    assert response.mimetype == FHIR_JSON
    Bundle.model_validate(response.json)
    assert len(found(FORMS)) == len(LIBRARY.policies)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (f"url={SIJ}", ["CP.MP.126-2022-06.2", "CP.MP.126-2025-04.2"]),
        (f"url={SIJ}%7C2025-04.2", ["CP.MP.126-2025-04.2"]),
        (f"url={SIJ}&version=2022-06.2", ["CP.MP.126-2022-06.2"]),
        ("version=2022-06.2", ["CP.MP.126-2022-06.2"]),
        (f"url={SIJ}%7C2025-04.2&version=2022-06.2", []),
        (f"url={SIJ}%7C2025-04", []),
        ("url=https://other.example.org/fhir/Questionnaire/CP.MP.126", []),
        ("version=2025-04", []),
        (f"url={SIJ}&version=2022-06.2&_format=json", ["CP.MP.126-2022-06.2"]),
    ],
)
def test_a_search_finds_what_has_all_that_is_asked_for(query: str, ids: list[str]) -> None:
    assert found(f"{FORMS}?{query}") == ids


def test_an_entry_has_the_address_where_it_is_read() -> None:
    (entry,) = get(f"{FORMS}?version=2022-06.2").json["entry"]
    assert entry["fullUrl"] == f"{PUBLIC}{FORMS}/CP.MP.126-2022-06.2"
    assert entry["search"] == {"mode": "match"}


def test_the_self_link_has_only_the_parameters_that_were_used() -> None:
    assert get(f"{FORMS}?version=2022-06.2&name=x").json["link"] == [
        {"relation": "self", "url": f"{PUBLIC}{FORMS}?version=2022-06.2"}
    ]


def test_the_canonical_of_a_determination_finds_its_form() -> None:
    """The member `questionnaire` of a determination is a value of `url`."""
    policy = LIBRARY.policies["CP.MP.126@2025-04"]
    canonical = f"{SIJ}|{policy.revision}.{policy.edition}"
    assert found(f"{FORMS}?url={canonical.replace('|', '%7C')}") == ["CP.MP.126-2025-04.2"]


# --- caches, codes, capabilities -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FORMS, f"{FORMS}/CP.MP.126", "/fhir/metadata"])
def test_a_client_that_has_it_already_gets_no_body(path: str) -> None:
    first = get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert get(path, **{"If-None-Match": 'W/"other"'}).status_code == 200


def test_no_form_has_a_coded_cpt_code() -> None:
    assert CPT_SYSTEM not in get(FORMS).text


def test_the_base_says_what_it_can_do() -> None:
    response = get("/fhir/metadata")
    assert response.mimetype == FHIR_JSON
    CapabilityStatement.model_validate(response.json)
    (rest,) = response.json["rest"]
    (resource,) = rest["resource"]
    assert (response.json["fhirVersion"], response.json["implementation"]["url"]) == ("4.0.1", f"{PUBLIC}/fhir")
    assert "instantiates" not in response.json
    assert [each["code"] for each in resource["interaction"]] == ["read", "search-type"]
    assert [each["name"] for each in resource["searchParam"]] == ["url", "version"]


def test_the_audience_of_a_token_is_the_address_or_the_base() -> None:
    assert audiences(PUBLIC, f"{FORMS}/CP.MP.126") >= {f"{PUBLIC}{FORMS}/CP.MP.126", f"{PUBLIC}/fhir"}
    assert f"{PUBLIC}/fhir" not in audiences(PUBLIC, "/fhirs/x")
