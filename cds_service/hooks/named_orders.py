"""The orders that a context names instead of holding them: those that are dispatched, or that an appointment is for."""

from dataclasses import replace

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.chart_reader import Waiting, read_targets, sent_resources
from cds_service.hooks.draft_orders import named_orders
from cds_service.hooks.request import HookRequest
from fhir_mappings.bundle import Entry, reference_of
from fhir_mappings.references import address_of


def with_named_orders(
    request: HookRequest, source: FhirSource | None, deadline: Deadline, waiting: Waiting
) -> tuple[HookRequest, tuple[str, ...]]:
    """Return the request with the orders that it names, from the prefetch, else from the source; and those not found.

    A resource of another id than its reference is not the order that was named, and must not be updated in its place.
    All of them may be for another patient.
    """
    if not request.order_references:
        return request, ()
    sent = sent_resources(request)
    found: dict[str, Entry] = {}
    for reference in request.order_references:
        entry = sent.find(reference)
        if entry is not None:
            found[reference] = entry
    missing = [each for each in request.order_references if each not in found]
    if missing and source is not None:
        read = read_targets(missing, source, deadline, waiting)
        found |= {name: entry for name, entry in read.items() if reference_of(entry[1]) == address_of(name).name}
    held = [*found.values(), *request.orders.judged]
    server = request.fhir.server if request.fhir else ""
    orders = named_orders(held, request.patient_id, server)
    orders = replace(orders, for_others=(*request.orders.for_others, *orders.for_others))
    return replace(request, orders=orders), tuple(each for each in missing if each not in found)
