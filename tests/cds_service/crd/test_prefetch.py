"""What the prefetch of a CRD call counts for: the orders and what they refer to, never the chart of the patient."""

from typing import Any

import pytest

from tests.support.crd_calls import PATIENT, CrdService, call, coverage, order, searchset
from tests.support.hook_fakes import FakeEhr

DISPATCHED = order("d-1")


def dispatch(server: str, **prefetch: Any) -> dict[str, Any]:
    """A call of order-dispatch for one order."""
    return {
        "hook": "order-dispatch",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": server,
        "context": {
            "patientId": PATIENT,
            "dispatchedOrders": [f"ServiceRequest/{DISPATCHED['id']}"],
            "performer": "Organization/performer",
        },
        "prefetch": {"coverage": searchset(coverage()), **prefetch},
    }


def test_an_order_that_the_prefetch_has_is_not_read(ehr: FakeEhr) -> None:
    body = dispatch(ehr.base, serviceRequests=searchset(DISPATCHED))
    assert len(CrdService(over_http=True).information(body)) == 1
    assert not [each for each in ehr.asked if f"ServiceRequest/{DISPATCHED['id']}" in each]


@pytest.mark.parametrize("sent", [None, searchset()])
def test_no_medication_among_the_dispatched_orders_does_not_mean_that_the_patient_has_none(
    ehr: FakeEhr, sent: Any
) -> None:
    body = dispatch(ehr.base, serviceRequests=searchset(DISPATCHED), medicationRequests=sent)
    CrdService(over_http=True).information(body)
    assert ehr.asked_for("MedicationRequest") >= 1


def test_no_device_among_the_draft_orders_does_not_mean_that_the_patient_has_none() -> None:
    pump = order(code="62350")  # its policy searches for devices
    body = call("order-sign", pump, prefetch={"coverage": searchset(coverage()), "devices": None})
    service = CrdService()
    service.information(body)
    (line,) = service.log_lines()
    assert line["searches"]["devices"] != "prefetch"
