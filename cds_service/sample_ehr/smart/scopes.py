"""The scopes of SMART App Launch, versions 1 (`patient/*.read`) and 2 (`patient/*.rs`)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

WRITABLE = "QuestionnaireResponse"
"""The only type that apps may write."""
CONTEXT_SCOPES = ("openid", "fhirUser", "launch", "launch/patient")
SUPPORTED = (
    *CONTEXT_SCOPES,
    *("patient/*.rs", "patient/*.read"),
    *(f"user/{WRITABLE}.cu", f"user/{WRITABLE}.write"),
)
"""Examples of each kind, for `scopes_supported`."""

READABLE_WITH_ANY_TOKEN = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location"})
"""Types that name the people and places of a chart and are nobody's data."""

_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_RESOURCE_SCOPE = re.compile(r"(patient|user)/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|(?=.)c?r?u?d?s?)")


@dataclass(frozen=True, slots=True)
class _ResourceScope:
    """What a resource scope allows: `letters` are those of version 2, `cruds`."""

    level: str
    resource_type: str
    letters: str

    @property
    def can_be_granted(self) -> bool:
        """Whether this server grants the scope to an app: it reads one patient's data, or writes forms."""
        reads_patient = self.level == "patient" and set(self.letters) <= set("rs")
        return reads_patient or self.resource_type == WRITABLE


def _parsed(scope: str) -> _ResourceScope | None:
    matched = _RESOURCE_SCOPE.fullmatch(scope)
    if matched is None:
        return None
    level, resource_type, permissions = matched.groups()
    return _ResourceScope(level, resource_type, _V1.get(permissions, permissions))


def granted_scopes(requested: str, allowed: Collection[str] | None) -> tuple[str, ...]:
    """Return the scopes of a request that this server grants, in their order and as the app wrote them.

    `allowed` lists the only scopes that may be granted, as written; None allows all that the server supports.
    """
    each = dict.fromkeys(requested.split())
    return tuple(scope for scope in each if _is_supported(scope) and (allowed is None or scope in allowed))


def _is_supported(scope: str) -> bool:
    parsed = _parsed(scope)
    return parsed.can_be_granted if parsed else scope in CONTEXT_SCOPES


def allows(scopes: Iterable[str], resource_type: str, letter: str) -> bool:
    """Return whether scopes allow an interaction, one of `c`, `r`, `u`, and `s`, with a resource type."""
    if letter in "rs" and resource_type in READABLE_WITH_ANY_TOKEN:
        return True
    parsed = filter(None, map(_parsed, scopes))
    return any(each.resource_type in ("*", resource_type) and letter in each.letters for each in parsed)
