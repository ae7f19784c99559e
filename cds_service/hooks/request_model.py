"""The models of a CDS Hooks call: CDS Hooks 2.0.1, HTTP Request, and order-select and order-sign of the hook library.

The models do not check the draft orders: the service evaluates an order that breaks FHIR as far as it can.
"""

# ruff: noqa: N815 (the members have the names of CDS Hooks)

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from cds_service.hooks.fhir_authorization import FhirAuthorization
from cds_service.hooks.hooks import SERVICE_OF_HOOK, Service
from cds_service.hooks.wire import UUID, Text, WireModel
from coverage_policies.format.searches import PATIENT

_CONTEXT = "Send an object with userId, patientId, draftOrders, and, for order-select, selections."
_SELECTIONS = "Send an array of strings, such as ServiceRequest/abc, that name entries of draftOrders."


def _check_hook(hook: str) -> str:
    if hook not in SERVICE_OF_HOOK:
        raise PydanticCustomError("hook", "not a hook of a service")
    return hook


def _check_address(server: str) -> str:
    """Return the address with its scheme in lower case: schemes ignore case (RFC 3986, section 3.1)."""
    try:
        parts = urlsplit(server)
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise PydanticCustomError("address", "not an address")
    scheme, _, rest = server.partition(":")
    return f"{scheme.lower()}:{rest}"


UserId = Annotated[
    str, Text(r"[A-Za-z]+/[^/\s]+"), Field(description="Send the user as Type/id, such as Practitioner/abc.")
]
PatientId = Annotated[
    str,
    Text(r"(?!\.+$)[!-.0-~]+"),
    Field(description="Send the bare FHIR id of the patient, without Patient/."),
]
EncounterId = Annotated[str, Field(description="Send the bare FHIR id of the encounter, or leave it out.")]


class OrdersBundle(WireModel):
    """The unsigned orders, as received."""

    resourceType: Literal["Bundle"] = Field(description="Send Bundle.")
    entry: list[Any] = Field([], description="Send an array of Bundle entries.")


class CallContext(WireModel):
    """The context of order-sign, which every other context extends."""

    userId: UserId
    patientId: PatientId
    encounterId: EncounterId = ""
    draftOrders: OrdersBundle = Field(description="Send a FHIR R4 Bundle with the unsigned orders.")
    selections: list[str] = Field([], description=_SELECTIONS)


class SelectionContext(CallContext):
    """The context of order-select, with the selected orders."""

    selections: list[str] = Field(description=_SELECTIONS)


class HookCall(WireModel):
    """What the body of a call of any hook has beside the hook and its context."""

    model_config = ConfigDict(
        json_schema_extra={
            "description": "Send a JSON object with hook, hookInstance, and context.",
            "dependentRequired": {"fhirAuthorization": ["fhirServer"]},
        }
    )

    hookInstance: Annotated[str, UUID] = Field(
        description="Send a UUID that is new for every call, such as the 36 characters that uuidgen prints."
    )
    fhirAuthorization: FhirAuthorization | None = Field(
        None, description="Send an object with access_token, token_type, expires_in, scope, and subject."
    )
    fhirServer: (
        Annotated[str, Text(r"[Hh][Tt][Tt][Pp][Ss]?://[^\s?#@\\]+", max_length=2_000), AfterValidator(_check_address)]
        | None
    ) = Field(
        None,
        validate_default=True,
        description="Send the http or https base address of the FHIR server, without user, query, or fragment.",
    )
    prefetch: dict[str, Any] = Field(
        {}, description="Send an object with the prefetched resources by key, or leave it out."
    )
    extension: dict[str, Any] = Field({}, description="Send an object, or leave it out.")

    @field_validator("fhirAuthorization", mode="before")
    @classmethod
    def _tolerate(cls, value: Any) -> Any:
        return value if isinstance(value, dict | FhirAuthorization) else {}

    @field_validator("prefetch")
    @classmethod
    def _drop_failures(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Leave out every null if the patient is null: that patient exists, so this client sends null for failures."""
        if PATIENT.key in value and value[PATIENT.key] is None:
            return {key: each for key, each in value.items() if each is not None}
        return value

    @field_validator("fhirServer")
    @classmethod
    def _check_server(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("fhirAuthorization") is not None:
            raise PydanticKnownError("missing")
        return value


class Call(HookCall):
    """The body of a call of a service about draft orders."""

    hook: Annotated[str, AfterValidator(_check_hook)] = Field(
        description=f"Send the hook of the service that is called: {' or '.join(SERVICE_OF_HOOK)}.",
        json_schema_extra={"enum": list(SERVICE_OF_HOOK)},
    )
    context: CallContext = Field(description=_CONTEXT)


class SelectionCall(Call):
    """The body of a call of order-select."""

    context: SelectionContext = Field(description=_CONTEXT)


def call_model(service: Service) -> type[Call]:
    """Return the model of the calls of a service."""
    return SelectionCall if service.needs_selections else Call
