"""The log line of a hook call: what an operator needs to know about it, and nothing about the patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from structlog.contextvars import bind_contextvars, clear_contextvars

from cds_service.observability.logging import Log

SANDBOX = "sandbox"
"""The client of test calls, which the sandbox sends. Reports and metrics leave them out."""


@dataclass(slots=True)
class Call:
    """What the log says about one request. `id` is its X-Request-Id, `started` the monotonic time it came in.

    `hook_instance` is set once it is known to be a UUID. `client` is the name in the client registry; `tenant` and
    `jti` come from the verified token. `fhir_server` is the origin of the FHIR server, `searches` what each search got
    by its prefetch key. `suppressed` counts the cards that were not shown, by the reason. `failure` says what went
    wrong, without data of the request.
    """

    id: str
    started: float
    hook: str = ""
    hook_instance: str = ""
    orders: int = 0
    cards: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""
    client: str = ""
    tenant: str = ""
    jti: str = ""
    fhir_server: str = ""
    searches: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_test(self) -> bool:
        """Return whether the sandbox sent it."""
        return self.client == SANDBOX


def bind_call(request_id: str) -> None:
    """Add the request id to all log lines of this context, and of threads that copy it."""
    clear_contextvars()
    bind_contextvars(request_id=request_id)


def bind_hook_instance(hook_instance: str) -> None:
    """Add the hookInstance to all log lines of this context, and of threads that copy it."""
    bind_contextvars(hookInstance=hook_instance)


def unbind_call() -> None:
    """Remove request id and hookInstance from the log lines of this context."""
    clear_contextvars()


def log_call(log: Log, call: Call, *, status: int, seconds: float) -> None:
    """Write the line of a call that was answered with this HTTP status after this time."""
    write = log.error if call.failure else log.info
    write(
        "hook call",
        request_id=call.id,
        client=call.client,
        tenant=call.tenant,
        jti=call.jti,
        hook=call.hook,
        hookInstance=call.hook_instance,
        status=status,
        orders=call.orders,
        cards=call.cards,
        suppressed=dict(call.suppressed) or None,
        fhir_server=call.fhir_server,
        searches=dict(call.searches) or None,
        ms=round(seconds * 1000),
        failure=call.failure,
    )
