"""GET requests to a FHIR server: bounded in time and bytes, retried only as `Retry-After` asks."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError

from cds_service.fhir_client.address_guard import AddressRefusedError
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess
from cds_service.settings import Settings
from fhir_mappings.fhir_json import Json, parse_json

_CHUNK_BYTES = 65_536
_MAX_RETRIES = 2
_MIN_WAIT_SECONDS = 0.1
_RETRY_LATER_STATUSES = (429, 503)
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """The status and parsed body of a response.

    `status` is 0 if no complete response arrived, `body` is None if it is not JSON. `retry_after` is the number of
    seconds a 429 or 503 asks to wait. `is_refused` means that the address guard refused to connect. `is_broken` means
    that the connection broke before any response, which happens to kept-alive connections.
    """

    status: int = 0
    body: Json = None
    retry_after: float | None = None
    is_refused: bool = False
    is_broken: bool = False

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


class _Session(requests.Session):
    """A session that treats no response as a redirect; requests would read a redirect's body without a limit."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class BoundedGet:
    """The GET requests of one call, all with its token. Never raises for anything that the server does.

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
        self._session = _Session()
        self._session.trust_env = False
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.headers["Accept"] = "application/fhir+json"
        if access.token:
            self._session.headers["Authorization"] = f"Bearer {access.token}"

    def get(self, url: str) -> FhirResponse:
        """Get a URL. Retry if a kept-alive connection broke, or as `Retry-After` asks while there is time."""
        response = self._get_once(url)
        if response.is_broken:
            response = self._get_once(url)
        for _ in range(_MAX_RETRIES):
            if response.retry_after is None or response.retry_after >= self._deadline.remaining():
                break
            self._pause(max(response.retry_after, _MIN_WAIT_SECONDS))
            response = self._get_once(url)
        return response

    @property
    def has_fair_time(self) -> bool:
        """Return whether a query sent now has enough time for its failure to count against the server."""
        full = min(self._settings.query_timeout_seconds, self._settings.call_timeout_seconds)
        return self._deadline.remaining() >= full / 2

    def _get_once(self, url: str) -> FhirResponse:
        try:
            timeout = min(self._settings.query_timeout_seconds, self._deadline.remaining())
            if timeout <= 0:
                return FhirResponse()
            with self._session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
                retry_after = self._retry_after(response)
                body = self._read(response)
                if body is None:
                    return FhirResponse(retry_after=retry_after)
                try:
                    return FhirResponse(response.status_code, parse_json(body), retry_after)
                except ValueError:
                    return FhirResponse(response.status_code, None, retry_after)
        except requests.ConnectionError as error:
            reason = _reason(error)
            return FhirResponse(
                is_refused=isinstance(reason, AddressRefusedError),
                is_broken=isinstance(reason, ProtocolError),
            )
        except (requests.RequestException, HTTPError, OSError, ValueError):
            return FhirResponse()

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
        """Return the seconds of `Retry-After`, given as seconds or as a date (RFC 9110, 10.2.3)."""
        value = response.headers.get("Retry-After", "").strip()
        if response.status_code not in _RETRY_LATER_STATUSES or not value:
            return None
        if _SECONDS.match(value):
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._now()).total_seconds())


def _reason(error: requests.ConnectionError) -> object:
    """Return the urllib3 error that requests wraps."""
    found = error.args[0] if error.args else None
    return getattr(found, "reason", found)
