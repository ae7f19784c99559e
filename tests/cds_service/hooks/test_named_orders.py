"""The orders that a context names: taken from the prefetch, and told apart by patient and by whether they are there."""

from contextlib import nullcontext
from typing import Any

import pytest

from cds_service.fhir_client.deadline import Deadline
from cds_service.hooks.draft_orders import DraftOrders
from cds_service.hooks.named_orders import with_named_orders
from cds_service.hooks.request import HookRequest


def order(own_id: str, patient: str = "p-1", **members: Any) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "ServiceRequest", "id": own_id, "status": "active", "subject": subject} | members


def named(*names: str, sent: Any = (), held: DraftOrders = DraftOrders(())) -> tuple[HookRequest, tuple[str, ...]]:  # noqa: B008
    """A call that names orders, without a FHIR server, with what is read of it."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in sent]}
    request = HookRequest(
        hook="order-dispatch",
        hook_instance="",
        user_id="",
        patient_id="p-1",
        encounter_id="",
        orders=held,
        prefetch={"whatever": bundle},
        fhir=None,
        order_references=names,
    )
    return with_named_orders(request, None, Deadline(1.0, lambda: 0.0), nullcontext)


def test_an_order_is_found_under_any_key_of_the_prefetch_and_the_others_are_named() -> None:
    request, unread = named("ServiceRequest/a", "ServiceRequest/b", sent=[order("a"), order("c")])
    assert [each["id"] for _, each in request.orders.judged] == ["a"]
    assert unread == ("ServiceRequest/b",)


@pytest.mark.parametrize("stated", [{"status": "revoked"}, {"doNotPerform": True}])
def test_an_order_that_asks_for_nothing_is_read_and_not_judged(stated: Any) -> None:
    request, unread = named("ServiceRequest/a", sent=[order("a", **stated)])
    assert (request.orders.judged, unread) == ((), ())


def test_orders_of_another_patient_are_kept_apart_also_those_that_the_context_holds() -> None:
    mine, others = ("", order("m")), ("", order("o", "p-2"))
    held = DraftOrders((mine,), for_others=(others,))
    request, _ = named("ServiceRequest/a", "ServiceRequest/b", sent=[order("a"), order("b", "p-2")], held=held)
    assert [each["id"] for _, each in request.orders.judged] == ["a", "m"]
    assert [each["id"] for _, each in request.orders.for_others] == ["o", "b"]


def test_a_call_that_names_no_order_is_left_as_it_is() -> None:
    held = DraftOrders((("", order("m")),))
    request, unread = named(held=held, sent=[order("a")])
    assert (request.orders, unread) == (held, ())
