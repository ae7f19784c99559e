"""A FHIR R4 server read over HTTP: bounded in time, pages and bytes, and never led elsewhere.

The token goes to the server the client named and to nothing else: no redirect is followed, and a next page must lie
under the same base address (CDS Hooks 2.0.1, FHIR Resource Access).
"""

import logging
import posixpath
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urljoin, urlsplit

from cds_service.fhir_client.address_guard import CheckedAdapter, GuardedConnector, Resolver, resolve
from cds_service.fhir_client.allowlist import ServerTrust, origin_of, standing
from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.http_get import Allowance, BoundedGet
from cds_service.fhir_client.search_bundle import Page, page_of, reports
from cds_service.fhir_client.source import FhirAccess, FhirSource, NothingToRead, PatientRead, SearchResult
from cds_service.settings import Settings
from coverage_policies.format.searches import Search
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability, Entry

_PLAIN_URL = re.compile(r"[!-\[\]-~]+\Z")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_MAY_SAY_NOT_SUPPORTED = (400, 403, 405, 422, 501)


_REFUSED = {
    ServerTrust.NOT_REGISTERED: "it is not among the servers registered for its client or in CDS_FHIR_SERVERS",
    ServerTrust.UNPROTECTED: "a token would travel over plain http; send https, or register the server",
}
_PRIVATE = "it leads to a private address; register the server by its full address, or see CDS_FHIR_PRIVATE_NETWORKS"
_AT_REST = "it failed several times in a row and is left alone for a while"


def _untold(event: str, **said: str) -> None:
    """Tell nobody."""


def _unwatched(servers: int) -> None:
    """Nobody counts."""


class FhirClients:
    """Opens FHIR servers; what is shared are connections, and which servers are left alone for a while.

    `tell` hears of servers that were refused: an event, the reason, the origin of the server; `watch` of how many are
    left alone. `resolver` gives the
    addresses of a host; `monotonic`, `now` and `pause` are the clocks and the waiting.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tell: Callable[..., None] = _untold,
        watch: Callable[[int], None] = _unwatched,
        resolver: Resolver = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._now = now
        self._pause = pause
        self._rests = CircuitBreakers(
            failures=settings.fhir_circuit_failures,
            seconds=settings.fhir_circuit_open_seconds,
            monotonic=monotonic,
            watch=watch,
        )
        # Connections to servers that may be private are never handed to calls whose server may not.
        self._adapters = {
            found: CheckedAdapter(
                GuardedConnector(
                    private=found is ServerTrust.NAMED, allowed=settings.fhir_private_networks, resolver=resolver
                ),
                size=settings.query_threads * settings.threads,
            )
            for found in (ServerTrust.NAMED, ServerTrust.PUBLIC)
        }
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its warnings quote addresses, which hold patient ids

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """The server one call names, with that call's token, until its deadline; nothing where it may not be read."""
        registered = access.registered or self._settings.fhir_servers
        found = standing(access.server, access.token, registered if registered or access.registered == () else None)
        why = _REFUSED.get(found) or ("" if self._rests.may_ask(access.server) else _AT_REST)
        if why:
            self._tell("FHIR server not read", reason=why, server=origin_of(access.server))
            return NothingToRead(access.server, _told(why))
        getter = BoundedGet(access, deadline, self._adapters[found], self._settings, now=self._now, pause=self._pause)
        return FhirServer(access.server, getter, self._rests, self._settings, self._tell)


def _told(why: str) -> str:
    return f"The FHIR server of the call was not read: {why}."


class FhirServer:
    """One FHIR server for the time of one call. Nothing here raises for what the server does."""

    def __init__(
        self,
        address: str,
        getter: BoundedGet,
        rests: CircuitBreakers,
        settings: Settings,
        tell: Callable[..., None] = _untold,
    ) -> None:
        self.address = address
        self._getter = getter
        self._rests = rests
        self._settings = settings
        self._tell = tell
        self._resources = Allowance(settings.max_call_resources)
        self._metadata_lock = threading.Lock()
        self._offered: frozenset[str] | None = None
        self._state_lock = threading.Lock()
        self._has_failed = False
        self._is_refused = False

    @property
    def notes(self) -> tuple[str, ...]:
        """That the server leads where this service does not connect to, if it does."""
        return (_told(_PRIVATE),) if self._is_refused else ()

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Everything the server has for a search, over all its pages.

        Not offered: the type-level search is not found, is refused with the issue code `not-supported`, or is
        refused for a type outside US Core that the server's CapabilityStatement does not list. Any other failure
        is unavailable.
        """
        url = f"{self.address}/{search.query(quote(patient_id, safe=''))}"
        status, body = self._get(url)
        if status == 200:
            first = page_of(body, search.resource_type)
            return self._kept(first, search, url) if first else SearchResult()
        if not isinstance(search, PatientRead) and self._does_not_offer(search, status, body):
            return SearchResult((), Availability.NOT_OFFERED)
        return SearchResult()

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """A first page that came as prefetch, and the pages after it."""
        return self._pages(first, search, f"{self.address}/")

    def read(self, reference: str) -> Entry | None:
        """The resource a relative reference, or one that starts with this server's address, points at."""
        relative = reference.removeprefix(f"{self.address}/").split("/_history/")[0]
        if not _RELATIVE.match(relative):
            return None
        url = f"{self.address}/{relative}"
        status, body = self._get(url)
        is_it = status == 200 and isinstance(body, dict) and body.get("resourceType") == relative.split("/")[0]
        return (url, body) if is_it else None

    def _kept(self, first: Page, search: Search, url: str) -> SearchResult:
        """A first page that was just read and those after it; nothing where this call has read enough."""
        if not self._resources.take(len(first.entries)):
            return SearchResult()
        return self._pages(first, search, url)

    def _pages(self, page: Page, search: Search, url: str) -> SearchResult:
        seen = {url}
        while page.next:
            url = self._further(url, page.next)
            if not url or url in seen or len(seen) >= self._settings.max_pages:
                break
            seen.add(url)
            status, body = self._get(url)
            following = page_of(body, search.resource_type) if status == 200 else None
            if following is None or not self._resources.take(len(following.entries)):
                break
            page = page.then(following)
        return SearchResult.of(page)

    def _further(self, url: str, link: str) -> str:
        """The address of a next page; empty unless it is on this server and, `..` worked out, under its base."""
        try:
            further = urljoin(url, link)
            if not _PLAIN_URL.match(further) or _origin(self.address) != _origin(further):
                return ""
            base, path = _path(self.address), _path(further)
        except ValueError:
            return ""
        return further if path == base or path.startswith(f"{base.rstrip('/')}/") else ""

    def _does_not_offer(self, search: Search, status: int, body: Json) -> bool:
        if status == 404 or (status in _MAY_SAY_NOT_SUPPORTED and reports(body, "not-supported")):
            return True
        if search.in_us_core or not 400 <= status < 500:
            return False
        offered = self._offered_types()
        return bool(offered) and search.resource_type not in offered

    def _offered_types(self) -> frozenset[str]:
        """The resource types in the server's CapabilityStatement, asked for once; empty where it gives none."""
        with self._metadata_lock:
            if self._offered is None:
                status, body = self._get(f"{self.address}/metadata")
                rests = items(body.get("rest")) if status == 200 and isinstance(body, dict) else ()
                self._offered = frozenset(
                    resource["type"]
                    for rest in rests
                    for resource in items(rest.get("resource"))
                    if isinstance(resource.get("type"), str)
                )
            return self._offered

    def _get(self, url: str) -> tuple[int, Json]:
        """Status and parsed body, the body None where it is not JSON; status 0 where no whole answer came."""
        if self._is_refused:
            return 0, None
        had_time = self._getter.had_time
        answer = self._getter.get(url)
        if answer.is_refused:
            self._refuse()
        elif answer.is_life:
            self._rests.answered(self.address)
        elif answer.retry_after is not None:
            self._rests.asked_for_rest(self.address, answer.retry_after)
        elif had_time:
            self._fail()
        return answer.status, answer.body

    def _refuse(self) -> None:
        with self._state_lock:
            if self._is_refused:
                return
            self._is_refused = True
        self._tell("FHIR server not read", reason=_PRIVATE, server=origin_of(self.address))

    def _fail(self) -> None:
        with self._state_lock:
            if self._has_failed:
                return
            self._has_failed = True
        self._rests.failed(self.address)


def _origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Scheme, user, host and port, the port given where the scheme implies it; ValueError for a broken address."""
    parts = urlsplit(url)
    return parts.scheme, parts.username, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _path(url: str) -> str:
    return posixpath.normpath(unquote(urlsplit(url).path) or "/")
