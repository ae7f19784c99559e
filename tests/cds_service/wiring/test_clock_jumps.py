"""The wall clock jumps while the service runs: time limits and caches stay; tokens follow the wall clock."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from flask import Response

from cds_service.cli.main import main
from cds_service.wiring.serving import on_loopback
from fhir_mappings.fhir_json import loads
from tests.support.client_fakes import ISSUER, KeyServer, bearer, claims, jwk, token
from tests.support.fake_clock import LIBRARIES, NEEDED, FakeClock
from tests.support.hook_fakes import FakeEhr, authorization, call
from tests.support.served_process import ServedProcess

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(
        not LIBRARIES and not NEEDED, reason="faketime is not installed (Debian: apt-get install faketime)"
    ),
]

PUBLIC = "https://cds.example.org"
SIGN = "/cds-services/coverage-order-sign"
DAY, HOUR = 86_400, 3600
CALL_SECONDS = 4
NEW_YORK_FALLS_BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)
NEW_YORK_SPRINGS_FORWARD = datetime(2027, 3, 14, 7, tzinfo=UTC)


class Jumping:
    """The service in one process, for one client, with a wall clock that the test moves."""

    def __init__(self, folder: Path, ehr: FakeEhr, keys: KeyServer) -> None:
        self.ehr = ehr
        self.keys = keys
        self.clock = FakeClock(folder)
        clients = folder / "clients.yaml"
        added = ["--issuer", ISSUER, "--jwks-url", keys.url, "--insecure-loopback", "--fhir-server", ehr.base]
        done = CliRunner().invoke(main, ["clients", "add", "ehr", *added, "--file", str(clients)])
        assert done.exit_code == 0, done.output
        self.served = ServedProcess(
            folder,
            CDS_ALLOW_UNAUTHENTICATED="no",
            CDS_CLIENTS=str(clients),
            CDS_PUBLIC_URL=PUBLIC,
            CDS_WORKERS="1",  # ready means that this process has the keys
            CDS_CALL_TIMEOUT_SECONDS=str(CALL_SECONDS),
            **self.clock.environment,
        )

    def token(self, ahead: float = 0, **others: object) -> str:
        """Return a new token of a client whose clock is so many seconds ahead."""
        return token(claims(datetime.now(UTC) + timedelta(seconds=ahead), aud=PUBLIC + SIGN, **others))

    def call(self, value: str) -> requests.Response:
        body = call(fhirServer=self.ehr.base, fhirAuthorization=authorization())
        return requests.post(self.served.address + SIGN, json=body, headers=bearer(value), timeout=60)

    def reasons(self) -> list[str]:
        """Return why tokens were refused, in order."""
        return [line["reason"] for line in self.served.lines("token refused")]


@pytest.fixture(name="jumping")
def _jumping(tmp_path: Path, ehr: FakeEhr) -> Iterator[Jumping]:
    keys = KeyServer(jwk())
    with on_loopback(keys.app) as address:
        keys.url = f"{address}/jwks.json"
        made = Jumping(tmp_path, ehr, keys)
        try:
            made.served.until_ready()
            yield made
        finally:
            made.clock.set(0)
            assert made.served.stop() == 0


def test_tokens_follow_the_wall_clock_and_the_key_cache_does_not(jumping: Jumping) -> None:
    used, unused = jumping.token(), jumping.token()
    asked = jumping.keys.asked
    assert jumping.call(used).status_code == 200
    for ahead, reason in ((DAY, "exp is past"), (-HOUR, "iat is in the future")):
        jumping.clock.set(ahead)
        assert jumping.call(jumping.token(ahead)).status_code == 200
        assert jumping.call(unused).status_code == 401
        assert jumping.reasons()[-1] == reason
    jumping.clock.set(0)
    assert jumping.call(used).status_code == 401
    assert jumping.reasons()[-1] == "jti was used before"
    assert jumping.call(unused).status_code == 200
    assert jumping.keys.asked == asked  # though a day is longer than keys are used


def test_a_used_token_stays_used_when_a_clock_that_was_ahead_is_set_back(jumping: Jumping) -> None:
    used = [jumping.token() for _ in range(4)]
    assert [jumping.call(each).status_code for each in used] == [200] * 4
    jumping.clock.set(HOUR)
    # This token is valid on both sides of the jump, and its call clears expired ones.
    assert jumping.call(jumping.token(exp=int(time.time()) + 2 * HOUR)).status_code == 200
    jumping.clock.set(0)
    assert [jumping.call(each).status_code for each in used] == [401] * 4
    assert set(jumping.reasons()) == {"jti was used before"}


def test_a_call_that_waits_for_its_fhir_server_ends_at_its_time_limit(jumping: Jumping) -> None:
    jumping.ehr.answers["Condition"] = lambda: jumping.ehr.stopped.wait(30) and Response()
    for ahead in (DAY, -HOUR):
        jumping.clock.set(0)
        asked = jumping.ehr.asked_for("Condition")
        begun = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(jumping.call, jumping.token())
            while jumping.ehr.asked_for("Condition") == asked:
                assert time.monotonic() - begun < 30
                time.sleep(0.02)
            jumped = time.monotonic()
            jumping.clock.set(ahead)
            response = waiting.result()
        assert response.status_code in (200, 412)
        assert CALL_SECONDS / 2 < time.monotonic() - jumped < 3 * CALL_SECONDS
    jumping.ehr.stopped.set()


def test_calls_at_every_jump_are_recorded_and_no_worker_is_ended(jumping: Jumping) -> None:
    changes = [
        (moment - datetime.now(UTC)).total_seconds() + seconds
        for moment in (NEW_YORK_FALLS_BACK, NEW_YORK_SPRINGS_FORWARD)
        for seconds in (-1800, -60, 60, 1800)
    ]
    answered = set()
    for ahead in (0, DAY, -HOUR, *changes, 0):
        jumping.clock.set(ahead)
        response = jumping.call(jumping.token(ahead))
        assert response.status_code == 200
        answered.add(response.headers["X-Request-Id"])
        assert requests.get(f"{jumping.served.address}/health/ready", timeout=60).status_code == 200
    time.sleep(2)  # gunicorn looks for workers that do not answer every second
    exported = [loads(line) for line in jumping.served.run("decisions", "export").splitlines()]
    assert {each["decision_id"] for each in exported} == answered
    moments = [datetime.fromisoformat(each["timestamp"]) for each in exported]
    assert moments == sorted(moments)
    assert max(moments) > NEW_YORK_SPRINGS_FORWARD
    assert "WORKER TIMEOUT" not in jumping.served.written
