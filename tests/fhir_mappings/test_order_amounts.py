"""How much an order asks for: quantity, days of supply, refills, dose, frequency, and flow."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from fhir_mappings.amounts import Amount, Interval, printed
from fhir_mappings.order_amounts import KINDS, amounts_of, as_count, counted, in_unit

UCUM = "http://unitsofmeasure.org"
NOT_READ = "not read"


def quantity(value: object, unit: str = "", code: str = "", **more: Any) -> dict[str, Any]:
    coded = {"system": UCUM, "code": code} if code else {}
    return {"value": value, **({"unit": unit} if unit else {}), **coded, **more}


def read(name: str, kind: str = "MedicationRequest", **members: Any) -> list[str]:
    found = amounts_of({"resourceType": kind, **members}, name)
    return [printed(each) if each is not None else NOT_READ for each in found]


def dispensed(**members: Any) -> dict[str, Any]:
    return {"dispenseRequest": members}


def dosed(*dosages: dict[str, Any]) -> dict[str, Any]:
    return {"dosageInstruction": list(dosages)}


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_no_amount(kind: str) -> None:
    assert read(kind) == []


@pytest.mark.parametrize(
    ("members", "amounts"),
    [
        (dispensed(quantity=quantity(4)), ["4"]),
        (dispensed(quantity=quantity(Decimal("2.50"), "mL", "mL")), ["2.5 mL"]),
        (dispensed(quantity=quantity(4, comparator="<")), ["< 4"]),
        (dispensed(quantity=quantity("4")), [NOT_READ]),
        (dispensed(quantity="4"), [NOT_READ]),
        ({"quantityQuantity": quantity(30, "tablet")}, ["30 tablet"]),
        ({"quantityRange": {"low": quantity(2), "high": quantity(3)}}, ["2 to 3"]),
        ({"quantityRatio": {"numerator": quantity(2)}}, [NOT_READ]),
        ({"dispenseRequest": "x"}, []),
    ],
)
def test_a_quantity_is_read(members: dict[str, Any], amounts: list[str]) -> None:
    assert read("quantity", **members) == amounts


def test_supply_and_refills_are_read() -> None:
    assert read("supply", **dispensed(expectedSupplyDuration=quantity(30, "days", "d"))) == ["30 d"]
    assert read("refills", **dispensed(numberOfRepeatsAllowed=0)) == ["0"]


@pytest.mark.parametrize("refills", [True, -1, "3", Decimal("1.5")])
def test_refills_that_are_no_number_of_them_are_not_read(refills: object) -> None:
    assert read("refills", **dispensed(numberOfRepeatsAllowed=refills)) == [NOT_READ]


def test_every_dose_of_an_order_is_read() -> None:
    steps = [{"doseAndRate": [{"doseQuantity": quantity(Decimal(dose), "mg")}]} for dose in ("0.25", "1.7")]
    assert read("dose", **dosed(*steps)) == ["0.25 mg", "1.7 mg"]
    both = {"doseRange": {"low": quantity(1, "mg"), "high": quantity(2, "mg")}}
    assert read("dose", **dosed({"doseAndRate": [both]})) == ["1 to 2 mg"]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Take 10 mg by mouth daily", ["10 mg"]),
        ("Take 1-2 tablets every 6 hours", ["1 to 2"]),
        ("as directed", [NOT_READ]),
    ],
)
def test_a_dose_in_words_is_read_if_it_is_understood(text: str, amounts: list[str]) -> None:
    assert read("dose", **dosed({"text": text})) == amounts


def test_words_that_give_another_dose_leave_it_open() -> None:
    dose = {"doseAndRate": [{"doseQuantity": quantity(10, "mg")}]}
    assert read("dose", **dosed({**dose, "text": "Take 10 mg by mouth daily"})) == ["10 mg"]
    assert read("dose", **dosed({**dose, "text": "Take 20 mg by mouth daily"})) == ["10 mg", NOT_READ]


def every(period: object, unit: str, frequency: int = 1, **more: Any) -> dict[str, Any]:
    return {"timing": {"repeat": {"frequency": frequency, "period": period, "periodUnit": unit, **more}}}


@pytest.mark.parametrize(
    ("dosage", "amounts"),
    [
        (every(1, "d", 2), ["2 /d"]),
        (every(2, "d"), ["0.5 /d"]),
        (every(1, "mo"), ["1 /mo"]),
        (every(1, "wk"), ["1 /wk"]),
        ({"timing": {"code": {"coding": [{"code": "WK"}]}}}, ["1 /wk"]),
        (every(1, "d", 1, frequencyMax=2), ["1 to 2 /d"]),
        (every(1, "d", 4) | {"asNeededBoolean": True}, ["0 to 4 /d"]),
        ({"timing": {"code": {"coding": [{"code": "BID"}]}}}, ["2 /d"]),
        ({"timing": {"code": {"coding": [{"code": "MO"}]}}}, ["1 /mo"]),
        ({"text": "Take 1 tablet twice daily"}, ["2 /d"]),
        ({"text": "Take as directed"}, [NOT_READ]),
        (every(1, "fortnight"), [NOT_READ]),
        (every(1, "d", 2) | {"text": "Take 1 tablet once daily"}, [NOT_READ]),
        ({}, [NOT_READ]),
    ],
)
def test_a_frequency_is_read(dosage: dict[str, Any], amounts: list[str]) -> None:
    assert read("frequency", **dosed(dosage)) == amounts


def test_dosages_beside_each_other_leave_the_frequency_open() -> None:
    assert read("frequency", **dosed(every(1, "d"), every(1, "d"))) == [NOT_READ, "1 /d", "1 /d"]
    steps = [{"sequence": i, **every(1, "d", i)} for i in (1, 2)]
    assert read("frequency", **dosed(*steps)) == ["1 /d", "2 /d"]


@pytest.mark.parametrize(
    ("members", "amounts"),
    [
        ({"parameter": [{"valueQuantity": quantity(2, "L/min", "L/min")}]}, ["2 L/min"]),
        ({"parameter": [{"valueQuantity": quantity(10, "mm", "mm")}]}, []),
        (
            {"parameter": [{"valueRange": {"low": quantity(2, "L/min"), "high": quantity(3, "L/min")}}]},
            ["2 to 3 L/min"],
        ),
        ({"quantityQuantity": quantity(4, "L/min")}, ["4 L/min"]),
        ({"quantityQuantity": quantity(4)}, []),
        (dosed({"doseAndRate": [{"rateQuantity": quantity(2000, "mL/min", "mL/min")}]}), ["2000 mL/min"]),
        (dosed({"doseAndRate": [{"rateRatio": {}}]}), [NOT_READ]),
        ({"orderDetail": [{"text": "2 L/min by nasal cannula"}]}, ["2 L/min"]),
        ({"orderDetail": [{"text": "2-4 LPM"}]}, ["2 to 4 L/min"]),
        ({"orderDetail": [{"text": "1.5 liters per minute"}]}, ["1.5 L/min"]),
        ({"orderDetail": [{"text": "not over 2 L/min"}]}, [NOT_READ]),
        ({"orderDetail": [{"text": "2 L"}]}, []),
        ({"note": [{"text": "2 L/min"}]}, []),
    ],
)
def test_a_flow_is_read_in_units_of_one(members: dict[str, Any], amounts: list[str]) -> None:
    assert read("flow", "DeviceRequest", **members) == amounts


@pytest.mark.parametrize(
    ("unit", "counts"),
    [("pens", "pen"), ("Tablets", "tablet"), ("{tbl}", "tbl"), ("patches", "patch"), ("mL", "ml"), ("", "")],
)
def test_what_is_counted_is_known_in_the_singular(unit: str, counts: str) -> None:
    assert counted(unit) == counts


def test_only_things_that_are_counted_one_by_one_are_a_plain_number() -> None:
    for unit, plain in (("pens", "4"), ("{tbl}", "4"), ("mL", "4 mL"), ("units", "4 units"), ("boxes", "4 boxes")):
        (found,) = amounts_of({"quantityQuantity": quantity(4, unit)}, "quantity")
        assert found is not None
        assert printed(as_count(found)) == plain, unit


@pytest.mark.parametrize(
    ("number", "unit", "other", "low", "high"),
    [
        (1, "mo", "d", 28, 31),
        (2, "months", "d", 56, 62),
        (1, "a", "d", 365, 366),
        (12, "mo", "a", 1, 1),
        (31, "d", "mo", 1, Fraction(31, 28)),
        (28, "d", "mo", Fraction(28, 31), 1),
        (1, "/mo", "/d", Fraction(1, 31), Fraction(1, 28)),
        (1, "/d", "/mo", 28, 31),
        (Fraction(1, 30), "/d", "/mo", Fraction(28, 30), Fraction(31, 30)),
        (1, "/wk", "/d", Fraction(1, 7), Fraction(1, 7)),
    ],
)
def test_a_month_is_between_28_and_31_days(number: Any, unit: str, other: str, low: Any, high: Any) -> None:
    amount = Amount(Interval.point(Fraction(number)), unit)
    assert in_unit(amount, other) == Interval(Fraction(low), Fraction(high))


def test_what_is_no_time_does_not_become_months() -> None:
    assert in_unit(Amount(Interval.point(Fraction(1)), "mg"), "mo") is None
