"""The most of a drug that a Dosage lets take a day."""

from fractions import Fraction

import pytest

from fhir_mappings.daily_amount import Strength, counted, directions_of, most_a_day
from fhir_mappings.opioids.quantities import Amount, AmountKind, UnconvertibleError

TABLET = Strength(Fraction(500), AmountKind.UNITS)


def dosage(value=None, unit="tablet", frequency=None, text=None):
    made = {
        "text": text,
        "timing": {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}} if frequency else None,
        "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}] if value else None,
    }
    return {name: member for name, member in made.items() if member is not None}


@pytest.mark.parametrize(
    ("given", "tablets"),
    [
        (dosage(1, frequency=2), 2),
        (dosage(500, "mg", 3), 3),
        (dosage(text="Take 1 tablet by mouth twice daily"), 2),
        (dosage(text="1 TAB PO BID"), 2),
        (dosage(text="500 mg PO BID"), 2),
        (dosage(text="Take 1-2 tablets by mouth every 12 hours"), 4),
        (dosage(text="Take 2 tablets in the morning and 1 tablet at bedtime"), 3),
        (dosage(1, text="Take twice daily"), 2),
        (dosage(text="Take 1 tablet", frequency=2), 2),
        (dosage(1, frequency=2, text="Take 1 tablet by mouth twice daily"), 2),
        (dosage(1, frequency=2, text="with plenty of water, as discussed"), 2),
    ],
)
def test_it_follows_from_the_elements_or_from_the_words(given, tablets):
    assert most_a_day(given, TABLET) == Amount(Fraction(tablets), AmountKind.UNITS)


@pytest.mark.parametrize(
    "given",
    [
        dosage(),
        dosage(1),
        dosage(frequency=2),
        dosage(1, frequency=2, text="Take 2 tablets by mouth twice daily"),
        dosage(1, frequency=2, text="Take 1 tablet four times daily or so"),
        dosage(text="Use as directed"),
        dosage(text="Apply to the knee four times daily"),
        {**dosage(frequency=2), "doseAndRate": [{"doseQuantity": {"value": 1}}, {"doseQuantity": {"value": 2}}]},
        dosage(1, "drop", 2),
    ],
)
def test_it_is_not_known_where_neither_tells_or_both_differ(given):
    with pytest.raises(UnconvertibleError):
        most_a_day(given, TABLET)


def test_a_mass_counts_by_the_strength():
    assert counted(Amount(Fraction(750), AmountKind.MILLIGRAMS), TABLET).value == Fraction(3, 2)
    with pytest.raises(UnconvertibleError, match="the strength is not known"):
        counted(Amount(Fraction(750), AmountKind.MILLIGRAMS), None)


@pytest.mark.parametrize("text", [None, 5, "see instructions"])
def test_directions_that_are_no_text_or_not_understood_are_none(text):
    assert directions_of({"text": text}) is None
