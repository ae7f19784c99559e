"""A FHIR R4 server read over HTTP: bounded in time, pages and bytes, and never led elsewhere.

The token goes to the server the caller named and to nothing else: no redirect is followed, and a next page must lie
under the same base address (CDS Hooks 2.0.1, FHIR Resource Access).
"""

import logging
import posixpath
import re
import threading
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from cds_service.deadline import Deadline
from cds_service.fhir_page import Page, page_of, reports
from cds_service.fhir_source import PatientRead, SearchResult
from cds_service.hook_request import FhirAccess, parse_json
from cds_service.settings import Settings
from coverage_policies.searches import Search
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability, Entry

_CHUNK_BYTES = 65_536
_PLAIN_URL = re.compile(r"[!-\[\]-~]+\Z")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_MAY_SAY_NOT_SUPPORTED = (400, 403, 405, 422, 501)


class FhirClients:
    """Opens FHIR servers; they share one pool of connections and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._adapter = HTTPAdapter(pool_maxsize=settings.query_threads * settings.threads)
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its warnings quote addresses, which hold patient ids

    def __call__(self, access: FhirAccess, deadline: Deadline) -> "FhirServer":
        """The server one call names, with that call's token, until its deadline."""
        return FhirServer(access, deadline, self._adapter, self._settings)


class _Session(requests.Session):
    """A session for which no answer is a redirect; the library would read a redirect's body without bounds."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class FhirServer:
    """One FHIR server for the time of one call. Nothing here raises for what the server does."""

    def __init__(self, access: FhirAccess, deadline: Deadline, adapter: HTTPAdapter, settings: Settings) -> None:
        self.address = access.server
        self._deadline = deadline
        self._settings = settings
        self._session = _Session()
        self._session.trust_env = False
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.headers["Accept"] = "application/fhir+json"
        if access.token:
            self._session.headers["Authorization"] = f"Bearer {access.token}"
        self._metadata_lock = threading.Lock()
        self._offered: frozenset[str] | None = None

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
            return self._pages(first, search, url) if first else SearchResult()
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

    def _pages(self, page: Page, search: Search, url: str) -> SearchResult:
        seen = {url}
        while page.next:
            url = self._further(url, page.next)
            if not url or url in seen or len(seen) >= self._settings.max_pages:
                break
            seen.add(url)
            status, body = self._get(url)
            following = page_of(body, search.resource_type) if status == 200 else None
            if following is None:
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
        if search.guaranteed or not 400 <= status < 500:
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
        try:
            timeout = min(self._settings.query_timeout_seconds, self._deadline.remaining())
            if timeout <= 0:
                return 0, None
            with self._session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
                body = self._read(response)
                if body is None:
                    return 0, None
                try:
                    return response.status_code, parse_json(body)
                except ValueError:
                    return response.status_code, None
        except (requests.RequestException, HTTPError, OSError, ValueError):
            return 0, None

    def _read(self, response: requests.Response) -> bytes | None:
        """The body; None where it is too large or does not end before the deadline."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._settings.max_response_bytes or not self._deadline.remaining():
                return None
        return bytes(body)


def _origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Scheme, user, host and port, the port given where the scheme implies it; ValueError for a broken address."""
    parts = urlsplit(url)
    return parts.scheme, parts.username, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _path(url: str) -> str:
    return posixpath.normpath(unquote(urlsplit(url).path) or "/")
