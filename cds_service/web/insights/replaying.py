"""Replay a decision for an operator: from files, or from the stored exchange of a CRD call."""

from collections.abc import Callable
from dataclasses import dataclass

from cds_service.crd.request import read_crd_request
from cds_service.crd.services import service_at
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.kept_chart import Kept, OnlyKept
from cds_service.fhir_client.source import FhirAccess, FhirSource
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.request import HookRequest, read_request
from cds_service.http.request_body import read_body
from cds_service.http.services import services
from cds_service.records.crd_log import record_access
from cds_service.records.crd_sealing import opened_bodies, opened_chart
from cds_service.records.lookup import FoundDecision
from cds_service.records.sealing import UnsealableError
from cds_service.records.stored import StoredRecords
from cds_service.records.verify import Check, NotReplayableError, replay
from cds_service.web.site import site

_ACTION = "replay"
"""The action of an access that opened an exchange to replay it."""
_SECONDS = 20.0
"""The time limit of a replay on a page; it keeps other calls of the process waiting."""


class ReplayError(Exception):
    """A replay that is not possible; the message says why and what to do, and nothing of a patient."""


@dataclass(frozen=True, slots=True)
class ReplayInput:
    """What an operator gave: the body of the call, a Bundle with the chart, and where there is none whether to read it.

    `request` is empty if the stored exchange is to be used, for the stated `reason`. What was kept of the chart with it
    is read where there is no Bundle.
    """

    request: bytes
    chart: bytes
    reads_samples: bool
    reason: str
    who: str


def replayed(found: FoundDecision, given: ReplayInput, stored: StoredRecords) -> tuple[Check, ...]:
    """Return the comparison of a decision with the same judgment now. Raise ReplayError, and UnavailableError.

    An access to a stored exchange is recorded first.
    """
    kept: Kept | None = None
    if given.request:
        body = given.request
    else:
        body, kept = _stored_exchange(found, given, stored)
    request = _request(body, found.decision.row["path"])
    chart = _json(given.chart, "The chart") if given.chart else None
    app = services()
    with app.turns.turn():
        try:
            return replay(
                found.decision,
                request,
                chart,
                app.assessor,
                app.settings,
                stored.pseudonym,
                app.monotonic,
                open_source=_server(request, kept, reads_samples=given.reads_samples),
                seconds=_SECONDS,
            )
        except NotReplayableError as error:
            raise ReplayError(f"It cannot be replayed: {error}.") from None
        except ValueError:
            raise ReplayError(
                "The chart is not a FHIR Bundle. Send what was read from the FHIR server as one."
            ) from None


def _stored_exchange(found: FoundDecision, given: ReplayInput, stored: StoredRecords) -> tuple[bytes, Kept | None]:
    """Return the stored request of a call, and what was kept of the chart; None if its answer named no form."""
    if not found.is_sealed or found.exchange is None:
        raise ReplayError("Its request is not stored. Send the body of the call, as the client sent it.")
    if not given.reason:
        raise ReplayError("Write why you open the stored exchange. The reason is recorded with your name and the time.")
    record_access(
        stored.database,
        who=given.who,
        action=_ACTION,
        subject=found.exchange["exchange"],
        reason=given.reason,
        at=services().clock(),
    )
    try:
        bodies = opened_bodies(found.exchange, stored.sealer)
        chart = opened_chart(found.exchange, stored.sealer)
    except UnsealableError as error:
        raise ReplayError(str(error)) from None
    assert bodies is not None  # noqa: S101  (`is_sealed`)
    return bodies[0], chart.kept if chart is not None else None


def _request(body: bytes, path: str) -> HookRequest:
    value, service = _json(body, "The request"), service_at(path)
    try:
        return read_crd_request(value, service).call if service else read_request(value)
    except RefusedError as error:
        raise ReplayError(f"The request is not one of this service: {_says(error)}") from None


def _json(body: bytes, what: str) -> object:
    try:
        return read_body(body)
    except RefusedError as error:
        raise ReplayError(f"{what} cannot be read. {_says(error)}") from None


def _says(error: RefusedError) -> str:
    return " ".join(issue.diagnostics for issue in error.issues)


def _server(request: HookRequest, kept: Kept | None, *, reads_samples: bool) -> Callable[[Deadline], FhirSource] | None:
    """Return what opens what was kept of the chart, or else the sample EHR; None if there is neither."""
    if kept is not None:
        address = request.fhir.server if request.fhir is not None else ""
        return (lambda _: OnlyKept(kept, address)) if address else None
    return _sample_server(request) if reads_samples else None


def _sample_server(request: HookRequest) -> Callable[[Deadline], FhirSource] | None:
    """Return what opens the sample EHR; None if the call named another server."""
    found, app = site(), services()
    samples = found.samples if found else None
    if samples is None or request.fhir is None or request.fhir.server.rstrip("/") != samples.address.rstrip("/"):
        raise ReplayError("The call did not name the sample EHR. Send the chart as a file.")
    access = FhirAccess(samples.address, samples.token)
    return lambda deadline: app.open_fhir_server(access, deadline)
