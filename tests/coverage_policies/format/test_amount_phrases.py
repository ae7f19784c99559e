"""The limits of measured values, as documents write them."""

import re
from fractions import Fraction

import pytest

from coverage_policies.format.amount_phrases import CHANGE, VALUE, ChangeLimit, change_limit, value_limit
from fhir_mappings.amounts import Amount, Interval


def between(low: str | None, high: str | None, unit: str = "", *, is_open: bool = False) -> Amount:
    ends = (Fraction(low) if low else None), (Fraction(high) if high else None)
    return Amount(Interval(*ends, is_open and low is not None, is_open and high is not None), unit)


@pytest.mark.parametrize(
    ("phrase", "limit"),
    [
        ("at most 88 %", between(None, "88", "%")),
        ("at least 35 kg/m2", between("35", None, "kg/m2")),
        ("over 56 %", between("56", None, "%", is_open=True)),
        ("under 0.5 mg/dL", between(None, "0.5", "mg/dL", is_open=True)),
        ("exactly 89 %", between("89", "89", "%")),
        ("56 to 59 mm[Hg]", between("56", "59", "mm[Hg]")),
        ("56 to 59 mmHg", between("56", "59", "mmHg")),
        ("at least 15 {events}/h", between("15", None, "{events}/h")),
        ("at least 15 /h", between("15", None, "/h")),
        ("at most -2.5", between(None, "-2.5")),
        ("at least 10 10*3/uL", between("10", None, "10*3/uL")),
        ("at least 40", between("40", None)),
    ],
)
def test_a_limit_is_the_amount_that_satisfies_it(phrase: str, limit: Amount) -> None:
    assert re.search(VALUE, phrase)
    assert value_limit(phrase) == limit


@pytest.mark.parametrize(
    ("phrase", "advice"),
    [
        ("88 %", "write it like 'at most 88 %'"),
        ("about 88 %", "write it like 'at most 88 %'"),
        ("at most 88%", "write it like 'at most 88 %'"),
        ("59 to 56 mmHg", "the lower one comes first"),
        ("56 to 56 mmHg", "the lower one comes first"),
        ("at most 55 mmHgg", "'mmHgg' is no unit that is known here; write it in UCUM"),
        ("at most 55 mm[Hg", "put quotation marks around a phrase with brackets or braces"),
    ],
)
def test_what_is_no_limit_says_how_to_write_one(phrase: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        value_limit(phrase)


@pytest.mark.parametrize(
    ("phrase", "limit"),
    [
        ("fell by at least 5 %", ChangeLimit(True, True, between("5", None, "%"))),
        ("fell by under 5 %", ChangeLimit(True, True, between(None, "5", "%", is_open=True))),
        ("fell by over 5 percentage points", ChangeLimit(True, False, between("5", None, "%", is_open=True))),
        ("rose by over 10 mmHg", ChangeLimit(False, False, between("10", None, "mmHg", is_open=True))),
        ("rose by at most 2", ChangeLimit(False, False, between(None, "2"))),
    ],
)
def test_a_change_is_in_percent_of_the_earlier_value_or_in_a_unit(phrase: str, limit: ChangeLimit) -> None:
    assert re.search(CHANGE, phrase)
    assert change_limit(phrase) == limit


@pytest.mark.parametrize("phrase", ["fell by 5 %", "changed by at least 5 %", "fell by exactly 5 %"])
def test_what_is_no_change_says_how_to_write_one(phrase: str) -> None:
    with pytest.raises(ValueError, match="write it like 'fell by at least 5 %'"):
        change_limit(phrase)
