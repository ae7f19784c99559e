"""A chart is read in one wave: all queries of a call are sent before the first is answered, and none is sent twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import request

from cds_service.fhir_client.memory import Store
from cds_service.hooks.request import read_request
from cds_service.hooks.review import Review
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import Resource
from tests.support.hook_fakes import LOOPBACK
from tests.support.reviews import review_call
from tests.support.signings import coded

CALLS = [(sample, order) for sample in SAMPLES for order in sample.orders]
FUSION = CALLS[0]
ASSESSOR = Assessor(load_library(), PlanRules())
NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
SETTINGS = Settings(**LOOPBACK, call_timeout_seconds=60, query_timeout_seconds=60)
TOO_LATE = 10
"""After so many seconds, a request that waits for others is answered without them, and the test fails."""
PUMP = {"resourceType": "Device", "id": "pump", "type": coded((HCPCS, "E0783"))}
DRUG = {"resourceType": "Medication", "id": "drug", "code": {"text": "Ibuprofen 400 mg tablet"}}


class WatchedEhr:
    """The sample EHR, which notes what it is asked. `hold` lets it answer nothing before so many requests came in."""

    def __init__(self, *more: Resource) -> None:
        self.asked: list[str] = []
        self.base = ""
        self.is_late = False
        self._together: threading.Barrier | None = None
        store = Store([*sample_store(None).all_entries(), *(("", each) for each in more)])
        self.app = create_sample_ehr(store)
        self.app.before_request(self._arrived)

    @contextmanager
    def running(self) -> Iterator["WatchedEhr"]:
        with on_loopback(self.app) as address:
            self.base = f"{address}/fhir"
            yield self

    def hold(self, requests: int) -> None:
        self.asked.clear()
        self._together = threading.Barrier(requests)

    def _arrived(self) -> None:
        self.asked.append(request.full_path.removeprefix("/fhir/").removesuffix("?"))
        if self._together is not None:
            try:
                self._together.wait(TOO_LATE)
            except threading.BrokenBarrierError:
                self.is_late = True

    def searches(self) -> list[str]:
        return [each for each in self.asked if "?" in each]

    def reads(self) -> set[str]:
        """What was read by its id, without the patient."""
        return {each for each in self.asked if "?" not in each and not each.startswith("Patient/")}


def call(ehr: WatchedEhr, sample: Sample, order: SampleOrder, *beside: Resource, **members: Any) -> dict[str, Any]:
    """The call of a sample order, with other orders beside it."""
    body = dict(hook_call(sample, order, fhir_server=ehr.base, token="t", today=STORY_DATE, new_id=lambda: "1"))
    body["hookInstance"] = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    body["context"]["draftOrders"]["entry"] += [{"resource": each} for each in beside]
    return body | members


def reviewed(body: dict[str, Any]) -> Review:
    return review_call(read_request(body), ASSESSOR, SETTINGS, clock=lambda: NOW)


def in_one_wave(ehr: WatchedEhr, body: dict[str, Any]) -> Review:
    """Review a call twice: to count its queries, then with an EHR that waits for all of them before it answers any."""
    reviewed(body)
    count = len(ehr.asked)
    if count:
        ehr.hold(count)
    found = reviewed(body)
    assert not ehr.is_late
    assert len(ehr.asked) == len(set(ehr.asked)) == count
    return found


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
def test_every_query_of_a_sample_order_is_sent_before_one_is_answered(sample: Sample, order: SampleOrder) -> None:
    with WatchedEhr().running() as ehr:
        in_one_wave(ehr, call(ehr, sample, order))
    assert len(ehr.searches()) < 20


def test_other_calls_compute_while_the_queries_of_a_call_run() -> None:
    waits: list[list[str]] = []
    with WatchedEhr().running() as ehr:

        @contextmanager
        def waiting() -> Iterator[None]:
            waits.append(list(ehr.asked))
            yield
            waits.append(list(ehr.asked))

        review_call(read_request(call(ehr, *FUSION)), ASSESSOR, SETTINGS, clock=lambda: NOW, waiting=waiting)
        assert [len(each) for each in waits[1:]] == [len(ehr.asked)]


def test_orders_of_all_policies_need_no_more_than_twenty_queries() -> None:
    device = draft("DeviceRequest", "codeCodeableConcept", PUMP["type"])
    with WatchedEhr().running() as ehr:
        in_one_wave(ehr, call(ehr, *FUSION, device))
    assert len(ehr.asked) == 20


def test_a_reason_that_no_search_finds_is_read_beside_the_searches() -> None:
    reason: dict[str, Any] = {"resourceType": "Condition", "id": "unlisted"}
    with WatchedEhr(reason).running() as ehr:
        reason["subject"] = to(f"{ehr.base}/Patient/{FUSION[0].id}")  # a form by which the search does not find it
        body = call(ehr, *FUSION)
        body["context"]["draftOrders"]["entry"][0]["resource"] |= {"reasonReference": [to("Condition/unlisted")]}
        found = in_one_wave(ehr, body)
    assert ehr.reads() == {"Condition/unlisted"}
    assert found.record.resolve(to("Condition/unlisted")) is not None


def test_a_reason_that_a_search_finds_too_is_in_the_chart_once() -> None:
    own_id = "sij-all-documented-pain"
    reason = {"resourceType": "Condition", "id": own_id, "subject": to(f"Patient/{FUSION[0].id}")}
    with WatchedEhr(reason).running() as ehr:
        body = call(ehr, *FUSION)
        body["context"]["draftOrders"]["entry"][0]["resource"] |= {"reasonReference": [to(f"Condition/{own_id}")]}
        found = in_one_wave(ehr, body)
    assert [each["id"] for each in found.record.of_type("Condition")].count(own_id) == 1


def test_what_prefetched_resources_reference_is_read_beside_the_searches() -> None:
    with WatchedEhr(DRUG).running() as ehr:
        prescription = {"resourceType": "MedicationRequest", "id": "p", "medicationReference": to("Medication/drug")}
        sent = {"resourceType": "Bundle", "entry": [{"resource": prescription}]}
        in_one_wave(ehr, call(ehr, *FUSION, prefetch={"medicationRequests": sent}))
    assert ehr.reads() == {"Medication/drug"}


def test_an_ordered_item_is_read_beside_the_searches_that_another_order_needs() -> None:
    with WatchedEhr(DRUG).running() as ehr:
        found = in_one_wave(ehr, call(ehr, *FUSION, draft("MedicationRequest", "medicationReference", DRUG)))
    assert ehr.reads() == {"Medication/drug"}
    assert [each["id"] for _, each in found.orders.referenced] == ["drug"]


def test_an_ordered_item_that_selects_another_policy_costs_only_the_searches_that_this_adds() -> None:
    with WatchedEhr(PUMP).running() as ehr:
        found = reviewed(call(ehr, *FUSION, draft("DeviceRequest", "codeReference", PUMP)))
        asked = ehr.asked.copy()
        ehr.asked.clear()
        coded_order = draft("DeviceRequest", "codeCodeableConcept", PUMP["type"])
        alike = reviewed(call(ehr, *FUSION, coded_order))
    assert {each.policy for each in found.determinations} == {each.policy for each in alike.determinations}
    assert {report.search for report in found.searches} == {report.search for report in alike.searches}
    assert len(asked) == len(set(asked))
    assert {each.split("?")[0] for each in asked} == {each.split("?")[0] for each in ehr.asked} | {"Device/pump"}


def test_an_ordered_item_that_alone_can_select_a_policy_is_read_before_the_chart_and_not_again() -> None:
    sample, order = FUSION
    subject = to(f"Patient/{sample.id}")
    history = {
        "resourceType": "MedicationRequest",
        "id": "history",
        "intent": "order",
        "status": "completed",
        "subject": subject,
        "medicationReference": to("Medication/pain-drug"),
    }
    drug = {"resourceType": "Medication", "id": "pain-drug", "code": coded((HCPCS, "J2274"))}
    with WatchedEhr(history, drug).running() as ehr:
        body = call(ehr, sample, order)
        given = draft("MedicationRequest", "medicationReference", drug)
        body["context"]["draftOrders"]["entry"] = [
            {"resource": given | {"reasonCode": [{"text": "Intrathecal morphine trial"}]}}
        ]
        found = reviewed(body)
    assert found.determinations
    assert ehr.asked[0] == "Medication/pain-drug"
    assert len(ehr.asked) == len(set(ehr.asked))


def draft(kind: str, element: str, item: Resource) -> Resource:
    """A draft order for an item, by reference unless this is its code."""
    named = to(f"{item['resourceType']}/{item['id']}") if element.endswith("Reference") else item
    order = {"resourceType": kind, "id": "beside", "status": "draft", "intent": "order", element: named}
    return order | {"subject": to(f"Patient/{FUSION[0].id}")}


def to(reference: str) -> dict[str, str]:
    """A Reference."""
    return {"reference": reference}
