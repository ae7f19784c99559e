"""The FHIR servers of calls: which may be read, with what they share between calls."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cds_service.fhir_client.address_guard import GuardedAdapter, GuardedConnector, Resolver, resolve
from cds_service.fhir_client.allowlist import ServerTrust, origin_of, trust_of
from cds_service.fhir_client.bounded_requests import BoundedRequests
from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.query_threads import QueryThreads
from cds_service.fhir_client.server import FhirServer, unread_note
from cds_service.fhir_client.source import FhirAccess, FhirSource, UnreadableSource
from cds_service.settings import Settings

_REFUSAL_REASONS = {
    ServerTrust.NOT_REGISTERED: "it is not registered for the client or in CDS_FHIR_SERVERS",
    ServerTrust.UNPROTECTED: "the token would be sent over plain http; use https, or register the server",
}
_CIRCUIT_OPEN = "it failed several times in a row; the service tries it again after a pause"

_SECRET = "code"  # noqa: S105 (stands for what must not be sent unencrypted)

_MOST_QUERIES = 100
"""More than one call ever has at a time; how many of them are sent at a time is up to the settings."""


def _ignore_warning(event: str, **details: str) -> None: ...


def _ignore_count(servers: int) -> None: ...


class FhirClients:
    """The opener of FHIR servers. All calls share its connections, threads, and circuit breakers.

    `warn` receives an event, the reason, and the origin for each server and next page that is not read;
    `on_circuits_changed` the number of open circuits. `resolver` returns the addresses of a host. `monotonic` and `now`
    are the clocks, and `pause` waits for a number of seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        warn: Callable[..., None] = _ignore_warning,
        on_circuits_changed: Callable[[int], None] = _ignore_count,
        resolver: Resolver = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._warn = warn
        self._now = now
        self._pause = pause
        self._circuits = CircuitBreakers(
            failures=settings.fhir_circuit_failures,
            seconds=settings.fhir_circuit_open_seconds,
            monotonic=monotonic,
            on_change=on_circuits_changed,
        )
        self._threads = QueryThreads(settings.threads * _MOST_QUERIES)
        # One pool per trust: a call must not reuse a private connection that its own server is not allowed to have.
        self._adapters = {
            trust: GuardedAdapter(
                GuardedConnector(
                    private=trust is ServerTrust.NAMED, allowed=settings.fhir_private_networks, resolver=resolver
                ),
                size=settings.query_threads * settings.threads,
            )
            for trust in (ServerTrust.NAMED, ServerTrust.PUBLIC)
        }
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its warnings quote URLs, which hold patient ids

    def requests_to(self, url: str, access: FhirAccess, deadline: Deadline) -> BoundedRequests | None:
        """Return requests with the token to the FHIR server or, at another origin, to its authorization server.

        They end at the deadline. Returns None if `url` may not be called: at another origin it must be https, and only
        private networks that the settings name are open.
        """
        is_same_origin = origin_of(url) == origin_of(access.server)
        trust = self._trust(access) if is_same_origin else trust_of(url, _SECRET, None)
        return None if trust in _REFUSAL_REASONS else self._requests(access, trust, deadline)

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """Open the server of a call, with its token, until its deadline; an UnreadableSource if it may not be read."""
        trust = self._trust(access)
        reason = _REFUSAL_REASONS.get(trust) or ("" if self._circuits.allows(access.server) else _CIRCUIT_OPEN)
        if reason:
            self._warn("FHIR server not read", reason=reason, server=origin_of(access.server))
            return UnreadableSource(access.server, (unread_note(reason), *access.notes))
        sent = self._requests(access, trust, deadline)
        return FhirServer(access, sent, self._circuits, self._threads, self._settings, self._warn)

    def _trust(self, access: FhirAccess) -> ServerTrust:
        registered = access.registered or self._settings.fhir_servers
        return trust_of(access.server, access.token, registered if registered or access.registered == () else None)

    def _requests(self, access: FhirAccess, trust: ServerTrust, deadline: Deadline) -> BoundedRequests:
        return BoundedRequests(
            access, deadline, self._adapters[trust], self._settings, now=self._now, pause=self._pause
        )
