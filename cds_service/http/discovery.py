"""The discovery document (CDS Hooks 2.0.1, Discovery)."""

from collections.abc import Iterable, Mapping

from cds_service.crd.configuration import OPTIONS, options
from cds_service.crd.prefetch import prefetch_of
from cds_service.fhir_client.source import searches_of_call
from cds_service.hooks.hooks import Service
from coverage_policies.format.searches import Search

_USAGE = (
    "Plain CDS Hooks: the cards follow the policies that this service has and are not a payer's decision. "
    "The service queries fhirServer, with the token of the call, for whatever is not prefetched."
)
_CRD_USAGE = (
    "Da Vinci CRD: the answer of the payer of the patient's Coverage. Send exactly one Coverage, whose payor has an "
    "identifier. The service queries fhirServer, with the token of the call, for what is not prefetched and what the "
    "payer's policies need for an order, of these types: {}."
)
VERSIONS = "davinci-crd.version"
_QUERIED = " It queries what few orders need; a client that sends no fhirServer may prefetch it: {}."


def document(services: Iterable[Service], searches: Iterable[Search]) -> dict[str, object]:
    """Return the discovery document of these services.

    Every plain service asks for the same prefetch, with tokens of CDS Hooks 2.0.1 only. Its usage requirements name the
    searches that are not in prefetch, with their keys; those of a CRD service name the types that it queries.
    """
    found = searches_of_call(searches)
    prefetch = {search.key: search.prefetch_template for search in found if search.in_prefetch}
    queried = [f"{search.key} ({search.prefetch_template})" for search in found if not search.in_prefetch]
    usage = _USAGE + _QUERIED.format(", ".join(queried)) if queried else _USAGE
    crd_usage = _CRD_USAGE.format(", ".join(sorted({search.resource_type for search in found})))
    return {
        "services": [
            _crd_service(service, crd_usage) if service.version else _service(service, usage, prefetch)
            for service in services
        ]
    }


def _service(service: Service, usage: str, prefetch: Mapping[str, str]) -> dict[str, object]:
    return {
        "hook": service.hook,
        "id": service.id,
        "title": service.title,
        "description": service.description,
        "usageRequirements": usage,
        "prefetch": prefetch,
    }


def _crd_service(service: Service, usage: str) -> dict[str, object]:
    """Return a service of Da Vinci CRD, with its version and its options (CRD 2.2.1 dev-1, dev-4)."""
    version = service.crd_version
    return _service(service, usage, prefetch_of(service)) | {
        "extension": {VERSIONS: [version.value], OPTIONS: [each.as_json() for each in options(version)]}
    }
