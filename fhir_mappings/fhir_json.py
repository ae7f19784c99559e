"""JSON as FHIR needs it: decimals stay digit for digit what was sent (FHIR R4, data types, decimal).

msgspec parses and writes what is ordinary. simplejson does the rest: it names the place of an error, passes members in
their order to a hook, and writes a lone surrogate, which UTF-8 cannot encode. Both give the same for what both accept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec
import simplejson

Json: TypeAlias = Any
"""What a JSON document can hold: dict, list, str, int, Decimal, bool, None."""

Pairs: TypeAlias = Sequence[tuple[str, Any]]
"""The members of an object in their order, duplicates included."""

FHIR_JSON = "application/fhir+json"
"""The media type of a FHIR resource in JSON (FHIR R4, RESTful API)."""

MAX_DEPTH = 100
"""How many levels of objects and arrays may be nested."""
_USUAL_DEPTH = 30
"""A call with a chart in its prefetch has half as many levels."""

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
    if object_pairs_hook is None:
        try:
            return _quickly_parsed(text)
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # parsed again below, for the error that names the place
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return simplejson.loads(
            text, parse_float=bounded_decimal, parse_int=_bounded_integer, object_pairs_hook=object_pairs_hook
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _quickly_parsed(text: str | bytes) -> Json:
    """Parse ordinary JSON. Raise ValueError, RecursionError, or msgspec's error for any other."""
    body = text.encode() if isinstance(text, str) else text
    if _may_have_long_number(body):
        raise ValueError("an integer may be out of bounds")
    return _DECODER.decode(body)


def _may_have_long_number(body: bytes) -> bool:
    """Return whether there are more digits in a row than a number may have; of some bodies every digit is looked at.

    In so many digits at least ten stand a hundred apart, and ten such digits hardly ever come together otherwise.
    """
    if len(body) <= MAX_NUMBER_LENGTH or _TEN_DIGITS not in body[::_STRIDE].translate(_DIGITS_TO_ZERO):
        return False
    return _TOO_MANY_DIGITS in body.translate(_DIGITS_TO_ZERO)


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


_DECODER = msgspec.json.Decoder(float_hook=bounded_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CANONICAL_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_TOO_MANY_DIGITS = b"0" * (MAX_NUMBER_LENGTH + 1)
_STRIDE = MAX_NUMBER_LENGTH // 10
_TEN_DIGITS = b"0" * 10


def parse_json(body: bytes) -> Json:
    """Return any JSON document of bounded depth; decimals keep their digits.

    Raise ValueError for bytes that are not UTF-8 or not JSON (NaN included), for nesting over 100 levels deep, and for
    numbers out of bounds.
    """
    value = loads(body)
    if not is_surely_shallow(body) and is_too_deep(value):
        raise ValueError("the JSON is nested too deeply")
    return value


def is_surely_shallow(body: bytes) -> bool:
    """Return whether the objects and arrays of a JSON document certainly are nested no deeper than is usual.

    The bytes tell at a third of the cost of a walk over the values, unless a string contains a bracket. Then a
    quotation mark is left over: only those of strings without brackets stand in pairs once all else is gone.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = body.translate(_AS_BRACES, _NO_BRACKETS_OR_QUOTES).replace(b'""', b"")
    for _ in range(_USUAL_DEPTH):
        if not brackets:
            break
        brackets = brackets.replace(b"{}", b"")  # the innermost objects, and so one level
    return not brackets


def is_too_deep(value: Json) -> bool:
    """Return whether objects and arrays are nested over 100 levels deep."""
    return any(depth > MAX_DEPTH for depth, _ in enumerate(levels(value), start=1))


def levels(value: Json) -> Iterator[Sequence[Json]]:
    """Yield the objects and arrays of a document level by level: the document, those in it, and so on."""
    level: list[Json] = [value] if value.__class__ in _CONTAINERS else []
    while level:
        yield level
        level = [
            child
            for parent in level
            for child in (parent.values() if parent.__class__ is dict else parent)
            if child.__class__ in _CONTAINERS
        ]


_CONTAINERS = frozenset({dict, list})
_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS_OR_QUOTES = bytes(set(range(256)) - set(b'[]{}"'))


def dumps(value: Json, *, indent: int | None = None) -> str:
    """Write JSON; a Decimal is written with the digits it holds. Without `indent` there are no spaces.

    Raise ValueError for a Decimal that is no number.
    """
    if indent is not None:
        return _carefully_written(value, indent=indent)
    try:
        written = _ENCODER.encode(value)
    except UnicodeEncodeError:  # a lone surrogate
        return _carefully_written(value, separators=_NO_SPACES)
    if b"NaN" in written or b"Infinity" in written:  # in a string, or a Decimal that JSON cannot say
        return _carefully_written(value, separators=_NO_SPACES)
    return written.decode()


def encoded(value: Json) -> bytes:
    """Write JSON in UTF-8, without spaces; escape a lone surrogate, which UTF-8 cannot encode, as it was sent."""
    return dumps(value).encode("utf-8", "backslashreplace")


def canonical(value: Json) -> bytes:
    """Write JSON in UTF-8 with sorted members, without spaces, and with every decimal digit."""
    try:
        return _CANONICAL_ENCODER.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which is hashed like any other character
        return _carefully_written(value, separators=_NO_SPACES, sort_keys=True).encode("utf-8", "surrogatepass")


_NO_SPACES = (",", ":")


def _carefully_written(value: Json, **layout: Any) -> str:
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, allow_nan=False, **layout)
