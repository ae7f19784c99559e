"""Servers: a thread on the loopback interface, and gunicorn."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from cds_service.settings import Settings
from cds_service.wiring.serving import GunicornService, on_loopback
from tests.support.hook_fakes import Service, WatchingAssessor

SERVED = """
import sys
sys.path.insert(0, {tests!r})
from tests.support.hook_fakes import WatchingAssessor, Service
from cds_service.wiring.serving import serve
from cds_service.settings import Settings
settings = Settings(workers=1, threads=2)
serve(lambda: Service(WatchingAssessor()).app, lambda: None, settings, host="127.0.0.1", port={port})
"""


def test_an_application_is_served_while_the_context_lasts() -> None:
    with on_loopback(Service(WatchingAssessor()).app) as address:
        assert requests.get(f"{address}/health/live", timeout=5).json() == {"status": "ok"}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/health/live", timeout=5)


def test_the_next_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with on_loopback(Service(WatchingAssessor()).app, port) as address:
            assert port < int(address.rpartition(":")[2]) < port + 50


def test_gunicorn_gets_threads_and_no_control_socket() -> None:
    made = GunicornService(lambda: Service(WatchingAssessor()).app, lambda: None, Settings(), host="::1", port=1)
    assert issubclass(made.cfg.worker_class, ThreadWorker)
    assert (made.cfg.workers, made.cfg.threads) == (2, 32)
    assert made.cfg.control_socket_disable is True
    assert made.cfg.forwarder_headers == []


@pytest.mark.process
def test_gunicorn_serves_until_a_signal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = SERVED.format(tests=str(Path(__file__).parents[3]), port=port)
    served = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
    try:
        for _ in range(100):
            try:
                assert requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).json() == {"status": "ok"}
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        else:
            pytest.fail("gunicorn did not start within ten seconds")
    finally:
        served.terminate()
        output, _ = served.communicate(timeout=20)
    assert served.returncode == 0
    assert output == b""
