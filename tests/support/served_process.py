"""The service as its command runs it, in processes of its own, with what it logs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

COMMAND = "import sys; from cds_service.cli.main import main; main(sys.argv[1:])"


class ServedProcess:
    """`cds-service serve` on a free port, for anyone, with everything it keeps and logs in a folder."""

    def __init__(self, folder: Path, *, program: str = COMMAND, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = folder / "log"
        self.env = {
            **os.environ,
            "CDS_ALLOW_UNAUTHENTICATED": "yes",
            "CDS_DATA_FOLDER": str(folder / "data"),
            "CDS_FHIR_PRIVATE_NETWORKS": "127.0.0.0/8",
            "CDS_WORKERS": "2",
            "CDS_THREADS": "8",
            **settings,
        }
        with self._log.open("w") as stream:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", program, "serve", "--port", str(self.port)],
                env=self.env,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def until_ready(self) -> "ServedProcess":
        """Itself, once it says that it is ready."""
        for _ in range(600):
            try:
                if requests.get(f"{self.address}/health/ready", timeout=60).status_code == 200:
                    return self
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.written)

    def run(self, *args: str) -> str:
        """The output of another command with the same settings."""
        return subprocess.check_output([sys.executable, "-c", COMMAND, *args], env=self.env, text=True)  # noqa: S603

    def kill(self) -> None:
        """Kill every process of it, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """The exit code after SIGTERM; killed if it does not end."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        finally:
            self.process.kill()
            self.process.wait()

    @property
    def readiness(self) -> Any:
        """What it says of each condition."""
        return requests.get(f"{self.address}/health/ready", timeout=60).json()

    @property
    def written(self) -> str:
        """Everything that it wrote to standard output and standard error."""
        return self._log.read_text(encoding="utf-8")

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What it logged, or only the lines of an event; every line must be JSON."""
        found = [json.loads(line) for line in self.written.splitlines()]
        return [line for line in found if not event or line["event"] == event]


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds; while workers are replaced, the old ones answer, or nothing does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if holds():
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    pytest.fail("it did not come to hold")
