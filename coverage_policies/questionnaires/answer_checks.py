"""Check one answer of a response: its value by the item of the form, and where it comes from."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from coverage_policies.questionnaires.extensions import INFORMATION_ORIGIN, UCUM, UNIT_OPTION
from coverage_policies.questionnaires.items import Item
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json

AUTO_SERVER = "auto-server"
_BY_A_PERSON = ("manual", "override")
_SOURCES = ("auto-client", AUTO_SERVER, *_BY_A_PERSON)
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a response: a place in FHIRPath, and what to send there. Never what was sent."""

    expression: str
    says: str


def value_faults(item: Item, answer: Mapping[str, Any], place: str) -> Iterator[Fault]:
    """Yield what is wrong with the value of an answer to an item of a form: its type, its option, or its unit."""
    member, is_right, says = _VALUES[item["type"]]
    if [name for name in answer if name.startswith("value")] != [member]:
        yield Fault(place, f"Send {member}, and no other value.")
    elif not is_right(item, answer[member]):
        yield Fault(f"{place}.value", says)


def origin_faults(answer: Mapping[str, Any], place: str, *, is_by_practitioner: bool) -> Iterator[Fault]:
    """Yield what is wrong with the origin of an answer (DTR 2.2.0, information-origin and dtrx-1).

    `is_by_practitioner` is whether the author of the response is a practitioner, who then stands for the author of the
    answers that a person gave.
    """
    origins = [each for each in items(answer.get("extension")) if each.get("url") == INFORMATION_ORIGIN]
    if len(origins) != 1:
        yield Fault(place, "Send the extension information-origin once.")
        return
    parts = items(origins[0].get("extension"))
    sources = [each.get("valueCode") for each in parts if each.get("url") == "source"]
    authors = sum(each.get("url") == "author" for each in parts)
    if len(sources) != 1 or sources[0] not in _SOURCES:
        yield Fault(place, f"Send one source in information-origin: {', '.join(_SOURCES)}.")
    elif sources[0] not in _BY_A_PERSON:
        if authors:
            yield Fault(place, "Send an author in information-origin only if the source is manual or override.")
    elif authors > 1 or not (authors or is_by_practitioner):
        yield Fault(place, "Send one author in information-origin, or a practitioner as the author of the response.")


def is_from_server(answer: Mapping[str, Any]) -> bool:
    """Return whether the origin of an answer says that this service took it from the chart."""
    return any(
        part.get("url") == "source" and part.get("valueCode") == AUTO_SERVER
        for origin in items(answer.get("extension"))
        if origin.get("url") == INFORMATION_ORIGIN
        for part in items(origin.get("extension"))
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_option(item: Item, value: Json) -> bool:
    if not isinstance(value, Mapping):
        return False
    options = (each["valueCoding"] for each in item["answerOption"])
    return any(each["system"] == value.get("system") and each["code"] == value.get("code") for each in options)


def _has_unit(item: Item, value: Json) -> bool:
    if not isinstance(value, Mapping) or not _is_number(value.get("value")) or value.get("system") != UCUM:
        return False
    units = (each["valueCoding"]["code"] for each in item["extension"] if each["url"] == UNIT_OPTION)
    return any(code == value.get("code") for code in units)


_VALUES: Mapping[str, tuple[str, Callable[[Item, Json], bool], str]] = {
    "boolean": ("valueBoolean", lambda _, value: isinstance(value, bool), "Send true or false."),
    "choice": ("valueCoding", _is_option, "Send an option of the question, with its system and code."),
    "date": (
        "valueDate",
        lambda _, value: isinstance(value, str) and _DATE.fullmatch(value) is not None,
        "Send a date: YYYY, YYYY-MM, or YYYY-MM-DD.",
    ),
    "decimal": ("valueDecimal", lambda _, value: _is_number(value), "Send a number."),
    "integer": (
        "valueInteger",
        lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        "Send a whole number.",
    ),
    "quantity": ("valueQuantity", _has_unit, "Send a number with system and code of a unit of the question."),
}
"""By the type of an item: the member that has the value, whether a value is right, and what to send."""
