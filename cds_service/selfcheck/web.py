"""The HTTP client of the self-check: bounded answers, a time limit, and no redirect that is followed."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests

from cds_service.selfcheck.outcomes import FailedError
from fhir_mappings.fhir_json import dumps

Json = Any
"""What a JSON document can hold; numbers with a point are Decimal."""

_MOST_BYTES = 20_000_000
_CHUNK = 65_536
_JSON = "application/json"
_JSON_TYPES = (_JSON, "application/fhir+json")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: the status, the headers with lower-case names, the body, and how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def is_success(self) -> bool:
        """Return whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def is_client_error(self) -> bool:
        """Return whether the status says that the request is wrong."""
        return 400 <= self.status < 500

    @property
    def media_type(self) -> str:
        """Return the media type without its parameters; empty without one."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Return whether the answer says that it is JSON."""
        return self.media_type in _JSON_TYPES

    def json(self) -> Json:
        """Return the body as JSON. Raise FailedError if it is none, by RFC 8259 in UTF-8."""
        try:
            return json.loads(self.body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
        except UnicodeDecodeError:
            raise FailedError(f"status {self.status} with a body that is not UTF-8") from None
        except (ValueError, RecursionError):
            raise FailedError(f"status {self.status} with a body that is not JSON") from None

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raise FailedError if it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise FailedError(f"status {self.status} with JSON that is no object")
        return value

    def resource(self, kind: str) -> dict[str, Any]:
        """Return the body as a FHIR resource of a type. Raise FailedError if it is none."""
        value = self.object()
        if value.get("resourceType") != kind:
            raise FailedError(f"status {self.status} with a body that is no {kind}")
        return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Web:
    """Sends requests to the server under test."""

    def __init__(self, timeout: float) -> None:
        """Give each request `timeout` seconds."""
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = _send_as_it_is

    def send(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        body: Json = None,
        raw: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a request; a redirect is an answer.

        The body is JSON, `raw` bytes, or a form. Raise FailedError if no answer comes in time, or too long a one.
        """
        sent = {"Accept": _JSON, **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data: Any = raw if raw is not None else form
        if body is not None:
            data = dumps(body).encode()
            sent.setdefault("Content-Type", _JSON)
        started = time.monotonic()
        try:
            with self._session.request(
                method, url, data=data, headers=sent, timeout=self._timeout, allow_redirects=False, stream=True
            ) as response:
                read = bytearray()
                for chunk in response.iter_content(_CHUNK):
                    read += chunk
                    if len(read) > _MOST_BYTES:
                        raise FailedError(f"an answer of more than {_MOST_BYTES} bytes")
                    if time.monotonic() - started > self._timeout:
                        raise FailedError(f"no whole answer within {self._timeout:g} s")
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, found, bytes(read), time.monotonic() - started)
        except requests.Timeout:
            raise FailedError(f"no answer within {self._timeout:g} s") from None
        except requests.RequestException as error:
            raise FailedError(f"no answer from {urlsplit(url).netloc} ({type(error).__name__})") from None


def _send_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request: no password file of this machine adds anything to it."""
    return request
