"""A span around every request."""

from contextlib import ExitStack

from flask import Flask, Response, g, request

from cds_service.observability.call_log import Call
from cds_service.observability.tracing import Tracing


def trace_calls(app: Flask, tracing: Tracing) -> None:
    """Make a span of each request, named after its route; its `request_id` leads to its log line and decision.

    Register it before the handlers of calls: what they find out stands in the span.
    """

    def begin() -> None:
        rule = request.url_rule
        g.trace = ExitStack()
        # The rule, not the path: a path may contain an id.
        g.span = g.trace.enter_context(tracing.span(f"{request.method} {rule.rule if rule else 'unknown'}"))

    def describe(response: Response) -> Response:
        call: Call = g.call
        g.span.note(request_id=call.id, status=response.status_code, orders=call.orders, cards=call.cards)
        if call.hook:
            g.span.note(hook=call.hook, client=call.client)
        if response.status_code >= 500:
            g.span.fail()
        return response

    def end(_error: BaseException | None) -> None:
        if "trace" in g:
            g.trace.close()

    app.before_request(begin)
    app.after_request(describe)
    app.teardown_request(end)
