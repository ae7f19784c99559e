"""A judge that only looks, an EHR's FHIR server with switches, and a valid call to start from."""

import copy
import io
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request
from flask.testing import FlaskClient

from cds_service.clients.authenticator import Authenticator
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.judge import Judge, Judgement
from cds_service.hooks.request import DraftOrders
from cds_service.observability.call_log import CallLog
from cds_service.observability.metrics import Metrics
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from coverage_policies.format.searches import Search
from fhir_mappings.record import PatientRecord

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT_ID = "p-1"
LOOPBACK: dict[str, Any] = {"fhir_private_networks": "127.0.0.0/8"}
"""The settings under which a FHIR server of these tests may be read."""


class LookingJudge:
    """Needs its searches for every ServiceRequest, answers a card per judged order, remembers what it was given."""

    def __init__(self, *searches: Search, settled: bool = False) -> None:
        self.needed = searches
        self.settled = settled
        self.hooks: list[str] = []
        self.orders: list[DraftOrders] = []
        self.records: list[PatientRecord] = []

    def all_searches(self) -> tuple[Search, ...]:
        return self.needed

    def searches(self, hook: str, orders: DraftOrders) -> tuple[Search, ...] | None:  # noqa: ARG002
        known = any(order.get("resourceType") == "ServiceRequest" for _, order in orders.judged)
        return self.needed if known else None

    def answer(self, hook: str, orders: DraftOrders, record: PatientRecord) -> Judgement:
        self.hooks.append(hook)
        self.orders.append(orders)
        self.records.append(record)
        card = {"summary": "Looked at", "indicator": "info", "source": {"label": "Test"}}
        return Judgement(tuple(card for _ in orders.judged), settled=self.settled)


class FakeEhr:
    """A FHIR server whose answers a test sets by path (`Condition`, `Patient/p-1`, `metadata`).

    An answer is a status and a JSON value, or a function that makes a response. Any other search finds nothing.
    """

    def __init__(self) -> None:
        self.base = ""
        self.answers: dict[str, tuple[int, Any] | Callable[[], Any]] = {
            f"Patient/{PATIENT_ID}": (200, {"resourceType": "Patient", "id": PATIENT_ID}),
        }
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.stopped = threading.Event()
        self.app = Flask("fake ehr")
        self.app.add_url_rule("/<path:path>", view_func=self._answer)

    def _answer(self, path: str) -> Response:
        query = request.query_string.decode()
        self.asked.append(f"{path}?{query}" if query else path)
        self.headers.append(dict(request.headers))
        answer = self.answers.get(path.removeprefix("fhir/"), (200, bundle()))
        if callable(answer):
            return answer()
        status, value = answer
        return Response(json.dumps(value), status, mimetype="application/fhir+json")

    def asked_for(self, resource_type: str) -> int:
        """How many requests there were for a type."""
        return sum(1 for path in self.asked if path.removeprefix("fhir/").split("?")[0].split("/")[0] == resource_type)


def bundle(*resources: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A searchset."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **members}


def condition(own_id: str, patient: str = PATIENT_ID) -> dict[str, Any]:
    """A Condition with an id, of a patient."""
    return {"resourceType": "Condition", "id": own_id, "subject": {"reference": f"Patient/{patient}"}}


def outcome(code: str = "exception", severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


_CALL: dict[str, Any] = {
    "hook": "order-sign",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {
        "userId": "Practitioner/doc-1",
        "patientId": PATIENT_ID,
        "encounterId": "e-1",
        "draftOrders": {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {
                    "fullUrl": "urn:uuid:0f3151a6-e1a5-4f57-b0a2-4c3a1f7e5d10",
                    "resource": {
                        "resourceType": "ServiceRequest",
                        "id": "sr-1",
                        "status": "draft",
                        "intent": "order",
                        "subject": {"reference": f"Patient/{PATIENT_ID}"},
                        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27279"}]},
                    },
                }
            ],
        },
    },
}


def call(**members: Any) -> dict[str, Any]:
    """A valid order-sign call of one order, without prefetch and FHIR server; `members` are added at the top."""
    return copy.deepcopy(_CALL) | members


def authorization(**members: Any) -> dict[str, Any]:
    """A valid fhirAuthorization."""
    return {
        "access_token": "token-1",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/Patient.read user/Observation.read",
        "subject": "cds-service",
    } | members


class Service:
    """The service around a judge, with its log, driven through Flask's test client."""

    def __init__(
        self,
        judge: Judge,
        *,
        opener: FhirOpener | None = None,
        authenticator: Authenticator | None = None,
        metrics: Metrics | None = None,
        **settings: Any,
    ) -> None:
        self.written = io.StringIO()
        numbers = iter(range(10**9))
        self.app = create_app(
            settings=Settings(**LOOPBACK | settings),
            judge=judge,
            clock=lambda: NOW,
            new_id=lambda: f"call-{next(numbers)}",
            opener=opener,
            authenticator=authenticator,
            metrics=metrics,
            log=CallLog(self.written, lambda: NOW),
        )
        self.client: FlaskClient = self.app.test_client()

    def post(self, value: Any, service: str = "coverage-order-sign", **headers: str) -> Any:
        """The response to a call."""
        return self.client.post(
            f"/cds-services/{service}", data=json.dumps(value), content_type="application/json", headers=headers
        )

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]
