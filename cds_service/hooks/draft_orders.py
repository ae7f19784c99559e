"""The draft orders of a call: which of them to evaluate, and for which patient they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.bundle import Entry, entries, entry_reference, reference_of
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.ownership import is_for_another_patient
from fhir_mappings.references import ChartServer, ReferenceIndex

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
    orders = _actions(drafts)
    ours, for_others = _by_patient(orders, drafts, patient_id, server)
    if for_others and not any(map(_is_order, ours)):
        raise RefusedError(400, _FOR_ANOTHER_PATIENT)
    chosen = set(map(entry_reference, orders)) if selections is None else _selected(orders, selections)
    is_selection_unknown = bool(orders) and not chosen
    judged = [entry for entry in ours if is_selection_unknown or entry_reference(entry) in chosen]
    return DraftOrders(
        judged=tuple(judged),
        others=tuple(entry for entry in ours if not is_selection_unknown and entry_reference(entry) not in chosen),
        for_others=tuple(entry for entry in for_others if is_selection_unknown or entry_reference(entry) in chosen),
        is_selection_unknown=is_selection_unknown,
    )


def named_orders(found: Sequence[Entry], patient_id: str, server: str) -> DraftOrders:
    """Return the orders among resources that a context names, as `draft_orders`; all may be for another patient."""
    ours, for_others = _by_patient(_actions(found), found, patient_id, server)
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
    """Return the orders that request an action, each once."""
    found = [
        (url, order)
        for url, order in drafts
        if order.get("doNotPerform") is not True and order.get("status") not in _RETRACTED_STATUSES
    ]
    if len(set(map(entry_reference, found))) == len(found):
        return found
    return list({(reference_of(order, url), dumps(order)): (url, order) for url, order in found}.values())


def _is_order(entry: Entry) -> bool:
    return entry[1].get("resourceType") not in _SENT_ALONG


def _selected(orders: Iterable[Entry], selections: Iterable[str]) -> set[str]:
    """Return the keys of the orders that selections name, whatever the form of the reference."""
    index: ReferenceIndex[str] = ReferenceIndex()
    for entry in orders:
        index.add(*entry, entry_reference(entry))
    return {found for selection in selections if (found := index.find(selection)) is not None}
