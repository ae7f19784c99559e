"""The discovery document (CDS Hooks 2.0.1, Discovery)."""

from collections.abc import Iterable

from cds_service.fhir_client.source import searches_of_call
from cds_service.hooks.hooks import SERVICES
from coverage_policies.format.searches import Search

_USAGE = (
    "Plain CDS Hooks: the cards follow the policies that this service has and are not a payer's decision. "
    "The service queries fhirServer, with the token of the call, for whatever is not prefetched."
)
_QUERIED = " It queries what few orders need; a client that sends no fhirServer may prefetch it: {}."


def document(searches: Iterable[Search]) -> dict[str, object]:
    """Return the discovery document. Every service asks for the same prefetch, with tokens of CDS Hooks 2.0.1 only.

    The usage requirements name the searches that are not in prefetch, with their keys.
    """
    found = searches_of_call(searches)
    prefetch = {search.key: search.prefetch_template for search in found if search.in_prefetch}
    queried = [f"{search.key} ({search.prefetch_template})" for search in found if not search.in_prefetch]
    usage = _USAGE + _QUERIED.format(", ".join(queried)) if queried else _USAGE
    return {
        "services": [
            {
                "hook": service.hook,
                "id": service.id,
                "title": service.title,
                "description": service.description,
                "usageRequirements": usage,
                "prefetch": prefetch,
            }
            for service in SERVICES
        ]
    }
