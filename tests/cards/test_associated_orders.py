"""The card extension that names the orders of a card, in each version of CRD."""

import pytest

from cards.associated_orders import associated_orders, orders_of
from cards.crd_versions import CrdVersion

ORDERS = ("ServiceRequest/1", "DeviceRequest/2")


@pytest.mark.requirement("7.73")
def test_crd_2_2_has_references() -> None:
    assert associated_orders(ORDERS, CrdVersion.V2_2) == {
        "davinci-crd.associated-resource": [{"reference": "ServiceRequest/1"}, {"reference": "DeviceRequest/2"}]
    }


@pytest.mark.requirement("7.73")
def test_crd_2_0_has_strings_under_the_name_of_its_text() -> None:
    assert associated_orders(ORDERS, CrdVersion.V2_0) == {
        "davinci-associated-resource": ["ServiceRequest/1", "DeviceRequest/2"]
    }


@pytest.mark.parametrize("version", list(CrdVersion))
def test_the_orders_of_a_card_are_read_in_either_version(version: CrdVersion) -> None:
    assert orders_of({"extension": associated_orders(ORDERS, version)}) == ORDERS
