"""Directions for use as tokens: words in lower case, exact numbers, and punctuation marks."""

import re
import unicodedata
from datetime import date
from fractions import Fraction
from typing import TypeAlias

Token: TypeAlias = Fraction | str

MAX_LENGTH = 400
MAX_TOKENS = 100
"""How many characters and tokens of directions are read; longer ones are not understood."""

_LONGEST_NUMBER = 6
"""How many digits a number may have."""

_DATE = r"(?:(?P<month>\d{1,2})[/-](?P<day>\d{1,2})[/-](?P<year>20\d\d|\d\d)|(?P<iso>20\d\d-\d\d-\d\d))(?![\d/-])"
_OF_THE_SUPPLY = re.compile(
    r"\bmust last (?:at least )?\d{1,3} days\b"
    r"|\b(?:earliest fill date|(?:fill|refill) (?:on or after|on|after)|do not (?:fill|refill) (?:until|before)"
    rf"|dnf(?: until| before)?):? ?{_DATE}",
    re.IGNORECASE | re.ASCII,
)
"""When a prescription may be filled, and how long it must last; neither says how much is taken."""

_MIXED = re.compile(r"(?<![\d/.-])(\d{1,2})-(1/2|1/4|3/4)(?![\d/])")
"""One and a half as `1-1/2`; a range goes up."""

_ROMAN = re.compile(r"(?<![a-z])(i{1,3})(?= (?:tab|cap))")
_ABBREVIATION = re.compile(r"(?<![a-z])(?:(?:[a-z]\.){2,}|q\.)")
_PLURAL = re.compile(r"\((?:s|es)\)")
_RAW = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![a-z])\d*\.\d+|\d+|[a-z\u03bc]+|\S")

_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "sixty": 60, "seventy": 70}
_WORDS = {word: Fraction(value) for value, word in enumerate(_ONES, 1)} | {
    word: Fraction(value) for word, value in _TENS.items()
}
_TWO_WORDS = re.compile(rf"\b({'|'.join(_TENS)})[- ]({'|'.join(_ONES[:9])})\b")
_HALF = Fraction(1, 2)
_DENOMINATORS = (2, 4)
"""Tablets are split into halves and quarters; 5/325 is a strength."""


def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of directions, numbers in words and fractions as numbers; none if the text is too long."""
    if len(text) > MAX_LENGTH:
        return ()
    lower = unicodedata.normalize("NFKC", text.replace("\N{VULGAR FRACTION ONE HALF}", " 1/2 ")).lower()
    lower = lower.replace("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}")
    lower = lower.replace("\N{EN DASH}", "-").replace("\N{EM DASH}", "-")
    lower = _OF_THE_SUPPLY.sub(".", lower)
    lower = _ROMAN.sub(lambda found: str(len(found[1])), _MIXED.sub(r"\1 \2", lower))
    lower = _ABBREVIATION.sub(lambda found: found[0].replace(".", "") + " ", _PLURAL.sub("", lower))
    lower = _TWO_WORDS.sub(lambda found: str(_TENS[found[1]] + _ONES.index(found[2]) + 1), lower)
    raw = _RAW.findall(lower)
    return tuple(_in_parentheses(_numbers([_digits(word) for word in raw]))) if len(raw) <= MAX_TOKENS else ()


def fill_date(text: str) -> date | None:
    """Return the last date that directions name as the first on which they may be filled; None if they name none."""
    dates = []
    for found in _OF_THE_SUPPLY.finditer(text[:MAX_LENGTH]):
        year, month, day = found["iso"].split("-") if found["iso"] else (found["year"], found["month"], found["day"])
        if year is None:
            continue
        try:
            dates.append(date(int(year) % 100 + 2000, int(month), int(day)))
        except ValueError:
            continue
    return max(dates, default=None)


def _digits(word: str) -> Token:
    if not (word[0].isdecimal() or (word[0] == "." and len(word) > 1)):
        return word
    digits = word.replace(",", "")
    # A longer number stays a word, which is not understood.
    return Fraction(digits) if digits.isascii() and len(digits) <= _LONGEST_NUMBER else word


def _numbers(found: list[Token]) -> list[Token]:
    """Join what is one number: `one`, `1/2`, `1 1/2`, `one and a half`, `half a`."""
    joined: list[Token] = []
    position = 0
    while position < len(found):
        value, length = _number(found[position : position + 6])
        joined.append(value)
        position += length
    return joined


def _number(at: list[Token]) -> tuple[Token, int]:
    """Return the first token, or the number that begins with it, and how many tokens that covers."""
    if part := _part(at):
        return part
    first = _WORDS.get(at[0], at[0]) if isinstance(at[0], str) else at[0]
    if isinstance(first, Fraction) and first.denominator == 1:
        if at[1:2] == ["and"] and (part := _part(at[2:])):
            return first + part[0], 2 + part[1]
        # In digits only: "two 1/2 tablets" are two halves.
        if at[0] == first and isinstance(at[1] if len(at) > 1 else "", Fraction) and (part := _part(at[1:])):
            return first + part[0], 1 + part[1]
    return first, 1


def _part(at: list[Token]) -> tuple[Fraction, int] | None:
    """Return the half or quarter that a list begins with: `1/2`, `half`, `a half`, `one-half`, `half of a`."""
    match at:
        case [Fraction() as over, "/", Fraction() as under, *_] if over < under and under in _DENOMINATORS:
            return over / under, 3
        case [("a" | "one" | Fraction(numerator=1, denominator=1)), "-", "half", *_]:
            return _HALF, 3
        case [("a" | "one" | Fraction(numerator=1, denominator=1)), "half", *_]:
            return _HALF, 2
        case ["half", "of", "a", *_]:
            return _HALF, 3
        case ["half", "a", *_]:
            return _HALF, 2
        case ["half", *_]:
            return _HALF, 1
    return None


def _in_parentheses(found: list[Token]) -> list[Token]:
    """Drop a number that repeats the one before it, `2 (two)`, and the parentheses of a number alone, `(2)`."""
    kept: list[Token] = []
    position = 0
    while position < len(found):
        match found[position : position + 3]:
            case ["(", Fraction() as number, ")"]:
                if not kept or kept[-1] != number:
                    kept.append(number)
                position += 3
            case _:
                kept.append(found[position])
                position += 1
    return kept
