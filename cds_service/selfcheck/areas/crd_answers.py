"""The coverage information of CRD services."""

from collections.abc import Callable
from typing import Any

from cds_service.selfcheck.areas.calls import expect_cards, expect_readable_ehr
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.coverage_information import (
    RULES,
    TECHNICAL,
    Rule,
    fault_of_codes,
    fault_of_parts,
    has_reason,
    information_in,
    is_day,
    parts,
    without_information,
)
from cds_service.selfcheck.crd_calls import CrdCalls, Information, system_actions
from cds_service.selfcheck.hook_requests import HookCall
from cds_service.selfcheck.json_shape import is_text
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import APPOINTMENT_BOOK, ORDER_DISPATCH, ORDER_SELECT, ORDER_SIGN, V2_2
from cds_service.selfcheck.session import Session

_HOOKS = (ORDER_SIGN, ORDER_SELECT, ORDER_DISPATCH, APPOINTMENT_BOOK)
_SECONDS = 5.0
_SHARE = 0.9


def _updated(call: HookCall) -> list[dict[str, Any]]:
    """Return the resources that an answer updates with coverage information."""
    return [each["resource"] for each in system_actions(call.answer) if information_in(each.get("resource"))]


def _answered(session: Session, calls: CrdCalls, hook: str) -> str:
    """Expect coverage information about the order of every call of a hook."""
    made = calls.of_hook(hook)
    for each in made:
        expect_readable_ehr(session, each.answer, each.service.id)
        expect_cards(each.answer, each.what)
        names = [f"{found.get('resourceType')}/{found.get('id')}" for found in _updated(each)]
        expect(names == [each.case.reference], f"{each.what} has coverage information on {len(names)} resources")
    return f"{len(made)} orders"


def _each_information(calls: CrdCalls, look: Callable[[Information], str]) -> str:
    found = calls.information(*_HOOKS)
    for each in found:
        if fault := look(each):
            raise FailedError(f"{each.call.what}: {fault}")
    return f"{len(found)} extensions"


def add_checks(area: Area, version: str) -> None:
    """Add the checks of a version of CRD."""

    def calls(session: Session) -> CrdCalls:
        return CrdCalls(session, version)

    @area.check(
        "order-sign", Level.SHALL, "hook-16, resp-29", "order-sign is answered with coverage information on each order."
    )
    def _order_sign(session: Session) -> str:
        return _answered(session, calls(session), ORDER_SIGN)

    @area.check(
        "order-dispatch", Level.SHALL, "hook-33", "order-dispatch is answered with coverage information on each order."
    )
    def _order_dispatch(session: Session) -> str:
        return _answered(session, calls(session), ORDER_DISPATCH)

    @area.check(
        "appointment-book",
        Level.SHALL,
        "hook-26",
        "appointment-book is answered with coverage information on each order that is booked.",
    )
    def _appointment_book(session: Session) -> str:
        return _answered(session, calls(session), APPOINTMENT_BOOK)

    @area.check(
        "system-action",
        Level.SHALL,
        "resp-48, resp-52",
        "A system action is an update with a resource and a description, and without resourceId.",
    )
    def _system_action(session: Session) -> str:
        counted = 0
        for call in calls(session).good(*_HOOKS):
            for action in system_actions(call.answer):
                if information_in(action.get("resource")):
                    expect(action.get("type") == "update", f"{call.what}: the type is not update")
                    expect(is_text(action.get("description")), f"{call.what}: there is no description")
                    expect("resourceId" not in action, f"{call.what}: there is a resourceId")
                    counted += 1
        if not counted:
            raise NotTriedError("no answer has coverage information")
        return f"{counted} system actions"

    @area.check(
        "order-unchanged",
        Level.SHALL,
        "resp-37",
        "But for coverage information, an order comes back as it was sent, digit by digit.",
    )
    def _order_unchanged(session: Session) -> str:
        counted = 0
        for call in calls(session).good(ORDER_SIGN, ORDER_SELECT):
            for resource in _updated(call):
                same = without_information(resource) == without_information(call.case.order)
                expect(same, f"{call.what}: something else in the order has changed")
                counted += 1
        if not counted:
            raise NotTriedError("no answer has coverage information")
        return f"{counted} orders"

    _add_parts(area, version)
    for rule in RULES:
        if version in rule.versions:
            _add_rule(area, version, rule)

    @area.check(
        "questionnaire-named", Level.SHOULD, "resp-38", "Where documentation is needed, its questionnaire is named."
    )
    def _questionnaire_named(session: Session) -> str:
        found = [each for each in calls(session).information(*_HOOKS) if _needs_form(each)]
        if not found:
            raise NotTriedError("no order needs clinical or administrative documentation")
        for each in found:
            expect(bool(each.parts.get("questionnaire")), f"{each.call.what}: doc-needed without a questionnaire")
        return f"{len(found)} extensions"

    @area.check(
        "order-select",
        Level.SHALL,
        "hook-19",
        "On order-select no clinical or administrative documentation is asked for.",
    )
    def _order_select(session: Session) -> str:
        made = calls(session).of_hook(ORDER_SELECT)
        for call in made:
            expect_cards(call.answer, call.what)
            for resource in _updated(call):
                asked = any(
                    {"clinical", "admin", "both"} & set(parts(e).get("doc-needed", ()))
                    for e in information_in(resource)
                )
                expect(not asked, f"{call.what} asks for documentation")
        return f"{len(made)} calls"

    @area.check(
        "nothing-new",
        Level.SHALL,
        "resp-35",
        "An order that comes back as it was updated, with nothing new, is not updated again.",
    )
    def _nothing_new(session: Session) -> str:
        crd = calls(session)
        order = next((resource for call in crd.good(ORDER_SIGN) for resource in _updated(call)), None)
        if order is None:
            raise NotTriedError("no answer to order-sign has coverage information")
        body = crd.body(order=order)
        found = crd.post(body)
        expect_cards(found, "the updated order")
        again = [each for each in system_actions(found) if information_in(each.get("resource"))]
        expect(not again, "the same order is updated again")
        return "no system action"

    @area.check(
        "empty-chart",
        Level.SHALL if version == V2_2 else Level.SHOULD,
        "found-32",
        "A chart that was read and has nothing of use in it is answered with coverage information.",
    )
    def _empty_chart(session: Session) -> str:
        crd = calls(session)
        kept = ("Patient", "Coverage", "Practitioner", "PractitionerRole", "Organization")
        with session.ehr.hiding(lambda kind: kind not in kept):
            found = crd.post(crd.with_coverages(crd.body(), crd.coverage))
        expect_cards(found, "such a call")
        expect(bool(system_actions(found)), "such a call is answered without a system action")
        return "answered"

    if version == V2_2:

        @area.check(
            "technical",
            Level.SHALL,
            "resp-43",
            "If the Coverage is known and the FHIR server refuses the token, the answer is 200; what is indeterminate "
            "then has a reason with the code technical and a text.",
        )
        def _technical(session: Session) -> str:
            crd = calls(session)
            body = crd.body()
            refused = {**body["fhirAuthorization"], "access_token": "refused-by-the-self-check"}
            coverage_only = crd.with_coverages({**body, "prefetch": {}}, crd.coverage)
            found = crd.post({**coverage_only, "fhirAuthorization": refused})
            expect_cards(found, "such a call")
            said = [parts(e) for each in system_actions(found) for e in information_in(each.get("resource"))]
            expect(bool(said), "such a call is answered without coverage information")
            open_ones = [each for each in said if "indeterminate" in str(each)]
            expect(all(has_reason(each, TECHNICAL) for each in open_ones), "indeterminate has no such reason")
            return "indeterminate" if open_ones else "decided without the chart"

    @area.check(
        "time",
        Level.SHALL,
        "found-2",
        f"Nine of ten calls are answered within {_SECONDS:g} s; ten for appointment-book.",
    )
    def _time(session: Session) -> str:
        seconds = [each.answer.seconds for each in calls(session).good(ORDER_SIGN, ORDER_SELECT, ORDER_DISPATCH)]
        if not seconds:
            raise NotTriedError("no call was answered")
        in_time = sum(each <= _SECONDS for each in seconds)
        expect(in_time >= _SHARE * len(seconds), f"{in_time} of {len(seconds)} calls were")
        return f"{in_time} of {len(seconds)} calls, the slowest in {max(seconds):.1f} s"


def _needs_form(found: Information) -> bool:
    return bool({"clinical", "admin", "both"} & set(found.parts.get("doc-needed", ())))


def _add_parts(area: Area, version: str) -> None:
    """Add the checks of the parts of the extension."""
    source = "ext-coverage-information"

    @area.check(
        "parts", Level.SHALL, source, "The extension has no other parts than the guide's, each as often as allowed."
    )
    def _parts(session: Session) -> str:
        return _each_information(CrdCalls(session, version), lambda each: fault_of_parts(each.extension, version))

    @area.check("codes", Level.SHALL, source, "Every code is one of the version that is answered.")
    def _codes(session: Session) -> str:
        return _each_information(CrdCalls(session, version), lambda each: fault_of_codes(each.parts, version))

    def required(name: str, check: str, right: str, holds: Callable[[Information, Any], bool]) -> None:
        def look(each: Information) -> str:
            found = each.parts.get(name, [])
            if not found:
                return f"there is no {name}"
            return "" if holds(each, found[0]) else f"{name} has another value"

        def run(session: Session) -> str:
            return _each_information(CrdCalls(session, version), look)

        area.check(check, Level.SHALL, source, right)(run)

    required("covered", "covered", "The extension says what is covered.", lambda _, value: is_text(value))
    required("date", "date", "The extension has the day of the answer.", lambda _, value: is_day(value))
    required(
        "coverage-assertion-id",
        "assertion-id",
        "The extension has a coverage-assertion-id.",
        lambda _, value: is_text(value),
    )
    required(
        "coverage",
        "coverage",
        "The extension references the Coverage that was sent.",
        lambda each, value: (
            isinstance(value, dict)
            and str(value.get("reference", "")).endswith(f"Coverage/{(each.call.case.coverage or {}).get('id')}")
        ),
    )


def _add_rule(area: Area, version: str, rule: Rule) -> None:
    def run(session: Session) -> str:
        return _each_information(
            CrdCalls(session, version), lambda each: "" if rule.holds(each.parts, version) else "it is not so"
        )

    area.check(rule.key, Level.SHALL, rule.source, rule.right)(run)
