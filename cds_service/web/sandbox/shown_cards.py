"""The cards on the page, as its form carries them to the next request, in which a button may name one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from cds_service.web.sandbox.case import CaseError
from cds_service.web.sandbox.hook_calls import Exchange
from fhir_mappings.fhir_json import dumps, parse_json

FIELD = "card:"
"""What the name of the field of a card begins with; its uuid follows."""
_TEXT = {"type": "string", "maxLength": 200}
_SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "required": ["service", "uuid", "suggestions"],
        "properties": {
            "service": {"type": "string", "pattern": r"^[a-z0-9.-]{1,64}\Z"},
            "uuid": _TEXT,
            "suggestions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["uuid", "label", "actions"],
                    "properties": {
                        "uuid": _TEXT,
                        "label": {"type": "string"},
                        "actions": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["type"],
                                "properties": {"type": {"enum": ["create", "update", "delete"]}},
                                "if": {"properties": {"type": {"const": "delete"}}},
                                "then": {
                                    "required": ["resourceId"],
                                    "properties": {"resourceId": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}},
                                },
                                "else": {
                                    "required": ["resource"],
                                    "properties": {
                                        "resource": {
                                            "type": "object",
                                            "required": ["resourceType"],
                                            "properties": {"resourceType": _TEXT},
                                        }
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    }
)


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card on the page: the id of the service that returned it, its uuid, and its suggestions."""

    service: str
    uuid: str
    suggestions: tuple[Mapping[str, Any], ...] = ()

    @property
    def hook(self) -> str:
        """Return the hook whose service returned it, such as order-sign."""
        return "-".join(self.service.split("-")[-2:])

    def dump(self) -> str:
        """Return the card as the form carries it."""
        return dumps({"service": self.service, "uuid": self.uuid, "suggestions": list(self.suggestions)})


def cards_of(exchange: Exchange) -> tuple[ShownCard, ...]:
    """Return the cards of a response."""
    return tuple(
        ShownCard(exchange.service, each["uuid"], tuple(each.get("suggestions", ()))) for each in exchange.cards
    )


def card_named(uuid: str, form: Mapping[str, str]) -> ShownCard:
    """Return the card with this uuid that a form carries. Raise CaseError if none is there."""
    try:
        told = parse_json(form.get(f"{FIELD}{uuid}", "").encode("utf-8", "replace"))
    except ValueError:
        told = None
    if not _SCHEMA.is_valid(told) or told["uuid"] != uuid:
        raise CaseError("The card of this button is not on the page. Sign the orders again.")
    return ShownCard(told["service"], told["uuid"], tuple(told["suggestions"]))
