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
    """The orders to judge and the others of the session. `read` reads a draft order as these were read.

    `has_unresolved_references` is True where an order points at something that is not among the orders and the chart as
    far as it was read: reading the orders again with more of the chart may then give more.
    """

    judged: tuple[Order, ...]
    others: tuple[Order, ...]
    read: Callable[[Resource], Order]
    has_unresolved_references: bool = False

    def beside(self, order: Order) -> tuple[Order, ...]:
        """Return every other order of the session."""
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
    resolver = _Resolver([*referenced, *judged, *others], record)

    def read(resource: Resource, url: str = "") -> Order:
        order = read_order(resource, url, zone=record.zone, resolve=resolver)
        return replace(order, codes=rules.mapped(order.codes))

    orders = {_name(i, entry): read(entry[1], entry[0]) for i, entry in enumerate([*others, *judged])}
    first = {_name(i, entry): None for i, entry in enumerate(judged, len(others))}
    return Session(
        tuple(order for name in first if (order := orders[name]).is_judged and _is_order(order.resource)),
        tuple(order for name, order in orders.items() if name not in first),
        read,
        resolver.has_missed,
    )


def _is_order(resource: Resource) -> bool:
    return resource.get("resourceType") not in _ORDERED


def _name(position: int, entry: Entry) -> str:
    url, resource = entry
    own_id = resource.get("id")
    is_named = bool(url) or (isinstance(own_id, str) and bool(own_id))
    return reference_of(resource, url) if is_named else f"#{position}"


class _Resolver:
    """Finds what orders point at: among the orders, then in the chart. Notes whether something was not found."""

    def __init__(self, entries: Iterable[Entry], record: PatientRecord) -> None:
        self.has_missed = False
        self._record = record
        self._drafts: dict[str, Resource] = {}
        for url, resource in entries:
            self._drafts[reference_of(resource, url)] = resource
            if url:
                self._drafts[url] = resource

    def __call__(self, reference: Json) -> Resource | None:
        """Return the resource that a Reference points at; None where it is not found."""
        target = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(target, str):
            return None
        found = self._drafts.get(target) or self._record.resolve(target)
        if found is None and not target.startswith("#"):
            self.has_missed = True
        return found
