"""A validated CDS Hooks call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.fhir_client.source import FhirAccess
from cds_service.hooks.draft_orders import DraftOrders, draft_orders
from cds_service.hooks.fhir_authorization import read_token
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.hooks.request_model import Call, HookCall, call_model
from cds_service.hooks.wire import read_model
from fhir_mappings.fhir_json import Json


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call. `user_id` and `encounter_id` may be empty; `prefetch` is as received, with values of any shape.

    `order_references` are the orders that the context names instead of holding them; `orders` has only the others.
    `booked` are the FHIR dates of the appointments for orders, by the reference of the order, `Type/id`.
    `prefetch_keys` are the keys that the service asks for; None for those of the plain services.
    `chart_servers` are base addresses that mean the server of the chart, besides those of `fhir` and of search results.
    """

    hook: str
    hook_instance: str
    user_id: str
    patient_id: str
    encounter_id: str
    orders: DraftOrders
    prefetch: Mapping[str, Json]
    fhir: FhirAccess | None
    order_references: tuple[str, ...] = ()
    booked: Mapping[str, Json] = field(default_factory=dict)
    prefetch_keys: frozenset[str] | None = None
    chart_servers: tuple[str, ...] = ()


def read_request(value: Json) -> HookRequest:
    """Return the call in a parsed request body. The draft orders and the prefetch stay as received.

    Raise RefusedError (400) with the path of every fault and what to send there, never a value.
    """
    call = read_model(_model_of(value), value)
    context = call.context
    is_selection = SERVICE_OF_HOOK[call.hook].needs_selections
    return HookRequest(
        hook=call.hook,
        hook_instance=call.hookInstance,
        user_id=context.userId,
        patient_id=context.patientId,
        encounter_id=context.encounterId,
        orders=draft_orders(
            context.draftOrders.entry,
            context.patientId,
            call.fhirServer or "",
            context.selections if is_selection else None,
        ),
        prefetch=call.prefetch,
        fhir=access_of(call),
    )


def _model_of(value: Json) -> type[Call]:
    """Return the model of the hook of a call; the general model if the hook is not one of ours."""
    hook = value.get("hook") if isinstance(value, Mapping) else None
    service = SERVICE_OF_HOOK.get(hook) if isinstance(hook, str) else None
    return call_model(service) if service else Call


def access_of(call: HookCall) -> FhirAccess | None:
    """Return the FHIR server of a call and the token for it; None if it names none."""
    if call.fhirServer is None:
        return None
    server, authorization = call.fhirServer.rstrip("/"), call.fhirAuthorization
    if authorization is None:
        return FhirAccess(server)
    found = read_token(authorization)
    return FhirAccess(server, found.token, found.expires_in, token_fault=found.fault, token_deviations=found.deviations)
