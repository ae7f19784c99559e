"""A FHIR R4 server read over HTTP, bounded in time, pages, and bytes.

The token goes only to the server that the client named: the service follows no redirect, and a next page must lie under
the same base address (CDS Hooks 2.0.1, FHIR Resource Access).
"""

import logging
import posixpath
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urljoin, urlsplit

from cds_service.fhir_client.address_guard import GuardedAdapter, GuardedConnector, Resolver, resolve
from cds_service.fhir_client.allowlist import ServerTrust, origin_of, trust_of
from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.http_get import Allowance, BoundedGet
from cds_service.fhir_client.search_bundle import Page, has_issue_code, page_of
from cds_service.fhir_client.source import FhirAccess, FhirSource, PatientRead, SearchResult, UnreadableSource
from cds_service.settings import Settings
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability

_PLAIN_URL = re.compile(r"[!-\[\]-~]+\Z")
_MOST_DECODINGS = 2
_PATH_PARAMETERS = re.compile(r";[^/]*")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_NOT_SUPPORTED_STATUSES = (400, 403, 405, 422, 501)


_REFUSAL_REASONS = {
    ServerTrust.NOT_REGISTERED: "it is not registered for the client or in CDS_FHIR_SERVERS",
    ServerTrust.UNPROTECTED: "the token would be sent over plain http; use https, or register the server",
}
_PRIVATE_ADDRESS = "it has a private address; register the server by its full address, or set CDS_FHIR_PRIVATE_NETWORKS"
_CIRCUIT_OPEN = "it failed several times in a row; the service tries it again after a pause"


def _ignore_warning(event: str, **details: str) -> None: ...


def _ignore_count(servers: int) -> None: ...


class FhirClients:
    """The opener of FHIR servers. All calls share its connections and circuit breakers.

    `warn` receives an event, the reason, and the origin for each server that is not read; `on_circuits_changed` the
    number of open circuits. `resolver` returns the addresses of a host. `monotonic` and `now` are the clocks, and
    `pause` waits for a number of seconds.
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

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """Open the server of a call, with its token, until its deadline; an UnreadableSource if it may not be read."""
        registered = access.registered or self._settings.fhir_servers
        trust = trust_of(access.server, access.token, registered if registered or access.registered == () else None)
        reason = _REFUSAL_REASONS.get(trust) or ("" if self._circuits.allows(access.server) else _CIRCUIT_OPEN)
        if reason:
            self._warn("FHIR server not read", reason=reason, server=origin_of(access.server))
            return UnreadableSource(access.server, (_unread_note(reason), *access.notes))
        getter = BoundedGet(access, deadline, self._adapters[trust], self._settings, now=self._now, pause=self._pause)
        return FhirServer(access, getter, self._circuits, self._settings, self._warn)


def _unread_note(reason: str) -> str:
    return f"The FHIR server was not read: {reason}."


class FhirServer:
    """One FHIR server for the duration of one call. Never raises for anything that the server does."""

    def __init__(
        self,
        access: FhirAccess,
        getter: BoundedGet,
        circuits: CircuitBreakers,
        settings: Settings,
        warn: Callable[..., None] = _ignore_warning,
    ) -> None:
        self.address = access.server
        self._access_notes = access.notes
        self._getter = getter
        self._circuits = circuits
        self._settings = settings
        self._warn = warn
        self._resources = Allowance(settings.max_call_resources)
        self._metadata_lock = threading.Lock()
        self._offered: frozenset[str] | None = None
        self._state_lock = threading.Lock()
        self._has_failed = False
        self._is_refused = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes on a server to which the address guard refused to connect, and on a token that is not used."""
        return ((_unread_note(_PRIVATE_ADDRESS),) if self._is_refused else ()) + self._access_notes

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return everything the server has for a search, over all its pages.

        The result is NOT_OFFERED if the type-level search is not found, is refused with the issue code
        `not-supported`, or is refused for a type that is neither in US Core nor in the server's CapabilityStatement.
        It is UNAVAILABLE for any other failure.
        """
        url = f"{self.address}/{search.query(quote(patient_id, safe=''))}"
        status, body = self._get(url)
        if status == 200:
            first = page_of(body, search.resource_type)
            return self._take_pages(first, search, url) if first else SearchResult()
        if not isinstance(search, PatientRead) and self._does_not_offer(search, status, body):
            return SearchResult((), Availability.NOT_OFFERED)
        return SearchResult()

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """Return a prefetched first page and the pages after it."""
        return self._follow_pages(first, search, f"{self.address}/")

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference that is relative or starts with this server's address; None if it fails."""
        relative = reference.removeprefix(f"{self.address}/").split("/_history/")[0]
        if not _RELATIVE.match(relative):
            return None
        url = f"{self.address}/{relative}"
        status, body = self._get(url)
        is_it = status == 200 and isinstance(body, dict) and body.get("resourceType") == relative.split("/")[0]
        return (url, body) if is_it else None

    def _take_pages(self, first: Page, search: Search, url: str) -> SearchResult:
        """Return a first page and those after it; nothing if it exceeds the call's limit of resources."""
        if not self._resources.take(len(first.entries)):
            return SearchResult()
        return self._follow_pages(first, search, url)

    def _follow_pages(self, page: Page, search: Search, url: str) -> SearchResult:
        seen = {url}
        while page.next:
            url = self._next_url(url, page.next)
            if not url or url in seen or len(seen) >= self._settings.max_pages:
                break
            seen.add(url)
            status, body = self._get(url)
            following = page_of(body, search.resource_type) if status == 200 else None
            if following is None or not self._resources.take(len(following.entries)):
                break
            page = page.extended_by(following)
        return SearchResult.of(page)

    def _next_url(self, url: str, link: str) -> str:
        """Return the address of a next page; empty unless it lies under this server's base after resolving `..`."""
        try:
            target = urljoin(url, link)
            if not _PLAIN_URL.match(target) or _origin(self.address) != _origin(target):
                return ""
            base, path = _path(self.address), _path(target)
        except ValueError:
            return ""
        return target if path == base or path.startswith(f"{base.rstrip('/')}/") else ""

    def _does_not_offer(self, search: Search, status: int, body: Json) -> bool:
        if status == 404 or (status in _NOT_SUPPORTED_STATUSES and has_issue_code(body, "not-supported")):
            return True
        if search.in_us_core or not 400 <= status < 500:
            return False
        offered = self._offered_types()
        return bool(offered) and search.resource_type not in offered

    def _offered_types(self) -> frozenset[str]:
        """Return the resource types in the server's CapabilityStatement, read once per call; empty if it has none."""
        with self._metadata_lock:
            if self._offered is None:
                status, body = self._get(f"{self.address}/metadata")
                rest_entries = items(body.get("rest")) if status == 200 and isinstance(body, dict) else ()
                self._offered = frozenset(
                    resource["type"]
                    for rest in rest_entries
                    for resource in items(rest.get("resource"))
                    if isinstance(resource.get("type"), str)
                )
            return self._offered

    def _get(self, url: str) -> tuple[int, Json]:
        """Return status and parsed body: None if it is not JSON, status 0 if no complete response arrived."""
        if self._is_refused:
            return 0, None
        counts_if_it_fails = self._getter.has_fair_time
        response = self._getter.get(url)
        if response.is_refused:
            self._refuse()
        elif response.is_server_up:
            self._circuits.answered(self.address)
        elif response.retry_after is not None:
            self._circuits.retry_after(self.address, response.retry_after)
        elif counts_if_it_fails:
            self._count_failure()
        return response.status, response.body

    def _refuse(self) -> None:
        with self._state_lock:
            if self._is_refused:
                return
            self._is_refused = True
        self._warn("FHIR server not read", reason=_PRIVATE_ADDRESS, server=origin_of(self.address))

    def _count_failure(self) -> None:
        with self._state_lock:
            if self._has_failed:
                return
            self._has_failed = True
        self._circuits.failed(self.address)


def _origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Return scheme, user, host, and port, with the default port of the scheme; raise ValueError if malformed."""
    parts = urlsplit(url)
    return parts.scheme, parts.username, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _path(url: str) -> str:
    """Return the path as the most lenient server may read it; raise ValueError if it is encoded more than twice.

    Some servers decode a path twice, take a backslash for a slash, or ignore `;` and what follows it in a segment.
    """
    path = urlsplit(url).path
    for _ in range(_MOST_DECODINGS):
        path = unquote(path)
    if unquote(path) != path:
        raise ValueError("the path is encoded too often")
    return posixpath.normpath(_PATH_PARAMETERS.sub("", path.replace("\\", "/")) or "/")
