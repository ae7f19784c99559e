"""A request body, from bytes to JSON: strict, bounded, and with the place of what is wrong.

Responses of FHIR servers are read more leniently (`fhir_json.parse_json`): of duplicate members the last one counts.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from simplejson import JSONDecodeError

from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.fhir_json import MAX_DEPTH, Json, Pairs, levels, loads

LONGEST_STRING = 1_048_576
"""The characters of the longest string that FHIR R4 allows."""
MOST_OBJECTS = 400_000
"""The most objects and arrays in a body: each takes a hundred times the memory of the two bytes that write it."""
SAFE_NAMES = frozenset(
    {
        *("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch", "extension", "feedback"),
        *("userId", "patientId", "encounterId", "selections", "draftOrders", "entry", "resource", "fullUrl"),
    }
)
"""The member names that an error may contain; any other may be a person's name."""


_Path: TypeAlias = tuple[str | int, ...]


class _DuplicateMemberError(Exception):
    """An object has a duplicate member."""


def read_body(body: bytes) -> Json:
    """Return the JSON document of a request body; decimals keep their digits.

    Raises RefusedError with the place: 400 for anything but JSON in UTF-8, for duplicate members, and for nesting over
    100 levels; 413 for a string that is longer than FHIR allows, and for too many objects.
    """
    if body.count(b"{") + body.count(b"[") > MOST_OBJECTS:
        raise _refusal(413, "too-long", f"The body holds over {MOST_OBJECTS} objects and arrays", ())
    try:
        value = loads(body, object_pairs_hook=_once)
    except _DuplicateMemberError:
        raise _refusal(400, "structure", "An object has a member twice. Send it once", _twice(body)) from None
    except UnicodeDecodeError as error:
        raise RefusedError(400, Issue("structure", f"Byte {error.start + 1} of the body is not UTF-8.")) from None
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(400, Issue("structure", f"The body is not JSON at {where}. Send one JSON object.")) from None
    except ValueError:
        what = "The body is nested too deeply, or a number in it has too many digits."
        raise RefusedError(400, Issue("structure", what)) from None
    _check(value)
    return value


def check_limits(value: Json, *, orders: int, resources: int) -> None:
    """Raise RefusedError (413) for a call with more draft orders or more prefetched resources than allowed."""
    for path in (("context", "draftOrders", "entry"), ("context", "selections")):
        found = _at(value, *path)
        if isinstance(found, list) and len(found) > orders:
            raise _refusal(413, "too-long", f"There are over {orders} draft orders or selections", path)
    prefetch = _at(value, "prefetch")
    if sum(_entries(prefetch)) > resources:
        raise _refusal(413, "too-long", f"There are over {resources} prefetched resources", ("prefetch",))


def _entries(value: Json) -> Iterator[int]:
    """Yield the number of resources in each value of a prefetch."""
    for each in value.values() if isinstance(value, Mapping) else ():
        entry = each.get("entry") if isinstance(each, Mapping) else None
        yield len(entry) if isinstance(entry, list) else 1


def _at(value: Json, *path: str) -> Json:
    """Return the value at a path, None if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _once(pairs: Pairs) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateMemberError
    return found


def _check(value: Json) -> None:
    """Check strings and depth level by level; paths are only worked out for what is wrong."""
    for depth, level in enumerate(levels(value)):
        if depth > MAX_DEPTH:
            raise RefusedError(400, _too_deep(_said(next(path for path, _ in _walk(value) if len(path) > MAX_DEPTH))))
        for each in level:
            if isinstance(each, str) and len(each) > LONGEST_STRING:
                where = next(path for path, found in _walk(value) if found is each)
                raise _refusal(413, "too-long", f"A string has over {LONGEST_STRING} characters", where)


def _too_deep(where: str) -> Issue:
    place = f" in {where}" if where else ""
    return Issue("structure", f"The body is nested over {MAX_DEPTH} levels deep{place}. Send it flatter.", where)


def _refusal(status: int, code: str, what: str, path: _Path) -> RefusedError:
    where = _said(path)
    return RefusedError(status, Issue(code, f"{what}{f' ({where})' if where else ''}.", where))


def _twice(body: bytes) -> _Path:
    """Return the path of the first object that has a member twice."""

    class Twice(dict[str, Json]):
        """An object with a duplicate member."""

    def marked(pairs: Pairs) -> dict[str, Json]:
        found = dict(pairs)
        return found if len(found) == len(pairs) else Twice(found)

    value = loads(body, object_pairs_hook=marked)
    return next((path for path, found in _walk(value) if isinstance(found, Twice)), ())


def _walk(value: Json) -> Iterator[tuple[_Path, Json]]:
    """Yield every value of a document with its path, from the top, without recursion."""
    waiting: list[tuple[_Path, Json]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        children = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
        waiting.extend(reversed([((*path, name), child) for name, child in children]))


def _said(path: _Path) -> str:
    """Return a path up to the first name that may not be repeated or index that says too little."""
    said = ""
    for part in path:
        if isinstance(part, int):
            if not said or said.endswith("]"):
                break
            said += f"[{part}]"
        elif part in SAFE_NAMES:
            said += f".{part}"
        else:
            break
    return said.lstrip(".")
