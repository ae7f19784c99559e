"""The HTTP service: CDS Hooks 2.0.1 discovery and calls, on Flask."""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from cds_service.clients.authenticator import Authenticator
from cds_service.fhir_client.server import FhirClients
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.errors import OF_STATUS, Issue, RefusedError, operation_outcome
from cds_service.hooks.feedback import read_feedback
from cds_service.hooks.hook_calls import HookCalls
from cds_service.hooks.hooks import SERVICES
from cds_service.hooks.judge import Judge
from cds_service.hooks.request import HookRequest, read_request
from cds_service.http.authentication import client_of_request, require_tokens
from cds_service.http.discovery import document
from cds_service.http.headers import CALL_ID, allow_browsers, protect
from cds_service.http.health import Check, serve_health
from cds_service.http.openapi import PATH, openapi
from cds_service.http.request_body import check_limits, read_body
from cds_service.observability.call_log import Call, CallLog, bind_call, bind_hook_instance, where
from cds_service.observability.counted_source import CountedOpener
from cds_service.observability.metrics import Metrics, NoMetrics, outcome_of, tell_of_cards
from cds_service.records.database import UnavailableError
from cds_service.records.protocol import NullStore, Records
from cds_service.settings import Settings
from fhir_mappings.fhir_json import Json, dumps

_TRY_AGAIN_SECONDS = "5"


def create_app(
    *,
    settings: Settings,
    judge: Judge,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    opener: FhirOpener | None = None,
    authenticator: Authenticator | None = None,
    records: Records | None = None,
    log: CallLog | None = None,
    metrics: Metrics | None = None,
    checks: Iterable[Check] = (),
    monotonic: Callable[[], float] = time.monotonic,
) -> Flask:
    """The service as a WSGI application.

    `clock` gives the moment of reading, with a time zone; `new_id` a new id for each call, for log and answer;
    `opener` what reads the FHIR server of a call (over HTTP unless given); `authenticator` knows who may call, and
    without it anyone may; `records` keeps decisions and feedback (nothing unless given); `log` is where calls are
    told of (standard error unless given); `metrics` counts them (nobody does unless given); `checks` are what must hold
    for the service to be ready.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.strict_slashes = False
    call_log = log or CallLog(sys.stderr, clock)
    counted = metrics or NoMetrics()
    reading = opener or FhirClients(settings, tell=call_log.warn, watch=counted.circuits_open)
    calls = HookCalls(settings, judge, clock, CountedOpener(reading, counted), monotonic)
    kept = records or NullStore()
    hooks = {service.id: service.hook for service in SERVICES}
    allow_browsers(app, settings)
    protect(app, settings)

    @app.before_request
    def begin() -> None:
        g.call = Call(new_id(), monotonic())
        bind_call(g.call.id)

    if authenticator is not None:
        require_tokens(app, authenticator, settings.public_url, call_log, counted)

    @app.after_request
    def end(response: Response) -> Response:
        call: Call = g.call
        response.headers[CALL_ID] = call.id
        if call.hook in hooks.values() and response.status_code >= 400 and not g.get("is_unrecorded"):
            try:
                kept.refused(call, request.path, response.status_code)
            except UnavailableError as error:
                call.failure = f"{call.failure} (not recorded: {error})".lstrip()
        seconds = monotonic() - call.started
        if call.hook:
            counted.answered(call.hook, outcome_of(response.status_code, call.cards), seconds)
        if call.hook or call.failure:
            call_log.write(call, status=response.status_code, seconds=seconds)
        return response

    @app.teardown_request
    def ended(_error: BaseException | None) -> None:
        bind_call()

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> Response:
        response = _json(operation_outcome(error.issues), error.status)
        response.headers.extend(error.headers)
        return response

    @app.errorhandler(HTTPException)
    def not_served(error: HTTPException) -> Response:
        status = error.code or 500
        response = _json(operation_outcome([OF_STATUS.get(status, OF_STATUS[500 if status >= 500 else 400])]), status)
        response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response

    @app.errorhandler(UnavailableError)
    def not_recorded(error: UnavailableError) -> Response:
        g.is_unrecorded = True
        g.call.failure = str(error)
        response = _json(operation_outcome([OF_STATUS[503]]), 503)
        response.headers["Retry-After"] = _TRY_AGAIN_SECONDS
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        g.call.failure = where(error)
        return _json(operation_outcome([OF_STATUS[500]]), 500)

    serve_health(app, checks)

    @app.get("/cds-services")
    def discover() -> Response:
        return _json(document(judge.all_searches()))

    @app.get(PATH)
    def described() -> Response:
        return _json(openapi(settings.public_url))

    @app.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:
        hook = hooks.get(service_id)
        if hook is None:
            raise RefusedError(404, OF_STATUS[404])
        g.call.hook = hook
        hook_request = _request_body(hook, settings)
        g.call.hook_instance = hook_request.hook_instance
        bind_hook_instance(hook_request.hook_instance)
        g.call.orders = len(hook_request.orders.judged)
        client = client_of_request()
        answered = calls.answer(hook_request, client.fhir_servers if client else None)
        cards = kept.answered(g.call, request.path, hook_request, answered)
        g.call.cards = len(cards)
        tell_of_cards(counted, cards, answered)
        return _json({"cards": cards})

    @app.post("/cds-services/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        if service_id not in hooks:
            raise RefusedError(404, OF_STATUS[404])
        g.call.hook = "feedback"
        for override in kept.feedback(g.call, request.path, read_feedback(_json_body())):
            counted.overridden(override.policy, override.reason)
        return _json({})

    return app


def _json_body() -> Json:
    """What the body of the current request holds."""
    if not request.is_json:
        raise RefusedError(415, OF_STATUS[415])
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        plain = Issue("not-supported", "Send the body as it is, without Content-Encoding.", "Content-Encoding")
        raise RefusedError(415, plain, headers={"Accept-Encoding": "identity"})
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= (request.max_content_length or 0):
        raise RefusedError(413, OF_STATUS[413])  # werkzeug cuts a body of unknown length off and says nothing
    return read_body(body)


def _request_body(hook: str, settings: Settings) -> HookRequest:
    """The call in the body of the current request, which must be for this hook."""
    value = _json_body()
    check_limits(value, orders=settings.max_orders, resources=settings.max_call_resources)
    found = read_request(value)
    if found.hook != hook:
        raise RefusedError(400, Issue("value", f"hook differs from this service's. Send {hook}.", "hook"))
    return found


def _json(value: Json, status: int = 200) -> Response:
    """An answer as JSON; a lone surrogate, which UTF-8 does not have, goes out as it came in, escaped."""
    return Response(dumps(value).encode("utf-8", "backslashreplace"), status, mimetype="application/json")
