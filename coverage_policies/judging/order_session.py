"""The draft orders of a call, read: those to judge, and what stands beside them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.orders import Order, read_order
from fhir_mappings.record import Entry, PatientRecord, reference_of

_ORDERED = ("Device", "Medication")
"""What orders point at and EHRs send among them: the thing itself is no order for it."""


@dataclass(frozen=True, slots=True)
class Session:
    """The orders to judge and the others of the session. `read` reads a draft order as these were read."""

    judged: tuple[Order, ...]
    others: tuple[Order, ...]
    read: Callable[[Resource], Order]

    def beside(self, order: Order) -> tuple[Order, ...]:
        """Every other order of the session."""
        return tuple(each for each in self.judged + self.others if each is not order)


def read_session(
    judged: Iterable[Entry],
    others: Iterable[Entry],
    record: PatientRecord,
    rules: PlanRules,
    referenced: Iterable[Entry] = (),
) -> Session:
    """Read the draft orders, resolving what they point at among each other, in `referenced` and in the chart.

    An order that is revoked, entered in error or asks to leave something is not judged, nor is a device or medication
    that came along; one sent twice counts once.
    Orders without id and full URL cannot be told apart by name and each count. Codes that the operator maps to
    those of the policies are added.
    """
    judged, others = list(judged), list(others)
    resolve = _resolver([*referenced, *judged, *others], record)

    def read(resource: Resource, url: str = "") -> Order:
        order = read_order(resource, url, zone=record.zone, resolve=resolve)
        return replace(order, codes=rules.mapped(order.codes))

    orders = {_name(i, entry): read(entry[1], entry[0]) for i, entry in enumerate([*others, *judged])}
    first = {_name(i, entry): None for i, entry in enumerate(judged, len(others))}
    return Session(
        tuple(order for name in first if (order := orders[name]).is_judged and _is_order(order.resource)),
        tuple(order for name, order in orders.items() if name not in first),
        read,
    )


def _is_order(resource: Resource) -> bool:
    return resource.get("resourceType") not in _ORDERED


def _name(position: int, entry: Entry) -> str:
    url, resource = entry
    own_id = resource.get("id")
    is_named = bool(url) or (isinstance(own_id, str) and bool(own_id))
    return reference_of(resource, url) if is_named else f"#{position}"


def _resolver(entries: Iterable[Entry], record: PatientRecord) -> Callable[[Json], Resource | None]:
    drafts: dict[str, Resource] = {}
    for url, resource in entries:
        drafts[reference_of(resource, url)] = resource
        if url:
            drafts[url] = resource

    def resolve(reference: Json) -> Resource | None:
        target = reference.get("reference") if isinstance(reference, dict) else None
        return drafts.get(target, record.resolve(target)) if isinstance(target, str) else None

    return resolve
