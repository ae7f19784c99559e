"""Read a CRD call: the hooks of CDS Hooks strictly, the version that it asks for, and what it chooses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cards.crd_versions import CrdVersion
from cds_service.crd.configuration import Choices, choices
from cds_service.crd.order_profiles import ORDER_PROFILES
from cds_service.crd.prefetch import KEYS_OF_ORDERS, prefetch_of
from cds_service.crd.profiles import INVALID_STATUS, check_bundle
from cds_service.crd.request_model import AppointmentCall, DispatchCall
from cds_service.fhir_client.source import COVERAGE
from cds_service.hooks.draft_orders import DraftOrders, draft_orders
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.hooks import Service
from cds_service.hooks.request import HookRequest, access_of, read_request
from cds_service.hooks.request_model import HookCall
from cds_service.hooks.wire import read_model
from fhir_mappings.bundle import entries, reference_of
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.references import ReferenceIndex, address_of
from fhir_mappings.validity import is_resource_type

REQUESTED_VERSION = "davinci-crd.requestedVersion"
_ORDERS_OF_CALL = "of-call:"
_ALTERNATE_REFERENCE = "http://hl7.org/fhir/StructureDefinition/alternate-reference"


@dataclass(frozen=True, slots=True)
class CrdRequest:
    """One call of a CRD service, and what it chooses of the options of the service."""

    call: HookRequest
    choices: Choices


def read_crd_request(value: Json, service: Service) -> CrdRequest:
    """Return the call in a parsed request body.

    Raise RefusedError with the path of every fault and what to send there, never a value: 400 in CRD 2.2 and 422 in
    2.0 for what CDS Hooks or FHIR does not allow (hook-13), and 422 for what a profile of CRD does not allow, or for
    another version than that of the service.
    """
    version = service.crd_version
    hook = value.get("hook") if isinstance(value, Mapping) else None
    if isinstance(hook, str) and hook != service.hook:
        issue = Issue("value", f"hook differs from this service's. Send {service.hook}.", "hook")
        raise RefusedError(INVALID_STATUS[version], issue)
    try:
        call = _READERS.get(service.hook, read_request)(value)
    except RefusedError as error:
        raise RefusedError(INVALID_STATUS[version], *error.issues) from None
    assert isinstance(value, Mapping)  # noqa: S101  (it was read)
    extension = value.get("extension")
    stated: Mapping[str, Json] = extension if isinstance(extension, Mapping) else {}
    _check_version(stated, version)
    if held := _BUNDLES.get(service.hook):
        check_bundle(value["context"][held], f"context.{held}", version)
    prefetch = _as_meant(call.prefetch)
    servers = tuple(dict.fromkeys(servers_of_patient(prefetch.get(COVERAGE.key), call.patient_id)))
    keys = frozenset(prefetch_of(service)) - KEYS_OF_ORDERS
    meant = replace(call, prefetch=prefetch, prefetch_keys=keys, chart_servers=servers)
    return CrdRequest(meant, choices(stated))


def _as_meant(prefetch: Mapping[str, Json]) -> dict[str, Json]:
    """Return the prefetch under keys that say no more than a CRD client means.

    The orders of a call must not pass for all orders of the patient. A CRD client sends the one Coverage that it has
    chosen, and some send it without a Bundle (CRD 2.2.1 dev-28).
    """
    found = {f"{_ORDERS_OF_CALL}{key}" if key in KEYS_OF_ORDERS else key: value for key, value in prefetch.items()}
    sent = found.get(COVERAGE.key)
    if isinstance(sent, Mapping) and sent.get("resourceType") == COVERAGE.resource_type:
        found[COVERAGE.key] = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": sent}]}
    return found


def servers_of_patient(found: Json, patient_id: str) -> Iterator[str]:
    """Yield the base addresses by which the Coverage that was sent names the patient of the call.

    A gateway has more than one, and the client has chosen this Coverage for this patient (CRD 2.2.1 dev-28). The
    example requests of the guide name the patient at another address than their fhirServer.
    """
    for _, resource in entries(found):
        beneficiary = resource.get("beneficiary") if resource.get("resourceType") == COVERAGE.resource_type else None
        reference = beneficiary.get("reference") if isinstance(beneficiary, Mapping) else None
        if isinstance(reference, str) and reference.endswith(f"/Patient/{patient_id}"):
            yield reference.removesuffix(f"/Patient/{patient_id}")


def _check_version(extension: Mapping[str, Json], version: CrdVersion) -> None:
    if extension.get(REQUESTED_VERSION) not in (None, version.value):
        where = f"extension.{REQUESTED_VERSION}"
        says = (
            f"This service answers in version {version.value} of Da Vinci CRD. Send {version.value}, or leave it out."
        )
        raise RefusedError(422, Issue("not-supported", says, where))


def _read_dispatch(value: Json) -> HookRequest:
    """Return the call with the references of the dispatched orders, without those to resources that are no orders.

    Raise RefusedError (400) if there are no others.
    """
    call = read_model(DispatchCall, value)
    references = tuple(filter(_is_to_order, call.context.orders))
    if not references:
        where = named_orders_in(call.hook)
        what = f"{where} names no orders. Send references to orders, such as ServiceRequest/abc."
        raise RefusedError(400, Issue("value", what, where))
    return _request(call, call.hook, call.context, DraftOrders(()), references)


def _read_appointments(value: Json) -> HookRequest:
    """Return the call with the orders behind its appointments, and the appointments that are for none."""
    call = read_model(AppointmentCall, value)
    context = call.context
    sent = draft_orders(context.appointments.entry, context.patientId, call.fhirServer or "", selections=None)
    behind = {id(each): tuple(_based_on(each)) for _, each in sent.judged}
    alone = tuple(entry for entry in sent.judged if not behind[id(entry[1])])
    held = ReferenceIndex.of(alone)
    named = dict.fromkeys(each for found in behind.values() for each in found)
    references = tuple(each for each in named if held.find(each) is None)
    orders = DraftOrders(alone, for_others=sent.for_others)
    request = _request(call, call.hook, context, orders, references, context.userId, context.encounterId)
    booked: dict[str, Json] = {}
    for url, appointment in sent.judged:
        for name in behind[id(appointment)] or (reference_of(appointment, url),):
            booked.setdefault("/".join(name.split("/_history/")[0].split("/")[-2:]), appointment.get("start"))
    return replace(request, booked=booked)


def _based_on(appointment: Resource) -> Iterator[str]:
    """Yield the orders that an appointment is for: its `basedOn`, or the alternate reference to another type of order.

    FHIR R4 allows only a ServiceRequest in `basedOn` (Appointment; CRD 2.2.1, CRDAppointmentBase). What an order that
    is sent beside the appointments is based on is no order of the call.
    """
    for target in items(appointment.get("basedOn")) if appointment.get("resourceType") == "Appointment" else ():
        alternates = [
            each.get("valueReference")
            for each in items(target.get("extension"))
            if each.get("url") == _ALTERNATE_REFERENCE
        ]
        for each in (target, *alternates):
            reference = each.get("reference") if isinstance(each, Mapping) else None
            if isinstance(reference, str) and not reference.startswith("#") and _is_to_order(reference):
                yield reference


def _is_to_order(reference: str) -> bool:
    """Return whether a reference may be to an order: whether the type that it names is one, or is none of FHIR R4."""
    kind = address_of(reference).name.partition("/")[0]
    return kind in ORDER_PROFILES or not is_resource_type(kind)


def _request(
    call: HookCall,
    hook: str,
    context: Any,
    orders: DraftOrders,
    references: tuple[str, ...],
    user_id: str = "",
    encounter_id: str = "",
) -> HookRequest:
    return HookRequest(
        hook=hook,
        hook_instance=call.hookInstance,
        user_id=user_id,
        patient_id=context.patientId,
        encounter_id=encounter_id,
        orders=orders,
        prefetch=call.prefetch,
        fhir=access_of(call),
        order_references=references,
    )


_READERS = {"order-dispatch": _read_dispatch, "appointment-book": _read_appointments}
_BUNDLES = {"order-select": "draftOrders", "order-sign": "draftOrders", "appointment-book": "appointments"}
"""The member of the context that has the Bundle of a hook."""


def named_orders_in(hook: str) -> str:
    """Return the element that names the orders of a call of a hook, as a FHIRPath expression; empty if none does."""
    return {
        "order-dispatch": "context.dispatchedOrders",
        "appointment-book": "context.appointments.entry.resource.basedOn",
    }.get(hook, "")
