"""CRD calls over HTTP: a service that answers for payers, orders that keep the profiles, and what came back."""

import copy
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient

from cds_service.clients.registry import Client
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import FhirAccess, FhirOpener, FhirSource
from cds_service.observability.logging import service_log
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.sealing import Sealer
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.records import crd_records_in, database_in_memory, records_in
from cds_service.wiring.system import new_id
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.payer_terms import Contact, Covered, PayerTerms
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.fhir_json import Json, dumps, loads
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.client_fakes import Knows
from tests.support.hook_fakes import LOOPBACK
from tests.support.record_fakes import shipped

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT = "p-1"
EHR = "https://ehr.example.org/fhir"
IDS = "https://payers.example/id"
CPT = "http://www.ama-assn.org/go/cpt"
CENTENE = "Centene Corporation"
MEDICARE = "Centers for Medicare & Medicaid Services"
KEY = b"a key of these tests"
FUSION, ANKLE_BRACE = "27279", "L1902"
"""A code with a policy, and one without."""


def payer(name: str, owner: str = CENTENE, **terms: Any) -> Payer:
    """A payer that the service answers for; its identifier is its name."""
    stated = {"if_supported": Covered.COVERED, "if_not_met": Covered.NOT_COVERED, "contact": Contact(phone="555-0100")}
    return Payer(name, (owner,), identifiers=frozenset({f"{IDS}|{name}"}), terms=PayerTerms(**stated | terms))


LAKESHORE = payer("Lakeshore")
RULES = PlanRules(payers=(LAKESHORE,))


def coverage(own_id: str = "cov-1", of: str = "Lakeshore", **members: Any) -> dict[str, Any]:
    """An active Coverage of a payer, whose identifier stands beside the reference to it."""
    return {
        "resourceType": "Coverage",
        "id": own_id,
        "status": "active",
        "type": {"coding": [{"system": "https://nahdo.org/sopt", "code": "5"}]},
        "subscriberId": "M-1",
        "beneficiary": {"reference": f"Patient/{PATIENT}"},
        "period": {"start": "2025-01-01"},
        "payor": [{"reference": f"Organization/{of}", "identifier": {"system": IDS, "value": of}}],
    } | members


def order(own_id: str = "o-1", code: str = FUSION, system: str = CPT, **members: Any) -> dict[str, Any]:
    """A ServiceRequest that keeps the profile of CRD."""
    return {
        "resourceType": "ServiceRequest",
        "id": own_id,
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": "2026-03-02",
        "requester": {"reference": "Practitioner/doc-1"},
    } | members


def bundle(*resources: Json) -> dict[str, Any]:
    """A Bundle of resources with their full URLs."""
    entries = [
        {"fullUrl": f"{EHR}/{each['resourceType']}/{each['id']}", "resource": copy.deepcopy(each)} for each in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def searchset(*resources: Json) -> dict[str, Any]:
    """The result of a search."""
    return bundle(*resources) | {"type": "searchset", "total": len(resources)}


def call(hook: str, *orders: Json, **members: Any) -> dict[str, Any]:
    """A call of a CRD client about draft orders, with one Coverage in its prefetch."""
    context = {"userId": "Practitioner/doc-1", "patientId": PATIENT, "draftOrders": bundle(*orders)}
    if hook == "order-select":
        context["selections"] = [f"{each['resourceType']}/{each['id']}" for each in orders]
    return {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": EHR,
        "context": context,
        "prefetch": {"coverage": searchset(coverage())},
    } | members


def configured(**choices: Any) -> dict[str, Any]:
    """The extension of a request that sets options; an underscore stands for a dash."""
    return {"davinci-crd.configuration": {name.replace("_", "-"): value for name, value in choices.items()}}


Parts = Mapping[str, list[Any]]


def parts(extension: Json) -> Parts:
    """The values of an extension by url."""
    found: dict[str, list[Any]] = {}
    for part in extension["extension"]:
        value = part.get("extension") or next(each for name, each in part.items() if name.startswith("value"))
        found.setdefault(part["url"], []).append(value)
    return found


class CrdService:
    """The service behind CRD calls: the shipped policies, payers, records in memory, and a chart.

    The chart is in memory, or with `over_http` on the FHIR server that a call names. Every call is one of `client`, or
    without one needs no token.
    """

    def __init__(
        self,
        rules: PlanRules = RULES,
        *chart: Json,
        open_fhir_server: FhirOpener | None = None,
        database: Database | None = None,
        clock: Callable[[], datetime] = lambda: NOW,
        over_http: bool = False,
        client: Client | None = None,
        **settings: Any,
    ) -> None:
        configured_settings = Settings(**({"public_url": "https://cds.example.org"} | LOOPBACK | settings))
        assessor = Assessor(shipped().library, rules)
        self.database = database or database_in_memory(configured_settings)
        key, sealer = Pseudonymizer(KEY), Sealer([b"k" * 32])
        snapshot = PolicySnapshot.of(assessor, configured_settings.time_zone, configured_settings.answers_valid_days)
        self.records = crd_records_in(self.database, sealer, key, configured_settings, snapshot, clock)
        self.written = io.StringIO()
        self.charts = Store.from_bundle(bundle({"resourceType": "Patient", "id": PATIENT}, *chart))
        app = create_app(
            settings=configured_settings,
            assessor=assessor,
            clock=clock,
            new_id=new_id,
            open_fhir_server=None if over_http else open_fhir_server or self._in_memory,
            authenticator=Knows(client) if client else None,
            records=records_in(self.database, key, configured_settings, snapshot, clock),
            crd_records=self.records,
            pseudonym=key,
            log=service_log(self.written, clock),
        )
        self.client: FlaskClient = app.test_client()

    def _in_memory(self, _access: FhirAccess, _deadline: Deadline) -> FhirSource:
        return ChartInMemory(self.charts)

    def post(self, body: Json, version: str = "2.2") -> Any:
        """The response to a call of the service of its hook in a version."""
        path = f"/cds-services/crd-{'' if version == '2.2' else f'{version}-'}{body['hook']}"
        return self.client.post(path, data=dumps(body), content_type="application/json")

    def answer(self, body: Json, version: str = "2.2") -> Any:
        """The body of a response that is no error."""
        response = self.post(body, version)
        assert response.status_code == 200, response.text
        return loads(response.data)

    def information(self, body: Json, version: str = "2.2") -> list[Parts]:
        """The coverage information of every order that is updated, in the order of the system actions."""
        return [parts(each) for each in information_of(self.answer(body, version))]

    def log_lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def information_of(answer: Json) -> Sequence[Json]:
    """The coverage-information extensions in the system actions of an answer."""
    return [
        each
        for action in answer.get("systemActions", ())
        for each in action["resource"]["extension"]
        if each["url"] == COVERAGE_INFORMATION
    ]
