"""Strict, bounded parsing of request bodies, with the path of each fault.

Responses of FHIR servers are parsed more leniently (`fhir_json.parse_json`): the last of duplicate members counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from simplejson import JSONDecodeError

from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.fhir_json import (
    MAX_DEPTH,
    Json,
    NumberBoundsError,
    Pairs,
    encoded,
    is_surely_shallow,
    is_too_deep,
    levels,
    loads,
)

MAX_STRING_LENGTH = 1_048_576
"""The length in characters of the longest string that FHIR R4 allows."""
MAX_OBJECTS = 400_000
"""The most objects and arrays in a body: each takes a hundred times the memory of the two bytes that write it."""
MAX_VALUES = 500_000
"""The most commas in a body, and so about the most members and array items."""
SAFE_NAMES = frozenset(
    {
        *("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch", "extension", "feedback"),
        *("userId", "patientId", "encounterId", "selections", "draftOrders", "entry", "resource", "fullUrl"),
        *("appointments", "dispatchedOrders"),
    }
)
"""The member names that an error may contain; any other may be a person's name."""
_LISTS_OF_ORDERS = (
    ("context", "draftOrders", "entry"),
    ("context", "selections"),
    ("context", "appointments", "entry"),
    ("context", "dispatchedOrders"),
)

_Path: TypeAlias = tuple[str | int, ...]


class _DuplicateMemberError(Exception):
    """An object has a duplicate member."""


_ESCAPED_COLON = re.compile(rb"\\u003a", re.IGNORECASE)


def read_body(body: bytes) -> Json:
    """Return the JSON document of a request body; decimals keep their digits.

    Raise RefusedError with the place: 400 for anything but JSON in UTF-8, for duplicate members, for nesting over
    100 levels, and for numbers out of bounds; 413 for a string that is longer than FHIR allows, and for too many
    objects or values.
    """
    if len(body) > MAX_OBJECTS and body.count(b"{") + body.count(b"[") > MAX_OBJECTS:
        raise _refusal(413, "too-long", f"The body has more than {MAX_OBJECTS} objects and arrays", ())
    if len(body) > MAX_VALUES and body.count(b",") > MAX_VALUES:
        raise _refusal(413, "too-long", f"The body has more than {MAX_VALUES} members and array items", ())
    if (value := _ordinary(body)) is not None:
        return value
    try:
        value = loads(body, object_pairs_hook=_unique_members)
    except _DuplicateMemberError:
        raise _refusal(400, "structure", "An object has a member twice. Send it once", _duplicate_path(body)) from None
    except UnicodeDecodeError as error:
        raise RefusedError(400, Issue("structure", f"Byte {error.start + 1} of the body is not UTF-8.")) from None
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(400, Issue("structure", f"The body is not JSON at {where}. Send one JSON object.")) from None
    except NumberBoundsError as error:
        raise RefusedError(400, Issue("structure", f"In the body {error}. Send it as measured.")) from None
    except ValueError:
        raise RefusedError(400, Issue("structure", "The body is nested too deeply. Send it flatter.")) from None
    if not _is_within_limits(value, body):
        raise _beyond_limits(value)
    return value


def _ordinary(body: bytes) -> Json:
    """Return the document of a body that certainly has none of the faults of `read_body`; None for any other.

    Written again, a document has one colon fewer for each duplicate member that the parser dropped, and for those in
    its value. That holds if no colon is escaped. Most clients write JSON as we do, and then all bytes are the same.
    """
    if b"\\" in body and _ESCAPED_COLON.search(body):
        return None
    try:
        value = loads(body)
    except ValueError:
        return None
    written = encoded(value)
    has_all_members = written == body or written.count(b":") == body.count(b":")
    return value if has_all_members and _is_within_limits(value, body) else None


def _is_within_limits(value: Json, body: bytes) -> bool:
    """Return whether depth and strings are; no string is longer than its body."""
    may_be_long = len(body) > MAX_STRING_LENGTH
    if not may_be_long and is_surely_shallow(body):
        return True
    return not any(
        depth > MAX_DEPTH or (may_be_long and _has_long_string(level))
        for depth, level in enumerate(levels(value), start=1)
    )


def _has_long_string(level: Iterable[Json]) -> bool:
    return any(
        True
        for part in level
        for each in (part.values() if part.__class__ is dict else part)
        if each.__class__ is str and len(each) > MAX_STRING_LENGTH
    )


def check_orders(value: Json, *, most: int) -> None:
    """Raise RefusedError (413) for a call with more orders, selections, or appointments than allowed."""
    for path in _LISTS_OF_ORDERS:
        found = _at(value, *path)
        if isinstance(found, list) and len(found) > most:
            raise _refusal(
                413, "too-long", f"The request has more than {most} orders, selections, or appointments", path
            )


def _at(value: Json, *path: str) -> Json:
    """Return the value at a path, None if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _unique_members(pairs: Pairs) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateMemberError
    return found


def _beyond_limits(value: Json) -> RefusedError:
    """Return the refusal of a document that is nested too deeply or has a string that is too long, with the place."""
    if is_too_deep(value):
        deep = next(path for path, each in _walk(value) if len(path) == MAX_DEPTH and isinstance(each, dict | list))
        return RefusedError(400, _too_deep(_printable_path(deep)))
    long = next(path for path, each in _walk(value) if isinstance(each, str) and len(each) > MAX_STRING_LENGTH)
    return _refusal(413, "too-long", f"A string has more than {MAX_STRING_LENGTH} characters", long)


def _too_deep(where: str) -> Issue:
    place = f" in {where}" if where else ""
    return Issue(
        "structure", f"The body is nested more than {MAX_DEPTH} levels deep{place}. Send a flatter one.", where
    )


def _refusal(status: int, code: str, what: str, path: _Path) -> RefusedError:
    where = _printable_path(path)
    return RefusedError(status, Issue(code, f"{what}{f' ({where})' if where else ''}.", where))


def _duplicate_path(body: bytes) -> _Path:
    """Return the path of the first object with a duplicate member."""

    class Duplicate(dict[str, Json]):
        """An object with a duplicate member."""

    def mark_duplicates(pairs: Pairs) -> dict[str, Json]:
        found = dict(pairs)
        return found if len(found) == len(pairs) else Duplicate(found)

    value = loads(body, object_pairs_hook=mark_duplicates)
    return next((path for path, found in _walk(value) if isinstance(found, Duplicate)), ())


def _walk(value: Json) -> Iterator[tuple[_Path, Json]]:
    """Yield every value of a document with its path, from the top, without recursion."""
    waiting: list[tuple[_Path, Json]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        children = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
        waiting.extend(reversed([((*path, name), child) for name, child in children]))


def _printable_path(path: _Path) -> str:
    """Return a path up to the first name that an error may not repeat, or to an index without a name."""
    printable = ""
    for part in path:
        if isinstance(part, int):
            if not printable or printable.endswith("]"):
                break
            printable += f"[{part}]"
        elif part in SAFE_NAMES:
            printable += f".{part}"
        else:
            break
    return printable.lstrip(".")
