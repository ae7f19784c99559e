"""Feedback, checked: what became of cards (CDS Hooks 2.0.1, Feedback)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from cards.override_reasons import OVERRIDE_REASONS, SYSTEM
from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.fhir_json import Json, loads

ACCEPTED = "accepted"
OVERRIDDEN = "overridden"
UNLISTED = "unlisted"
"""Stands for an override reason that no card of ours offered; it is not kept, it may say anything."""

_MOST_ERRORS = 20
_CODES = frozenset(reason["code"] for reason in OVERRIDE_REASONS)
_SEE = "See CDS Hooks 2.0.1, Feedback."


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one card. `reason` is one of ours, `unlisted` or empty; `sent` is everything that was said."""

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...]
    reason: str
    comment: str
    sent: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Feedback({self.outcome})"


def read_feedback(value: Json) -> tuple[Feedback, ...]:
    """The feedback in a parsed request body. An optional member that is null counts as absent.

    Raises RefusedError (400) that names path and rule of what is wrong, never a value.
    """
    stated = _without_nulls(value)
    errors = islice(_validator().iter_errors(stated), _MOST_ERRORS)
    if issues := list(dict.fromkeys(issue for error in errors for issue in _issues(error))):
        raise RefusedError(400, *issues)
    return tuple(_read(f"feedback[{i}]", entry) for i, entry in enumerate(stated["feedback"]))


def _read(path: str, entry: Mapping[str, Json]) -> Feedback:
    override = entry.get("overrideReason", {})
    reason, comment = override.get("reason", {}), override.get("userComment", "")
    suggestions = tuple(sorted({each["id"] for each in entry.get("acceptedSuggestions", ())}))
    system, code = reason.get("system", ""), reason.get("code", "")
    card = entry["card"].lower()
    return Feedback(
        card=card,
        outcome=entry["outcome"],
        at=_moment(f"{path}.outcomeTimestamp", entry["outcomeTimestamp"]),
        suggestions=suggestions,
        reason=code if system in (SYSTEM, "") and code in _CODES else UNLISTED if code else "",
        comment=comment.encode("utf-8", "replace").decode().replace("\0", ""),
        sent=(card, entry["outcome"], entry["outcomeTimestamp"], system, code, comment, *suggestions),
    )


def _moment(path: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(400, Issue("value", f"{path} is no moment of the calendar. {_SEE}", path)) from None


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


@cache
def _validator() -> Draft202012Validator:
    schema = loads(resources.files(__package__).joinpath("schemas/feedback.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _issues(error: ValidationError) -> Iterator[Issue]:
    """What a schema error says by path and keyword alone; the library's own message quotes the request."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    if error.validator == "required":
        for name in cast(Any, error.validator_value):
            if name not in cast(Any, error.instance):
                where = f"{path}.{name}".lstrip(".")
                yield Issue("required", f"{where} is required. {_SEE}", where)
        return
    code = "structure" if error.validator == "type" else "value"
    yield Issue(code, f"{path or 'The request'} breaks the rule '{error.validator}'. {_SEE}", path)
