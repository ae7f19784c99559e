"""What a FHIR server answered, in a few words for the log and for errors: never an address or data of a patient."""

import threading
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import groupby

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json


class Failure(Enum):
    """Why a request got no complete response."""

    TIMEOUT = "no answer in time"
    NOT_SENT = "not sent in time"
    NOT_ALLOWED = "not asked"
    NO_CONNECTION = "connection refused"
    UNKNOWN_HOST = "host not found"
    TLS = "TLS failed"
    CONNECTION_LOST = "connection lost"
    ADDRESS_REFUSED = "private address, not registered"
    TOO_LARGE = "response too large"
    UNREADABLE = "response not readable"


_ISSUE_CODES = frozenset(
    {
        *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
        *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
        *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
        *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
    }
)
"""The codes of FHIR R4 (issue-type); any other could be any text."""


def issue_code(body: Json) -> str:
    """Return the code of the first error in an OperationOutcome, empty if there is none or FHIR does not know it."""
    if not isinstance(body, Mapping) or body.get("resourceType") != "OperationOutcome":
        return ""
    codes = (issue.get("code") for issue in items(body.get("issue")) if issue.get("severity") in ("error", "fatal"))
    code = next(codes, "")
    return code if isinstance(code, str) and code in _ISSUE_CODES else ""


class ServerAnswers:
    """The answers to the requests of one call, in their order, by the prefetch key of the search. Thread-safe."""

    def __init__(self) -> None:
        self._answers: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def add(self, key: str, answer: str) -> None:
        """Add the answer to a request, or why no further one was sent."""
        with self._lock:
            self._answers.setdefault(key, []).append(answer)

    def by_key(self) -> dict[str, tuple[str, ...]]:
        """Return the answers so far."""
        with self._lock:
            return {key: tuple(answers) for key, answers in self._answers.items()}


def in_short(answers: Iterable[str]) -> str:
    """Return answers in one line: `400 not-supported, 200 ×25`."""
    runs = ((answer, sum(1 for _ in same)) for answer, same in groupby(answers))
    return ", ".join(f"{answer} ×{count}" if count > 1 else answer for answer, count in runs)
