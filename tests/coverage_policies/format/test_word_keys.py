"""The keys of words: what a regular expression finds in a text, the index finds too."""

import re
import sys

import pytest

from coverage_policies.format.value_sets import ValueSet
from coverage_policies.format.word_keys import row_key, text_keys
from fhir_mappings.codings import Coding
from tests.support.policy_fakes import row


def is_found(words: str, text: str) -> bool:
    return row_key(words) in set(text_keys([text]))


def matches(words: str, text: str) -> bool:
    return ValueSet("set", [row("text", words)]).match([Coding("", "", text)]) is not None


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("fusion", "fusion"),
        ("si fusion", "Open SI  fusion? No: si fusion."),
        ("FABER", "faber test"),
        ("fus*", "Refused; fusions"),
        ("fus*", "FUSION"),
        ("fus**", "fusion"),
        ("s.i. joint*", "left S.I. joints"),
        ("n/v", "N/V today"),
        ("n&v", "pain,n&v"),
        ("c5-c6", "C5-C6 fusion"),
        ("l5*", "L5/S1"),
        ("ab*cd*", "ab*cde"),
        ("-pain", "back-pain"),
        (" pain", "back pain"),
        ("éclair*", "Éclairs"),
        ("αι*", "α\N{COMBINING GREEK YPOGEGRAMMENI}x"),
        ("kiss", "\N{KELVIN SIGN}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{LATIN SMALL LETTER LONG S}s"),
        ("kiss", "K\N{LATIN SMALL LETTER DOTLESS I}ss"),
        ("x" * 50, "x" * 50),
    ],
)
def test_words_that_match_a_text_are_found_by_it(words: str, text: str) -> None:
    assert matches(words, text)
    assert is_found(words, text)


@pytest.mark.parametrize(
    ("words", "text"),
    [("fusion", "fusions"), ("fus*", "refused"), ("si fusion", "sij fusion"), ("s.i. joint*", "sij"), ("a", "")],
)
def test_a_text_without_the_first_word_does_not_find_them(words: str, text: str) -> None:
    assert not matches(words, text)
    assert not is_found(words, text)


def test_every_letter_is_found_that_a_regular_expression_takes_for_a_plain_one() -> None:
    plain = re.compile("[a-z0-9_]", re.IGNORECASE)
    taken = [letter for letter in map(chr, range(sys.maxunicode + 1)) if plain.fullmatch(letter)]
    assert len(taken) > len("abcdefghijklmnopqrstuvwxyz" * 2 + "0123456789_")
    for letter in taken:
        words = next(each for each in "abcdefghijklmnopqrstuvwxyz0123456789_" if re.fullmatch(each, letter, re.I))
        assert is_found(words, letter)
        assert is_found(f"x{words}*", f"X{letter}y")
