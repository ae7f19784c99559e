"""The discovery document (CDS Hooks 2.0.1, Discovery)."""

from collections.abc import Iterable

from cds_service.fhir_client.source import wanted
from cds_service.hooks.hooks import SERVICES
from coverage_policies.format.searches import Search

_USAGE = (
    "Plain CDS Hooks: the answer follows the policy texts that this service holds and is no decision of a payer. "
    "Whatever is not prefetched is queried from fhirServer with the token of the call."
)


def document(searches: Iterable[Search]) -> dict[str, object]:
    """The discovery document; every service asks for the same prefetch, in tokens of CDS Hooks 2.0.1 alone."""
    prefetch = {search.key: search.prefetch_template for search in wanted(searches)}
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
