"""Keys kept: rotation, outage, storms, slow servers; with a key server on the loopback interface and a moved clock."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Response, request

from cds_service.clients.key_cache import KeyCache, RefreshPolicy
from cds_service.clients.key_sources import keys_of
from cds_service.clients.keys import KeysError, KeySet, read_jwk_set
from cds_service.clients.registry import Client
from cds_service.wiring.serving import on_loopback
from tests.support.client_fakes import Clock, KeyServer, jwk

POLICY = RefreshPolicy(
    refresh_after=300, max_stale=3600, min_interval=10, min_interval_if_known=60, wait=30, attempt_timeout=30
)


class Kept:
    """A cache over a real key server, what it reported, and a clock to move."""

    def __init__(self, server: KeyServer, policy: RefreshPolicy = POLICY) -> None:
        self.server = server
        self.clock = Clock()
        self.reported: list[str] = []
        client = Client("ehr", "https://ehr.example.org", server.url)
        self.cache = KeyCache(
            lambda: keys_of(client, timeout=30),
            monotonic=self.clock.monotonic,
            report=self.reported.append,
            policy=policy,
        )

    def has(self, kid: str = "k1") -> bool:
        return bool(self.cache.candidate_keys(kid, "ES384"))

    def later(self, seconds: float) -> "Kept":
        self.clock.seconds += seconds
        return self


@pytest.fixture
def server() -> Iterator[KeyServer]:
    fake = KeyServer(jwk())
    with on_loopback(fake.app) as address:
        fake.url = f"{address}/jwks.json"
        yield fake
        fake.stopped.set()


def test_keys_are_fetched_once_and_kept(server: KeyServer) -> None:
    kept = Kept(server)
    assert all(kept.later(10).has() for _ in range(29))
    assert server.asked == 1
    assert kept.cache.status.is_usable


def test_nothing_is_fetched_before_it_is_needed(server: KeyServer) -> None:
    assert not Kept(server).cache.status.is_usable
    assert server.asked == 0


def test_keys_can_be_fetched_ahead(server: KeyServer) -> None:
    kept = Kept(server)
    kept.cache.warm_up()
    for _ in range(500):
        if kept.cache.status.is_usable:
            break
        time.sleep(0.01)
    assert kept.has()
    assert server.asked == 1


@pytest.mark.requirement("7.126")
def test_a_new_key_is_picked_up_at_its_first_use(server: KeyServer) -> None:
    kept = Kept(server)
    assert kept.has()
    server.keys = [jwk("k2", name="second"), jwk()]
    assert kept.later(10).has("k2")
    assert kept.has("k1")
    assert server.asked == 2


@pytest.mark.requirement("7.126")
def test_a_key_replaced_under_its_old_id_is_picked_up_with_the_next_reading(server: KeyServer) -> None:
    kept = Kept(server)
    (before,) = kept.cache.candidate_keys("k1", "ES384")
    server.keys = [jwk(name="second")]
    (after,) = kept.later(300).cache.candidate_keys("k1", "ES384")
    assert before.key != after.key


@pytest.mark.requirement("7.126")
def test_a_key_that_was_taken_back_is_refused_with_the_next_reading(server: KeyServer) -> None:
    kept = Kept(server)
    assert kept.has()
    server.keys = []
    assert kept.later(299).has()
    assert not kept.later(1).has()


@pytest.mark.requirement("7.126")
def test_unknown_key_ids_cause_no_storm(server: KeyServer) -> None:
    kept = Kept(server)
    assert kept.has()
    assert not any(kept.later(0.1).has(f"unknown-{i}") for i in range(1000))
    assert server.asked <= 1 + 100 / 10
    assert kept.has()


@pytest.mark.requirement("7.126")
def test_many_tokens_at_once_cause_one_request(server: KeyServer) -> None:
    def slow() -> Response:
        time.sleep(0.2)
        return good(server)

    server.instead = slow
    kept = Kept(server)
    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(lambda _: kept.has(), range(32)))
        assert not any(pool.map(lambda i: kept.has(f"unknown-{i}"), range(32)))
    assert server.asked == 1


def good(server: KeyServer) -> Response:
    return Response(json.dumps({"keys": server.keys}), mimetype="application/json")


@pytest.mark.requirement("7.126")
def test_the_last_good_keys_survive_an_outage_for_a_bounded_time(server: KeyServer) -> None:
    kept = Kept(server)
    assert kept.has()
    server.fails()
    assert all(kept.later(10).has() for _ in range(359))
    assert server.asked <= 2 + 3600 / 60
    assert set(kept.reported) == {"the key server answered 503"}
    assert not kept.later(10).has()
    assert not kept.cache.status.is_usable
    server.instead = None
    assert not kept.has()
    assert kept.later(10).has()


@pytest.mark.requirement("7.126")
def test_an_outage_from_the_start_causes_no_storm_and_ends(server: KeyServer) -> None:
    server.fails()
    kept = Kept(server)
    assert not any(kept.later(0.1).has() for _ in range(500))
    assert server.asked <= 6
    server.instead = None
    assert kept.later(10).has()


@pytest.mark.requirement("7.126")
def test_a_server_that_is_gone_leaves_the_keys_in_place() -> None:
    fake = KeyServer(jwk())
    with on_loopback(fake.app) as address:
        fake.url = f"{address}/jwks.json"
        kept = Kept(fake)
        assert kept.has()
    assert kept.later(301).has()
    assert kept.reported == ["the key server could not be reached (ConnectionError)"]


def test_a_token_whose_key_is_known_does_not_wait_for_a_slow_server(server: KeyServer) -> None:
    kept = Kept(server)
    assert kept.has()
    server.instead = lambda: server.stopped.wait(20) and Response(status=503)
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(kept.later(10).has, "k2")
        while server.asked < 2:
            time.sleep(0.01)
        began = time.monotonic()
        assert all(kept.has() for _ in range(100))
        assert time.monotonic() - began < 4
        server.stopped.set()
        assert not unknown.result()


class Hanging:
    """Keys that come when they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.asked = 0

    def __call__(self) -> KeySet:
        self.asked += 1
        self.begun.release()
        assert self.let_go.wait(10)
        return read_jwk_set(json.dumps({"keys": [jwk(f"k{self.asked}")]}).encode())


def test_an_attempt_is_waited_for_so_long_and_what_it_brings_late_counts() -> None:
    hanging, clock = Hanging(), Clock()
    cache = KeyCache(hanging, monotonic=clock.monotonic, report=print, policy=RefreshPolicy(wait=0.05))
    began = time.monotonic()
    assert not cache.candidate_keys("k1", "ES384")
    assert time.monotonic() - began < 5
    hanging.let_go.set()
    for _ in range(500):
        if cache.status.is_usable:
            break
        time.sleep(0.01)
    assert cache.candidate_keys("k1", "ES384")
    assert hanging.asked == 1


def test_an_attempt_that_never_ends_is_abandoned_and_so_are_its_late_keys() -> None:
    first, clock = Hanging(), Clock()
    second = lambda: read_jwk_set(json.dumps({"keys": [jwk("new")]}).encode())  # noqa: E731
    reads: list[Any] = [first, second]
    cache = KeyCache(lambda: reads.pop(0)(), monotonic=clock.monotonic, report=print, policy=RefreshPolicy(wait=0.05))
    assert not cache.candidate_keys("new", "ES384")
    clock.seconds += 29
    assert not cache.candidate_keys("new", "ES384")
    assert len(reads) == 1
    clock.seconds += 1
    assert cache.candidate_keys("new", "ES384") or cache.candidate_keys("new", "ES384")
    first.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "keys of a client":
            thread.join(5)
    assert cache.candidate_keys("new", "ES384")
    assert not cache.candidate_keys("k1", "ES384")


def test_a_failure_that_nobody_foresaw_is_reported_by_its_kind_alone() -> None:
    reported: list[str] = []

    def broken() -> KeySet:
        raise RuntimeError("secret")

    cache = KeyCache(broken, monotonic=Clock().monotonic, report=reported.append, policy=POLICY)
    assert not cache.candidate_keys("k1", "ES384")
    assert reported == ["reading them failed (RuntimeError)"]


def drip(server: KeyServer) -> Response:
    def bytes_one_by_one() -> Iterator[bytes]:
        while not server.stopped.wait(0.1):
            yield b" "

    return Response(bytes_one_by_one(), mimetype="application/json")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: Response(status=404), "the key server answered 404"),
        (lambda: Response(status=302, headers={"Location": "/jwks.json"}), "the key server answered 302"),
        (lambda: Response(status=301, headers={"Location": "http://169.254.169.254/"}), "the key server answered 301"),
        (lambda: Response("<html>"), "this is not JSON"),
        (lambda: Response("[]"), "this is not a JWK set: an object with a list named keys"),
        (lambda: Response('{"keys": {}}'), "this is not a JWK set: an object with a list named keys"),
        (lambda: Response("[" * 100_000), "this is not JSON"),
        (lambda: Response(b"\xff\xfe{}"), "this is not JSON"),
        (lambda: Response(json.dumps({"keys": [{}] * 101})), "this JWK set has more than 100 keys"),
        (lambda: Response(" " * 300_000), "the key server sent more than 262144 bytes"),
        (lambda: Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "this is not JSON"),
        (lambda: Response(b"junk", headers={"Content-Encoding": "gzip"}), "the key server could not be reached"),
    ],
)
def test_what_is_no_key_set_is_told_and_leaves_the_keys_in_place(server: KeyServer, answer: Any, reason: str) -> None:
    kept = Kept(server)
    assert kept.has()
    server.instead = answer
    assert kept.later(300).has()
    (told,) = kept.reported
    assert told.startswith(reason)
    assert server.asked == 2


def test_a_dripping_server_is_left_after_its_time(server: KeyServer) -> None:
    server.instead = lambda: drip(server)
    began = time.monotonic()
    with pytest.raises(KeysError, match="did not send everything within 2 seconds"):
        keys_of(Client("ehr", "https://ehr.example.org", server.url))
    assert 1.5 < time.monotonic() - began < 10


def test_a_silent_server_is_left_after_its_time(server: KeyServer) -> None:
    server.instead = lambda: server.stopped.wait(20) and Response()
    with pytest.raises(KeysError, match="did not answer within 2 seconds"):
        keys_of(Client("ehr", "https://ehr.example.org", server.url))
    server.stopped.set()


def test_nothing_of_the_environment_is_used(server: KeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    headers: list[Any] = []

    def note_headers() -> Response:
        headers.append(dict(request.headers))
        return good(server)

    server.instead = note_headers
    assert keys_of(Client("ehr", "https://ehr.example.org", server.url), timeout=30).keys
    assert "Authorization" not in headers[0]


def test_a_key_file_is_read_again(tmp_path: Any) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk()]}))
    clock = Clock()
    client = Client("ehr", "https://ehr.example.org", keys_file=path)
    reported: list[str] = []
    cache = KeyCache(lambda: keys_of(client), monotonic=clock.monotonic, report=reported.append, policy=POLICY)
    assert cache.candidate_keys("k1", "ES384")
    path.write_text(json.dumps({"keys": [jwk("k2")]}))
    clock.seconds += 10
    assert cache.candidate_keys("k2", "ES384")
    assert not cache.candidate_keys("k1", "ES384")
    path.unlink()
    clock.seconds += 300
    assert cache.candidate_keys("k2", "ES384")
    assert reported == ["the file cannot be read: No such file or directory"]


def test_a_key_file_of_absurd_size_is_not_read(tmp_path: Any) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b" " * 300_000)
    with pytest.raises(KeysError, match="larger than"):
        keys_of(Client("ehr", "https://ehr.example.org", keys_file=path))
