"""Requests to a FHIR server: bounded in time and bytes; a GET is retried if the server is busy and there is time."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.utils import default_headers
from urllib3.exceptions import HTTPError, NameResolutionError, ProtocolError, ReadTimeoutError

from cds_service.fhir_client.address_guard import AddressRefusedError
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.server_answers import Failure, issue_code
from cds_service.fhir_client.source import FhirAccess
from cds_service.settings import Settings
from fhir_mappings.fhir_json import FHIR_JSON, Json, parse_json

_CHUNK_BYTES = 65_536
_USER_AGENT = f"cds-coverage-policies/{version('cds-coverage-policies')}"
_MAX_RETRIES = 2
_MIN_WAIT_SECONDS = 0.1
_USUAL_WAIT_SECONDS = 0.5
"""The wait before the one retry if a busy server does not say how long to wait."""
_RETRY_LATER_STATUSES = (429, 503)
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """The status and parsed body of a response.

    `status` is 0 if no complete response arrived, and `failure` says why; `body` is None if it is not JSON.
    `retry_after` is the number of seconds a 429 or 503 asks to wait.
    """

    status: int = 0
    body: Json = None
    retry_after: float | None = None
    failure: Failure | None = None
    location: str = ""
    """The address of what a request created, if the server names it."""

    @property
    def answer(self) -> str:
        """Return what the server answered in a few words without data: the status and issue code, or the failure."""
        if self.failure is not None:
            return self.failure.value
        is_fhir = isinstance(self.body, Mapping) and isinstance(self.body.get("resourceType"), str)
        return f"{self.status} {'no FHIR' if self.status == 200 and not is_fhir else issue_code(self.body)}".rstrip()

    @property
    def is_server_up(self) -> bool:
        """Return whether the response shows a working server, whatever its status."""
        return 0 < self.status < 500 and self.status != 429


class Allowance:
    """What a call may still use of a limited quantity. Thread-safe."""

    def __init__(self, amount: int) -> None:
        self._left = amount
        self._lock = threading.Lock()

    def take(self, amount: int) -> bool:
        """Use up `amount` and return True; return False, and use nothing, if less is left."""
        with self._lock:
            if amount > self._left:
                return False
            self._left -= amount
            return True


class BoundedRequests:
    """The requests of one call, all with its token. Never raises for anything that the server does.

    `now` is the wall clock, for dates in `Retry-After`; `pause` waits for a number of seconds.
    """

    def __init__(
        self,
        access: FhirAccess,
        deadline: Deadline,
        adapter: HTTPAdapter,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._deadline = deadline
        self._settings = settings
        self._now = now
        self._pause = pause
        self._bytes = Allowance(settings.max_call_bytes)
        self._places = threading.BoundedSemaphore(settings.query_threads)
        self._adapter = adapter
        self._headers = {**default_headers(), "Accept": FHIR_JSON, "User-Agent": _USER_AGENT}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"

    def get(self, url: str, accept: str = FHIR_JSON) -> FhirResponse:
        """Get a URL. Retry if a kept-alive connection broke, or if the server is busy, while there is time.

        `accept` is the media type to ask for. A busy server answers 429 or 503. The service waits as `Retry-After`
        asks; without it, a short time and once.
        """
        response = self._get_once(url, accept)
        if response.failure is Failure.CONNECTION_LOST:
            response = self._get_once(url, accept)
        for attempt in range(_MAX_RETRIES):
            wait = response.retry_after
            if wait is None and attempt == 0 and response.status in _RETRY_LATER_STATUSES:
                wait = _USUAL_WAIT_SECONDS
            if wait is None or wait >= self._deadline.remaining():
                break
            self._pause(max(wait, _MIN_WAIT_SECONDS))
            response = self._get_once(url, accept)
        return response

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> FhirResponse:
        """Send a request with a body, once: a request that writes must not be repeated unseen."""
        return self._send_once(method, url, body, headers)

    @property
    def has_fair_time(self) -> bool:
        """Return whether a query sent now has enough time for its failure to count against the server."""
        full = min(self._settings.query_timeout_seconds, self._settings.call_timeout_seconds)
        return self._deadline.remaining() >= full / 2

    def _get_once(self, url: str, accept: str) -> FhirResponse:
        return self._send_once("GET", url, None, {"Accept": accept})

    def _send_once(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> FhirResponse:
        if not self._places.acquire(timeout=self._deadline.remaining()):
            return FhirResponse(failure=Failure.NOT_SENT)
        try:
            timeout = min(self._settings.query_timeout_seconds, self._deadline.remaining())
            if timeout <= 0:
                return FhirResponse(failure=Failure.NOT_SENT)
            asked = self._prepared(method, url, body, headers)
            with self._adapter.send(asked, timeout=timeout, stream=True) as response:
                retry_after = self._retry_after(response)
                answer = self._read(response)
                if answer is None:
                    return FhirResponse(retry_after=retry_after, failure=self._cut_short())
                location = response.headers.get("Location", "")
                try:
                    return FhirResponse(response.status_code, parse_json(answer), retry_after, location=location)
                except ValueError:
                    return FhirResponse(response.status_code, None, retry_after, location=location)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return FhirResponse(failure=_failure(error))
        finally:
            self._places.release()

    def _prepared(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> requests.PreparedRequest:
        """Return the request, which carries no cookie and is not redirected, as a session's would be."""
        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, None)
        request.prepare_headers({**self._headers, **headers})
        if body is not None:
            request.prepare_body(body, None)
        return request

    def _cut_short(self) -> Failure:
        return Failure.TOO_LARGE if self._deadline.remaining() else Failure.TIMEOUT

    def _read(self, response: requests.Response) -> bytes | None:
        """Read the body; return None if it exceeds its own limit, the bytes left for the call, or the deadline."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            is_too_large = len(body) > self._settings.max_response_bytes or not self._bytes.take(len(chunk))
            if is_too_large or not self._deadline.remaining():
                return None
        return bytes(body)

    def _retry_after(self, response: requests.Response) -> float | None:
        """Return the seconds of `Retry-After`, given as seconds or as a date (RFC 9110, 10.2.3).

        Azure gives milliseconds in a header of its own.
        """
        value = response.headers.get("Retry-After", "").strip()
        if response.status_code not in _RETRY_LATER_STATUSES:
            return None
        if not value:
            milliseconds = response.headers.get("x-ms-retry-after-ms", "").strip()
            return float(milliseconds) / 1000 if _SECONDS.match(milliseconds) else None
        if _SECONDS.match(value):
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._now()).total_seconds())


def _failure(error: Exception) -> Failure:
    """Return the kind of an error of requests, of urllib3, or of the connection."""
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else None
    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, requests.exceptions.SSLError):
        return Failure.TLS
    if not isinstance(error, requests.ConnectionError):
        return Failure.UNREADABLE
    kinds: Mapping[type[Exception], Failure] = {
        AddressRefusedError: Failure.ADDRESS_REFUSED,
        NameResolutionError: Failure.UNKNOWN_HOST,
        ProtocolError: Failure.CONNECTION_LOST,
    }
    return next((failure for kind, failure in kinds.items() if isinstance(reason, kind)), Failure.NO_CONNECTION)


class RequestsTo(Protocol):
    """A function that opens requests to a server, or to the authorization server of one, through the address guard."""

    def __call__(self, url: str, access: FhirAccess, deadline: Deadline) -> BoundedRequests | None:
        """Return requests until a deadline; None if the address may not be called."""
