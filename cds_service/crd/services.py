"""The services of Da Vinci CRD, one family for each version, beside the plain services."""

from cards.crd_versions import CrdVersion
from cds_service.clients.registry import Client
from cds_service.hooks.hooks import SERVICES, Service
from coverage_policies.judging.plan_rules import PlanRules

_HOOKS = {
    "order-select": (
        "Coverage requirements, while ordering",
        "Says for each selected order what the payer covers, as far as that is known before signing: the policy's "
        "criteria that fail, and whether signing will ask for documentation.",
    ),
    "order-sign": (
        "Coverage requirements, before signing",
        "Says for each order whether it is covered, needs prior authorization, or needs documentation, and by which "
        "criterion of the payer's policy.",
    ),
    "order-dispatch": (
        "Coverage requirements, when an order is sent to a performer",
        "Says for each order that is sent to a performer whether it is covered, needs prior authorization, or needs "
        "documentation, and by which criterion of the payer's policy.",
    ),
    "appointment-book": (
        "Coverage requirements, when an appointment is booked",
        "Says for the order behind each appointment whether it is covered, needs prior authorization, or needs "
        "documentation, and by which criterion of the payer's policy.",
    ),
}
_PREFIXES = {CrdVersion.V2_2: "crd-", CrdVersion.V2_0: "crd-2.0-"}

CRD_SERVICES = tuple(
    Service(f"{prefix}{hook}", hook, title, description, hook == "order-select", version)
    for version, prefix in _PREFIXES.items()
    for hook, (title, description) in _HOOKS.items()
)
HOOKS = tuple(dict.fromkeys(service.hook for service in (*SERVICES, *CRD_SERVICES)))
"""Every hook of any service."""


def service_at(path: str) -> Service | None:
    """Return the CRD service that a path of a call leads to; None if it leads to none."""
    name = path.strip("/").removeprefix("cds-services/")
    return next((each for each in CRD_SERVICES if each.id == name), None)


def offered_services(rules: PlanRules) -> tuple[Service, ...]:
    """Return the services of an installation: those of CRD only if it answers for a payer."""
    return (*SERVICES, *CRD_SERVICES) if rules.answered_for else SERVICES


def services_for(client: Client | None, rules: PlanRules) -> tuple[Service, ...]:
    """Return the services that a client may call: those of its family.

    The test client may call all of them, and so may everybody where clients are not authenticated.
    """
    offered = offered_services(rules)
    if client is None or client.is_sandbox:
        return offered
    return tuple(each for each in offered if each.version is client.crd_version)
