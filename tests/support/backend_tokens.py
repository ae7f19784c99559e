"""A client of the FHIR base: it signs client assertions, and gets and uses access tokens (SMART Backend Services)."""

import io
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from cds_service.clients.authenticator import Authenticator, Keys
from cds_service.clients.backend_services import BackendServices
from cds_service.clients.keys import read_keys
from cds_service.clients.registry import Client
from cds_service.clients.replay_guard import ReplayGuard
from cds_service.http.services import Services
from cds_service.observability.logging import service_log
from cds_service.observability.metrics import Metrics
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.client_fakes import PUBLIC, Clock, FixedKeys, InMemoryReplayGuard, claims, jwk, token
from tests.support.hook_fakes import LOOPBACK, NOW
from tests.support.record_fakes import shipped

TOKEN_URL = f"{PUBLIC}/auth/token"
CLIENT_ID = "dtr-app"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "system/Questionnaire.rs system/ValueSet.rs"


def backend_client(name: str = "ehr", client_id: str = CLIENT_ID, **registered: Any) -> Client:
    """A client that is registered for access tokens; `registered` are further members of the registration."""
    return Client(name, f"https://{name}.example.org", backend_services=BackendServices(client_id, **registered))


def assertion(
    now: datetime = NOW,
    *,
    client_id: str = CLIENT_ID,
    aud: Any = TOKEN_URL,
    header: Mapping[str, Any] | None = None,
    **said: Any,
) -> str:
    """A good client assertion; `said` replaces claims, or removes them with None, and `header` says how it is signed.

    It has no `iat`, which SMART does not ask for.
    """
    stated = {"iss": client_id, "sub": client_id, "aud": aud, "iat": None, "jti": str(uuid.uuid4()), **said}
    return token(claims(now, **stated), **(header or {}))


def token_request(value: str, scope: str = SCOPE, **others: str | None) -> dict[str, str]:
    """The form that asks for an access token; `others` replace parameters, or remove them with None."""
    stated = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": value,
        "scope": scope,
        **others,
    }
    return {name: said for name, said in stated.items() if said is not None}


def asked(post: Callable[..., Any], value: str, scope: str = SCOPE, **others: str | None) -> Any:
    """The response of the token endpoint to an assertion. `post` is that of Flask's test client."""
    return post("/auth/token", data=token_request(value, scope, **others))


def access_token(post: Callable[..., Any], scope: str = SCOPE, *, now: datetime = NOW, **signed: Any) -> str:
    """An access token by the whole exchange; `signed` are arguments of `assertion`."""
    response = asked(post, assertion(now, **signed), scope)
    assert response.status_code == 200, response.text
    return response.json["access_token"]


class BackendService:
    """The service with clients that sign with the first keys of `client_fakes`, and a clock to move.

    `key` is that of its records and `used` what remembers tokens: those of a replica are the same.
    """

    def __init__(
        self,
        *clients: Client,
        clock: Clock | None = None,
        key: bytes = b"a key of these tests",
        used: ReplayGuard | None = None,
        keys: Keys | None = None,
        rules: PlanRules | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.written = io.StringIO()
        self.metrics = Metrics()
        both = json.dumps({"keys": [jwk(), jwk("k2", "RS384"), jwk("k3", "ES256")]}).encode()
        authenticator = Authenticator(
            [(each, keys or FixedKeys(read_keys(both))) for each in clients or (backend_client(),)],
            used or InMemoryReplayGuard(self.clock),
            self.clock,
            skew_seconds=30,
            max_lifetime_seconds=3600,
        )
        self.app = create_app(
            settings=Settings(**LOOPBACK | {"public_url": PUBLIC} | settings),
            assessor=Assessor(shipped().library, rules or PlanRules()),
            clock=self.clock,
            new_id=lambda: str(uuid.uuid4()),
            authenticator=authenticator,
            pseudonym=Pseudonymizer(key),
            metrics=self.metrics,
            log=service_log(self.written, self.clock),
        )
        self.http: FlaskClient = self.app.test_client()

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def given_token(app: Flask, client: Client, scope: str = SCOPE) -> str:
    """An access token for a client of an application, without the exchange: for tests that are about other things."""
    found: Services = app.extensions["cds_service"]
    assert found.token_endpoint is not None
    return found.token_endpoint.tokens.issue(client, tuple(scope.split())).value
