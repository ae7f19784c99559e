"""JSON in and out, decimals digit for digit."""

from decimal import Decimal

import pytest

from fhir_mappings.fhir_json import NumberBoundsError, dumps, loads, parse_json


@pytest.mark.parametrize("digits", ["74.99", "75.0", "0.10", "1.000000000000000000001", "-0.5"])
def test_a_decimal_comes_back_digit_for_digit(digits):
    assert dumps(loads(digits)) == digits


def test_a_number_with_an_exponent_is_exact():
    assert loads("1.5e1") == Decimal("15")


def test_an_integer_is_an_integer():
    assert type(loads("8")) is int


def test_bytes_are_read_as_utf_8():
    assert loads('{"a": "é"}'.encode()) == {"a": "é"}


def test_letters_are_written_as_they_are():
    assert dumps({"a": "é"}) == '{"a": "é"}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "NaN", "[Infinity]", "-Infinity", "{'a': 1}", b"\xff"),
        pytest.param("1" * 5000, id="endless number"),
        pytest.param("[" * 200_000, id="endless list"),
        pytest.param('{"a":' * 200_000, id="endless object"),
    ],
)
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "9.99e400", "1e-400", "0e400", "9" * 1000, "-" + "9" * 1000, "0." + "1" * 998]
)
def test_a_number_within_the_bounds_is_read(number):
    assert str(loads(number)).lower().replace("+", "") == number


@pytest.mark.parametrize(
    "number",
    [
        *("1e401", "-1e401", "10e400", "1e-401", "0e401", "1e99999999", "1e-99999999", "-1e999999"),
        *("1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999"),
        *("9" * 1001, "-" + "9" * 1001, "0." + "1" * 999),
    ],
)
def test_a_number_out_of_bounds_is_refused_without_being_named(number):
    for read in (loads, lambda text: parse_json(f'{{"a": [{text}]}}'.encode())):
        with pytest.raises(NumberBoundsError) as error:
            read(number)
        assert number not in str(error.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_written(number):
    with pytest.raises(ValueError, match=r"."):
        dumps([number])
