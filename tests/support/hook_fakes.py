"""An assessor that only watches, an EHR's FHIR server with switches, and a valid call to start from."""

import copy
import io
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request
from flask.testing import FlaskClient

from cds_service.clients.authenticator import Authenticator
from cds_service.fhir_client.source import FhirOpener
from cds_service.http.readiness import Check
from cds_service.observability.logging import service_log
from cds_service.observability.metrics import Metrics
from cds_service.settings import Settings
from cds_service.web.site import Site
from cds_service.wiring.app import create_app
from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Outcome
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.record import PatientRecord

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT_ID = "p-1"
LOOPBACK: dict[str, Any] = {"fhir_private_networks": "127.0.0.0/8"}
"""The settings under which a FHIR server of these tests may be read."""


class _NeedingLibrary(Library):
    """A library without policies that needs these searches all the same."""

    def __init__(self, needed: tuple[Search, ...]) -> None:
        super().__init__({}, ValueSets({}))
        object.__setattr__(self, "needed", needed)

    def searches(self, policies: Iterable[Policy] | None = None) -> tuple[Search, ...]:  # noqa: ARG002
        """The searches it was made with."""
        return self.needed  # type: ignore[attr-defined, no-any-return]


class WatchingAssessor(Assessor):
    """Needs its searches for every ServiceRequest, finds one assessment per order, remembers what it was given.

    `outcome` is what it says of each order.
    """

    def __init__(self, *searches: Search, settled: bool = False) -> None:
        super().__init__(_NeedingLibrary(searches), PlanRules())
        self.outcome = Outcome.CASE_REVIEW if settled else Outcome.DOCUMENTATION_NEEDED
        self.hooks: list[str] = []
        self.sessions: list[Session] = []
        self.records: list[PatientRecord] = []

    def searches(self, candidates: Sequence[OrderCandidates], hook: str) -> tuple[Search, ...] | None:  # noqa: ARG002
        """Its searches, where a ServiceRequest is among the orders."""
        known = any(each.order.resource.get("resourceType") == "ServiceRequest" for each in candidates)
        return self.library.searches() if known else None

    def assess(
        self,
        session: Session,
        candidates: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,  # noqa: ARG002
    ) -> tuple[Assessment, ...]:
        """One assessment for each order, of the same outcome."""
        if not any(each.order.resource.get("resourceType") == "ServiceRequest" for each in candidates):
            return ()
        self.hooks.append(hook)
        self.sessions.append(session)
        self.records.append(record)
        return tuple(
            Assessment(
                (
                    Determination(
                        policy="TEST",
                        revision="2026-01",
                        edition=1,
                        title="A test",
                        order=order.reference,
                        outcome=self.outcome,
                        anchor_date=record.today,
                        anchor_from="today",
                        order_label="An order",
                    ),
                )
            )
            for order in session.judged
        )


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
    """The service around an assessor, with its log, driven through Flask's test client."""

    def __init__(
        self,
        assessor: Assessor,
        *,
        open_fhir_server: FhirOpener | None = None,
        authenticator: Authenticator | None = None,
        counting: Metrics | None = None,
        checks: Iterable[Check] = (),
        site: Site | None = None,
        new_id: Callable[[], str] | None = None,
        **settings: Any,
    ) -> None:
        self.written = io.StringIO()
        numbers = iter(range(10**9))
        self.app = create_app(
            settings=Settings(**LOOPBACK | settings),
            assessor=assessor,
            clock=lambda: NOW,
            new_id=new_id or (lambda: f"call-{next(numbers)}"),
            open_fhir_server=open_fhir_server,
            authenticator=authenticator,
            metrics=counting,
            checks=checks,
            site=site,
            log=service_log(self.written, lambda: NOW),
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
