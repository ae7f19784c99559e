"""A CDS Hooks call, checked: from parsed JSON to what the rest of the service works with.

The rules are those of CDS Hooks 2.0.1 (HTTP Request) and of order-select and order-sign in the hook library. The models
do not check the draft orders themselves: the service evaluates an order that breaks FHIR as far as it can.
"""

# ruff: noqa: N815 (the models name their members as CDS Hooks does)

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from cds_service.fhir_client.source import FhirAccess
from cds_service.hooks.hooks import SERVICE_OF_HOOK, Service
from cds_service.hooks.wire import UUID, Text, WireModel, read_model
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.record import Entry, entries, reference_of

_NOT_WANTED = ("revoked", "entered-in-error")
_CONTEXT = "Send an object with userId, patientId, draftOrders, and, for order-select, selections."
_SELECTIONS = "Send an array of strings, such as ServiceRequest/abc, that name entries of draftOrders."


@dataclass(frozen=True, slots=True)
class DraftOrders:
    """The orders of a call, as received, each with its `fullUrl` (which may be empty).

    `judged` are those the answer is about: every order on order-sign, the selected ones on order-select.
    `others` are the rest of the session, which may matter to a judged one. Orders may break FHIR anywhere.
    `referenced` are the devices and medications that judged orders point at instead of carrying a code.
    """

    judged: tuple[Entry, ...]
    others: tuple[Entry, ...] = ()
    referenced: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call. `encounter_id` may be empty; `prefetch` is as received, its values of any shape."""

    hook: str
    hook_instance: str
    user_id: str
    patient_id: str
    encounter_id: str
    orders: DraftOrders
    prefetch: Mapping[str, Json]
    fhir: FhirAccess | None


def _check_hook(hook: str) -> str:
    if hook not in SERVICE_OF_HOOK:
        raise PydanticCustomError("hook", "not a hook of a service")
    return hook


def _check_address(server: str) -> str:
    try:
        parts = urlsplit(server)
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise PydanticCustomError("address", "not an address")
    return server


class FhirAuthorization(WireModel):
    """The token that the FHIR server of a call takes."""

    access_token: Annotated[str, Text(r"[!-~]+")] = Field(
        description="Send the OAuth 2.0 access token in printable ASCII characters."
    )
    token_type: Literal["Bearer"] = Field(description="Send Bearer.")
    expires_in: int = Field(description="Send the lifetime of the token in whole seconds.")
    scope: str = Field(description="Send the SMART scopes of the token, separated by spaces.")
    subject: str = Field(description="Send the client id of this service at the authorization server.")


class OrdersBundle(WireModel):
    """The unsigned orders, as received."""

    resourceType: Literal["Bundle"] = Field(description="Send Bundle.")
    entry: list[Any] = Field([], description="Send an array of Bundle entries.")


class CallContext(WireModel):
    """The context of order-sign, and what every other context has too."""

    userId: Annotated[str, Text(r"[A-Za-z]+/[^/\s]+")] = Field(
        description="Send the user as Type/id, such as Practitioner/abc."
    )
    patientId: Annotated[str, Text(r"(?!\.+$)[!-.0-~]+")] = Field(
        description="Send the bare FHIR id of the patient, without Patient/."
    )
    encounterId: str = Field("", description="Send the bare FHIR id of the encounter, or leave it out.")
    draftOrders: OrdersBundle = Field(description="Send a FHIR R4 Bundle with the unsigned orders.")
    selections: list[str] = Field([], description=_SELECTIONS)


class SelectionContext(CallContext):
    """The context of order-select, which says what the clinician selected."""

    selections: list[str] = Field(description=_SELECTIONS)


class Call(WireModel):
    """The body of a call of any service."""

    model_config = ConfigDict(
        json_schema_extra={
            "description": "Send a JSON object with hook, hookInstance, and context.",
            "dependentRequired": {"fhirAuthorization": ["fhirServer"]},
        }
    )

    hook: Annotated[str, AfterValidator(_check_hook)] = Field(
        description=f"Send the hook of the service that is called: {' or '.join(SERVICE_OF_HOOK)}.",
        json_schema_extra={"enum": list(SERVICE_OF_HOOK)},
    )
    hookInstance: Annotated[str, UUID] = Field(
        description="Send a UUID that is new for every call, such as the 36 characters that uuidgen prints."
    )
    fhirAuthorization: FhirAuthorization | None = Field(
        None, description="Send an object with access_token, token_type, expires_in, scope, and subject."
    )
    fhirServer: Annotated[str, Text(r"https?://[^\s?#@\\]+"), AfterValidator(_check_address)] | None = Field(
        None,
        validate_default=True,
        description="Send the http or https base address of the FHIR server, without user, query, or fragment.",
    )
    context: CallContext = Field(description=_CONTEXT)
    prefetch: dict[str, Any] = Field(
        {}, description="Send an object with the prefetched resources by key, or leave it out."
    )
    extension: dict[str, Any] = Field({}, description="Send an object, or leave it out.")

    @field_validator("fhirServer")
    @classmethod
    def _check_server(cls, value: str | None, info: ValidationInfo) -> str | None:
        # An invalid authorization is not in `info.data`, and needs a server as much as a valid one.
        if value is None and info.data.get("fhirAuthorization", "invalid") is not None:
            raise PydanticKnownError("missing")
        return value


class SelectionCall(Call):
    """The body of a call of order-select."""

    context: SelectionContext = Field(description=_CONTEXT)


def call_model(service: Service) -> type[Call]:
    """Return the model of the calls of a service."""
    return SelectionCall if service.needs_selections else Call


def read_request(value: Json) -> HookRequest:
    """Return the call in a parsed request body. The draft orders and the prefetch stay as received.

    Raises RefusedError (400) with the path of everything that is wrong and what to send there, never a value.
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
        orders=_draft_orders(context.draftOrders, context.selections if is_selection else None),
        prefetch=call.prefetch,
        fhir=_access(call),
    )


def _model_of(value: Json) -> type[Call]:
    """Return the model of the hook that a call states, and the general one where it states none of ours."""
    hook = value.get("hook") if isinstance(value, Mapping) else None
    service = SERVICE_OF_HOOK.get(hook) if isinstance(hook, str) else None
    return call_model(service) if service else Call


def _access(call: Call) -> FhirAccess | None:
    if call.fhirServer is None:
        return None
    server, authorization = call.fhirServer.rstrip("/"), call.fhirAuthorization
    if authorization is None:
        return FhirAccess(server)
    return FhirAccess(server, authorization.access_token, authorization.expires_in)


def _draft_orders(bundle: OrdersBundle, selections: list[str] | None) -> DraftOrders:
    """Return the orders of a Bundle, each once, without those that ask for nothing (not wanted, or taken back)."""
    found = {
        (reference_of(order, url), dumps(order)): (url, order)
        for url, order in entries({"entry": bundle.entry})
        if _is_wanted(order)
    }
    orders = tuple(found.values())
    if selections is None:
        return DraftOrders(orders)
    chosen = set(selections)
    return DraftOrders(
        judged=tuple(entry for entry in orders if chosen & _names(*entry)),
        others=tuple(entry for entry in orders if not chosen & _names(*entry)),
    )


def _is_wanted(order: Mapping[str, Json]) -> bool:
    return order.get("doNotPerform") is not True and order.get("status") not in _NOT_WANTED


def _names(url: str, order: Mapping[str, Json]) -> set[str]:
    """Every name a selection may use for an order: `Type/id`, its full URL, the end of that."""
    return {reference_of(order, url), url, "/".join(url.split("/")[-2:])} - {""}
