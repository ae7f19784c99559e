"""What the FHIR server answered to a call is kept if the answer names a form; the call can be judged again from it."""

from datetime import timedelta
from typing import Any

import pytest

from cds_service.crd.records_protocol import CallContext
from cds_service.crd.request import read_crd_request
from cds_service.crd.services import service_at
from cds_service.fhir_client.kept_chart import OnlyKept
from cds_service.fhir_client.memory import ChartInMemory
from cds_service.fhir_client.source import SearchResult
from cds_service.records.decision_log import decision
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.verify import Check, replay
from cds_service.settings import Settings
from coverage_policies.format.searches import Search
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import loads
from fhir_mappings.record import Availability
from tests.support.clock import SetClock
from tests.support.crd_calls import (
    ANKLE_BRACE,
    EHR,
    KEY,
    NOW,
    PATIENT,
    RULES,
    CrdService,
    call,
    configured,
    coverage,
    order,
    searchset,
)
from tests.support.record_fakes import rows, shipped

SACROILIITIS = {
    "resourceType": "Condition",
    "id": "c-1",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M46.1"}]},
    "subject": {"reference": f"Patient/{PATIENT}"},
    "recordedDate": "2026-01-01",
}
REASON = {"reasonReference": [{"reference": "Condition/c-1"}]}
WHAT_IF = configured(unsolicited_determ=False)
SIGNING = call("order-sign", order(**REASON))
DISPATCH = {
    "hook": "order-dispatch",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "fhirServer": EHR,
    "context": {"patientId": PATIENT, "dispatchedOrders": ["ServiceRequest/o-1"], "performer": "Organization/x"},
}
MORE_CONDITIONS = searchset(SACROILIITIS) | {
    "link": [{"relation": "next", "url": f"{EHR}/Condition?page=2"}],
    "total": 2,
}


class Failing(ChartInMemory):
    """A chart that gives up on conditions after some of them."""

    def search(self, search: Search, patient_id: str) -> SearchResult:
        found = super().search(search, patient_id)
        is_failed = search.resource_type == "Condition"
        return SearchResult(found.entries, Availability.UNAVAILABLE) if is_failed else found


def context_of(service: CrdService, response: Any) -> CallContext | None:
    return service.records.context(response.headers["X-Request-Id"])


def judged_again(service: CrdService, found: CallContext, kept: Any) -> tuple[Check, ...]:
    """The comparison of the answer to a call with the judgment by what was kept of it."""
    offered, made = service_at(found.path), decision(service.database, found.call_id)
    assert offered is not None
    assert made is not None
    again = read_crd_request(loads(found.request), offered).call
    return replay(
        made,
        again,
        None,
        Assessor(shipped().library, RULES),
        Settings(),
        Pseudonymizer(KEY),
        lambda: 0.0,
        open_source=lambda _: OnlyKept(kept, EHR),
    )


@pytest.mark.parametrize("body", [
    SIGNING,
    call("order-sign", order(**REASON), prefetch={}),
    call("order-sign", order(), prefetch={"coverage": searchset(coverage()), "conditions": MORE_CONDITIONS}),
    DISPATCH,
])  # fmt: skip
def test_a_call_that_names_a_form_can_be_judged_again_from_what_was_kept(body: Any) -> None:
    service = CrdService(RULES, SACROILIITIS, coverage(), order(**REASON))
    response = service.post(body)
    assert "Questionnaire/CP.MP.126" in response.text
    found = context_of(service, response)
    assert found is not None
    assert (found.at, found.path) == (NOW, f"cds-services/crd-{body['hook']}")
    assert [each for each in judged_again(service, found, found.chart) if not each.is_same] == []


def test_the_time_is_that_of_reading_the_chart_and_not_of_storing_it() -> None:
    ticks = (NOW + timedelta(seconds=n) for n in range(1_000))
    service = CrdService(RULES, SACROILIITIS, clock=lambda: next(ticks))
    found = context_of(service, service.post(SIGNING))
    assert found is not None
    made = decision(service.database, found.call_id)
    assert made is not None
    (row,) = rows(service.database, "crd_exchanges")
    assert found.at == made.row["at"] < row["at"]


def test_without_what_was_kept_the_judgment_would_be_another() -> None:
    service = CrdService(RULES, SACROILIITIS)
    found = context_of(service, service.post(SIGNING))
    assert found is not None
    different = [each.what for each in judged_again(service, found, {}) if not each.is_same]
    assert "what was read of the chart" in different


def test_what_was_read_of_a_search_that_failed_counts_again() -> None:
    service = CrdService(RULES, SACROILIITIS)
    chart = Failing(service.charts)
    service = CrdService(RULES, open_fhir_server=lambda _access, _deadline: chart)
    found = context_of(service, service.post(SIGNING))
    assert found is not None
    assert [each for each in judged_again(service, found, found.chart) if not each.is_same] == []


def test_of_a_call_without_a_server_the_request_is_all_there_is() -> None:
    body = call(
        "order-sign", order(), prefetch={"coverage": searchset(coverage()), "conditions": searchset(SACROILIITIS)}
    )
    del body["fhirServer"]
    service = CrdService()
    found = context_of(service, service.post(body))
    assert found is not None
    assert found.chart == {}


@pytest.mark.parametrize(("body", "status"), [
    (call("order-sign", order(code=ANKLE_BRACE, system=HCPCS)), 200),
    (call("order-select", order()), 200),
    (call("order-sign", order(), extension=WHAT_IF), 200),
    (call("order-sign", order(), extension=configured(coverage_info=False)), 200),
    (call("order-sign"), 422),
])  # fmt: skip
def test_of_any_other_call_no_chart_is_kept(body: Any, status: int) -> None:
    service = CrdService(RULES, SACROILIITIS)
    response = service.post(body)
    assert response.status_code == status
    (row,) = rows(service.database, "crd_exchanges")
    assert row["sealed"] is not None
    assert row["sealed_chart"] is None


def test_an_order_that_carries_what_it_was_told_leads_to_the_newest_chart() -> None:
    clock = SetClock(NOW)
    service = CrdService(RULES, SACROILIITIS, clock=clock)
    first = service.post(SIGNING)
    clock.now += timedelta(minutes=1)
    (action,) = loads(first.data)["systemActions"]
    second = service.post(call("order-sign", action["resource"]))
    assert "systemActions" not in loads(second.data)
    found = service.records.newest("ServiceRequest/o-1", "Coverage/cov-1", "")
    assert found is not None
    assert found.call_id == found.chart_call_id == second.headers["X-Request-Id"]
