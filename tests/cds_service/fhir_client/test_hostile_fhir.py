"""Whatever a FHIR server does, the answer is on time and says what is missing, and the token goes nowhere else."""

import threading
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from cds_service.hooks.hooks import SERVICES
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import PATIENT, FakeEhr, Service, authorization, call
from tests.support.hostile_fhir import FAULTS, serving

BUDGET = 0.5
ENOUGH = BUDGET + 1.5
"""By when an answer must be there: the budget, the grace, the judging, and a machine that is busy with other tests."""

TOKEN = "a-token-that-nobody-else-gets"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
HONEST = {"documentation-needed", "not-evaluated", "case-review"}
READS_ITSELF = {"another token's patient", "junk entries", "another resource"}
"""What is an answer in the form of one, with nothing in it that is of use."""


@cache
def assessor() -> Assessor:
    """Return an assessor with the policies of this package."""
    return Assessor(load_library(), PlanRules())


@pytest.fixture
def service() -> Service:
    return Service(assessor(), call_timeout_seconds=BUDGET, query_timeout_seconds=BUDGET, max_pages=5)


def asked(service: Service, service_id: str, hook: str, base: str, prefetch: dict[str, Any]) -> Any:
    """Return the answer to a call of one order, which must be on time."""
    request = call(hook=hook, fhirServer=base, fhirAuthorization=authorization(access_token=TOKEN), prefetch=prefetch)
    if hook == "order-select":
        request["context"]["selections"] = ["ServiceRequest/sr-1"]
    started = time.monotonic()
    response = service.post(request, service_id)
    taken = time.monotonic() - started
    assert taken < ENOUGH, f"{taken:.2f} s"
    return response


@pytest.mark.requirement("7.49", "7.130", "7.54", "7.55", "7.43")
@pytest.mark.parametrize(("service_id", "hook"), [(one.id, one.hook) for one in SERVICES])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_answer_is_on_time_and_says_what_is_missing_and_the_token_goes_nowhere_else(
    service: Service, fault: str, service_id: str, hook: str
) -> None:
    other = FakeEhr()
    with on_loopback(other.app) as elsewhere, serving(FAULTS[fault]) as server:
        server.elsewhere = f"{elsewhere}/fhir"
        response = asked(service, service_id, hook, server.base, {"patient": {"resourceType": "Patient", "id": "p-1"}})
        assert other.asked == []
        assert server.tokens <= {f"Bearer {TOKEN}"}
        assert server.paths
    assert response.status_code == 200
    assert TOKEN not in response.text + service.written.getvalue()
    cards = response.json["cards"]
    assert cards or hook == "order-select"  # what was not evaluated gets a card at signing only
    for card in cards:
        held = card["extension"]["cds-service.determination"]
        for determination in held if isinstance(held, list) else [held]:
            assert determination["outcome"] in HONEST
            assert not {one["id"] for one in determination["criteria"] if one["status"] == "not-met"}
            notes = " ".join(determination["notes"])
            if fault == "another token's patient":
                assert "Excluded as another patient's" in notes
            else:
                assert "Not read completely" in notes
                assert "none-recorded" not in {one.get("reason") for one in determination["criteria"]}
    assert {line["status"] for line in service.lines() if line["event"] == "hook call"} == {200}


@pytest.mark.requirement("7.48", "7.130")
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {*READS_ITSELF, "pages without end"}])
def test_the_answer_is_412_if_nothing_could_be_read(service: Service, fault: str) -> None:
    with serving(FAULTS[fault]) as server:
        server.elsewhere = "http://127.0.0.1:1/fhir"
        response = asked(service, "coverage-order-sign", "order-sign", server.base, {})
    assert response.status_code == 412
    assert response.json["resourceType"] == "OperationOutcome"
    assert TOKEN not in response.text


@pytest.mark.requirement("7.130")
@pytest.mark.parametrize("fault", ["hangs", "drips headers", "drips a body", "drips the length of a chunk"])
def test_no_thread_outlives_the_query_timeout(service: Service, fault: str) -> None:
    with serving(FAULTS[fault]) as server:
        asked(service, "coverage-order-sign", "order-sign", server.base, {"patient": PATIENT})
        end = time.monotonic() + 3 * BUDGET
        while time.monotonic() < end and any(one.name.startswith("fhir") for one in threading.enumerate()):
            time.sleep(0.02)
        assert not [one.name for one in threading.enumerate() if one.name.startswith("fhir")]
