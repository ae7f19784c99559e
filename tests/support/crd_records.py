"""CRD calls for tests of their records: an exchange, and the assertions issued in it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cds_service.crd.records_protocol import Exchange, IssuedAssertion
from cds_service.observability.call_log import Call
from cds_service.records.crd_store import SqlCrdRecords
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot, PolicyVersion
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.sealing import Sealer
from coverage_policies.format.terms import Outcome
from fhir_mappings.fhir_json import Json
from tests.support.clock import SetClock
from tests.support.determinations import criterion, determination

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
KEYS = (b"1" * 32, b"2" * 32)
PATH = "/cds-services/crd-order-sign"
COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ORDER = {"resourceType": "ServiceRequest", "id": "order-7", "subject": {"reference": "Patient/xanthippe"}}


def crd_records(
    database: Database,
    *keys: bytes,
    clock: Callable[[], datetime] | None = None,
    keep_for: timedelta = timedelta(days=10),
    charts_for: timedelta = timedelta(days=90),
) -> SqlCrdRecords:
    """The records of a service with these keys, whose policies are those of `assertion`."""
    return SqlCrdRecords(
        database,
        Sealer(keys) if keys else None,
        snapshot=PolicySnapshot({"CP.TEST@2025-01": PolicyVersion(1, "sha256-of-the-policy")}, ""),
        pseudonym=Pseudonymizer(b"a key for tests"),
        keep_for=keep_for,
        charts_for=charts_for,
        clock=clock or SetClock(NOW),
    )


def call(name: str, **members: Any) -> Call:
    """A call of the client `ehr`."""
    return Call(**({"id": name, "started": 0.0, "client": "ehr", "hook_instance": INSTANCE} | members))


def exchange(request: bytes = b'{"patient": "xanthippe"}', response: bytes = b'{"cards": []}', **more: Any) -> Exchange:
    """A call that was answered."""
    values = {"status": 200, "metrics": {"source": "payer-src"}, "issuer": "https://ehr.example.org"}
    return Exchange(request=request, response=response, **(values | more))


def assertion(name: str, *, order: Json = ORDER, covered: str = "conditional", **more: Any) -> IssuedAssertion:
    """An assertion about an order of the patient `xanthippe`, by one determination."""
    values = {
        "assertion_id": name,
        "order": f"ServiceRequest/{order['id']}",
        "coverage": "Coverage/cov-9",
        "patient_id": "xanthippe",
        "determinations": (determination(Outcome.SUPPORTED, criterion("II.A"), order=f"ServiceRequest/{order['id']}"),),
        "order_resource": order,
        "extensions": (coverage_information(covered, name),),
    }
    return IssuedAssertion(**(values | more))


def coverage_information(covered: str, assertion_id: str, *parts: Json) -> Json:
    """A coverage-information extension; the reason and the number in it tell of the patient."""
    told = [
        {"url": "coverage", "valueReference": {"reference": "Coverage/cov-9"}},
        {"url": "covered", "valueCode": covered},
        {"url": "reason", "valueCodeableConcept": {"text": "xanthippe has no MRI"}},
        {"url": "satisfied-pa-id", "valueString": "PA-xanthippe"},
        {"url": "coverage-assertion-id", "valueString": assertion_id},
        *parts,
    ]
    return {"url": COVERAGE_INFORMATION, "extension": told}


def stored(records: SqlCrdRecords, name: str, assertions: Sequence[IssuedAssertion] = (), **more: Any) -> None:
    """Store a call."""
    records.store(call(name), PATH, exchange(**more), assertions)
