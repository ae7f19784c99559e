"""The models of the calls of CRD hooks that hold no draft orders (CDS Hooks Library 1.0.1)."""

# ruff: noqa: N815 (the members have the names of CDS Hooks)

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from cds_service.hooks.request_model import EncounterId, HookCall, OrdersBundle, PatientId, UserId
from cds_service.hooks.wire import Text, WireModel

_Reference = Annotated[str, Text(r"[A-Za-z]+/[A-Za-z0-9.\-]{1,64}|https?://[!-~]+", max_length=2_000)]


class DispatchContext(WireModel):
    """The context of order-dispatch in hook version 1.1, or in 1.0 with one `order`. It names no user."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["dispatchedOrders"]}, {"required": ["order"]}]}
    )

    patientId: PatientId
    order: _Reference = Field("", description="Send the dispatched order as Type/id, such as ServiceRequest/abc.")
    dispatchedOrders: list[_Reference] = Field(
        [],
        validate_default=True,
        description="Send an array of references to the dispatched orders, each as Type/id, such as "
        "ServiceRequest/abc.",
    )
    performer: _Reference = Field(description="Send who is to perform the orders as Type/id, such as Organization/abc.")

    @field_validator("dispatchedOrders")
    @classmethod
    def _need_an_order(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if not value and not info.data.get("order"):
            raise PydanticKnownError("missing")
        return value

    @property
    def orders(self) -> tuple[str, ...]:
        """Return the references of the orders, each once."""
        return tuple(dict.fromkeys([*self.dispatchedOrders, *([self.order] if self.order else [])]))


class DispatchCall(HookCall):
    """The body of a call of order-dispatch."""

    hook: Literal["order-dispatch"] = Field(description="Send order-dispatch.")
    context: DispatchContext = Field(description="Send an object with patientId, dispatchedOrders, and performer.")


class AppointmentContext(WireModel):
    """The context of appointment-book."""

    userId: UserId
    patientId: PatientId
    encounterId: EncounterId = ""
    appointments: OrdersBundle = Field(description="Send a FHIR R4 Bundle with the appointments to book.")


class AppointmentCall(HookCall):
    """The body of a call of appointment-book."""

    hook: Literal["appointment-book"] = Field(description="Send appointment-book.")
    context: AppointmentContext = Field(description="Send an object with userId, patientId, and appointments.")


MODELS: Mapping[str, type[HookCall]] = {"order-dispatch": DispatchCall, "appointment-book": AppointmentCall}
"""The models of these hooks."""
