"""On SIGTERM the service answers its open calls, refuses new ones, and exits with 0."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Response

from cds_service.settings import Settings
from cds_service.wiring.serving import seconds_to_finish
from fhir_mappings.fhir_json import dumps, loads
from tests.support.hook_fakes import PATIENT_ID, FakeEhr, authorization, call
from tests.support.served_process import ServedProcess

SIGN = "/cds-services/coverage-order-sign"
CALLS = 6


def eventually(holds: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def takes_connections(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except ConnectionError:
        return False


@pytest.mark.process
@pytest.mark.slow
def test_calls_in_flight_are_answered_and_recorded_and_no_new_ones_are_taken(ehr: FakeEhr, tmp_path: Path) -> None:
    may_answer = threading.Event()

    def later() -> Response:
        assert may_answer.wait(30)
        return Response(dumps({"resourceType": "Patient", "id": PATIENT_ID}), mimetype="application/fhir+json")

    ehr.answers[f"Patient/{PATIENT_ID}"] = later
    served = ServedProcess(tmp_path, CDS_CALL_TIMEOUT_SECONDS="40", CDS_QUERY_TIMEOUT_SECONDS="40").until_ready()
    body = call(fhirServer=ehr.base, fhirAuthorization=authorization())
    try:
        with ThreadPoolExecutor(CALLS) as pool:
            running = [pool.submit(requests.post, served.address + SIGN, json=body, timeout=60) for _ in range(CALLS)]
            eventually(lambda: ehr.asked_for("Patient") == CALLS)
            served.process.terminate()
            eventually(lambda: not takes_connections(served.port))
            assert not any(each.done() for each in running)
            may_answer.set()
            answers = [each.result() for each in running]
    finally:
        code = served.stop()
    assert code == 0
    assert [answer.status_code for answer in answers] == [200] * CALLS
    assert all(answer.json()["cards"] for answer in answers)
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert {line["request_id"] for line in served.lines("hook call") if line["status"] == 200} == ids
    kept = [loads(line) for line in served.run("decisions", "export").splitlines()]
    assert {each["decision_id"] for each in kept} == ids


@pytest.mark.parametrize("budget", [0.5, 4.0, 60.0])
def test_it_waits_longer_than_a_call_can_take(budget: float) -> None:
    settings = Settings(call_timeout_seconds=budget, database_wait_seconds=10)
    assert seconds_to_finish(settings) > budget + 2 * settings.query_timeout_seconds + 10


def test_the_time_it_waits_is_documented() -> None:
    running = (Path(__file__).parents[3] / "docs" / "running.md").read_text(encoding="utf-8")
    assert f"{seconds_to_finish(Settings())} seconds by default" in running
