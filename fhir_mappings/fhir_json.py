"""JSON as FHIR needs it: decimals stay digit for digit what was sent (FHIR R4, data types, decimal)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import simplejson

Json: TypeAlias = Any
"""What a JSON document can hold: dict, list, str, int, Decimal, bool, None."""

Pairs: TypeAlias = Sequence[tuple[str, Any]]
"""The members of an object in their order, duplicates included."""

MAX_DEPTH = 100
"""How many levels of objects and arrays may be nested."""

MAX_NUMBER_LENGTH = 1_000
"""The most characters of a number, its sign not counted."""
MAX_EXPONENT = 400
"""A number other than an integer lies between 10^-400 and 10^401. FHIR R4 needs 18 significant digits."""

Resource: TypeAlias = Mapping[str, Any]
"""A FHIR resource or any JSON object, as received. Never changed in place."""


class NumberBoundsError(ValueError):
    """A number is too long, too large, or too small. The message does not contain the number."""


def loads(text: str | bytes, *, object_pairs_hook: Callable[[Pairs], Json] | None = None) -> Json:
    """Parse JSON; a number with a point or an exponent becomes Decimal, an integer becomes int.

    `object_pairs_hook` makes an object from its members in their order; the default is a dict, in which the last of
    duplicate members counts. Raise ValueError for anything that is not JSON, including NaN and Infinity, and for JSON
    that is nested too deeply for the parser. Raise NumberBoundsError, a ValueError, for a number of over 1,000
    characters or with an exponent beyond 400.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return simplejson.loads(
            text, parse_float=bounded_decimal, parse_int=_bounded_integer, object_pairs_hook=object_pairs_hook
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def bounded_decimal(written: str) -> Decimal:
    """Return a decimal as written. Raise NumberBoundsError for a number out of bounds and for no number.

    The bounds come before any arithmetic: the integer of 1e99999999 takes minutes to compute, and nothing can stop it.
    """
    _check_length(written)
    try:
        number = Decimal(written)
    except InvalidOperation:  # no number, or an exponent that is beyond Decimal
        raise NumberBoundsError("a number is out of bounds") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise NumberBoundsError(f"a number has an exponent beyond {MAX_EXPONENT}")
    return number


def _bounded_integer(written: str) -> int:
    _check_length(written)
    return int(written)


def _check_length(written: str) -> None:
    if len(written.removeprefix("-")) > MAX_NUMBER_LENGTH:
        raise NumberBoundsError(f"a number has over {MAX_NUMBER_LENGTH} characters")


def parse_json(body: bytes) -> Json:
    """Return any JSON document of bounded depth; decimals keep their digits.

    Raise ValueError for bytes that are not UTF-8 or not JSON (NaN included), for nesting over 100 levels deep, and for
    numbers out of bounds.
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
