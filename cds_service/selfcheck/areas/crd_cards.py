"""The cards of CRD services (the card models of CRD 2.2.1, the response types of CRD 2.0.1)."""

from collections.abc import Callable, Iterator
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.crd_calls import CrdCalls
from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.services import APPOINTMENT_BOOK, ORDER_DISPATCH, ORDER_SELECT, ORDER_SIGN, V2_0, V2_2
from cds_service.selfcheck.session import Session

_TOPICS = {
    V2_2: "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
    V2_0: "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
}
_HOOKS = (ORDER_SIGN, ORDER_SELECT, ORDER_DISPATCH, APPOINTMENT_BOOK)
_COVERAGE_INFO = "coverage-info"


def add_checks(area: Area, version: str) -> None:
    """Add the checks of a version of CRD."""
    binding = Level.SHALL if version == V2_2 else Level.SHOULD

    def cards(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
        for call in CrdCalls(session, version).good(*_HOOKS):
            for i, card in enumerate(objects(call.answer.object().get("cards"))):
                yield f"{call.what}: cards[{i}]", card

    def each_card(
        name: str, level: Level, source: str, right: str, look: Callable[[str, dict[str, Any]], None]
    ) -> None:
        def run(session: Session) -> str:
            found = list(cards(session))
            if not found:
                raise NotTriedError("no answer has a card")
            for place, card in found:
                look(place, card)
            return f"{len(found)} cards"

        area.check(name, level, source, right)(run)

    def topic(place: str, card: dict[str, Any]) -> None:
        source = card.get("source")
        found = source.get("topic") if isinstance(source, dict) else None
        expect(isinstance(found, dict), f"{place}.source.topic is absent")
        right = found.get("system") == _TOPICS[version] and is_text(found.get("code"))  # type: ignore[union-attr]
        expect(right, f"{place}.source.topic is of another code system")

    each_card("topics", Level.SHALL, "resp-5", f"The topic of a card is of {_TOPICS[version]}.", topic)

    def no_coverage_card(place: str, card: dict[str, Any]) -> None:
        source = card.get("source")
        found = source.get("topic") if isinstance(source, dict) else None
        is_one = isinstance(found, dict) and found.get("code") == _COVERAGE_INFO
        expect(not is_one, f"{place} has the topic {_COVERAGE_INFO}")

    each_card("no-coverage-card", Level.SHALL, "resp-25", "Coverage information comes in no card.", no_coverage_card)

    def uuid(place: str, card: dict[str, Any]) -> None:
        expect(is_text(card.get("uuid")), f"{place}.uuid is absent")

    each_card("card-uuid", binding, "CDSHooksResponse of CRD", "Every card has a uuid.", uuid)

    def critical(place: str, card: dict[str, Any]) -> None:
        expect(card.get("indicator") != "critical", f"{place} is critical")

    each_card(
        "indicator", Level.SHOULD, "resp-1", "A matter of payment is info or warning; critical is for harm.", critical
    )

    def orders(place: str, card: dict[str, Any]) -> None:
        extension = card.get("extension")
        stated = extension.get("davinci-crd.associated-resource") if isinstance(extension, dict) else None
        right = bool(objects(stated)) and all(is_text(each.get("reference")) for each in objects(stated))
        expect(right, f"{place}.extension names no order")

    if version == V2_2:
        each_card(
            "associated-orders",
            Level.SHOULD,
            "dev-25",
            "A card references its orders in the extension davinci-crd.associated-resource.",
            orders,
        )

    @area.check("suggestion-uuids", Level.SHALL, "resp-3", "Every suggestion has a uuid.")
    def _suggestion_uuids(session: Session) -> str:
        found = [
            (f"{place}.suggestions[{i}]", each)
            for place, card in cards(session)
            for i, each in enumerate(objects(card.get("suggestions")))
        ]
        if not found:
            raise NotTriedError("no card has a suggestion")
        for place, suggestion in found:
            expect(is_text(suggestion.get("uuid")), f"{place}.uuid is absent")
        return f"{len(found)} suggestions"
