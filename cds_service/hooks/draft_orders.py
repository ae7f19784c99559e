"""The draft orders of a call: which of them to evaluate, and for which patient they are."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.bundle import Entry, entries, entry_reference
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.ownership import is_for_another_patient
from fhir_mappings.references import ChartServer, ReferenceIndex, address_of

_Key: TypeAlias = tuple[str, str]
"""What tells an order from the others: its name, and its content where others have the name as well."""

_RETRACTED_STATUSES = ("revoked", "entered-in-error")
_SENT_ALONG = (
    *("Condition", "Coverage", "Device", "Encounter", "Location", "Medication", "Organization", "Patient"),
    *("Practitioner", "PractitionerRole"),
)
"""Resources that EHRs send along with orders, and that orders reference."""
_FOR_ANOTHER_PATIENT = Issue(
    "value",
    "context.draftOrders holds orders for another patient only. Send orders whose subject is context.patientId.",
    "context.draftOrders",
)


@dataclass(frozen=True, slots=True)
class DraftOrders:
    """The orders of a call as received, each with its `fullUrl` (which may be empty). They may break FHIR anywhere.

    `judged` are the orders to evaluate: every order on order-sign, the selected ones on order-select. `others` are the
    rest of the session, which may affect the judged ones. `referenced` are the devices and medications that judged
    orders reference instead of having a code. `for_others` are orders that would be judged and are for another patient.
    `is_selection_unknown` is whether no selection of order-select names a draft order; then all count as selected.
    """

    judged: tuple[Entry, ...]
    others: tuple[Entry, ...] = ()
    referenced: tuple[Entry, ...] = ()
    for_others: tuple[Entry, ...] = ()
    is_selection_unknown: bool = False


def draft_orders(sent: Json, patient_id: str, server: str, selections: Sequence[str] | None) -> DraftOrders:
    """Return the orders among the entries of a Bundle, each once, without those that request no action.

    `server` is the address of the call's FHIR server; it may be empty. `selections` is None if all orders are selected.
    Raise RefusedError (400) if all orders are for another patient.
    """
    drafts = list(entries({"entry": sent}))
    actions = _actions(drafts)
    key = _key_among(actions)
    ours, for_others = _by_patient(_once(actions, key), drafts, patient_id, server)
    if for_others and not any(map(_is_order, ours)):
        raise RefusedError(400, _FOR_ANOTHER_PATIENT)
    chosen = set(map(key, actions)) if selections is None else _selected(actions, selections, key)
    is_selection_unknown = bool(actions) and not chosen
    judged = [entry for entry in ours if is_selection_unknown or key(entry) in chosen]
    return DraftOrders(
        judged=tuple(judged),
        others=tuple(entry for entry in ours if not is_selection_unknown and key(entry) not in chosen),
        for_others=tuple(entry for entry in for_others if is_selection_unknown or key(entry) in chosen),
        is_selection_unknown=is_selection_unknown,
    )


def named_orders(found: Sequence[Entry], patient_id: str, server: str) -> DraftOrders:
    """Return the orders among resources that a context names, as `draft_orders`; all may be for another patient."""
    actions = _actions(found)
    ours, for_others = _by_patient(_once(actions, _key_among(actions)), found, patient_id, server)
    return DraftOrders(tuple(ours), for_others=tuple(for_others))


def _by_patient(
    orders: Iterable[Entry], drafts: Iterable[Entry], patient_id: str, server: str
) -> tuple[list[Entry], list[Entry]]:
    """Return the orders of the patient, and those for another one. `drafts` may have the Patient that orders name."""
    patients = [entry for entry in drafts if entry[1].get("resourceType") == "Patient"]
    chart_server = ChartServer.known_as([server])
    ours: list[Entry] = []
    for_others: list[Entry] = []
    for entry in orders:
        is_other = _is_order(entry) and is_for_another_patient(entry[1], patient_id, chart_server, patients)
        (for_others if is_other else ours).append(entry)
    return ours, for_others


def _actions(drafts: Iterable[Entry]) -> list[Entry]:
    """Return the orders that request an action."""
    return [
        (url, order)
        for url, order in drafts
        if order.get("doNotPerform") is not True and order.get("status") not in _RETRACTED_STATUSES
    ]


def _key_among(orders: Iterable[Entry]) -> Callable[[Entry], _Key]:
    """Return the function that gives the key of each of these orders.

    EHRs give several drafts one id, so an order that has the name of another one is told from it by its content.
    """
    times = Counter(map(entry_reference, orders))

    def key(entry: Entry) -> _Key:
        name = entry_reference(entry)
        return name, dumps(entry[1]) if times[name] > 1 else ""

    return key


def _once(orders: Iterable[Entry], key: Callable[[Entry], _Key]) -> Iterable[Entry]:
    """Return the orders, each once."""
    return {key(entry): entry for entry in orders}.values()


def _is_order(entry: Entry) -> bool:
    return entry[1].get("resourceType") not in _SENT_ALONG


def _selected(orders: Sequence[Entry], selections: Iterable[str], key: Callable[[Entry], _Key]) -> set[_Key]:
    """Return the keys of the orders that selections name, whatever the form of the reference.

    A full URL names its order. Any other reference names every order of that type and id.
    """
    by_name: dict[str, set[_Key]] = {}
    by_url = {address_of(url): key((url, order)) for url, order in orders if url.strip()}
    names: ReferenceIndex[str] = ReferenceIndex()
    for entry in orders:
        name = entry_reference(entry)
        by_name.setdefault(name, set()).add(key(entry))
        names.add(*entry, name)
    chosen: set[_Key] = set()
    for selection in selections:
        named = by_url.get(address_of(selection))
        if named is not None:
            chosen.add(named)
        elif (found := names.find(selection)) is not None:
            chosen |= by_name[found]
    return chosen
