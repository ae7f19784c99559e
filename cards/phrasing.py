"""Put what a determination holds into the words of a US chart: dates, percentages, evidence, and counts."""

import re

from cards.markdown import escaped, shortened
from coverage_policies.judging.determination import Determination
from fhir_mappings.record import Evidence

_DATE = re.compile(
    r"\b(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?(?![\w-])",
    re.ASCII,
)
_PERCENT = re.compile(r"(?<=\d) %")
_EVIDENCE_LENGTH = 110


def chart_words(text: str) -> str:
    """Return a text with its dates as `MM/DD/YYYY` or `MM/YYYY`, without times of day, and percentages as `75%`."""
    said = _DATE.sub(_us_date, text)
    return _PERCENT.sub("%", said) if " %" in said else said


def _us_date(found: re.Match[str]) -> str:
    year, month, day = found.groups()
    return f"{month}/{day}/{year}" if day else f"{month}/{year}"


def evidence_words(item: Evidence, order: str, most: int = _EVIDENCE_LENGTH) -> str:
    """Return one piece of evidence as Markdown, in at most `most` characters (`plain_evidence`)."""
    return escaped(plain_evidence(item, order, most))


def plain_evidence(item: Evidence, order: str, most: int | None = None) -> str:
    """Return one piece of evidence: what it is, its value, and its date.

    What the order itself says is named so; it is empty if the order says nothing but what it is for. Of any other
    evidence, what it is and its value are shortened so that all has at most `most` characters.
    """
    if item.reference == order:
        return f"This order: {chart_words(item.value)}" if item.value else ""
    date = f" ({chart_words(item.date)})" if item.date else ""
    said = chart_words(labeled(item))
    return (said if most is None else shortened(said, most - len(date))) + date


def labeled(item: Evidence) -> str:
    """Return what a piece of evidence is, and its value if it has one: `Numeric pain rating: 7`."""
    return f"{item.label}: {item.value}" if item.value else item.label


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 item`, `3 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def items_left(determination: Determination) -> str:
    """Return how many items are left to document: `4 items`, `4 to 6 items`, or `at most 2 items`."""
    return items(*determination.items_left)


def items(least: int, most: int) -> str:
    """Return a number of items that lies between two: `4 items`, `4 to 6 items`, or `at most 2 items`."""
    if least == most:
        return counted(most, "item")
    return f"{least} to {counted(most, 'item')}" if least else f"at most {counted(most, 'item')}"


def lower_first(text: str) -> str:
    """Return a sentence as the rest of another one: with a small first letter, unless it begins with an acronym."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
