"""A service with records, driven through Flask's test client, and what its tests need around it."""

import io
import itertools
import json
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from cds_service.clients.authenticator import Authenticator
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.observability.logging import service_log
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.stored import StoredRecords
from cds_service.records.tables import METADATA
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from cds_service.web.site import SampleServer, Site
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import crd_records_in, records_in, sealer_of
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json, dumps, loads

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
KEY = Pseudonymizer(b"a key for tests, not for anyone's data")


@cache
def shipped() -> Assessor:
    """The texts that ship with the service."""
    return load_assessor(Settings())


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        """Let time go by."""
        self.now += timedelta(days=days)


class RecordedService:
    """The service, its records in a database, a chart in memory behind every call, and a log."""

    def __init__(
        self,
        database: Database,
        *,
        assessor: Assessor | None = None,
        key: Pseudonymizer = KEY,
        authenticator: Authenticator | None = None,
        samples: SampleServer | None = None,
        monotonic: Callable[[], float] | None = None,
        **settings: Any,
    ) -> None:
        self.settings = Settings(**settings)
        self.database = database
        self.clock = Clock()
        self.chart: Json = {"resourceType": "Bundle", "entry": []}
        self.written = io.StringIO()
        own = load_assessor(self.settings) if settings.keys() & {"plan_rules", "policy_folders"} else shipped()
        self.assessor = assessor or own
        ticks = itertools.count()
        snapshot = PolicySnapshot.of(self.assessor, self.settings.time_zone, self.settings.answers_valid_days)
        self.records = records_in(
            database, key, self.settings, snapshot, self.clock, monotonic or (lambda: next(ticks) / 1000)
        )
        crd_records = crd_records_in(database, sealer_of(self.settings), key, self.settings, snapshot, self.clock)
        app = create_app(
            settings=self.settings,
            assessor=self.assessor,
            clock=self.clock,
            new_id=new_id,
            open_fhir_server=lambda _access, _deadline: ChartInMemory(Store.from_bundle(self.chart)),
            records=self.records,
            crd_records=crd_records,
            pseudonym=key,
            authenticator=authenticator,
            log=service_log(self.written, self.clock),
            site=Site(samples, records=StoredRecords(database, key, sealer_of(self.settings))),
        )
        self.client: FlaskClient = app.test_client()

    def call(self, body: Json) -> Any:
        """The response to a call."""
        return self._post(SERVICE_OF_HOOK[body["hook"]].id, body)

    def crd_call(self, body: Json) -> Any:
        """The response of the CRD 2.2 service to a call."""
        return self._post(f"crd-{body['hook']}", body)

    def _post(self, service: str, body: Json) -> Any:
        return self.client.post(f"/cds-services/{service}", data=dumps(body), content_type="application/json")

    def cards(self, body: Json) -> list[Any]:
        """The cards that a call is answered with."""
        response = self.call(body)
        assert response.status_code == 200, response.text
        return list(loads(response.data)["cards"])

    def send_feedback(self, *entries: Json) -> Any:
        """The response to feedback."""
        return self.client.post("/cds-services/coverage-order-sign/feedback", json={"feedback": list(entries)})

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        return rows(self.database, table)


def rows(database: Database, table: str) -> list[dict[str, Any]]:
    """Every row of a table."""
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(select(METADATA.tables[table])).mappings()]


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def sample(name: str) -> tuple[Sample, SampleOrder]:
    """A sample patient and the first order for it."""
    found = next(each for each in SAMPLES if each.id == name)
    return found, found.orders[0]


def sample_call(name: str, order: int = 0) -> tuple[Json, Json]:
    """A call for a sample patient, and the chart to read for it."""
    found, _ = sample(name)
    body = hook_call(
        found,
        found.orders[order],
        fhir_server="https://ehr.example/fhir",
        token="token-1",
        today=STORY_DATE,
        new_id=new_id,
    )
    return body, found.bundle(None)


def overridden(card: str, reason: str = "urgent", **members: Any) -> dict[str, Any]:
    """Feedback: the card was overridden."""
    return {
        "card": card,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-03-05T15:01:00Z",
        "overrideReason": {"reason": {"code": reason, "system": "urn:cds-coverage-policies:override-reason"}},
    } | members


def accepted(card: str, *suggestions: str) -> dict[str, Any]:
    """Feedback: the card was accepted."""
    return {
        "card": card,
        "outcome": "accepted",
        "outcomeTimestamp": "2026-03-05T15:01:00Z",
        "acceptedSuggestions": [{"id": each} for each in suggestions],
    }


def resources(chart: Json, kind: str) -> Iterable[Json]:
    """The resources of a type in a Bundle; they may be changed in place."""
    return [each["resource"] for each in chart["entry"] if each["resource"]["resourceType"] == kind]
