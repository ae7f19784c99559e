"""The key of an order: the same when the EHR stores the draft, another for another order."""

from typing import Any

import pytest

from cds_service.records.order_keys import order_keys
from cds_service.records.pseudonyms import Pseudonymizer
from tests.support.policy_fakes import order

LEFT = {"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}
WRITTEN: dict[str, Any] = {
    "authoredOn": "2026-03-02T09:00:00-05:00",
    "requester": {"reference": "Practitioner/dr"},
    "bodySite": [LEFT],
}


def key(patient: str = "pat-1", code: str = "10001", secret: bytes = b"k" * 32, **changed: Any) -> str:
    return order_keys(Pseudonymizer(secret), patient)(order(code, **{**WRITTEN, **changed}))


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "stored-7"},
        {"status": "active"},
        {"authoredOn": "2026-03-02T16:30:00-05:00"},
        {"requester": {"reference": "https://ehr.example.org/r4/Practitioner/dr"}},
        {"note": [{"text": "please"}]},
    ],
)
def test_the_key_stays_when_the_ehr_stores_the_order(changed: dict[str, Any]) -> None:
    assert key(**changed) == key()


@pytest.mark.parametrize(
    "changed",
    [
        {"patient": "pat-2"},
        {"code": "10002"},
        {"authoredOn": "2026-03-03T09:00:00-05:00"},
        {"requester": {"reference": "Practitioner/dr2"}},
        {"requester": None},
        {"bodySite": []},
        {"secret": b"x" * 32},
    ],
)
def test_the_key_of_another_order_is_another(changed: dict[str, Any]) -> None:
    assert key(**changed) != key()


@pytest.mark.parametrize("requester", [None, 7, [], "x", {"reference": 7}, [{}, {"reference": "a/b/c"}]])
def test_a_requester_of_any_shape_gives_a_key(requester: Any) -> None:
    assert len(key(requester=requester)) == 64
