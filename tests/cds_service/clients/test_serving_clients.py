"""`serve` with clients, by its command, in two processes: tokens count once across both, and its log holds none."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.wiring.serving import on_loopback
from tests.support.client_fakes import ISSUER, KeyServer, bearer, claims, jwk, token
from tests.support.hook_fakes import call

pytestmark = pytest.mark.process

PUBLIC = "https://cds.example.org"
SIGN = "/cds-services/coverage-order-sign"
COMMAND = "import sys; from cds_service.cli.main import main; main(sys.argv[1:])"


class Served:
    """A service started by its command with two processes, for one client."""

    def __init__(self, folder: Path, jwks_url: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self._folder = folder
        self._env = {
            **os.environ,
            "CDS_CLIENTS": str(folder / "clients.yaml"),
            "CDS_DATA_FOLDER": str(folder / "data"),
            "CDS_PUBLIC_URL": PUBLIC,
            "CDS_WORKERS": "2",
            "CDS_THREADS": "4",
        }
        self.run("clients", "add", "ehr", "--issuer", ISSUER, "--jwks-url", jwks_url, "--insecure-loopback")
        self.log = folder / "log"
        with self.log.open("w") as stream:
            port = self.address.rpartition(":")[2]
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", COMMAND, "serve", "--port", port],
                env=self._env,
                stdout=stream,
                stderr=stream,
            )

    def run(self, *args: str) -> str:
        """The output of a command."""
        return subprocess.check_output([sys.executable, "-c", COMMAND, *args], env=self._env, text=True)  # noqa: S603

    def call(self, value: str) -> requests.Response:
        """The answer to a call with a token, on a connection of its own."""
        return requests.post(f"{self.address}{SIGN}", json=call(), headers=bearer(value), timeout=60)

    def until_it_serves(self) -> None:
        for _ in range(600):
            try:
                requests.get(f"{self.address}/health/live", timeout=60)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return
        pytest.fail(f"it did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    keys = KeyServer(jwk())
    with on_loopback(keys.app) as address:
        started = Served(tmp_path, f"{address}/jwks.json")
        try:
            started.until_it_serves()
            yield started
        finally:
            started.stop()


def good(**others: Any) -> str:
    return token(claims(datetime.now(UTC), aud=f"{PUBLIC}{SIGN}", **others))


@pytest.mark.requirement("7.117", "7.122", "7.124")
def test_a_token_is_good_for_one_call_whichever_process_gets_it(served: Served) -> None:
    values = [good() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        for value in values:
            statuses = list(pool.map(lambda _, value=value: served.call(value).status_code, range(8)))
            assert statuses.count(401) == 7
    refused = requests.get(f"{served.address}/cds-services", timeout=60)
    assert (refused.status_code, refused.content) == (401, b"")
    served.stop()
    written = served.log.read_text()
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert sum(line.get("reason") == "jti was used before" for line in lines) == 4 * 7
    assert {line["client"] for line in lines if line["event"] == "hook call"} == {"ehr"}
    assert "Clients: ehr." in written
    for value in values:
        assert not any(part in written for part in value.split("."))
