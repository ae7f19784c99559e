"""Directions and supply in words."""

from decimal import Decimal

import pytest

from cds_service.web.sandbox.medicine_words import directions, quantity, supply
from fhir_mappings.fhir_json import Json


def sig(times: Json = None, period: Json = None, unit: Json = None, dose: Json = None) -> Json:
    """A structured dosage instruction without words."""
    repeat = {"frequency": times, "period": period, "periodUnit": unit}
    return {"doseAndRate": [{"doseQuantity": dose}] if dose else [], "timing": {"repeat": repeat}}


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        ({"text": " 1 tablet daily "}, "1 tablet daily"),
        ({"text": "", "patientInstruction": "One at night"}, "One at night"),
        (sig(2, 1, "d", {"value": 1, "unit": "tablet"}), "1 tablet 2 times every day"),
        (sig(1, 6, "h"), "once every 6 hours"),
        (sig(None, 1, "wk"), "once every week"),
        (sig(1, 1, "d", {"value": 1}), "dose 1 once every day"),
        ({"timing": {"code": {"text": "BID"}}}, "BID"),
        ({"timing": {"code": {"text": "BID"}, "repeat": {"period": 1}}}, "BID"),
        ({}, ""),
        ({"text": 7, "timing": "daily", "doseAndRate": "one"}, ""),
    ],
)
def test_directions_are_their_own_words_else_dose_and_times(dosage: Json, expected: str) -> None:
    assert directions(dosage) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {
                "dispenseRequest": {
                    "quantity": {"value": 60, "unit": "tablet"},
                    "expectedSupplyDuration": {"value": 30, "unit": "d"},
                    "numberOfRepeatsAllowed": 2,
                }
            },
            "60 tablet, for 30 days, 2 refills",
        ),
        (
            {"dispenseRequest": {"expectedSupplyDuration": {"value": 1}, "numberOfRepeatsAllowed": 1}},
            "for 1 day, 1 refill",
        ),
        ({"dispenseRequest": {"numberOfRepeatsAllowed": 0}}, ""),
        ({"quantity": {"value": 60}, "daysSupply": {"value": 30}}, "60, for 30 days"),
        ({"dispenseRequest": "much", "quantity": []}, ""),
    ],
)
def test_supply_says_quantity_days_and_refills(resource: Json, expected: str) -> None:
    assert supply(resource) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": Decimal("2.50"), "unit": "mg"}, "2.50 mg"),
        ({"value": 2, "code": "mg"}, "2 mg"),
        ({"comparator": "<", "value": 2, "unit": "mg"}, "< 2 mg"),
        ({"unit": "mg"}, ""),
        ({"value": True, "unit": "mg"}, ""),
        (None, ""),
    ],
)
def test_a_quantity_has_its_digits_and_unit(value: Json, expected: str) -> None:
    assert quantity(value) == expected
