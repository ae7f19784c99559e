"""The OpenAPI document has every route, and its schemas accept what the service accepts."""

import re
from contextlib import nullcontext
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cards.crd_versions import CrdVersion
from cds_service.clients.registry import Client
from cds_service.crd.request_model import MODELS
from cds_service.crd.services import CRD_SERVICES, offered_services
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.hooks import SERVICES
from cds_service.hooks.wire import read_model
from cds_service.http.openapi import openapi
from tests.support.backend_tokens import BackendService, asked, assertion, token_request
from tests.support.client_fakes import PUBLIC, bearer, claims, token
from tests.support.crd_calls import RULES, CrdService
from tests.support.hook_fakes import Service, WatchingAssessor, authorization, call

DOCUMENT = openapi("http://localhost")


def body_schema(operation: Any) -> Any:
    """Return the schema of a request body, with the components that it references."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return {"components": DOCUMENT["components"], **schema}


def test_the_document_is_served(service: Service) -> None:
    response = service.client.get("/openapi.json")
    assert response.status_code == 200
    assert response.json == openapi("http://127.0.0.1:8000")


def test_it_has_every_route_with_its_methods_and_no_other(service: Service) -> None:
    routes: dict[str, set[str]] = {}
    rules = [each for each in service.app.url_map.iter_rules() if each.endpoint != "static_files.send_file"]
    for rule in rules:  # the files of the pages are no interface
        for one in SERVICES:
            path = re.sub("<service_id>", one.id, rule.rule).replace("<", "{").replace(">", "}")
            routes.setdefault(path, set()).update({m.lower() for m in rule.methods or ()} - {"head", "options"})
    assert {path: set(item) for path, item in DOCUMENT["paths"].items()} == routes


def test_its_schemas_are_json_schemas_with_references_that_lead_somewhere() -> None:
    def walk(value: Any) -> None:
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            if name == "$ref":
                assert child.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]
            elif isinstance(child, dict | list):
                walk(child)

    walk(DOCUMENT)
    for item in DOCUMENT["paths"].values():
        if "post" in item:
            Draft202012Validator.check_schema(body_schema(item["post"]))


def test_the_document_accepts_what_the_service_accepts() -> None:
    request = call(fhirServer="https://ehr.example.org/fhir", fhirAuthorization=authorization())
    for one in SERVICES:
        validator = Draft202012Validator(body_schema(DOCUMENT["paths"][f"/cds-services/{one.id}"]["post"]))
        request["hook"] = one.hook
        assert validator.is_valid(request) is (one.hook == "order-sign")
        request["context"]["selections"] = []
        assert validator.is_valid(request)
        assert not validator.is_valid(request | {"hook": "patient-view"})


def test_a_change_of_the_document_is_no_change_of_the_schema_in_use() -> None:
    openapi("http://localhost")["paths"]["/cds-services/coverage-order-sign"].clear()
    assert Service(WatchingAssessor(settled=True)).post(call()).status_code == 200
    assert openapi("http://localhost") == DOCUMENT


# --- Da Vinci CRD ----------------------------------------------------------------------------------------------------

DISPATCH = {"patientId": "p-1", "performer": "Organization/lab"}
NAMED = {"dispatchedOrders": ["ServiceRequest/o-1"]}
BOOKING = {"userId": "Practitioner/doc-1", "patientId": "p-1"}
APPOINTMENTS = {"appointments": {"resourceType": "Bundle", "type": "collection"}}


def is_described(service_id: str, body: Any) -> bool:
    """Whether the document of a service that answers for a payer allows a call."""
    document = CrdService().client.get("/openapi.json").json
    schema = document["paths"][f"/cds-services/{service_id}"]["post"]["requestBody"]["content"]["application/json"]
    return Draft202012Validator({"components": document["components"], **schema["schema"]}).is_valid(body)


@pytest.mark.parametrize("prefix", ["crd-", "crd-2.0-"])
@pytest.mark.parametrize(
    ("hook", "context", "is_allowed"),
    [
        ("order-dispatch", DISPATCH | NAMED, True),
        ("order-dispatch", DISPATCH | {"order": "ServiceRequest/o-1"}, True),
        ("order-dispatch", DISPATCH, False),
        ("order-dispatch", {"patientId": "p-1"} | NAMED, False),
        ("appointment-book", BOOKING | APPOINTMENTS, True),
        ("appointment-book", BOOKING, False),
    ],
)
def test_the_contexts_of_crd_hooks_are_described_as_they_are_read(
    prefix: str, hook: str, context: Any, is_allowed: bool
) -> None:
    body = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
    assert is_described(f"{prefix}{hook}", body) is is_allowed
    with nullcontext() if is_allowed else pytest.raises(RefusedError):
        read_model(MODELS[hook], body)


def test_a_client_is_shown_the_paths_of_its_own_services_only() -> None:
    paths = CrdService(client=Client("ehr", "urn:ehr", services="crd-2.0")).client.get("/openapi.json").json["paths"]
    called = {path for path in paths if path.startswith("/cds-services/") and not path.endswith("/feedback")}
    assert called == {f"/cds-services/{each.id}" for each in CRD_SERVICES if each.version is CrdVersion.V2_0}


# --- access to the FHIR base -----------------------------------------------------------------------------------------


def test_every_route_of_a_service_with_clients_and_payers_is_described() -> None:
    app = BackendService(rules=RULES).app
    described = openapi("http://localhost", offered_services(RULES), gives_tokens=True, has_payers=True)["paths"]
    routes = {
        re.sub("<(.*?)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static_files.send_file" and not rule.rule.startswith("/cds-services/")
    }
    assert routes == {path for path in described if not path.startswith("/cds-services/")}


def test_what_a_client_may_use_below_the_fhir_base_is_said() -> None:
    served = BackendService(rules=RULES).http
    headers = bearer(token(claims(aud=f"{PUBLIC}/openapi.json")))
    found = served.get("/openapi.json", headers=headers).json
    assert found["paths"]["/fhir/Questionnaire"]["get"]["security"] == [
        {},
        {"client": []},
        {"backend": ["system/Questionnaire.rs"]},
    ]
    flow = found["components"]["securitySchemes"]["backend"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{PUBLIC}/auth/token"
    assert set(flow["scopes"]) == {"system/Questionnaire.rs", "system/ValueSet.rs"}
    assert "security" not in found["paths"]["/fhir/metadata"]["get"]
    assert "backend" not in DOCUMENT["components"]["securitySchemes"]


def test_the_answers_of_the_token_endpoint_are_as_described() -> None:
    served = BackendService().http
    described = openapi("http://localhost", gives_tokens=True)["paths"]["/auth/token"]["post"]
    for response in (asked(served.post, assertion()), asked(served.post, "a.b.c"), served.post("/auth/token")):
        schema = described["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
        Draft202012Validator(schema).validate(response.json)
    form = described["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert Draft202012Validator(form).is_valid(token_request(assertion()))
