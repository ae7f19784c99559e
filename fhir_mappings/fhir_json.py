"""JSON as FHIR needs it: decimals stay digit for digit what was sent (FHIR R4, data types, decimal)."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import simplejson

Json: TypeAlias = Any
"""What a JSON document can hold: dict, list, str, int, Decimal, bool, None."""

Resource: TypeAlias = Mapping[str, Any]
"""A FHIR resource or any JSON object, as received. Never changed in place."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def loads(text: str | bytes) -> Json:
    """Parse JSON; a number with a point or an exponent becomes Decimal, an integer becomes int.

    Raises ValueError for anything that is not JSON, NaN and Infinity included, and for what is nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return simplejson.loads(text, use_decimal=True, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def dumps(value: Json, *, indent: int | None = None) -> str:
    """Write JSON; a Decimal is written with the digits it holds."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, indent=indent, allow_nan=False)
