"""Units of measurement, in UCUM and as charts spell them."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fhir_mappings.units as units
from fhir_mappings.units import unit_named

FOLDER = Path(units.__file__).parent


@pytest.mark.parametrize(
    ("ucum", "spellings"),
    [
        ("mm[Hg]", ["mmHg", "mm Hg", "MMHG", "mm hg", "torr"]),
        ("%", ["percent", "%{HemoglobinA1C}", "% of total Hgb", "PCT"]),
        ("kg/m2", ["kg/m²", "kg/m^2", "kg / m2", "kg/sq m", "KG/M2", "kg/(m2)"]),
        ("/h", ["1/h", "{events}/h", "events/h", "events/hr", "events per hour", "/hour"]),
        ("mg/dL", ["mg/dl", "MG/DL", "Mg/dL", "mg / dL"]),
        ("10*3/uL", ["K/uL", "10^3/uL", "x10^3/µL", "10*9/L", "x10E3/uL", "thou/ul"]),
        ("mL/min/{1.73_m2}", ["mL/min/1.73m2", "mL/min/1.73 m²", "mL/min/1.73 sq m"]),
        ("L/min", ["LPM", "l/min", "L/minute"]),
        ("ug", ["µg", "μg", "mcg"]),
        ("[lb_av]", ["lb", "lbs", "pounds"]),
        ("[in_i]", ["in", "inches"]),
        ("Cel", ["°C", "deg C", "C"]),
        ("[degF]", ["°F", "degF", "F"]),
        ("m[IU]/L", ["mIU/L", "miu/l"]),
        ("/min", ["bpm", "beats/min", "1/min"]),
    ],
)
def test_a_usual_spelling_names_the_unit(ucum: str, spellings: list[str]) -> None:
    expected = unit_named(ucum)
    assert expected is not None
    assert {spelling: unit_named(spelling) for spelling in spellings} == dict.fromkeys(spellings, expected)


@pytest.mark.parametrize(
    "text",
    ["", " ", "foo", "mmHgg", "kg/", "kg//m2", "kg/m2x", "/", "mm[Hg", "%ile", "88", "x" * 41, "m/", "{", "Cel/h"],
)
def test_other_words_name_none(text: str) -> None:
    assert unit_named(text) is None


@pytest.mark.parametrize(
    ("large", "small", "times"),
    [
        ("kPa", "mm[Hg]", "7.50062"),
        ("kg", "[lb_av]", "1/0.45359237"),
        ("m", "cm", "100"),
        ("[in_i]", "cm", "2.54"),
        ("[ft_i]", "[in_i]", "12"),
        ("1", "%", "100"),
        ("L/L", "%", "100"),
        ("h", "min", "60"),
        ("d", "h", "24"),
        ("wk", "d", "7"),
        ("a", "mo", "12"),
        ("L", "mL", "1000"),
        ("g/L", "mg/dL", "100"),
        ("mL", "uL", "1000"),
        ("[lb_av]", "[oz_av]", "16"),
        ("mmol/L", "umol/L", "1000"),
        ("/min", "/h", "60"),
    ],
)
def test_one_unit_is_so_many_of_another(large: str, small: str, times: str) -> None:
    one, other = unit_named(large), unit_named(small)
    over, _, under = times.partition("/")
    assert one
    assert other
    assert one.kind == other.kind
    assert one.factor / other.factor == Fraction(over) / Fraction(under or 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kg", "m"),
        ("%", "mm[Hg]"),
        ("mmol/mol", "%"),
        ("mg/g", "%"),
        ("{score}", "1"),
        ("{score}", "%"),
        ("U/L", "g/L"),
    ],
)
def test_these_measure_different_things(one: str, other: str) -> None:
    first, second = unit_named(one), unit_named(other)
    assert first
    assert second
    assert first.kind != second.kind


def test_a_mega_prefix_is_milli_since_charts_mean_that() -> None:
    assert unit_named("Mg/dL") == unit_named("mg/dL") != unit_named("kg/dL")


@given(st.text(max_size=50))
def test_no_text_raises(text: str) -> None:
    unit_named(text)


@pytest.mark.parametrize("name", ["units.csv", "analyte_units.csv"])
def test_every_row_has_a_source_and_a_unit_that_is_known(name: str) -> None:
    with (FOLDER / name).open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            assert row["source"], row
            assert unit_named(row["unit"]), row


def test_every_spelling_names_its_unit() -> None:
    with (FOLDER / "units.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for spelling in filter(None, row["spellings"].split("|")):
                assert unit_named(spelling) == unit_named(row["unit"]), spelling
