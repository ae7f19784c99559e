"""Feedback on cards, validated (CDS Hooks 2.0.1, Feedback)."""

# ruff: noqa: N815 (the members have the names of CDS Hooks)

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from cards.override_reasons import SYSTEM
from cds_service.hooks.wire import UUID, Text, WireModel, read_model
from fhir_mappings.dates import parse
from fhir_mappings.fhir_json import Json

ACCEPTED = "accepted"
OVERRIDDEN = "overridden"
UNLISTED = "unlisted"
"""Replaces an override reason that is not one of ours, which is not stored, since it may be any text."""

_MOMENT = Text(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})", max_length=40
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """The feedback on one card.

    `reason` is the code of one of our override reasons, `unlisted`, or empty. `sent` is everything that the client
    sent.
    """

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...]
    reason: str
    comment: str
    sent: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Feedback({self.outcome})"


def _moment(text: str) -> datetime:
    """Return the moment in UTC; a leap second is the second before it. Raise ValueError if there is none."""
    found = parse(text.upper(), UTC)
    if found is None or found.instant is None:
        raise ValueError("not a date and time")
    return found.instant.astimezone(UTC)


def _check_moment(text: str) -> str:
    try:
        _moment(text)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "not a date and time of the calendar") from None
    return text


class AcceptedSuggestion(WireModel):
    """A suggestion that the clinician accepted."""

    id: Annotated[str, Text(min_length=1, max_length=200)] = Field(
        description="Send the uuid of the suggestion, at most 200 characters."
    )


class ReasonCoding(WireModel):
    """The override reason that the clinician chose."""

    code: Annotated[str, Text(min_length=1, max_length=200)] = Field(
        description="Send the code of an override reason of the card, at most 200 characters."
    )
    system: Annotated[str, Text(max_length=200)] = Field(
        "", description="Send the system of the code, at most 200 characters, or leave it out."
    )
    display: str = Field("", description="Send the display of the code as a string, or leave it out.")


class OverrideReason(WireModel):
    """Why the clinician overrode the card.

    Drafts of CDS Hooks had the members of `reason` here, beside `userComment`; they are read as the reason.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["reason"]}, {"required": ["userComment"]}, {"required": ["code"]}],
        },
    )

    reason: ReasonCoding | None = Field(
        None, description="Send an object with the code of the override reason, or leave it out."
    )
    userComment: Annotated[str, Text(max_length=10_000)] | None = Field(
        None, description="Send the clinician's comment, at most 10,000 characters, or leave it out."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_draft_shape(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("reason") is not None or value.get("code") is None:
            return value
        return value | {"reason": {name: value[name] for name in ReasonCoding.model_fields if name in value}}

    @model_validator(mode="after")
    def _check_content(self) -> "OverrideReason":
        if self.reason is None and self.userComment is None:
            raise PydanticCustomError("empty", "neither reason nor userComment")
        return self


class CardFeedback(WireModel):
    """The feedback on one card as a client sends it."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"outcome": {"const": ACCEPTED}}, "required": ["outcome"]},
            "then": {"required": ["acceptedSuggestions"]},
        }
    )

    card: Annotated[str, UUID] = Field(description="Send the uuid of the card.")
    outcome: Literal["accepted", "overridden"] = Field(description="Send accepted or overridden.")
    outcomeTimestamp: Annotated[str, _MOMENT, AfterValidator(_check_moment)] = Field(
        description="Send a date and time of the calendar with a time zone, such as 2026-03-05T10:00:00Z."
    )
    acceptedSuggestions: list[AcceptedSuggestion] | None = Field(
        None,
        max_length=100,
        validate_default=True,
        description="Send an array of at most 100 objects, each with the id of an accepted suggestion.",
    )
    overrideReason: OverrideReason | None = Field(
        None, description="Send an object with reason, userComment, or both, or leave it out."
    )

    @field_validator("acceptedSuggestions")
    @classmethod
    def _check_accepted(
        cls, value: list[AcceptedSuggestion] | None, info: ValidationInfo
    ) -> list[AcceptedSuggestion] | None:
        if value is None and info.data.get("outcome") == ACCEPTED:
            raise PydanticKnownError("missing")
        return value


class FeedbackRequest(WireModel):
    """The body of a feedback call."""

    model_config = ConfigDict(json_schema_extra={"description": "Send a JSON object with feedback."})

    feedback: list[CardFeedback] = Field(
        min_length=1,
        max_length=1000,
        description="Send an array of 1 to 1,000 objects with card, outcome, outcomeTimestamp, and, if accepted, "
        "acceptedSuggestions.",
    )


def read_feedback(value: Json, offered: frozenset[str]) -> tuple[Feedback, ...]:
    """Return the feedback in a parsed request body; `offered` are the codes of the override reasons of our cards.

    Raise RefusedError (400) with the path of every fault and what to send there, never a value.
    """
    return tuple(_feedback(entry, offered) for entry in read_model(FeedbackRequest, value).feedback)


def _feedback(entry: CardFeedback, offered: frozenset[str]) -> Feedback:
    override = entry.overrideReason
    coding = override.reason if override else None
    system, code = (coding.system, coding.code) if coding else ("", "")
    comment = (override.userComment if override else None) or ""
    suggestions = tuple(sorted({suggestion.id for suggestion in entry.acceptedSuggestions or ()}))
    card = entry.card.lower()
    return Feedback(
        card=card,
        outcome=entry.outcome,
        at=_moment(entry.outcomeTimestamp),
        suggestions=suggestions,
        reason=code if system in (SYSTEM, "") and code in offered else UNLISTED if code else "",
        comment=comment.encode("utf-8", "replace").decode().replace("\0", ""),
        sent=(card, entry.outcome, entry.outcomeTimestamp, system, code, comment, *suggestions),
    )
