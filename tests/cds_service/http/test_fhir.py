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
from tests.support.backend_tokens import BackendService
from tests.support.crd_calls import CrdService
from tests.support.fuzzing import whole_service

LIBRARY = load_library()
FORMS = "/fhir/Questionnaire"
PUBLIC = "http://127.0.0.1:8000"
SIJ = f"{PUBLIC}{FORMS}/CP.MP.126"
FHIR_JSON = "application/fhir+json"
DTR = "http://hl7.org/fhir/us/davinci-dtr"
CPT_SYSTEM = "ama-assn.org"
OPERATIONS = ("questionnaire-package", "next-question", "log-questionnaire-errors")


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


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_that_is_read_says_that_it_is_posted(operation: str) -> None:
    response = get(f"{FORMS}/${operation}")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "The header Allow names those that it takes." in response.json["issue"][0]["diagnostics"]


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


def statement(response: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The CapabilityStatement of a response, and what it says of each type of resource."""
    assert response.mimetype == FHIR_JSON
    CapabilityStatement.model_validate(response.json)
    (rest,) = response.json["rest"]
    return response.json, {each["type"]: each for each in rest["resource"]}


def operations(resource: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["definition"] for each in resource["operation"]}


def test_the_base_says_what_it_can_do() -> None:
    found, resources = statement(get("/fhir/metadata"))
    assert (found["fhirVersion"], found["implementation"]["url"]) == ("4.0.1", f"{PUBLIC}/fhir")
    assert set(resources) == {"Questionnaire", "ValueSet"}
    for name, each in resources.items():
        assert [one["code"] for one in each["interaction"]] == ["read", "search-type"]
        assert [(one["name"], one["definition"]) for one in each["searchParam"]] == [
            ("url", f"http://hl7.org/fhir/SearchParameter/{name}-url"),
            ("version", f"http://hl7.org/fhir/SearchParameter/{name}-version"),
        ]
    assert operations(resources["ValueSet"]) == {"expand": "http://hl7.org/fhir/OperationDefinition/ValueSet-expand"}


def test_a_service_that_answers_for_no_payer_is_no_payer_service_of_dtr() -> None:
    found, resources = statement(get("/fhir/metadata"))
    assert "instantiates" not in found
    assert list(operations(resources["Questionnaire"])) == ["log-questionnaire-errors"]
    assert resources["Questionnaire"]["supportedProfile"] == [f"{DTR}/StructureDefinition/dtr-std-questionnaire"]


@pytest.mark.requirement("dtr:conf-1")
def test_a_service_that_answers_for_a_payer_has_all_that_dtr_expects_of_one() -> None:
    client = CrdService().client
    found, resources = statement(client.get("/fhir/metadata"))
    assert found["instantiates"] == [f"{DTR}/CapabilityStatement/dtr-payer-service"]
    assert operations(resources["Questionnaire"]) == {
        "questionnaire-package": f"{DTR}/OperationDefinition/questionnaire-package",
        "next-question": "http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-next-question",
        "log-questionnaire-errors": f"{DTR}/OperationDefinition/log-questionnaire-errors",
    }
    assert resources["Questionnaire"]["supportedProfile"] == [
        f"{DTR}/StructureDefinition/{name}" for name in ("dtr-std-questionnaire", "dtr-questionnaire-adapt-search")
    ]


def test_the_base_names_smart_where_it_checks_tokens() -> None:
    (open_,) = get("/fhir/metadata").json["rest"]
    statement = BackendService().http.get("/fhir/metadata").json
    CapabilityStatement.model_validate(statement)
    (rest,) = statement["rest"]
    assert "security" not in open_
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_the_audience_of_a_token_is_the_address_or_the_base() -> None:
    assert audiences(PUBLIC, f"{FORMS}/CP.MP.126") >= {f"{PUBLIC}{FORMS}/CP.MP.126", f"{PUBLIC}/fhir"}
    assert f"{PUBLIC}/fhir" not in audiences(PUBLIC, "/fhirs/x")
