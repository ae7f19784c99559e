"""The discovery document (CDS Hooks 2.0.1, Discovery)."""

from collections.abc import Iterable

from cds_service.fhir_client.source import searches_of_call
from cds_service.hooks.hooks import SERVICES
from coverage_policies.format.searches import Search

_USAGE = (
    "Plain CDS Hooks: the cards follow the policies that this service has and are not a payer's decision. "
    "The service queries fhirServer, with the token of the call, for whatever is not prefetched."
)


def document(searches: Iterable[Search]) -> dict[str, object]:
    """Return the discovery document. Every service asks for the same prefetch, with tokens of CDS Hooks 2.0.1 only."""
    prefetch = {search.key: search.prefetch_template for search in searches_of_call(searches)}
    return {
        "services": [
            {
                "hook": service.hook,
                "id": service.id,
                "title": service.title,
                "description": service.description,
                "usageRequirements": _USAGE,
                "prefetch": prefetch,
            }
            for service in SERVICES
        ]
    }
