"""Calls of order-select and order-sign that are right (CDS Hooks 2.0.1)."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from statistics import median
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.hook_requests import (
    NO_MEMBERS,
    HookCall,
    bundle_of,
    cases_of,
    first_case,
    hook_body,
    post_call,
    sample_calls,
    usable_service,
    with_context,
    without,
)
from cds_service.selfcheck.json_shape import empty_members
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import ORDER_SELECT, ORDER_SIGN, services, services_of_hooks
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer


def _not_offered(session: Session) -> str:
    """Return why there is nothing to call; empty if there is."""
    try:
        offered = {each.hook for each in services(session)}
    except (FailedError, NotTriedError):
        return "discovery could not be read"
    return "" if offered & {ORDER_SELECT, ORDER_SIGN} else "discovery lists no service of order-select or order-sign"


AREA = Area("calls", "CDS Hooks: calls of order-select and order-sign", _not_offered)

_RESPONSE = "CDS Hooks 2.0.1, CDS Service Response"
_SLOWEST_MEDIAN = 2.0
_CHART = ("Patient", "Coverage", "Practitioner", "PractitionerRole", "Organization")


def good_calls(session: Session) -> tuple[HookCall, ...]:
    """Return the sample calls that were answered as they should be. Raise NotTriedError if there are none."""
    found = tuple(each for each in sample_calls(session) if each.has_cards)
    if not found:
        raise NotTriedError("no sample call was answered with cards; see calls.answer")
    return found


def expect_cards(answer: Answer, what: str) -> None:
    """Raise FailedError unless an answer is one of success with an array of cards."""
    expect(answer.status == 200, f"{what} answers {answer.status}")
    expect(isinstance(answer.object().get("cards"), list), f"{what} answers without an array named cards")


def _with_chart(session: Session) -> tuple[Any, Any, Any]:
    """Return a service, a case for it, and the body of its call."""
    service, case = usable_service(session)
    return service, case, hook_body(session, service, case)


@AREA.check("answer", Level.SHALL, _RESPONSE, "A call is answered 200 with a JSON object whose cards is an array.")
def _answer(session: Session) -> str:
    made = [each for each in sample_calls(session) if each.case in cases_of(session, each.service)]
    if not made:
        raise NotTriedError(NO_MEMBERS)
    for each in made:
        expect_cards(each.answer, each.what)
    return f"{len(made)} calls, all without encounterId, which is optional"


@AREA.check(
    "media-type", Level.SHALL, "CDS Hooks 2.0.1, Use of JSON", "Answers say that they are application/json, in UTF-8."
)
def _media_type(session: Session) -> str:
    for each in good_calls(session):
        stated = each.answer.headers.get("content-type", "")
        expect(
            each.answer.media_type == "application/json",
            f"{each.what} answers as {each.answer.media_type or 'nothing'}",
        )
        charset = stated.lower().partition("charset=")[2].strip(' "') or "utf-8"
        expect(charset in ("utf-8", "utf8", "us-ascii"), f"{each.what} answers in another character set")
    return "application/json"


@AREA.check(
    "no-empty-values",
    Level.SHALL,
    "CDS Hooks 2.0.1, Use of JSON",
    "Nothing in an answer is null, an empty string, an empty array, or an empty object, but cards.",
)
def _no_empty_values(session: Session) -> str:
    for each in good_calls(session):
        answer = without(each.answer.object(), "extension")
        for action in answer.get("systemActions") or ():
            action.pop("resource", None)  # it is the client's own
        found = [path for path in empty_members(answer) if path != "cards" and ".resource" not in path]
        expect(not found, f"{each.what}: {found[0]} is empty" if found else "")
    return "none"


@AREA.check("no-orders", Level.SHALL, _RESPONSE, "A call about an order that no policy is about is answered 200.")
def _no_orders(session: Session) -> str:
    service, case, body = _with_chart(session)
    order = {
        "resourceType": "NutritionOrder",
        "id": "self-check-diet",
        "status": "draft",
        "intent": "order",
        "patient": {"reference": f"Patient/{case.patient_id}"},
        "dateTime": case.order.get("authoredOn", "2026-01-01"),
        "orderer": {"reference": case.requester},
        "oralDiet": {"type": [{"text": "Low-salt diet"}]},
    }
    sent = with_context(body, draftOrders=bundle_of(session, order))
    if service.hook == ORDER_SELECT:
        sent = with_context(sent, selections=["NutritionOrder/self-check-diet"])
    expect_cards(post_call(session, service, sent), f"{service.id} about a NutritionOrder")
    return "200"


@AREA.check(
    "practitioner-role",
    Level.SHALL,
    "CDS Hooks Library 1.0.1, order-select and order-sign",
    "userId is taken as PractitionerRole/id, too.",
)
def _practitioner_role(session: Session) -> str:
    service, _, body = _with_chart(session)
    sent = with_context(body, userId="PractitionerRole/self-check")
    expect_cards(post_call(session, service, sent), f"{service.id} for a PractitionerRole")
    return "200"


@AREA.check(
    "revised-order",
    Level.SHOULD,
    "CDS Hooks Library 1.0.1, order-sign",
    "order-sign takes an order that is active, which is revised and signed again.",
)
def _revised_order(session: Session) -> str:
    service = services_of_hooks(session, ORDER_SIGN)[0]
    case = first_case(session, service)
    body = hook_body(session, service, case, {**case.order, "status": "active"})
    expect_cards(post_call(session, service, body), f"{service.id} about an active order")
    return "200"


@AREA.check(
    "unknown-members",
    Level.SHOULD,
    "CDS Hooks 2.0.1, Extensions; CRD 2.2.1 found-33 (SHALL)",
    "Members and extensions that a service does not know do no harm.",
)
def _unknown_members(session: Session) -> str:
    service, case, body = _with_chart(session)
    unknown = {"com.example.self-check": {"asked": True}}
    order = {**case.order, "extension": [{"url": "https://example.com/self-check", "valueBoolean": True}]}
    sent = hook_body(session, service, case, order)
    sent = {**with_context(sent, selfCheck="unknown"), "extension": body.get("extension", {}) | unknown, "selfCheck": 1}
    expect_cards(post_call(session, service, sent), f"{service.id} with unknown members")
    return "200"


@AREA.check(
    "null-prefetch",
    Level.SHALL,
    "CDS Hooks 2.0.1, Prefetch Template",
    "A prefetch of null says that there are no such data, and is no error.",
)
def _null_prefetch(session: Session) -> str:
    service, _, body = _with_chart(session)
    keys = [key for key, template in service.prefetch.items() if not template.startswith(("Patient", "Coverage"))]
    if not keys:
        raise NotTriedError(f"{service.id} asks for no prefetch beyond the patient and the coverage")
    sent = {**body, "prefetch": {**body.get("prefetch", {}), keys[0]: None}}
    expect_cards(post_call(session, service, sent), f"{service.id} with null as prefetch.{keys[0]}")
    return "200"


def _queried(session: Session) -> tuple[Answer, list[Any]]:
    """Return the answer to a call with nothing but a FHIR server to read, and what was asked of that."""

    def make() -> tuple[Answer, list[Any]]:
        service, _, body = _with_chart(session)
        before = session.ehr.count
        sent = without(body, "prefetch")
        if service.is_crd:
            coverage = {key: found for key, found in body["prefetch"].items() if _is_coverage(found)}
            sent = {**sent, "prefetch": coverage}
        answer = post_call(session, service, sent)
        return answer, [each for each in session.ehr.asked_since(before) if each.path != "metadata"]

    return session.once("queried", make)


def expect_readable_ehr(session: Session, answer: Answer, what: str) -> None:
    """Raise NotTriedError if an answer says that the chart cannot be read, and nothing was asked of the EHR."""
    if answer.status == HTTPStatus.PRECONDITION_FAILED and not _queried(session)[1]:
        raise NotTriedError(
            f"{what} answered 412 and asked nothing of {session.ehr.base}: it may not read that address, or cannot "
            "reach it (--fhir-url)"
        )


def _is_coverage(found: Mapping[str, Any]) -> bool:
    return "Coverage" in {each["resource"]["resourceType"] for each in found.get("entry", ()) if "resource" in each}


@AREA.check(
    "queries",
    Level.SHOULD,
    "CDS Hooks 2.0.1, Prefetch Template",
    "Data that are needed and not prefetched are queried from fhirServer.",
)
def _queries(session: Session) -> str:
    answer, asked = _queried(session)
    if not asked and answer.status in (200, 412):
        raise NotTriedError(
            f"the service answered {answer.status} and asked nothing of {session.ehr.base}: it needed nothing, may not "
            "read that address, or cannot reach it (--fhir-url)"
        )
    expect(answer.status == 200, f"a call without prefetch answers {answer.status}")
    return f"{len(asked)} queries"


@AREA.check(
    "access-token",
    Level.SHALL,
    "CDS Hooks 2.0.1, FHIR Resource Access",
    "A query carries the access token of the call as a Bearer token.",
)
def _access_token(session: Session) -> str:
    _, asked = _queried(session)
    if not asked:
        raise NotTriedError(f"the service asked nothing of {session.ehr.base}")
    without_token = [each.path.partition("/")[0] for each in asked if not each.has_token]
    expect(not without_token, f"{len(without_token)} of {len(asked)} queries came without it")
    return f"{len(asked)} queries"


@AREA.check(
    "no-data",
    Level.SHALL,
    "CDS Hooks 2.0.1, Prefetch Template; CRD 2.2.1 found-32",
    "A chart that was read and has nothing in it is no error.",
)
def _no_data(session: Session) -> str:
    service, _, body = _with_chart(session)
    held = {key: found for key, found in body.get("prefetch", {}).items() if _may_stay(found)}
    with session.ehr.hiding(lambda kind: kind not in _CHART):
        answer = post_call(session, service, {**body, "prefetch": held} if held else without(body, "prefetch"))
    expect_readable_ehr(session, answer, service.id)
    expect_cards(answer, f"{service.id} about a chart without data")
    return "200"


def _may_stay(found: Mapping[str, Any]) -> bool:
    kinds = {each["resource"]["resourceType"] for each in found.get("entry", ())} or {found.get("resourceType")}
    return kinds <= set(_CHART)


@AREA.check(
    "no-access",
    Level.SHALL,
    "CDS Hooks 2.0.1, Prefetch Template",
    "If data are needed, not prefetched, and not to be had from fhirServer, the answer is 412.",
)
def _no_access(session: Session) -> str:
    service, _, body = _with_chart(session)
    refused = {**body["fhirAuthorization"], "access_token": "refused-by-the-self-check"}
    answer = post_call(session, service, {**without(body, "prefetch"), "fhirAuthorization": refused})
    allowed = (200, 400, 412, 422) if service.is_crd else (200, 412)  # 400: CRD without a Coverage (hook-13)
    expect(
        answer.status in allowed, f"{service.id}, whose access token the FHIR server refuses, answers {answer.status}"
    )
    return f"{answer.status}{', the service needed no data' if answer.status == 200 else ''}"


@AREA.check(
    "time",
    Level.SHOULD,
    "CDS Hooks 2.0.1, CDS Service Response",
    f"Calls are answered in the order of 500 ms; here, the median is at most {_SLOWEST_MEDIAN:g} s.",
)
def _time(session: Session) -> str:
    seconds = list(_seconds(session))
    expect(median(seconds) <= _SLOWEST_MEDIAN, f"the median of {len(seconds)} calls is {median(seconds):.1f} s")
    return f"median {median(seconds) * 1000:.0f} ms of {len(seconds)} calls"


def _seconds(session: Session) -> Iterator[float]:
    for each in good_calls(session):
        yield each.answer.seconds
