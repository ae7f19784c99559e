"""A CRD call judged again gives the same answer, from its body and what was read of the chart."""

from typing import Any

import pytest

from cds_service.crd.request import read_crd_request
from cds_service.crd.services import CRD_SERVICES
from cds_service.records.decision_log import decision
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.verify import replay
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import dumps, loads
from tests.support.crd_calls import EHR, KEY, PATIENT, RULES, CrdService, bundle, call, coverage, order
from tests.support.record_fakes import shipped

FIBROMYALGIA = {
    "resourceType": "Condition",
    "id": "c-1",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M79.7"}]},
    "subject": {"reference": f"Patient/{PATIENT}"},
    "recordedDate": "2026-01-01",
}
DISPATCH = {
    "hook": "order-dispatch",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "fhirServer": EHR,
    "context": {"patientId": PATIENT, "dispatchedOrders": ["ServiceRequest/o-1"], "performer": "Organization/x"},
}


@pytest.mark.requirement("7.140")
@pytest.mark.parametrize("body", [
    call("order-sign", order()),
    call("order-sign", order(code="99999")),
    call("order-select", order(), prefetch={"coverage": coverage()}),
    call("order-sign", order(), prefetch={}),
    DISPATCH,
])  # fmt: skip
def test_a_replay_gives_the_same_answer(body: Any) -> None:
    chart = [FIBROMYALGIA, coverage(), order()]
    service = CrdService(RULES, *chart)
    response = service.post(body)
    assert response.status_code == 200, response.text
    found = decision(service.database, response.headers["X-Request-Id"])
    assert found is not None
    offered = next(each for each in CRD_SERVICES if each.id == f"crd-{body['hook']}")
    again = read_crd_request(loads(dumps(body)), offered).call
    recorded = bundle({"resourceType": "Patient", "id": PATIENT}, *chart)
    checks = replay(
        found, again, recorded, Assessor(shipped().library, RULES), Settings(), Pseudonymizer(KEY), lambda: 0.0
    )
    assert [each for each in checks if not each.is_same] == []
