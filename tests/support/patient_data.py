"""What of a patient must stand nowhere but in an answer, and a search for it."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fhir_mappings.fhir_json import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_IDENTIFYING = (
    "id",
    "family",
    "given",
    "text",
    "value",
    "line",
    "city",
    "postalCode",
    "reference",
    "div",
    "user",
    "note",
)
"""Members that hold what may identify: ids, names, addresses, identifiers, free text."""


def strings(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in JSON with the name of its member."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from strings(member, key)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each, name)
    elif isinstance(value, str):
        yield name, value


def secrets_of(*values: Json) -> set[str]:
    """What must not be kept: every id, name, identifier, free text and date."""
    found: set[str] = set()
    for name, text in (pair for value in values for pair in strings(value)):
        found |= set(_DATE.findall(text))
        if name in _IDENTIFYING and len(text) > 2:
            found.add(text)
            found |= {text.rpartition("/")[2]} if name == "reference" else set()
    return found


def leaks(text: str, forbidden: set[str]) -> set[str]:
    """What of it occurs in a text as a whole word."""
    return {each for each in forbidden if each in text and re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text)}


def broken_calls(body: Any) -> Iterator[Json]:
    """The call with something wrong in several places, its data all still there."""
    for path in (("hookInstance",), ("context", "draftOrders"), ("context", "userId"), ("prefetch",)):
        other = deepcopy(body)
        inner = other
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = [body["context"]["patientId"]]
        yield other
