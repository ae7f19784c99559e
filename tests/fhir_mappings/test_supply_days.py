"""The days that one supply of a drug covers."""

from datetime import date
from fractions import Fraction

import pytest

from fhir_mappings.codings import items
from fhir_mappings.daily_amount import Strength
from fhir_mappings.opioids.quantities import AmountKind
from fhir_mappings.supply_days import SupplyDays, supply_days
from tests.support.fhir_builders import concept, record, resource

TABLET = Strength(Fraction(500), AmountKind.UNITS)
SUSPENSION = Strength(Fraction(25), AmountKind.MILLILITERS)
NOT_STATED = "days of supply not stated"


def days(number, unit="d"):
    return {"value": number, "system": "http://unitsofmeasure.org", "code": unit}


def dosage(value=1, unit="tablet", frequency=2, **more):
    repeat = {"frequency": frequency, "period": 1, "periodUnit": "d"}
    return {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}], **more}


def covered(given, strength=TABLET):
    dosages = [*items(given.get("dosageInstruction")), *items(given.get("dosage"))]
    return supply_days(record(given), given, dosages, strength)


def request(*dosages, status="active", authored="2026-01-01", **dispensing):
    return resource(
        "MedicationRequest",
        status=status,
        intent="order",
        medicationCodeableConcept=concept(),
        authoredOn=authored,
        dosageInstruction=list(dosages) or None,
        dispenseRequest=dispensing or None,
    )


def dispense(**members):
    made = {"status": "completed", "medicationCodeableConcept": concept(), "whenHandedOver": "2026-01-01", **members}
    return resource("MedicationDispense", **made)


def statement(**members):
    made = {"status": "active", "medicationCodeableConcept": concept(), **members}
    return resource("MedicationStatement", **made)


def last_day(found: SupplyDays):
    return found.last.isoformat() if found.last else found.problem


BOUNDED = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-01-05", "end": "2026-01-20"}}}}
FOUR_WEEKS = {"timing": {"repeat": {"boundsDuration": days(4, "wk")}}}


@pytest.mark.parametrize(
    ("given", "last"),
    [
        (request(expectedSupplyDuration=days(30)), "2026-01-30"),
        (request(expectedSupplyDuration={"value": 30}), "2026-01-30"),
        (request(expectedSupplyDuration=days(2, "wk")), "2026-01-14"),
        (request(expectedSupplyDuration=days(30, "{tbl}")), NOT_STATED),
        (request(BOUNDED), "2026-01-20"),
        (request(BOUNDED, expectedSupplyDuration=days(60)), "2026-01-20"),
        (request(FOUR_WEEKS), "2026-01-28"),
        (request(BOUNDED, BOUNDED), NOT_STATED),
        (request(), NOT_STATED),
        (request(authored=None, expectedSupplyDuration=days(30)), "first day not stated"),
        (request(BOUNDED, status="stopped"), "stopped early, last day not on record"),
        (request(status="on-hold", expectedSupplyDuration=days(30)), "on hold"),
        (dispense(daysSupply=days(30)), "2026-01-30"),
        (dispense(whenHandedOver=None, whenPrepared="2026-01-03", daysSupply=days(30)), "2026-02-01"),
        (dispense(daysSupply=days(1)), "2026-01-01"),
        (dispense(daysSupply=days(366)), "2027-01-01"),
        (dispense(daysSupply=days(367)), NOT_STATED),
        (dispense(), NOT_STATED),
    ],
)
def test_the_days_are_those_that_are_stated(given, last):
    assert last_day(covered(given)) == last


@pytest.mark.parametrize(
    ("given", "last"),
    [
        ({"effectivePeriod": {"start": "2026-01-01", "end": "2026-01-20"}}, "2026-01-20"),
        ({"effectivePeriod": {"start": "2026-01-01"}, "dateAsserted": "2026-02-01"}, "2026-02-01"),
        (
            {"effectivePeriod": {"start": "2026-01-01"}, "dateAsserted": "2026-02-01", "status": "completed"},
            "last day not stated",
        ),
        ({"effectivePeriod": {"start": "2026-01-01"}}, "last day not stated"),
        ({"effectivePeriod": {"start": "2026-01-01", "end": "2026-01-20"}, "status": "on-hold"}, "on hold"),
        ({"effectiveDateTime": "2026-01-01"}, "days taken not stated"),
        ({}, "days taken not stated"),
    ],
)
def test_a_report_covers_its_period_and_without_an_end_the_days_up_to_the_report(given, last):
    assert last_day(covered(statement(**given))) == last


@pytest.mark.parametrize(
    ("given", "last"),
    [
        (request(dosage(), quantity={"value": 60, "unit": "tablet"}), "2026-01-30"),
        (request(dosage(), quantity={"value": 60}), "2026-01-30"),
        (request(dosage(), quantity={"value": 59, "unit": "tablet"}), "2026-01-29"),
        (request(dosage(500, "mg"), quantity={"value": 60, "unit": "tablet"}), "2026-01-30"),
        (request(dosage(1000, "mg", 1), quantity={"value": 60, "unit": "tablet"}), "2026-01-30"),
        (request(dosage(), quantity={"value": 60, "unit": "mL"}), NOT_STATED),
        (request(dosage(), quantity={"value": 1, "unit": "tablet"}), NOT_STATED),
        (request(dosage(), dosage(), quantity={"value": 60, "unit": "tablet"}), NOT_STATED),
        (request({"timing": {}}, quantity={"value": 60, "unit": "tablet"}), NOT_STATED),
        (request(quantity={"value": 60, "unit": "tablet"}), NOT_STATED),
        (dispense(quantity={"value": 60, "unit": "tablet"}, dosageInstruction=[dosage()]), "2026-01-30"),
    ],
)
def test_else_the_days_follow_from_quantity_and_dose(given, last):
    assert last_day(covered(given)) == last


@pytest.mark.parametrize(
    ("given", "last"),
    [
        (request({"text": "Take 1 tablet by mouth twice daily"}, quantity={"value": 60}), "2026-01-30"),
        (request({"text": "Take 1 tablet by mouth twice daily for 14 days"}), "2026-01-14"),
        (request({"text": "Take 1 tablet by mouth twice daily for 14 days"}, quantity={"value": 60}), "2026-01-14"),
        (request({"text": "Take 1 tablet by mouth twice daily for 14 days"}, quantity={"value": 20}), "2026-01-10"),
        (request({"text": "Take as directed"}, quantity={"value": 60}), NOT_STATED),
    ],
)
def test_directions_in_words_tell_the_dose_and_the_days(given, last):
    assert last_day(covered(given)) == last


def test_a_range_of_doses_lasts_at_least_as_long_as_its_high_end():
    ranged = dosage() | {"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}]}
    assert last_day(covered(request(ranged, quantity={"value": 60, "unit": "tablet"}))) == "2026-01-15"


@pytest.mark.parametrize(("dose", "last"), [((20, "mL"), "2026-01-05"), ((500, "mg"), "2026-01-05")])
def test_a_liquid_lasts_by_its_volume_or_strength(dose, last):
    given = request(dosage(*dose), quantity={"value": 200, "unit": "mL"})
    assert last_day(covered(given, SUSPENSION)) == last


def test_a_dose_in_mg_of_an_unknown_strength_tells_no_days():
    given = request(dosage(500, "mg"), quantity={"value": 60, "unit": "tablet"})
    assert last_day(covered(given, None)) == NOT_STATED


def test_the_first_day_is_that_of_the_instruction_else_the_day_it_was_written():
    starts = [covered(request(BOUNDED)).first, covered(request(expectedSupplyDuration=days(3))).first]
    assert [start.earliest for start in starts if start] == [date(2026, 1, 5), date(2026, 1, 1)]
