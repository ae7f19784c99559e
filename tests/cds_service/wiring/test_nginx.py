"""The service behind nginx, with the configuration of docker/nginx.conf."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cds_service.settings import Settings
from tests.support.hook_fakes import PATIENT, call
from tests.support.nginx_proxy import NEEDED, PROGRAM, SITE, Nginx
from tests.support.served_process import ServedProcess

pytestmark = [pytest.mark.process, pytest.mark.slow]

SIGN = "/cds-services/coverage-order-sign"
BODY = json.dumps(call(prefetch={"patient": PATIENT, "coverage": None})).encode()
LARGE = BODY + b" " * 3_000_000


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    if PROGRAM is None:
        if NEEDED:
            pytest.fail("nginx is not installed (Debian: apt-get install nginx)")
        pytest.skip("nginx is not installed (Debian: apt-get install nginx)")
    return tmp_path


@pytest.fixture(name="nginx")
def _nginx(folder: Path) -> Iterator[Nginx]:
    served = ServedProcess(folder, CDS_METRICS="yes", CDS_WORKERS="1").until_ready()
    try:
        assert requests.get(f"{served.address}/metrics", timeout=10).status_code == 200
        with Nginx(folder, served.port) as made:
            yield made
    finally:
        served.stop()


def connected(nginx: Nginx, first: bytes) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=20)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(first)
    return connection


def head(size: int) -> bytes:
    return (
        f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode()
    )


def test_calls_pass_and_metrics_do_not(nginx: Nginx) -> None:
    address = f"https://localhost:{nginx.port}"
    with requests.Session() as session:
        session.trust_env = False  # REQUESTS_CA_BUNDLE would replace the certificate
        session.verify = str(nginx.certificate)
        for _ in range(3):
            assert session.get(f"{address}/health/ready", timeout=20).status_code == 200
            answer = session.post(address + SIGN, data=LARGE, headers={"Content-Type": "application/json"}, timeout=20)
            assert answer.json()["cards"]
            assert answer.headers["X-Request-Id"]
        for path in ("/metrics", "//metrics", "/x/../metrics", "/%6detrics", "/metrics?x"):
            assert session.get(address + path, timeout=20).status_code == 404
        assert session.get(f"{address}/openapi.json", timeout=20).json()["openapi"]
    assert "temporary file" not in nginx.written
    assert "[error]" not in nginx.written


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_the_service_sees_a_request_only_when_it_is_whole(folder: Path, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream, Nginx(folder, upstream.getsockname()[1]) as nginx:
        upstream.settimeout(1)
        with connected(nginx, head(len(body)) + body[:-1]) as client:
            with pytest.raises(TimeoutError):
                upstream.accept()
            client.sendall(body[-1:])
            upstream.settimeout(20)
            taken, _ = upstream.accept()
            with taken:
                taken.settimeout(20)
                got = b""
                while not got.endswith(body):
                    got += taken.recv(1_000_000)
                taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert client.recv(1_000).startswith(b"HTTP/1.1 200")
        assert "temporary file" not in nginx.written


def test_the_largest_body_is_that_of_the_service() -> None:
    site = SITE.read_text(encoding="utf-8")
    assert "client_max_body_size 10m;" in site
    assert "client_body_buffer_size 10m;" in site
    assert 0 <= 10 * 1024 * 1024 - Settings().max_body_bytes < 1024 * 1024
