"""The OpenAPI document has every route, and its schemas accept what the service accepts."""

import re
from typing import Any

from jsonschema import Draft202012Validator

from cds_service.hooks.hooks import SERVICES
from cds_service.http.openapi import openapi
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
    for rule in service.app.url_map.iter_rules():
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
