"""Small statements about the shape of JSON, written for the self-check alone."""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from cds_service.selfcheck.outcomes import FailedError

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]+")
CODING = {
    "type": "object",
    "required": ["code", "system"],
    "properties": {
        "code": {"type": "string", "minLength": 1},
        "system": {"type": "string", "minLength": 1},
        "display": {"type": "string", "minLength": 1},
    },
}
"""A Coding of CDS Hooks."""
OUTCOME = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}
"""An OperationOutcome of FHIR R4."""


def is_text(value: Any) -> bool:
    """Return whether a value is a string that is not empty."""
    return isinstance(value, str) and bool(value.strip())


def is_absolute(value: Any) -> bool:
    """Return whether a value is an absolute address."""
    return isinstance(value, str) and _ABSOLUTE.fullmatch(value) is not None


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of an array; none of anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def empty_members(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every null, empty string, empty array, and empty object."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from empty_members(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for i, member in enumerate(value):
            yield from empty_members(member, f"{path}[{i}]")


def expect_schema(value: Any, schema: dict[str, Any], what: str) -> None:
    """Raise FailedError with the place of the first fault unless a value has a shape. Quote nothing of it."""
    fault = next(iter(Draft202012Validator(schema).iter_errors(value)), None)
    if fault is not None:
        place = fault.json_path.removeprefix("$").removeprefix(".")
        missing = f" lacks {', '.join(sorted(set(fault.validator_value) - set(fault.instance)))}"
        raise FailedError(
            f"{what}{f', {place}' if place else ''}{missing if fault.validator == 'required' else ' has another value'}"
        )
