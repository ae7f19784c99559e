"""What the configuration options and the versions of a CRD request do."""

from typing import Any

from cds_service.selfcheck.areas.calls import expect_cards
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.coverage_information import information_in, parts
from cds_service.selfcheck.crd_calls import CrdCalls, system_actions
from cds_service.selfcheck.hook_requests import with_context, with_extension
from cds_service.selfcheck.json_shape import objects
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.services import ORDER_SIGN, V2_2
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_UNOFFERED = "9.9"


def _chosen(crd: CrdCalls, **choices: Any) -> Answer:
    """Return the answer to order-sign with options; an underscore in a name stands for a dash."""
    configuration = {name.replace("_", "-"): value for name, value in choices.items()}
    found = crd.post(with_extension(crd.body(), configuration=configuration))
    expect_cards(found, "a call with options")
    return found


def _topics(answer: Answer) -> set[str]:
    found = (each.get("source") for each in objects(answer.object().get("cards")))
    topics = (source.get("topic") for source in found if isinstance(source, dict))
    return {str(topic.get("code")) for topic in topics if isinstance(topic, dict)}


def add_checks(area: Area, version: str) -> None:
    """Add the checks of a version of CRD."""

    def crd_with(session: Session, option: str) -> CrdCalls:
        found = CrdCalls(session, version)
        if option not in found.service().options:
            raise NotTriedError(f"{found.service().id} has no option {option}")
        return found

    @area.check(
        "coverage-info-off",
        Level.SHALL,
        "dev-14, resp-28",
        "With coverage-info false, the answer is 200 without coverage information.",
    )
    def _coverage_info_off(session: Session) -> str:
        found = _chosen(crd_with(session, "coverage-info"), coverage_info=False)
        told = [each for each in system_actions(found) if information_in(each.get("resource"))]
        expect(not told, "there is coverage information")
        return "none"

    @area.check("cards-off", Level.SHALL, "dev-14", "A type of card that an option switches off does not come.")
    def _cards_off(session: Session) -> str:
        crd = CrdCalls(session, version)
        found = crd.post(crd.body())
        expect_cards(found, "order-sign")
        switches = sorted(_topics(found) & crd.service().options.keys())
        if not switches:
            raise NotTriedError("no card of the first order has an option")
        left = _topics(_chosen(crd, **dict.fromkeys(switches, False)))
        expect(not left & set(switches), f"cards of {', '.join(sorted(left & set(switches)))} come")
        return f"{', '.join(switches)} switched off"

    @area.check("max-cards", Level.SHALL, "dev-14", "No more cards come than max-cards says.")
    def _max_cards(session: Session) -> str:
        crd = crd_with(session, "max-cards")
        for most in (0, 1):
            count = len(_chosen(crd, max_cards=most).object()["cards"])
            expect(count <= most, f"{count} cards come with max-cards {most}")
        return "0 and 1"

    @area.check(
        "unknown-options",
        Level.SHALL,
        "dev-6, dev-17",
        "Options that a service does not know, of another type, or that make no sense together, do no harm.",
    )
    def _unknown_options(session: Session) -> str:
        crd = CrdCalls(session, version)
        _chosen(crd, self_check=True, coverage_info="perhaps", max_cards=-1)
        _chosen(crd, **{name: False for name, each in crd.service().options.items() if each.get("type") == "boolean"})
        return "answered"

    @area.check(
        "unknown-members",
        Level.SHALL,
        "hook-23, found-33",
        "Members of the context and extensions that a service does not know are ignored.",
    )
    def _unknown_members(session: Session) -> str:
        crd = CrdCalls(session, version)
        order = {**crd.of_hook(ORDER_SIGN)[0].case.order}
        order["extension"] = [{"url": "https://example.com/self-check", "valueBoolean": True}]
        body = {**with_context(crd.body(order=order), selfCheck={"asked": True}), "selfCheck": True}
        found = crd.post(body)
        expect_cards(found, "such a call")
        expect(bool(system_actions(found)), "such a call is answered without a system action")
        return "answered"

    if version == V2_2:

        @area.check(
            "what-if",
            Level.SHALL,
            "found-35, dev-14",
            "With unsolicited-determ false, no authorization is issued.",
        )
        def _what_if(session: Session) -> str:
            found = _chosen(crd_with(session, "unsolicited-determ"), unsolicited_determ=False)
            said = [parts(e) for each in system_actions(found) for e in information_in(each.get("resource"))]
            issued = [each for each in said if each.get("satisfied-pa-id")]
            expect(not issued, "an authorization number comes")
            return "none"

        @area.check("requested-version", Level.SHALL, "RequestCRDVersion", "A version that is not offered is an error.")
        def _requested_version(session: Session) -> str:
            crd = CrdCalls(session, version)
            found = crd.post(with_extension(crd.body(), version=_UNOFFERED))
            expect(found.status >= 400, f"CRD {_UNOFFERED} is answered {found.status}")
            return str(found.status)
