"""The CapabilityStatement of the sample EHR."""

from collections.abc import Mapping, Sequence
from typing import Any

from cds_service.fhir_client.search_parameters import parameters_of
from cds_service.sample_ehr.smart.scopes import WRITABLE
from fhir_mappings.fhir_json import Json, Resource

_STATEMENT_DATE = "2026-03-02"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}


def capability_statement(
    base: str, types: Sequence[str], *, oauth: Mapping[str, str] | None, is_writable: bool
) -> Resource:
    """Return the CapabilityStatement of this server (kind instance), with all its resource types.

    `oauth` has the addresses `authorize` and `token` of a server that launches SMART apps. With `is_writable`, apps may
    create and update QuestionnaireResponses.
    """
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _STATEMENT_DATE,
        "kind": "instance",
        "software": {"name": "Sample EHR"},
        "implementation": {"description": "Invented charts for demonstrating coverage policies", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(oauth),
                "resource": [_type(each, is_writable=is_writable and each == WRITABLE) for each in types],
            }
        ],
    }


def _security(oauth: Mapping[str, str] | None) -> Json:
    security: dict[str, Any] = {"cors": True}
    if oauth is not None:
        addresses = [{"url": name, "valueUri": address} for name, address in oauth.items()]
        security["service"] = [{"coding": [_SERVICE]}]
        security["extension"] = [{"url": _OAUTH_URIS, "extension": addresses}]
    return security


def _type(resource_type: str, *, is_writable: bool) -> Json:
    described: dict[str, Any] = {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "_id", "type": "token"}]
        + [
            {"name": name, "type": "reference" if known.kind == "canonical" else known.kind}
            for name, known in parameters_of(resource_type).items()
        ],
    }
    if is_writable:
        described["interaction"] += [{"code": "create"}, {"code": "update"}]
        described |= {"versioning": "versioned", "updateCreate": True}
    return described
