"""A client rotates its keys while threads call the service over HTTP with tokens of the old and the new key.

The clock of the service stands still while calls run and is moved between them, so that every limit is met exactly.
"""

import io
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import requests

from cds_service.clients.key_cache import RefreshPolicy
from cds_service.clients.key_sources import keys_of
from cds_service.clients.keys import KeySet
from cds_service.clients.registry import Client
from cds_service.observability.logging import service_log
from cds_service.settings import Settings
from cds_service.wiring.clients import authenticator_of
from cds_service.wiring.serving import on_loopback
from tests.support.client_fakes import (
    DISCOVERY,
    ISSUER,
    PUBLIC,
    Clock,
    InMemoryReplayGuard,
    KeyServer,
    bearer,
    claims,
    jwk,
    token,
)
from tests.support.hook_fakes import Service, WatchingAssessor

THREADS = 8
POLICY = RefreshPolicy(refresh_after=300, min_interval=10, min_interval_if_known=60, wait=30)
MAX_STALE = 900
OLD, NEW, UNKNOWN = ("k1", "first"), ("k2", "second"), ("k3", "third")
OLD_KEY, NEW_KEY = (jwk(kid, name=name) for kid, name in (OLD, NEW))


class Rotation:
    """The service on the loopback interface, and the key server of its one client with the times of its requests."""

    def __init__(self, server: KeyServer, clock: Clock, pool: ThreadPoolExecutor) -> None:
        self.server = server
        self.clock = clock
        self.fetched_at: list[float] = []
        self.address = ""
        self._pool = pool
        self.app = Service(
            WatchingAssessor(),
            authenticator=authenticator_of(
                [Client("ehr", ISSUER, server.url)],
                Settings(stale_keys_seconds=MAX_STALE),
                replay_guard=InMemoryReplayGuard(clock),
                clock=clock,
                log=service_log(io.StringIO(), clock),
                monotonic=clock.monotonic,
                read=self._read,
                policy=POLICY,
            ),
            public_url=PUBLIC,
        ).app

    def _read(self, client: Client) -> KeySet:
        self.fetched_at.append(self.clock.seconds)
        return keys_of(client, timeout=30)

    def call(self, key: tuple[str, str]) -> int:
        """Return the status of one call with a new token of a key."""
        kid, name = key
        value = token(claims(self.clock(), aud=DISCOVERY, jti=str(uuid.uuid4())), kid=kid, name=name)
        return requests.get(f"{self.address}/cds-services", headers=bearer(value), timeout=60).status_code

    def statuses(self, *keys: tuple[str, str], each: int = THREADS) -> Counter[tuple[str, int]]:
        """Return how often each key got each status in calls at once, `each` per key."""
        order = list(keys) * each
        return Counter((key[0], status) for key, status in zip(order, self._pool.map(self.call, order), strict=True))

    def pass_seconds(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def gaps(self) -> list[float]:
        """Return the seconds between requests to the key server."""
        return [later - earlier for earlier, later in pairwise(self.fetched_at)]


@pytest.fixture(name="rotation")
def _rotation() -> Iterator[Rotation]:
    server = KeyServer(OLD_KEY)
    with ThreadPoolExecutor(THREADS) as pool, on_loopback(server.app) as keys:
        server.url = f"{keys}/jwks.json"
        made = Rotation(server, Clock(), pool)
        with on_loopback(made.app) as address:
            made.address = address
            yield made


def accepted(*keys: tuple[str, str]) -> dict[tuple[str, int], int]:
    return {(kid, 200): THREADS for kid, _ in keys}


def refused(*keys: tuple[str, str]) -> dict[tuple[str, int], int]:
    return {(kid, 401): THREADS for kid, _ in keys}


def test_no_valid_token_is_refused_while_keys_rotate(rotation: Rotation) -> None:
    assert rotation.statuses(OLD) == accepted(OLD)
    rotation.server.keys = [NEW_KEY, OLD_KEY]
    rotation.pass_seconds(9.5)
    assert rotation.statuses(OLD, NEW) == accepted(OLD) | refused(NEW)  # the last request is less than 10 seconds ago
    rotation.pass_seconds(0.5)
    for _ in range(10):
        assert rotation.statuses(OLD, NEW) == accepted(OLD, NEW)
        rotation.pass_seconds(25)
    assert rotation.fetched_at == [0, 10]


def test_a_key_that_is_published_while_calls_run_costs_no_token_of_the_old_key(rotation: Rotation) -> None:
    rotation.statuses(OLD)
    rotation.pass_seconds(10)
    publishes = threading.Timer(0.05, lambda: setattr(rotation.server, "keys", [NEW_KEY, OLD_KEY]))
    publishes.start()
    found = rotation.statuses(OLD, NEW, each=10 * THREADS)
    publishes.join()
    assert found["k1", 200] == 10 * THREADS
    rotation.pass_seconds(10)
    assert rotation.statuses(OLD, NEW) == accepted(OLD, NEW)
    assert min(rotation.gaps()) >= POLICY.min_interval


def test_no_token_of_a_removed_key_is_accepted_after_the_refresh(rotation: Rotation) -> None:
    rotation.server.keys = [NEW_KEY, OLD_KEY]
    assert rotation.statuses(OLD, NEW) == accepted(OLD, NEW)
    rotation.server.keys = [NEW_KEY]
    rotation.pass_seconds(299)
    assert rotation.statuses(OLD, NEW) == accepted(OLD, NEW)
    rotation.pass_seconds(1)
    assert rotation.call(NEW) == 200  # causes the request
    for _ in range(5):
        assert rotation.statuses(OLD, NEW) == refused(OLD) | accepted(NEW)
        rotation.pass_seconds(20)
    assert min(rotation.gaps()) >= POLICY.min_interval


def test_unknown_keys_under_load_cause_one_request_per_interval(rotation: Rotation) -> None:
    for _ in range(30):
        assert rotation.statuses(OLD, UNKNOWN) == accepted(OLD) | refused(UNKNOWN)
        rotation.pass_seconds(2.5)
    assert rotation.fetched_at == [0, 10, 20, 30, 40, 50, 60, 70]


def test_an_outage_during_a_rotation_keeps_the_old_keys_until_they_are_too_old(rotation: Rotation) -> None:
    assert rotation.statuses(OLD) == accepted(OLD)
    rotation.server.keys = [NEW_KEY]
    rotation.server.fails()
    while rotation.clock.seconds < MAX_STALE - 60:
        rotation.pass_seconds(60)
        assert rotation.statuses(OLD) == accepted(OLD)
    assert rotation.fetched_at == [0, *range(300, MAX_STALE, 60)]
    rotation.pass_seconds(59)
    assert rotation.statuses(OLD, NEW) == accepted(OLD) | refused(NEW)
    rotation.pass_seconds(1)
    assert rotation.statuses(OLD, NEW) == refused(OLD, NEW)
    rotation.server.instead = None
    rotation.pass_seconds(10)
    assert rotation.statuses(NEW) == accepted(NEW)
    assert rotation.statuses(OLD, NEW) == refused(OLD) | accepted(NEW)
    assert min(rotation.gaps()) >= POLICY.min_interval
