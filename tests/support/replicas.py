"""Replicas of the service behind nginx that share a PostgreSQL, and clients that call them without a pause."""

import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.patients import sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.server import SmartApp, SmartServer
from cds_service.wiring.serving import on_loopback
from tests.support.client_fakes import ISSUER, bearer, claims, pem, token
from tests.support.nginx_proxy import Nginx
from tests.support.record_fakes import accepted, sample_call
from tests.support.served_process import COMMAND, ServedProcess
from tests.support.smart_loop import EHR_TOKEN, LateApp

SELECT = "/cds-services/coverage-order-select"
SIGN = "/cds-services/coverage-order-sign"
CLIENTS = 4
_ENTRY = """\
clients:
- name: ehr
  issuer: {issuer}
  keys_file: keys.pem
  fhir_servers: ["{ehr}/fhir"]
  smart: {{client_id: coverage-questions}}
"""


class Fleet:
    """Replicas by name, the proxy in front of them, and the EHR that calls and launches.

    `address` is that of the proxy. All of it ends with the context of `fleet`.
    """

    def __init__(self, folder: Path, database_url: str, nginx: Nginx, ehr: str, smart: SmartServer) -> None:
        self.address = f"https://localhost:{nginx.port}"
        self.nginx = nginx
        self.ehr = ehr
        self.smart = smart
        self.replicas: dict[str, ServedProcess] = {}
        self._folder = folder
        (folder / "keys.pem").write_bytes(pem())
        (folder / "clients.yaml").write_text(_ENTRY.format(issuer=ISSUER, ehr=ehr), encoding="utf-8")
        self._settings = {
            "CDS_ALLOW_UNAUTHENTICATED": "",
            "CDS_CLIENTS": str(folder / "clients.yaml"),
            "CDS_DATABASE_URL": database_url,
            "CDS_DATABASE_WAIT_SECONDS": "20",  # the machine of the tests may be busy
            "CDS_PSEUDONYM_KEY": "the same key for every replica of it",
            "CDS_PUBLIC_URL": self.address,
            "CDS_SUPPRESS_OVERRIDDEN_DAYS": "0",
            "CDS_WORKERS": "1",
        }

    def start(self, *names: str, program: str = COMMAND) -> None:
        """Start replicas at once, of this version unless `program` is another one, and wait until all are ready."""
        for name in names:
            folder = self._folder / name
            folder.mkdir()
            self.replicas[name] = ServedProcess(folder, program=program, **self._settings)
        for name in names:
            self.replicas[name].until_ready()

    def share_among(self, *names: str) -> None:
        """Let the proxy share calls among these replicas."""
        self.nginx.share_among(*(self.replicas[name].port for name in names))

    def answered_by(self, name: str) -> set[str]:
        """The X-Request-Ids of the hook calls in the log of a replica that were answered 200."""
        lines = [json.loads(line) for line in self.replicas[name].written.splitlines() if line.startswith("{")]
        return {line["request_id"] for line in lines if line["event"] == "hook call" and line["status"] == 200}

    def token(self, path: str = SELECT) -> str:
        """A new token for one call."""
        return token(claims(datetime.now(UTC), aud=f"{self.address}{path}"))

    def post(self, path: str, sent: Any, value: str) -> requests.Response:
        """The answer of the proxy, over a connection of its own."""
        headers = {**bearer(value), "Connection": "close"}
        return requests.post(self.address + path, json=sent, headers=headers, timeout=60)

    def stop(self) -> None:
        """Kill what still runs."""
        for each in self.replicas.values():
            if each.process.poll() is None:
                each.kill()


@contextmanager
def fleet(folder: Path, database_url: str) -> Iterator[Fleet]:
    """Yield a fleet without replicas. REQUESTS_CA_BUNDLE must be `folder/certificate.pem`."""
    with ExitStack() as stack:
        late = LateApp()
        ehr = stack.enter_context(on_loopback(late))
        nginx = stack.enter_context(Nginx(folder, 1))
        app = SmartApp("coverage-questions", (f"https://localhost:{nginx.port}/smart/callback",))
        smart = SmartServer([app], lambda: datetime.now(UTC), approves_at_once=True)
        store = Store(sample_store(datetime.now(UTC).date()).all_entries())
        late.app = create_sample_ehr(store, token=EHR_TOKEN, smart=smart)
        made = Fleet(folder, database_url, nginx, ehr, smart)
        stack.callback(made.stop)
        yield made


class Load:
    """Clients that call and give feedback until they are ended, and what was acknowledged to them.

    Every token is sent twice. `accepted` counts for each how often it was answered 200, and `statuses` has all others.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        call, chart = sample_call("sij-posterior")
        self._sent = {name: value for name, value in call.items() if not name.startswith("fhir")}
        self._sent["prefetch"] = {"patient": chart["entry"][0]["resource"]}
        self._numbers = itertools.count()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        self.decisions: dict[str, int] = {}
        """How many cards came with each decision."""
        self.feedback: list[str] = []
        """When the outcome of each card was, which differs from feedback to feedback."""
        self.accepted: list[int] = []
        self.statuses: list[int] = []
        self.broken = 0
        """How many connections broke."""

    def __enter__(self) -> "Load":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join(60)

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more decisions were answered."""
        enough, until = len(self.decisions) + count, time.monotonic() + 120
        while len(self.decisions) < enough:
            assert time.monotonic() < until, f"no more answers but {sorted(set(self.statuses))}"
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._once()
            except requests.RequestException:
                self.broken += 1

    def _once(self) -> None:
        value, good = self._fleet.token(), 0
        for _ in range(2):
            answer = self._fleet.post(SELECT, {**self._sent, "hookInstance": str(uuid.uuid4())}, value)
            if answer.status_code != 200:
                self.statuses.append(answer.status_code)
                continue
            good += 1
            cards = answer.json()["cards"]
            self.decisions[answer.headers["X-Request-Id"]] = len(cards)
            self._give_feedback(cards[0]["uuid"])
        self.accepted.append(good)

    def _give_feedback(self, card: str) -> None:
        number = next(self._numbers)
        at = f"2026-03-05T15:{number // 60:02}:{number % 60:02}Z"
        entry = accepted(card) | {"outcomeTimestamp": at}
        answer = self._fleet.post(f"{SELECT}/feedback", {"feedback": [entry]}, self._fleet.token())
        if answer.status_code == 200:
            self.feedback.append(at)
        else:
            self.statuses.append(answer.status_code)
