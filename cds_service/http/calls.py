"""The handlers around every request: call id, duration, log line, and the record of a refused call."""

from collections.abc import Callable

from flask import Flask, Response, g, request

from cds_service.crd.services import HOOKS
from cds_service.http.crd import store_exchange
from cds_service.http.errors import answer_unavailable_store
from cds_service.http.headers import CALL_ID
from cds_service.http.operations import store_operation
from cds_service.http.services import services
from cds_service.observability.call_log import Call, bind_call, log_call, unbind_call
from cds_service.observability.metrics import outcome_of
from cds_service.records.database import UnavailableError


def register_call_handlers(app: Flask) -> None:
    """Register the handlers that run before and after every request."""
    app.before_request(begin_call)
    app.after_request(end_call)
    app.teardown_request(unbind_current_call)


def begin_call() -> None:
    """Give the request an id and start its timer."""
    found = services()
    g.call = Call(found.new_id(), found.monotonic())
    bind_call(g.call.id)


def end_call(response: Response) -> Response:
    """Store an exchange or a refusal, add the call id to the response, and count and log the call."""
    found = services()
    call: Call = g.call
    if "crd" in g:
        response = _with_exchange_stored(response, store_exchange)
    if "operation" in g:
        response = _with_exchange_stored(response, store_operation)
    response.headers[CALL_ID] = call.id
    if call.hook in HOOKS and response.status_code >= 400 and not g.get("is_unrecorded"):
        try:
            found.records.store_refusal(call, request.path, response.status_code)
        except UnavailableError as error:
            call.failure = f"{call.failure} (not recorded: {error})".lstrip()
    seconds = found.monotonic() - call.started
    if call.hook and not call.is_test:
        found.metrics.count_call(call.hook, outcome_of(response.status_code, call.cards), seconds)
    if call.hook or call.failure:
        log_call(found.log, call, status=response.status_code, seconds=seconds)
    return response


def _with_exchange_stored(response: Response, store: Callable[[Response], None]) -> Response:
    """Return the response to a call after storing both; 503 if that fails, since what is told must be on record."""
    try:
        store(response)
    except UnavailableError as error:
        if response.status_code < 400:
            return answer_unavailable_store(error)
        g.call.failure = f"{g.call.failure} (exchange not recorded: {error})".lstrip()
    return response


def unbind_current_call(_error: BaseException | None) -> None:
    """Remove the call from the log context of this thread."""
    unbind_call()
