"""Read the draft orders of a call: those to judge, and the others of the session."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.bundle import Entry, entry_reference, reference_of
from fhir_mappings.dates import parse
from fhir_mappings.fhir_json import Json, Resource, dumps
from fhir_mappings.orders import Order, read_order
from fhir_mappings.record import PatientRecord
from fhir_mappings.references import ReferenceIndex, address_of

_ORDERED = ("Device", "Medication")
"""Resources that orders reference and EHRs send along; they are not orders themselves."""

NOTHING_BOOKED: Mapping[str, Json] = {}
FOR_ANOTHER_PATIENT = "the order is for another patient"
"""The obstacle of an order that is not this patient's."""


@dataclass(frozen=True, slots=True)
class Session:
    """The orders to judge and the others of the session. `read` reads a draft order as these were read.

    `has_unresolved_references` is True if an order references something that is neither among the orders nor in the
    chart read so far: reading the orders again with more of the chart may then give more.
    """

    judged: tuple[Order, ...]
    others: tuple[Order, ...]
    read: Callable[[Resource], Order]
    has_unresolved_references: bool = False

    def beside(self, order: Order) -> tuple[Order, ...]:
        """Return every other order of the session that may be for this patient."""
        return tuple(
            each for each in self.judged + self.others if each is not order and each.obstacle != FOR_ANOTHER_PATIENT
        )


def read_session(
    judged: Iterable[Entry],
    others: Iterable[Entry],
    record: PatientRecord,
    rules: PlanRules,
    referenced: Iterable[Entry] = (),
    encounter: str = "",
    for_others: Iterable[Entry] = (),
    order_key: Callable[[Order], str] = lambda _: "",
    booked: Mapping[str, Json] = NOTHING_BOOKED,
) -> Session:
    """Read the draft orders, and resolve their references among each other, in `referenced`, and in the chart.

    An order that is revoked, entered in error, or asks not to perform something is not judged, nor is a device or
    medication sent along. An order sent twice counts once; orders without id and full URL each count. So do different
    orders under one id, since EHRs give several drafts the same: they are named as if they had none.
    Codes that the operator maps to those of the policies are added. `encounter` is the id of the encounter of the call,
    in which an order was written that names none. `for_others` are orders to judge that are for another patient; their
    determinations say only that. `order_key` gives the identifier by which answers may name an order. `booked` are
    the FHIR dates of the appointments for orders, by reference: the planned service date of an order that states none.
    """
    judged, others, for_others = list(judged), list(others), list(for_others)
    resolver = _Resolver([*referenced, *judged, *others], record)

    def read(resource: Resource, url: str = "") -> Order:
        order = read_order(resource, url, zone=record.zone, terms=record.terms, resolve=resolver)
        if order.planned is None and order.reference in booked:
            order = replace(order, planned=parse(booked[order.reference], record.zone))
        written_in = order.encounter or (f"Encounter/{encounter}" if encounter else "")
        return replace(order, codes=rules.mapped(order.codes), encounter=written_in, key=order_key(order))

    keys = _keys([*others, *judged])
    kept = dict(zip(keys, [*others, *judged], strict=True))
    ours = Counter(map(entry_reference, kept.values()))
    all_names = ours + Counter(map(entry_reference, for_others))

    def named(entry: Entry, names: Counter[str]) -> Order:
        url, resource = entry
        order = read(resource, url)
        return order if names[order.reference] == 1 else replace(order, reference=_without_id(entry))

    elsewhere = tuple(replace(named(entry, all_names), obstacle=FOR_ANOTHER_PATIENT) for entry in for_others)
    orders = {key: named(entry, ours) for key, entry in kept.items()}
    first = dict.fromkeys(keys[len(others) :])
    return Session(
        tuple(
            order
            for order in (*(orders[key] for key in first), *elsewhere)
            if order.is_judged and _is_order(order.resource)
        ),
        tuple(order for key, order in orders.items() if key not in first),
        read,
        resolver.has_missed,
    )


def _is_order(resource: Resource) -> bool:
    return resource.get("resourceType") not in _ORDERED


def _keys(entries: Sequence[Entry]) -> list[Hashable]:
    """Return what tells each entry from the others: the same for an order that was sent twice.

    That is its type and id. Where several entries have these, it is the full URL, which differs for every resource of a
    Bundle (FHIR R4, bdl-7), else the content.
    """
    keys: list[Hashable] = [_name(i, entry) for i, entry in enumerate(entries)]
    if len(set(keys)) == len(keys):
        return keys
    times = Counter(keys)
    return [
        (key, address_of(url) if url.strip() else dumps(resource)) if times[key] > 1 else key
        for key, (url, resource) in zip(keys, entries, strict=True)
    ]


def _name(position: int, entry: Entry) -> str:
    url, resource = entry
    own_id = resource.get("id")
    is_named = bool(url) or (isinstance(own_id, str) and bool(own_id))
    return reference_of(resource, url) if is_named else f"#{position}"


def _without_id(entry: Entry) -> str:
    url, resource = entry
    return reference_of({"resourceType": resource.get("resourceType")}, url)


class _Resolver:
    """Resolves references of orders: among the orders, then in the chart. Records whether one was not found."""

    def __init__(self, entries: Iterable[Entry], record: PatientRecord) -> None:
        self.has_missed = False
        self._record = record
        self._drafts: ReferenceIndex[Resource] = ReferenceIndex()
        for url, resource in entries:
            self._drafts.add(url, resource, resource)

    def __call__(self, reference: Json) -> Resource | None:
        """Return the resource of a Reference; None if it is not found."""
        target = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(target, str):
            return None
        found = self._drafts.find(target) or self._record.resolve(target)
        if found is None and not target.startswith("#"):
            self.has_missed = True
        return found
