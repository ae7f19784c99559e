"""The cards of the sample calls (CDS Hooks 2.0.1)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cds_service.selfcheck.areas.calls import good_calls
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.hook_requests import HookCall, sample_calls
from cds_service.selfcheck.json_shape import CODING, expect_schema, is_absolute, is_text, objects
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.session import Session


def _not_offered(session: Session) -> str:
    """Return why there is no card to look at; empty if there may be one."""
    try:
        sample_calls(session)
    except (NotTriedError, FailedError):
        return "no service of order-select or order-sign could be called"
    return ""


AREA = Area("cards", "CDS Hooks: cards", _not_offered)

_CARD = "CDS Hooks 2.0.1, Card Attributes"
_SOURCE = "CDS Hooks 2.0.1, Source"
_SUGGESTION = "CDS Hooks 2.0.1, Suggestion"
_ACTION = "CDS Hooks 2.0.1, Action"
_LINK = "CDS Hooks 2.0.1, Link"
_LONGEST_SUMMARY = 139
_MEMBERS = frozenset(
    {
        "uuid",
        "summary",
        "detail",
        "indicator",
        "source",
        "suggestions",
        "selectionBehavior",
        "overrideReasons",
        "links",
        "extension",
    }
)
_TAG = re.compile(r"<\s*(script|iframe|object|embed|form|style|img|a|svg)\b|\bon\w+\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Card:
    """A card, and its place in which answer."""

    call: HookCall
    place: str
    card: dict[str, Any]

    def parts(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the objects of an array of the card, each with its place."""
        for i, each in enumerate(objects(self.card.get(name))):
            yield f"{self.place}.{name}[{i}]", each


def cards(session: Session) -> tuple[Card, ...]:
    """Return all cards of the sample calls. Raise NotTriedError without any."""
    found = tuple(
        Card(call, f"{call.what}: cards[{i}]", card)
        for call in good_calls(session)
        for i, card in enumerate(objects(call.answer.object()["cards"]))
    )
    if not found:
        raise NotTriedError(
            "no sample call has a card; give an order that your policies are about (--order, --patient)"
        )
    return found


def _each_card(session: Session, look: Callable[[Card], None]) -> str:
    for each in cards(session):
        look(each)
    return f"{len(cards(session))} cards"


def _each_part(what: str, found: Iterator[tuple[str, Any]], look: Callable[[str, Any], None]) -> str:
    counted = 0
    for place, part in found:
        look(place, part)
        counted += 1
    if not counted:
        raise NotTriedError(f"no card has {what}")
    return f"{counted} {what}"


def _suggestions(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    for card in cards(session):
        yield from card.parts("suggestions")


def _actions(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, suggestion in _suggestions(session):
        for i, action in enumerate(objects(suggestion.get("actions"))):
            yield f"{place}.actions[{i}]", action


def _links(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    for card in cards(session):
        yield from card.parts("links")


@AREA.check("summary", Level.SHALL, _CARD, "A card has a summary that is not empty and has fewer than 140 characters.")
def _summary(session: Session) -> str:
    def look(card: Card) -> None:
        found = card.card.get("summary")
        expect(isinstance(found, str) and bool(found.strip()), f"{card.place}.summary is absent or empty")
        expect(len(str(found)) <= _LONGEST_SUMMARY, f"{card.place}.summary has {len(str(found))} characters")

    return _each_card(session, look)


@AREA.check("indicator", Level.SHALL, _CARD, "The indicator of a card is info, warning, or critical.")
def _indicator(session: Session) -> str:
    def look(card: Card) -> None:
        right = card.card.get("indicator") in ("info", "warning", "critical")
        expect(right, f"{card.place}.indicator is absent or has another value")

    return _each_card(session, look)


@AREA.check("source-label", Level.SHALL, _SOURCE, "A card has a source with a label.")
def _source_label(session: Session) -> str:
    def look(card: Card) -> None:
        source = card.card.get("source")
        expect(isinstance(source, dict), f"{card.place}.source is no object")
        expect(is_text(source and source.get("label")), f"{card.place}.source.label is absent or empty")

    return _each_card(session, look)


@AREA.check("source-addresses", Level.SHALL, _SOURCE, "source.url and source.icon are absolute addresses.")
def _source_addresses(session: Session) -> str:
    def look(card: Card) -> None:
        source = card.card.get("source") or {}
        for name in {"url", "icon"} & source.keys():
            expect(is_absolute(source[name]), f"{card.place}.source.{name} is not absolute")

    return _each_card(session, look)


@AREA.check("source-topic", Level.SHALL, _SOURCE, "source.topic is a Coding, with code and system.")
def _source_topic(session: Session) -> str:
    topics = ((card.place, card.card["source"]["topic"]) for card in cards(session) if "topic" in card.card["source"])
    return _each_part("topics", topics, lambda place, topic: expect_schema(topic, CODING, f"{place}.source.topic"))


@AREA.check("detail", Level.SHALL, _CARD, "The detail of a card is GitHub Flavored Markdown, a string.")
def _detail(session: Session) -> str:
    details = ((card.place, card.card["detail"]) for card in cards(session) if "detail" in card.card)
    return _each_part("details", details, lambda place, found: expect(is_text(found), f"{place}.detail is no text"))


@AREA.check("no-active-html", Level.ADVICE, "OWASP", "The detail of a card holds no HTML that runs or loads anything.")
def _no_active_html(session: Session) -> str:
    def look(card: Card) -> None:
        expect(_TAG.search(str(card.card.get("detail", ""))) is None, f"{card.place}.detail holds such HTML")

    return _each_card(session, look)


@AREA.check("members", Level.SHOULD, _CARD, "A card has no members but those of CDS Hooks; others are in extension.")
def _members(session: Session) -> str:
    def look(card: Card) -> None:
        others = card.card.keys() - _MEMBERS
        expect(not others, f"{card.place} has {', '.join(sorted(others))}")

    return _each_card(session, look)


@AREA.check(
    "uuid", Level.SHOULD, "CDS Hooks 2.0.1, Feedback", "The uuid of a card is that of no other card of an answer."
)
def _uuid(session: Session) -> str:
    counted = 0
    for call in good_calls(session):
        found = [each["uuid"] for each in objects(call.answer.object()["cards"]) if "uuid" in each]
        expect(len(set(found)) == len(found), f"{call.what}: two cards have one uuid")
        counted += len(found)
    if not counted:
        raise NotTriedError("no card has a uuid, which is optional; feedback needs it")
    return f"{counted} cards"


@AREA.check(
    "selection-behavior",
    Level.SHALL,
    _CARD,
    "A card with suggestions has selectionBehavior, at-most-one or any.",
)
def _selection_behavior(session: Session) -> str:
    found = ((card.place, card.card) for card in cards(session) if card.card.get("suggestions"))

    def look(place: str, card: dict[str, Any]) -> None:
        right = card.get("selectionBehavior") in ("at-most-one", "any")
        expect(right, f"{place}.selectionBehavior is absent or has another value")

    return _each_part("suggestions", found, look)


@AREA.check("suggestion-label", Level.SHALL, _SUGGESTION, "A suggestion has a label.")
def _suggestion_label(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(is_text(found.get("label")), f"{place}.label is absent or empty")

    return _each_part("suggestions", _suggestions(session), look)


@AREA.check(
    "suggestion-uuid",
    Level.ADVICE,
    "CDS Hooks 2.0.1, Feedback; CRD 2.2.1 resp-3 (SHALL)",
    "A suggestion has a uuid of its own, without which feedback cannot name it.",
)
def _suggestion_uuid(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(is_text(found.get("uuid")), f"{place}.uuid is absent")

    return _each_part("suggestions", _suggestions(session), look)


@AREA.check(
    "recommended",
    Level.SHALL,
    _SUGGESTION,
    "If at most one suggestion can be chosen, at most one is recommended.",
)
def _recommended(session: Session) -> str:
    found = ((card.place, card.card) for card in cards(session) if card.card.get("selectionBehavior") == "at-most-one")

    def look(place: str, card: dict[str, Any]) -> None:
        count = sum(each.get("isRecommended") is True for each in objects(card.get("suggestions")))
        expect(count <= 1, f"{place} recommends {count} suggestions")

    return _each_part("suggestions", found, look)


@AREA.check("action-type", Level.SHALL, _ACTION, "The type of an action is create, update, or delete.")
def _action_type(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(found.get("type") in ("create", "update", "delete"), f"{place}.type is absent or has another value")

    return _each_part("actions", _actions(session), look)


@AREA.check("action-description", Level.SHALL, _ACTION, "An action has a description.")
def _action_description(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(is_text(found.get("description")), f"{place}.description is absent or empty")

    return _each_part("actions", _actions(session), look)


@AREA.check(
    "action-resource",
    Level.SHALL,
    _ACTION,
    "An action that creates or updates has a FHIR resource; one that deletes names it.",
)
def _action_resource(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        resource = found.get("resource")
        if found.get("type") == "delete":
            expect(is_text(found.get("resourceId")) or resource is not None, f"{place} names no resource to delete")
        else:
            right = isinstance(resource, dict) and is_text(resource.get("resourceType"))
            expect(right, f"{place}.resource is absent or no resource")

    return _each_part("actions", _actions(session), look)


@AREA.check("link", Level.SHALL, _LINK, "A link has a label and an address.")
def _link(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(is_text(found.get("label")), f"{place}.label is absent or empty")
        expect(is_absolute(found.get("url")), f"{place}.url is absent or not absolute")

    return _each_part("links", _links(session), look)


@AREA.check("link-type", Level.SHALL, _LINK, "The type of a link is absolute or smart.")
def _link_type(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        expect(found.get("type") in ("absolute", "smart"), f"{place}.type is absent or has another value")

    return _each_part("links", _links(session), look)


@AREA.check("app-context", Level.SHALL, _LINK, "Only a link of type smart has appContext, which is a string.")
def _app_context(session: Session) -> str:
    def look(place: str, found: dict[str, Any]) -> None:
        if "appContext" in found:
            expect(found.get("type") == "smart", f"{place} has appContext and another type than smart")
            expect(is_text(found["appContext"]), f"{place}.appContext is no string")

    return _each_part("links", _links(session), look)


@AREA.check(
    "override-reasons", Level.SHALL, "CDS Hooks 2.0.1, Coding", "An override reason has code, system, and display."
)
def _override_reasons(session: Session) -> str:
    found = (each for card in cards(session) for each in card.parts("overrideReasons"))
    schema = {**CODING, "required": ["code", "system", "display"]}
    return _each_part("override reasons", found, lambda place, reason: expect_schema(reason, schema, place))
