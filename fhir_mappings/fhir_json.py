"""JSON as FHIR needs it: decimals stay digit for digit what was sent (FHIR R4, data types, decimal)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import simplejson

Json: TypeAlias = Any
"""What a JSON document can hold: dict, list, str, int, Decimal, bool, None."""

Pairs: TypeAlias = Sequence[tuple[str, Any]]
"""The members of an object in their order, duplicates included."""

MAX_DEPTH = 100
"""How many levels of objects and arrays may be nested."""

Resource: TypeAlias = Mapping[str, Any]
"""A FHIR resource or any JSON object, as received. Never changed in place."""


def loads(text: str | bytes, *, object_pairs_hook: Callable[[Pairs], Json] | None = None) -> Json:
    """Parse JSON; a number with a point or an exponent becomes Decimal, an integer becomes int.

    `object_pairs_hook` makes an object from its members in their order; the default is a dict, in which the last of
    duplicate members counts. Raises ValueError for anything that is not JSON, including NaN and Infinity, and for JSON
    that is nested too deeply for the parser.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        if object_pairs_hook is None:
            return simplejson.loads(text, use_decimal=True)
        return simplejson.loads(text, use_decimal=True, object_pairs_hook=object_pairs_hook)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def parse_json(body: bytes) -> Json:
    """Return any JSON document of bounded depth; decimals keep their digits.

    Raises ValueError for bytes that are not UTF-8 or not JSON (NaN included), or nested over 100 levels deep.
    """
    value = loads(body)
    if any(depth > MAX_DEPTH for depth, _ in enumerate(levels(value))):
        raise ValueError("the JSON is nested too deeply")
    return value


def levels(value: Json) -> Iterator[Sequence[Json]]:
    """Yield the values of a document level by level: the document itself, what it holds, what that holds, and so on."""
    level = [value]
    while level:
        yield level
        level = [child for parent in level for child in _children(parent)]


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def dumps(value: Json, *, indent: int | None = None) -> str:
    """Write JSON; a Decimal is written with the digits it holds."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, indent=indent, allow_nan=False)
