"""JSON in and out, decimals digit for digit."""

from decimal import Decimal

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.fhir_json import (
    NumberBoundsError,
    canonical,
    dumps,
    is_surely_shallow,
    loads,
    parse_json,
)


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
    assert dumps({"a": "é"}) == '{"a":"é"}'


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


def test_an_integer_out_of_bounds_is_found_wherever_it_begins():
    for offset in range(150):
        assert loads(" " * offset + "9" * 1000) == 10**1000 - 1
        with pytest.raises(NumberBoundsError):
            loads(" " * offset + "9" * 1001)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_cannot_say_is_not_written(number):
    assert dumps([number]) == f'["{number}"]'
    with pytest.raises(ValueError, match=r"."):
        dumps([Decimal(number)])


@pytest.mark.parametrize("nested", ["[" * 100 + "1" + "]" * 100, '{"a":' * 99 + "[]" + "}" * 99])
def test_a_hundred_levels_are_read(nested):
    assert dumps(parse_json(nested.encode())) == nested


@pytest.mark.parametrize("nested", ["[" * 101 + "1" + "]" * 101, '{"a":' * 100 + "[]" + "}" * 100])
def test_more_than_a_hundred_levels_are_refused(nested):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(nested.encode())


@pytest.mark.parametrize(
    "text",
    [r'"a \"quoted\" word: \\ and \n"', r'"\\\""', '{"a": ["", {"b": "é"}], "c": []}', "[" * 30 + "1" + "]" * 30],
)
def test_bytes_show_that_a_document_is_shallow(text):
    assert is_surely_shallow(text.encode())


@pytest.mark.parametrize(
    "text", ['["[", "]"]', '{"a{": 1, "b}": 2}', r'["\\", "{\"}"]', '["{}"]', "[" * 31 + "1" + "]" * 31]
)
def test_bytes_leave_open_how_deep_a_document_is_whose_strings_have_brackets_or_that_is_unusually_deep(text):
    assert not is_surely_shallow(text.encode())


@given(st.lists(st.sampled_from(["[", "]", "{", "}", '"', "\\", ":", "a"])).map("".join), st.integers(31, 33))
def test_a_document_is_never_taken_for_a_shallow_one_because_of_its_strings(said, depth):
    deep = "[" * depth + simplejson.dumps(said) + "]" * depth
    assert not is_surely_shallow(deep.encode())


def test_a_lone_surrogate_is_read_and_written():
    assert loads(r'"\ud800"') == "\ud800"
    assert loads(dumps({"a": "\ud800"})) == {"a": "\ud800"}


def test_the_canonical_form_has_one_spelling_and_decimals_keep_their_digits():
    read = loads(r'{"b": 1.10, "a": [true, null, "\u00e5"], "": {"z": 1, "y": 2}}')
    assert canonical(read).decode() == '{"":{"y":2,"z":1},"a":[true,null,"å"],"b":1.10}'
    assert canonical(Decimal("1.1")) != canonical(Decimal("1.10"))
    assert canonical({"b": "\ud800", "a": 1}) == b'{"a":1,"b":"\xed\xa0\x80"}'


json_texts = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
).map(lambda value: simplejson.dumps(value, use_decimal=True))


@given(json_texts, st.integers(min_value=0), st.characters())
def test_what_is_parsed_quickly_is_what_the_other_parser_reads(text, at, change):
    """The careful parser reads whatever has a hook, and so is asked for the same by one that changes nothing."""
    at %= len(text)
    for each in (text, text[:at] + change + text[at + 1 :]):
        found = []
        for hook in (None, dict):
            try:
                found.append(dumps(loads(each, object_pairs_hook=hook)))
            except ValueError as error:
                found.append(str(error))
        assert found[0] == found[1]
