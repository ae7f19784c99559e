"""A caller in this process may see the review behind a response; whoever calls over HTTP may not."""

from typing import Any

import pytest

from cds_service.http.watching import WATCHER, Answered
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.settings import Settings
from cds_service.wiring.records import database_in_memory
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json, dumps, loads
from tests.support.record_fakes import RecordedService, overridden, sample_call, shipped


@pytest.fixture(name="recorded")
def _recorded() -> RecordedService:
    return RecordedService(database_in_memory(Settings()))


def watched(service: RecordedService, body: Json, path: str = "coverage-order-select") -> tuple[Any, Answered]:
    """The response to a call, and what its watcher saw, which is one thing."""
    seen: list[Answered] = []
    response = service.client.post(
        f"/cds-services/{path}",
        data=dumps(body),
        content_type="application/json",
        environ_overrides={WATCHER: seen.append},
    )
    assert response.status_code == 200
    (found,) = seen
    return loads(response.data), found


def test_a_watcher_sees_the_cards_of_the_response_and_the_review_behind_them(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    response, seen = watched(recorded, body)
    assert [each.card for each in seen.shown] == response["cards"]
    assert [each.order for each in seen.response.review.determinations] == ["ServiceRequest/sij-posterior-fusion"]
    assert seen.suppressed == ()


def test_a_watcher_sees_the_cards_that_the_user_overrode(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    (card,) = recorded.cards(body)
    recorded.send_feedback(overridden(card["uuid"]))
    response, seen = watched(recorded, body)
    assert response["cards"] == []
    assert [each.card["uuid"] for each in seen.suppressed] == [card["uuid"]]


def test_a_watcher_sees_what_has_no_card(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("epidural-steroid")
    _, seen = watched(recorded, body)
    assert [each.outcome.value for each in seen.response.not_shown] == ["not-applicable"]


def test_a_watcher_sees_the_review_behind_a_crd_response() -> None:
    service = RecordedService(database_in_memory(Settings()), assessor=Assessor(shipped().library, SAMPLE_PAYERS))
    body, service.chart = sample_call("cpap-mild-apnea")
    body["context"]["draftOrders"]["entry"][0]["fullUrl"] = f"{body['fhirServer']}/DeviceRequest/cpap-mild-apnea-cpap"
    response, seen = watched(service, body, "crd-order-select")
    assert response["systemActions"]
    assert seen.response.review.determinations


@pytest.mark.parametrize("name", [WATCHER, f"HTTP-{WATCHER}", "Cds-Service.Watcher"])
def test_no_header_makes_a_watcher(recorded: RecordedService, name: str) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    response = recorded.client.post("/cds-services/coverage-order-select", json=body, headers={name: "x"})
    assert response.status_code == 200
