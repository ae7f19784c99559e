"""The service with pages for operators behind a login at a provider on loopback, and the browsers of its users."""

import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests
from werkzeug.test import TestResponse

from cds_service.clients.registry import Client
from cds_service.clients.sandbox import SandboxKey
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import FhirAccess, FhirSource
from cds_service.observability.logging import service_log
from cds_service.observability.metrics import Metrics
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.sealing import Sealer
from cds_service.records.smart_sessions import SmartSessions
from cds_service.records.stored import StoredRecords
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.settings import Settings
from cds_service.smart.launches import SmartClient
from cds_service.web.login import COOKIE
from cds_service.wiring.app import create_app
from cds_service.wiring.clients import authenticator_of
from cds_service.wiring.login import operator_site, registration_of
from cds_service.wiring.records import crd_records_in, database_in_memory, records_in
from cds_service.wiring.smart import SmartClients
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json
from tests.support.client_fakes import InMemoryReplayGuard
from tests.support.clock import SetClock
from tests.support.identity_provider import CLIENT_ID, SECRET, IdentityProvider
from tests.support.record_fakes import KEY, new_id, rows, shipped

PUBLIC = "https://cds.example.org/coverage"
ORIGIN = "https://cds.example.org"
GROUP = "cds-operators"


def login_settings(issuer: str, **others: Any) -> dict[str, Any]:
    """The settings under which operators sign in at this issuer."""
    return {
        "public_url": PUBLIC,
        "operator_pages": True,
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SECRET,
        "operator_values": GROUP,
        **others,
    }


class OperatorPages:
    """The service with a login, and a chart in memory behind every call.

    With `clients`, these need tokens. `ehrs` may launch the questionnaire app. Two services with the same `database`
    are two processes of one. `opened` are the FHIR servers that calls opened.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        clock: SetClock,
        *,
        database: Database | None = None,
        clients: Sequence[Client] | None = None,
        ehrs: Sequence[SmartClient] = (),
        **settings: Any,
    ) -> None:
        self.settings = given = Settings(**login_settings(provider.issuer, **settings))
        self.database = database or database_in_memory(given)
        self.written = io.StringIO()
        self.metrics = Metrics()
        self.chart: Json = {"resourceType": "Bundle", "entry": []}
        self.opened: list[FhirAccess] = []
        log = service_log(self.written, clock)
        assessor = Assessor(shipped().library, SAMPLE_PAYERS)
        snapshot = PolicySnapshot.of(assessor, given.time_zone, given.answers_valid_days)
        registration = registration_of(given)
        assert registration is not None
        self.key = SandboxKey(clock, new_id) if clients is not None else None
        sealer = Sealer([b"k" * 32])
        site = operator_site(
            registration,
            given,
            clients or (),
            sessions=SmartSessions(self.database, clock),
            key=self.key,
            clock=clock,
            log=log,
        )
        self.site = replace(site, records=StoredRecords(self.database, KEY, sealer))
        authenticator = None
        if clients is not None and self.key is not None:
            authenticator = authenticator_of(
                clients,
                given,
                replay_guard=InMemoryReplayGuard(clock),
                clock=clock,
                log=log,
                tester=(self.site.client, self.key),
            )
        self.app = create_app(
            settings=given,
            assessor=assessor,
            clock=clock,
            new_id=new_id,
            open_fhir_server=lambda access, _deadline: self._opened(access),
            authenticator=authenticator,
            records=records_in(self.database, KEY, given, snapshot, clock, time.monotonic),
            crd_records=crd_records_in(self.database, sealer, KEY, given, snapshot, clock),
            pseudonym=KEY,
            log=log,
            metrics=self.metrics,
            smart=SmartClients(ehrs, SmartSessions(self.database, clock)),
            site=self.site,
        )

    def _opened(self, access: FhirAccess) -> FhirSource:
        self.opened.append(access)
        return ChartInMemory(Store.from_bundle(self.chart))

    def browser(self) -> "Browser":
        """A new browser without cookies."""
        return Browser(self)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        return rows(self.database, table)


class Browser:
    """A browser of one person: it keeps cookies, and goes to the identity provider when it is sent there."""

    def __init__(self, service: OperatorPages) -> None:
        self.client = service.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Get a page of the service."""
        return self.client.get(path, base_url=ORIGIN, headers=headers)

    def post(self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
        """Post a form of a page of the service; other headers say that another site does."""
        sent = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return self.client.post(path, base_url=ORIGIN, data=form or {}, headers=sent)

    def to_provider(self, path: str = "/login") -> str:
        """Begin a login, and return the address at the provider to which the browser is sent."""
        found = self.get(path)
        assert found.status_code == 303, found.text
        return found.headers["Location"]

    def sign_in(self, path: str = "/login") -> TestResponse:
        """Sign in, and return the answer of the callback."""
        return self.get(sent_back(self.to_provider(path)))

    @property
    def session(self) -> str:
        """The cookie of the operator; empty if there is none."""
        found = self.client.get_cookie(COOKIE, domain="cds.example.org")
        return found.value if found else ""

    @session.setter
    def session(self, value: str) -> None:
        self.client.set_cookie(COOKIE, value, domain="cds.example.org", secure=True)


def sent_back(address: str) -> str:
    """Sign in at the provider, and return the path and query of ours to which it sends the browser."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    return own_path(answer.headers["Location"])


def own_path(address: str) -> str:
    """Return path and query of an address of the service, below its public URL."""
    assert address.startswith(PUBLIC), address
    parts = urlsplit(address.removeprefix(PUBLIC))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
