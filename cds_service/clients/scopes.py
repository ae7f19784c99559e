"""SMART scopes of backend services: what a client asks for, what it gets, and what a call needs (SMART App Launch 2.2).

Scopes are written and granted in the second syntax, as in `system/Questionnaire.rs`; the first one (`.read`) is
understood. Only reading and searching can be granted: r and s.
"""

import re
from collections.abc import Iterable, Mapping

RESOURCE_TYPES = ("Questionnaire", "ValueSet")
"""The resource types of the FHIR base, in the order in which scopes name them."""
_BY_LOWER_CASE = {each.lower(): each for each in RESOURCE_TYPES}
_LETTERS = "rs"
KNOWN_SCOPES = tuple(f"system/{each}.{letters}" for each in RESOURCE_TYPES for letters in ("rs", "r", "s"))
"""Every scope that a client may register."""
USUAL_SCOPES = tuple(f"system/{each}.{_LETTERS}" for each in RESOURCE_TYPES)
"""The scopes of a client that registers none."""

_SCOPE = re.compile(r"system/([A-Za-z]+|\*)\.(c?r?u?d?s?|read|write|\*)\Z")
_FIRST_SYNTAX = {"read": "rs", "write": "cud", "*": "cruds"}
_FHIR_PATH = re.compile(r"/fhir/([^/]+)(/[^/]+)?")

Permissions = Mapping[str, str]
"""The letters that are allowed, by resource type or `*`."""


def permissions(scopes: Iterable[str]) -> Permissions:
    """Return what some scopes allow; what is no scope of a backend service allows nothing.

    A scope with search parameters (`system/Questionnaire.rs?url=…`) allows nothing: this service cannot narrow what it
    answers by them, and would grant more than was asked for. Da Vinci DTR 2.2.0 writes the resource types of its scopes
    in lower case (`system/questionnaire.rs`), so their case does not matter.
    """
    found: dict[str, str] = {}
    for scope in scopes:
        if match := _SCOPE.match(scope):
            name = _BY_LOWER_CASE.get(match[1].lower(), match[1])
            found[name] = found.get(name, "") + _FIRST_SYNTAX.get(match[2], match[2])
    return found


def granted(asked: Iterable[str], registered: Iterable[str]) -> tuple[str, ...]:
    """Return what is both asked for and registered, one scope for each resource type."""
    wanted, allowed = permissions(asked), permissions(registered)
    found = []
    for each in RESOURCE_TYPES:
        by_client = wanted.get(each, "") + wanted.get("*", "")
        if letters := "".join(letter for letter in _LETTERS if letter in by_client and letter in allowed.get(each, "")):
            found.append(f"system/{each}.{letters}")
    return tuple(found)


def needed_scope(method: str, path: str) -> str:
    """Return the scope that a call below the FHIR base needs: r to read or for an operation, s to search.

    What is not about a resource type needs a scope that nobody has.
    """
    match = _FHIR_PATH.match(path)
    resource_type = match[1] if match and match[1].isalpha() and match[1].isascii() else "*"
    is_search = method in ("GET", "HEAD") and (match is None or match[2] is None)
    return f"system/{resource_type}.{'s' if is_search else 'r'}"


def is_operation(path: str) -> bool:
    """Return whether a path below the FHIR base names an operation, such as `$questionnaire-package`."""
    return "/$" in path


def allows(scopes: Iterable[str], scope: str) -> bool:
    """Return whether some granted scopes include another one, which is of the second syntax."""
    resource_type, _, letters = scope.removeprefix("system/").partition(".")
    return bool(letters) and set(letters) <= set(permissions(scopes).get(resource_type, ""))
