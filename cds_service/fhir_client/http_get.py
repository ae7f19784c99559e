"""One GET at a FHIR server: bounded in time and bytes, repeated only where the server asks for it."""

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
_MOST_REPEATS = 2
_SHORTEST_WAIT = 0.1
_LATER = (429, 503)
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """Status and parsed body, the body None where it is not JSON; status 0 where no whole answer came.

    `retry_after` is how many seconds to stay away, where the server says so with 429 or 503. `is_broken` tells that
    the connection broke before anything came, as one does that was kept open for too long.
    """

    status: int = 0
    body: Json = None
    retry_after: float | None = None
    is_refused: bool = False
    is_broken: bool = False

    @property
    def is_life(self) -> bool:
        """Whether the server works, whatever it said."""
        return 0 < self.status < 500 and self.status != 429


class Allowance:
    """What is left of something that a call may use so much of; safe to use from several threads."""

    def __init__(self, amount: int) -> None:
        self._left = amount
        self._lock = threading.Lock()

    def take(self, amount: int) -> bool:
        """Whether so much was left; it no longer is."""
        with self._lock:
            if amount > self._left:
                return False
            self._left -= amount
            return True


class _Session(requests.Session):
    """A session for which no answer is a redirect; the library would read a redirect's body without bounds."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class BoundedGet:
    """The GETs of one call, all with its token. Nothing here raises for what the server does.

    `now` is the wall clock, for dates in Retry-After; `pause` waits so many seconds.
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
        """The answer, tried again when the server says so and there is time, or where a kept connection broke."""
        answer = self._once(url)
        if answer.is_broken:
            answer = self._once(url)
        for _ in range(_MOST_REPEATS):
            if answer.retry_after is None or answer.retry_after >= self._deadline.remaining():
                break
            self._pause(max(answer.retry_after, _SHORTEST_WAIT))
            answer = self._once(url)
        return answer

    @property
    def had_time(self) -> bool:
        """Whether a query sent now has enough time left for its failure to speak against the server."""
        whole = min(self._settings.query_timeout_seconds, self._settings.call_timeout_seconds)
        return self._deadline.remaining() >= whole / 2

    def _once(self, url: str) -> FhirResponse:
        try:
            timeout = min(self._settings.query_timeout_seconds, self._deadline.remaining())
            if timeout <= 0:
                return FhirResponse()
            with self._session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
                later = self._retry_after(response)
                body = self._read(response)
                if body is None:
                    return FhirResponse(retry_after=later)
                try:
                    return FhirResponse(response.status_code, parse_json(body), later)
                except ValueError:
                    return FhirResponse(response.status_code, None, later)
        except requests.ConnectionError as error:
            reason = _reason(error)
            return FhirResponse(
                is_refused=isinstance(reason, AddressRefusedError),
                is_broken=isinstance(reason, ProtocolError),
            )
        except (requests.RequestException, HTTPError, OSError, ValueError):
            return FhirResponse()

    def _read(self, response: requests.Response) -> bytes | None:
        """The body; None where it is too large, or more than is left for this call, or ends after the deadline."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            is_too_large = len(body) > self._settings.max_response_bytes or not self._bytes.take(len(chunk))
            if is_too_large or not self._deadline.remaining():
                return None
        return bytes(body)

    def _retry_after(self, response: requests.Response) -> float | None:
        """The seconds that a server asks to wait (RFC 9110, 10.2.3: seconds, or a date)."""
        said = response.headers.get("Retry-After", "").strip()
        if response.status_code not in _LATER or not said:
            return None
        if _SECONDS.match(said):
            return float(said)
        try:
            moment = parsedate_to_datetime(said)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._now()).total_seconds())


def _reason(error: requests.ConnectionError) -> object:
    """What urllib3 said, which requests wraps."""
    found = error.args[0] if error.args else None
    return getattr(found, "reason", found)
