"""The EHR of the self-check: a FHIR server on the loopback interface that records what is asked of it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Response, request

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.fhir_responses import fhir_response, outcome_response
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.wiring.serving import on_loopback


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the EHR: the path below `/fhir`, and whether it had the access token of the call."""

    path: str
    has_token: bool


class LoopbackEhr:
    """What the server under test may read. `base` is the address of its FHIR server, as that server reaches it."""

    def __init__(self, charts: Charts, base: str) -> None:
        self.charts = charts
        self.base = base
        self.token = secrets.token_urlsafe(24)
        self._asked: list[Asked] = []
        self._is_hidden: Callable[[str], bool] = _never

    def asked_since(self, count: int) -> tuple[Asked, ...]:
        """Return the requests after the first `count`."""
        return tuple(self._asked[count:])

    @property
    def count(self) -> int:
        """Return how many requests came so far."""
        return len(self._asked)

    @contextmanager
    def hiding(self, is_hidden: Callable[[str], bool]) -> Iterator[None]:
        """Find nothing of the resource types that a function is true of, while the context lasts."""
        self._is_hidden = is_hidden
        try:
            yield
        finally:
            self._is_hidden = _never

    def before(self) -> Response | None:
        """Record the current request; answer it in place of the charts if its type is hidden."""
        path = request.path.removeprefix("/fhir").strip("/")
        has_token = request.headers.get("Authorization", "") == f"Bearer {self.token}"
        self._asked.append(Asked(path, has_token))
        kind, _, own_id = path.partition("/")
        if not has_token or kind in ("metadata", "") or not self._is_hidden(kind):
            return None
        if own_id:
            return outcome_response(404, "There is no such resource.")
        return fhir_response({"resourceType": "Bundle", "type": "searchset", "total": 0})


def _never(_kind: str) -> bool:
    return False


@contextmanager
def loopback_ehr(store: Store, *, port: int, fhir_url: str) -> Iterator[LoopbackEhr]:
    """Serve charts while the context lasts, on the first free port from `port` on; 0 means any.

    `fhir_url` is the address of its `/fhir` for a server elsewhere; empty for one on this machine. Raise OSError if no
    port is free.
    """
    ehr = LoopbackEhr(Charts(store), fhir_url.rstrip("/"))
    app = create_sample_ehr(ehr.charts, base_url=ehr.base or None, token=ehr.token)
    app.before_request(ehr.before)
    with on_loopback(app, port) as address:
        ehr.base = ehr.base or f"{address}/fhir"
        yield ehr
