"""Readiness and client keys: one key server that is down is reported; only if all are down is the service not ready."""

import threading
import time
from collections.abc import Callable

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.key_cache import KeyCache, RefreshPolicy
from cds_service.clients.keys import KeysError, KeySet, read_jwk_set
from cds_service.clients.registry import Client
from cds_service.http.readiness import KeysReady, Readiness
from fhir_mappings.fhir_json import dumps
from tests.support.client_fakes import ISSUER, Clock, InMemoryReplayGuard, jwk

POLICY = RefreshPolicy(refresh_after=300, max_stale=3600, min_interval=10, min_interval_if_known=60)


class Pseudonymizer:
    """A service of two clients, whose key servers are switched on and off, and a clock to move."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.is_up = {"north": True, "south": True}
        self.attempts = 0
        self._lock = threading.Lock()
        clients = [(Client(name, f"{ISSUER}/{name}"), self._cache(name)) for name in self.is_up]
        replay_guard = InMemoryReplayGuard(self.clock)
        self.check = KeysReady(
            Authenticator(clients, replay_guard, self.clock, skew_seconds=30, max_lifetime_seconds=600)
        )

    def _cache(self, name: str) -> KeyCache:
        return KeyCache(
            lambda: self._read(name), monotonic=self.clock.monotonic, report=lambda _reason: None, policy=POLICY
        )

    def _read(self, name: str) -> KeySet:
        with self._lock:
            self.attempts += 1
        if not self.is_up[name]:
            raise KeysError("down")
        return read_jwk_set(dumps({"keys": [jwk()]}).encode())

    def until(self, holds: Callable[[Readiness], bool]) -> Readiness:
        """What the check says once something holds; keys are read in threads of their own."""
        for _ in range(1000):
            found = self.check()
            if holds(found):
                return found
            time.sleep(0.01)
        raise AssertionError(found)


def test_keys_that_were_read_are_ready_and_their_age_is_told() -> None:
    keyed = Pseudonymizer()
    keyed.until(lambda found: found.says["without_keys"] == 0)
    keyed.clock.seconds += 100
    assert keyed.check() == Readiness(
        True, {"clients": 2, "without_keys": 0, "stale": 0, "oldest_read_seconds_ago": 100}
    )
    assert keyed.attempts == 2


def test_one_key_server_that_is_down_does_not_stop_the_other_client() -> None:
    keyed = Pseudonymizer()
    keyed.is_up["south"] = False
    found = keyed.until(lambda found: found.is_ready)
    assert found.says["without_keys"] == 1


def test_without_any_keys_it_is_not_ready_and_asking_tries_again_at_a_bounded_pace() -> None:
    keyed = Pseudonymizer()
    keyed.is_up = dict.fromkeys(keyed.is_up, False)
    for _ in range(20):
        assert not keyed.check().is_ready
        time.sleep(0.01)
    assert keyed.attempts == 2
    keyed.is_up = dict.fromkeys(keyed.is_up, True)
    keyed.clock.seconds += 11
    keyed.until(lambda found: found.says["without_keys"] == 0)
    assert keyed.attempts == 4


def test_keys_that_could_not_be_read_again_are_stale_and_still_ready() -> None:
    keyed = Pseudonymizer()
    keyed.until(lambda found: found.says["without_keys"] == 0)
    keyed.is_up["south"] = False
    keyed.clock.seconds += 400
    found = keyed.until(lambda found: keyed.attempts == 4 and found.says["stale"] == 1)
    assert found.is_ready
    assert found.says["oldest_read_seconds_ago"] == 400


def test_no_client_is_named() -> None:
    keyed = Pseudonymizer()
    found = keyed.until(lambda found: found.is_ready)
    assert not any(name in dumps(found.as_json()) for name in ("north", "south", "ehr.example.org"))
