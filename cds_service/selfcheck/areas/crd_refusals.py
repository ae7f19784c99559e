"""The statuses by which CRD services refuse calls (hook-13; CRD 2.0.1 has 422 where 2.2 has 400)."""

from collections.abc import Callable
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.crd_calls import CrdCalls
from cds_service.selfcheck.hook_requests import with_context, without
from cds_service.selfcheck.json_shape import OUTCOME, expect_schema
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import V2_2
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_UNKNOWN_PAYER = {"identifier": {"system": "https://example.com/self-check", "value": "no-payer-of-this-service"}}
_HOOK_13 = "hook-13"

Send = Callable[[Session, CrdCalls], Answer]


def _changed(change: Callable[[CrdCalls, dict[str, Any]], Any]) -> Send:
    return lambda _, crd: crd.post(change(crd, crd.body()))


def _not_json(session: Session, crd: CrdCalls) -> Answer:
    headers = {"Content-Type": "application/json"}
    return session.post(session.address(crd.service().id), raw=b'{"hook": ', headers=headers)


def _without_coverage(session: Session, crd: CrdCalls) -> Answer:
    with session.ehr.hiding(lambda kind: kind == "Coverage"):
        return crd.post(crd.with_coverages(crd.body()))


def _two_coverages(crd: CrdCalls, body: dict[str, Any]) -> Any:
    return crd.with_coverages(body, crd.coverage, {**crd.coverage, "id": f"{crd.coverage['id']}-second"})


def _unknown_payer(crd: CrdCalls, body: dict[str, Any]) -> Any:
    return crd.with_coverages(body, {**crd.coverage, "payor": [_UNKNOWN_PAYER]})


def _without_full_url(_: CrdCalls, body: dict[str, Any]) -> Any:
    drafts = body["context"]["draftOrders"]
    entries = [without(each, "fullUrl") for each in drafts["entry"]]
    return with_context(body, draftOrders={**drafts, "entry": entries})


def add_checks(area: Area, version: str) -> None:
    """Add the checks of a version of CRD."""
    invalid = (400,) if version == V2_2 else (422,)
    sent: list[str] = []

    def refusal(name: str, right: str, send: Send, *statuses: int) -> None:
        def run(session: Session) -> str:
            crd = CrdCalls(session, version)
            found = session.once((area.name, name), lambda: send(session, crd))
            allowed = statuses or (*invalid, 400)
            expect(found.status in allowed, f"it is answered {found.status}")
            return str(found.status)

        sent.append(name)
        words = " or ".join(str(each) for each in dict.fromkeys(statuses or (*invalid, 400)))
        area.check(name, Level.SHALL, _HOOK_13, f"{right} is answered {words}.")(run)

    refusal("not-json", "A body that is not JSON", _not_json, 400)
    refusal("without-context", "A call without context", _changed(lambda _, body: without(body, "context")))
    refusal(
        "without-orders",
        "A call without draftOrders",
        _changed(lambda _, body: with_context(body, draftOrders=None)),
    )
    if version == V2_2:
        refusal("profile", "draftOrders without fullUrl, which FHIR allows", _changed(_without_full_url), 400, 422)
        refusal("no-coverage", "A call about a patient without a Coverage", _without_coverage, 400)
        refusal("two-coverages", "A call with two Coverages", _changed(_two_coverages), 400)
        refusal(
            "unknown-payer", "A Coverage of a payer that the service does not answer for", _changed(_unknown_payer), 400
        )

    @area.check(
        "outcome",
        Level.SHALL if version == V2_2 else Level.SHOULD,
        "hook-9, hook-10",
        "A call that is refused gets an OperationOutcome.",
    )
    def _outcome(session: Session) -> str:
        counted = 0
        for name in sent:
            try:
                found: Answer = session.once((area.name, name), _not_sent)
            except (FailedError, NotTriedError):
                continue
            if found.is_client_error:
                expect(found.is_json, f"the answer to {name} is {found.media_type or 'nothing'}")
                expect_schema(found.object(), OUTCOME, f"the answer to {name}")
                counted += 1
        if not counted:
            raise NotTriedError("no call was refused")
        return f"{counted} errors"


def _not_sent() -> Answer:
    raise NotTriedError("the call was not sent")
