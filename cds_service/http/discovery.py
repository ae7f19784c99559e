"""The services on offer and the discovery document (CDS Hooks 2.0.1, Discovery)."""

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.fhir_client.source import wanted
from coverage_policies.format.searches import Search


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS service: its id, which is the end of its address, and the hook it answers."""

    id: str
    hook: str
    title: str
    description: str


SERVICES = (
    Service(
        "coverage-order-select",
        "order-select",
        "Coverage policies, while ordering",
        "Judges the selected orders against the payers' medical-necessity policies that speak about them: criterion by "
        "criterion, what the chart proves, what it rules out and what is still to be documented.",
    ),
    Service(
        "coverage-order-sign",
        "order-sign",
        "Coverage policies, before signing",
        "Judges every order about to be signed against the payers' medical-necessity policies that speak about it: "
        "criterion by criterion, what the chart proves, what it rules out and what is still to be documented.",
    ),
)

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
