"""Calls that are wrong: what the answer says, and what it keeps to itself."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from cds_service.selfcheck.areas.calls import AREA as CALLS
from cds_service.selfcheck.cases import Case
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.hook_requests import cases_of, hook_body, with_context, without
from cds_service.selfcheck.json_shape import OUTCOME, expect_schema
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import ORDER_SELECT, OfferedService, a_service, services, services_of_hooks
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

AREA = Area("errors", "CDS Hooks: calls that are wrong", CALLS.not_offered)

_REQUEST = "CDS Hooks 2.0.1, HTTP Request; CRD 2.2.1 hook-13 (SHALL)"
_CONVENTION = "RFC 9110"
_DEPTH = 20_000
_LONGEST = 5.0
_MARKER = "self-check-marker"
_TRACES = (b"Traceback (most recent call last)", b"\tat java.", b"   at System.", b"node_modules/")

_Wrong = Callable[[Session], Answer]


def _service(session: Session) -> tuple[OfferedService, dict[str, Any]]:
    service = a_service(session)
    return service, hook_body(session, service, _case(session, service))


def _case(session: Session, service: OfferedService) -> Case:
    """Return an order that the service does not refuse, if there is one."""
    return (cases_of(session, service) or session.cases)[0]


def _changed(change: Callable[[dict[str, Any]], Any]) -> _Wrong:
    """Return how to send a call that is right but for one change."""

    def send(session: Session) -> Answer:
        service, body = _service(session)
        return session.post(session.address(service.id), change(body))

    return send


def _raw(body: bytes, media_type: str = "application/json") -> _Wrong:
    def send(session: Session) -> Answer:
        return session.post(session.address(a_service(session).id), raw=body, headers={"Content-Type": media_type})

    return send


def _keep(session: Session, what: str, send: _Wrong) -> Answer:
    """Return the answer to a wrong call, which is sent once for all checks."""
    return session.once(("wrong", what), lambda: send(session))


def _expect_refused(session: Session, what: str, send: _Wrong) -> str:
    found = _keep(session, what, send)
    expect(found.is_client_error, f"{what} is answered {found.status}", "The answer is a status of 400 to 499.")
    return str(found.status)


_NOT_JSON = "a body that is not JSON"
_CONTEXT = {name: f"context without {name}" for name in ("userId", "patientId", "draftOrders")}
_WRONG: dict[str, _Wrong] = {
    _NOT_JSON: _raw(b'{"hook": "order-sign", '),
    "a body that is no object": _raw(b"[]"),
    "a call without hook": _changed(lambda body: without(body, "hook")),
    "a call without hookInstance": _changed(lambda body: without(body, "hookInstance")),
    "a call without context": _changed(lambda body: without(body, "context")),
    **{
        what: _changed(lambda body, name=name: with_context(body, **{name: None}))  # type: ignore[misc]
        for name, what in _CONTEXT.items()
    },
    "fhirAuthorization without fhirServer": _changed(lambda body: without(body, "fhirServer")),
    "draftOrders that is no Bundle": _changed(
        lambda body: with_context(body, draftOrders={"resourceType": "Patient", "id": _MARKER})
    ),
    "a hookInstance that is no UUID": _changed(lambda body: {**body, "hookInstance": _MARKER}),
    "another hook than the service's": _changed(lambda body: {**body, "hook": "patient-view"}),
}


def _all_wrong(session: Session) -> list[tuple[str, Answer]]:
    """Return the answers to all wrong calls that could be sent and were refused. Raise NotTriedError if none was."""
    refused = []
    for what, send in _WRONG.items():
        try:
            found = _keep(session, what, send)
        except (FailedError, NotTriedError):
            continue
        if found.is_client_error:
            refused.append((what, found))
    if not refused:
        raise NotTriedError("no wrong call was refused")
    return refused


@AREA.check("not-json", Level.SHOULD, _REQUEST, "A body that is not JSON is refused with 400.")
def _not_json(session: Session) -> str:
    found = _keep(session, _NOT_JSON, _WRONG[_NOT_JSON])
    expect(found.is_client_error, f"it is answered {found.status}")
    return str(found.status)


@AREA.check("not-an-object", Level.SHOULD, _REQUEST, "A body that is JSON and no object is refused.")
def _not_an_object(session: Session) -> str:
    what = "a body that is no object"
    return _expect_refused(session, what, _WRONG[what])


@AREA.check("members", Level.SHOULD, _REQUEST, "A call without hook, hookInstance, or context is refused.")
def _members(session: Session) -> str:
    for name in ("hook", "hookInstance", "context"):
        what = f"a call without {name}"
        _expect_refused(session, what, _WRONG[what])
    return "refused"


@AREA.check(
    "context-members",
    Level.SHOULD,
    "CDS Hooks Library 1.0.1, order-select and order-sign",
    "A context without userId, patientId, or draftOrders, and for order-select without selections, is refused.",
)
def _context_members(session: Session) -> str:
    for what in _CONTEXT.values():
        _expect_refused(session, what, _WRONG[what])
    if any(each.hook == ORDER_SELECT for each in services(session)):

        def send(session: Session) -> Answer:
            service = services_of_hooks(session, ORDER_SELECT)[0]
            body = with_context(hook_body(session, service, _case(session, service)), selections=None)
            return session.post(session.address(service.id), body)

        _expect_refused(session, "order-select without selections", send)
    return "refused"


@AREA.check(
    "authorization-without-server",
    Level.SHOULD,
    "CDS Hooks 2.0.1, HTTP Request: fhirServer is required then",
    "A call with fhirAuthorization and without fhirServer is refused.",
)
def _authorization_without_server(session: Session) -> str:
    what = "fhirAuthorization without fhirServer"
    return _expect_refused(session, what, _WRONG[what])


@AREA.check(
    "orders",
    Level.SHOULD,
    "CDS Hooks Library 1.0.1, order-select and order-sign",
    "draftOrders that is no Bundle is refused.",
)
def _orders(session: Session) -> str:
    what = "draftOrders that is no Bundle"
    return _expect_refused(session, what, _WRONG[what])


@AREA.check(
    "hook-instance", Level.ADVICE, "CDS Hooks 2.0.1, HTTP Request", "A hookInstance that is no UUID is refused."
)
def _hook_instance(session: Session) -> str:
    what = "a hookInstance that is no UUID"
    return _expect_refused(session, what, _WRONG[what])


@AREA.check("another-hook", Level.ADVICE, "CDS Hooks 2.0.1, HTTP Request", "A call of another hook is refused.")
def _another_hook(session: Session) -> str:
    what = "another hook than the service's"
    return _expect_refused(session, what, _WRONG[what])


@AREA.check("unknown-service", Level.ADVICE, _CONVENTION, "A service that does not exist answers 404.")
def _unknown_service(session: Session) -> str:
    _, body = _service(session)
    found = session.post(session.address(f"self-check-{uuid.uuid4()}"), body)
    expect(found.status in (404, 410), f"it is answered {found.status}")
    return str(found.status)


@AREA.check("method", Level.ADVICE, _CONVENTION, "A GET of a service is answered 405 or 404.")
def _method(session: Session) -> str:
    found = session.get(session.address(a_service(session).id))
    expect(found.status in (404, 405), f"it is answered {found.status}")
    return str(found.status)


@AREA.check("media-type", Level.ADVICE, _CONVENTION, "A call that says that it is plain text is refused.")
def _media_type(session: Session) -> str:
    found = _raw(b"order-sign, please", "text/plain")(session)
    expect(found.is_client_error, f"it is answered {found.status}")
    return str(found.status)


@AREA.check(
    "deep-json",
    Level.ADVICE,
    "RFC 8259, Parsers",
    f"JSON that is nested {_DEPTH:,} times is refused within {_LONGEST:g} s, and the service goes on.",
)
def _deep_json(session: Session) -> str:
    started = time.monotonic()
    found = _raw(b"[" * _DEPTH + b"]" * _DEPTH)(session)
    expect(found.is_client_error, f"it is answered {found.status}")
    seconds = time.monotonic() - started
    expect(seconds < _LONGEST, f"it is answered after {seconds:.0f} s")
    return f"{found.status} in {seconds:.1f} s"


@AREA.check(
    "outcome",
    Level.SHOULD,
    "CDS Hooks 3.0, HTTP Status Codes; CRD 2.2.1 hook-10 (SHALL)",
    "A call that is refused gets an OperationOutcome that says why.",
)
def _outcome(session: Session) -> str:
    found = _all_wrong(session)
    for what, answer in found:
        expect(answer.is_json, f"{what} is answered {answer.status} as {answer.media_type or 'nothing'}")
        expect_schema(answer.object(), OUTCOME, f"the answer to {what}")
    return f"{len(found)} errors"


@AREA.check(
    "discretion",
    Level.ADVICE,
    "OWASP; CDS Hooks 2.0.1, Security and Safety",
    "No error shows a stack trace, a token, or what was sent of the patient.",
)
def _discretion(session: Session) -> str:
    found = _all_wrong(session)
    patient = _case(session, a_service(session)).patient_id.encode()
    for what, answer in found:
        expect(not any(each in answer.body for each in _TRACES), f"the answer to {what} has a stack trace")
        expect(session.ehr.token.encode() not in answer.body, f"the answer to {what} has the access token")
        expect(_MARKER.encode() not in answer.body, f"the answer to {what} quotes it")
        expect(patient not in answer.body, f"the answer to {what} has the id of the patient")
    return f"{len(found)} errors"
