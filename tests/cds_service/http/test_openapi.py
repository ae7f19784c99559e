"""The OpenAPI document has every route, and its schemas accept what the service accepts."""

import re
from contextlib import nullcontext
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cards.crd_versions import CrdVersion
from cds_service.clients.registry import Client
from cds_service.crd.request_model import MODELS
from cds_service.crd.services import CRD_SERVICES
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.hooks import SERVICES
from cds_service.hooks.wire import read_model
from cds_service.http.openapi import openapi
from tests.support.crd_calls import CrdService
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
