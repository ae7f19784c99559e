"""`kill -9` under load: whatever was acknowledged is there afterwards, and nothing is there by halves."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from fhir_mappings.fhir_json import dumps
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import ROOT, accepted, overridden, rows, sample_call

pytestmark = [pytest.mark.process, pytest.mark.slow]

KILLS = 50 if os.environ.get("CDS_TEST_PROFILE") == "endure" else 5
CLIENTS = 6
ENOUGH = 25
"""The answers to wait for before each kill."""
PROGRAM = "from cds_service.cli.main import main; main()"
JSON = {"Content-Type": "application/json"}


def body() -> bytes:
    """A call that needs no FHIR server and is answered with a card."""
    call, chart = sample_call("sij-posterior")
    call = {name: value for name, value in call.items() if not name.startswith("fhir")}
    return dumps(call | {"prefetch": {"patient": chart["entry"][0]["resource"]}}).encode()


class Server:
    """`cds-service serve` in processes of its own, on one port for its whole life."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = folder / "serve.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CDS_")},
            "CDS_DATABASE_URL": url,
            "CDS_DATA_FOLDER": str(folder),
            "CDS_ALLOW_UNAUTHENTICATED": "yes",
            "CDS_SUPPRESS_OVERRIDDEN_DAYS": "0",
            "CDS_WORKERS": "2",
            "CDS_THREADS": "8",
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-c", PROGRAM, "serve", "--port", str(self.port)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            try:
                requests.get(f"{self.address}/health/live", timeout=5)
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"the service did not start: {self._log.read_text()}")

    def kill(self) -> None:
        """Kill every process of it, as a power cut would."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Load:
    """Clients that call and give feedback until the service is gone, and what was acknowledged to them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._sent = body()
        self.decisions: dict[str, int] = {}
        """How many cards came with each decision."""
        self.feedback: list[str] = []
        self.refused: list[int] = []
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Let the clients loose."""
        self._stopped.clear()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait for the clients to notice."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for(self, count: int) -> None:
        """Wait until so many decisions were answered."""
        until = time.monotonic() + 60
        while len(self.decisions) < count:
            assert time.monotonic() < until, "the service answers no more"
            time.sleep(0.01)

    def _run(self) -> None:
        with requests.Session() as session:
            while not self._stopped.is_set():
                try:
                    self._once(session)
                except requests.RequestException:
                    if self._stopped.wait(0.05):
                        return

    def _once(self, session: requests.Session) -> None:
        path = f"{self._address}/cds-services/coverage-order-select"
        response = session.post(path, data=self._sent, headers=JSON, timeout=10)
        if response.status_code != 200:
            self.refused.append(response.status_code)
            return
        cards: list[Any] = response.json()["cards"]
        self.decisions[response.headers["X-Request-Id"]] = len(cards)
        for n, card in enumerate(cards):
            entry = overridden(card["uuid"]) if n % 2 else accepted(card["uuid"])
            if session.post(f"{path}/feedback", json={"feedback": [entry]}, timeout=10).status_code == 200:
                self.feedback.append(card["uuid"])


def check(database: Database, load: Load) -> None:
    """Everything acknowledged is there; what is there, acknowledged or not, is there as a whole."""
    decisions = {row["decision"] for row in rows(database, "decisions")}
    assert set(load.decisions) <= decisions
    assert set(load.feedback) <= {row["card"] for row in rows(database, "feedback")}
    cards = [row["decision"] for row in rows(database, "cards")]
    assert all(cards.count(decision) == count for decision, count in load.decisions.items())
    # In one statement: PostgreSQL may still be at work for a service that is no more.
    halves = "card IS NULL OR decision NOT IN (SELECT decision FROM determinations)"
    with database.reading() as connection:
        found = connection.execute(text(f"SELECT * FROM decisions LEFT JOIN cards USING (decision) WHERE {halves}"))  # noqa: S608
        assert found.all() == []


@pytest.fixture(name="server")
def _server(url: str, database: Database, tmp_path: Path) -> Iterator[Server]:
    assert database is not None
    made = Server(url, tmp_path)
    yield made
    made.kill()


def test_what_was_acknowledged_is_there_after_kill_9(server: Server, database: Database) -> None:
    chance = random.Random(7)
    load = Load(server.address)
    for _ in range(KILLS):
        server.start()
        load.begin()
        load.wait_for(len(load.decisions) + ENOUGH)
        time.sleep(chance.random() / 5)
        server.kill()
        load.end()
        assert load.refused == []
        if KILLS < 10:
            check(database, load)
    check(database, load)
    assert len(load.feedback) > KILLS


def test_what_was_acknowledged_is_there_after_the_database_was_killed(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.emptied()
    database = Database(url, wait_seconds=5)
    upgrade(database)
    server, load = Server(url, tmp_path), Load("")
    server.start()
    try:
        load = Load(server.address)
        for _ in range(max(1, KILLS // 5)):
            load.begin()
            load.wait_for(len(load.decisions) + ENOUGH)
            cluster.stop("immediate")
            cluster.start()
            load.wait_for(len(load.decisions) + ENOUGH)
            load.end()
            check(database, load)
        assert set(load.refused) <= {503}
    finally:
        load.end()
        server.kill()
        database.close()
