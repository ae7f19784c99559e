"""Every line of the process is JSON and quotes no request, whoever writes it: gunicorn, a library, a thread."""

import io
import json
import logging
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.observability.logging import REDACTED, json_formatter, service_log, where
from tests.support.hook_fakes import NOW, FakeEhr, Service, WatchingAssessor, authorization, call
from tests.support.served_process import ServedProcess

SECRET = "Lovelace"


def sent_raw(port: int, data: bytes) -> bytes:
    """What is answered to bytes that may be no HTTP."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


@pytest.mark.requirement("7.124")
@pytest.mark.process
@pytest.mark.slow
def test_every_line_of_a_served_process_is_json_without_the_request(tmp_path: Path) -> None:
    served = ServedProcess(tmp_path, CDS_METRICS="yes").until_ready()
    secret = SECRET.encode()
    try:
        for raw in (
            b"GET /%s HTTP/9.9\r\n\r\n" % secret,
            b"%s\r\n\r\n" % secret,
            b"GET / HTTP/1.1\r\nHost: a\r\n%s : b\r\n\r\n" % secret,
            b"POST /cds-services/coverage-order-sign HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n" % secret,
            b"POST /cds-services/coverage-order-sign HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b'Content-Length: 500\r\n\r\n{"hook": "%s"' % secret,
            b"POST /cds-services/coverage-order-sign HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n%s\r\n" % secret,
        ):
            sent_raw(served.port, raw)
        assert requests.get(f"{served.address}/{SECRET}?patient={SECRET}", timeout=60).status_code == 404
        answer = requests.post(f"{served.address}/cds-services/coverage-order-sign", json={"hook": SECRET}, timeout=60)
        assert answer.status_code == 400
        shown = requests.get(f"{served.address}/metrics", timeout=60).text
    finally:
        assert served.stop() == 0
    lines = served.lines()
    assert {line["event"] for line in lines} >= {"who may call", "hook call", "request refused"}
    assert any(line["event"].startswith("Listening at: ") for line in lines)
    assert all({"timestamp", "level", "event"} <= set(line) for line in lines)
    assert SECRET.lower() not in served.written.lower()
    assert "127.0.0.1" not in served.written.replace(served.address, "")
    assert SECRET not in shown
    assert 'cds_call_seconds_count{hook="order-sign",outcome="refused"}' in shown


LOGS = f"""
import logging, sys, threading, warnings
from cds_service.observability.logging import capture_process_logs
from cds_service.wiring.system import now
capture_process_logs(sys.stderr, now)
logging.getLogger("urllib3").warning("Retrying https://ehr.example.org/Patient/%s", "{SECRET}")
logging.getLogger("sqlalchemy.pool").info("{SECRET}")
warnings.warn("{SECRET}")
def fail(): raise ValueError("{SECRET}")
thread = threading.Thread(target=fail); thread.start(); thread.join()
"""


@pytest.mark.requirement("7.124")
@pytest.mark.process
def test_lines_of_libraries_warnings_and_threads_have_the_place_and_no_message() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True)  # noqa: S603
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line.get("logger"), line["event"]) for line in lines] == [
        ("urllib3", REDACTED),
        ("py.warnings", REDACTED),
        (None, "thread failed"),
    ]
    assert lines[2]["failure"].startswith("ValueError at <string>:")
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("name", "message", "args", "event"),
    [
        ("gunicorn.error", "Booting worker with pid: %s", (7,), "Booting worker with pid: 7"),
        ("gunicorn.error", f"Invalid request from ip=10.0.0.1: {SECRET}", (), REDACTED),
        ("gunicorn.error", "Error handling request %s", (f"/{SECRET}",), REDACTED),
        ("elsewhere", "Booting worker with pid: %s", (SECRET,), REDACTED),
    ],
)
def test_only_messages_that_are_known_are_written_out(name: str, message: str, args: Any, event: str) -> None:
    record = logging.LogRecord(name, logging.WARNING, "f.py", 3, message, args, None)
    line = json.loads(json_formatter().format(record))
    assert line["event"] == event
    assert ("failure" in line) is (event == REDACTED)
    assert (line["level"], line["logger"]) == ("warning", name)


def test_a_message_that_does_not_fit_its_arguments_is_redacted_and_raises_nothing() -> None:
    record = logging.LogRecord("elsewhere", logging.ERROR, "f.py", 3, "%d of %d", (SECRET,), None)
    assert json.loads(json_formatter().format(record))["event"] == REDACTED


def test_an_exception_is_logged_by_type_and_place_whoever_logs_it() -> None:
    written = io.StringIO()
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        service_log(written, lambda: NOW).error("failed", exc_info=error)
        found = sys.exc_info()
        record = logging.LogRecord("elsewhere", logging.ERROR, "f.py", 3, SECRET, (), found)
        place = where(error)
    own = json.loads(written.getvalue())
    foreign = json.loads(json_formatter().format(record))
    assert own["failure"] == foreign["failure"] == place
    assert place.startswith("ValueError at test_logging.py:")
    assert SECRET not in str(own) + str(foreign)


def test_the_service_leaves_out_empty_fields_and_keeps_zero() -> None:
    written = io.StringIO()
    service_log(written, lambda: NOW).warning("seen", nothing="", none=None, cards=0)
    assert json.loads(written.getvalue()) == {
        "timestamp": NOW.isoformat(timespec="milliseconds"),
        "level": "warning",
        "event": "seen",
        "cards": 0,
    }


def test_every_line_of_a_call_names_it_and_its_hook_instance(judge: WatchingAssessor, ehr: FakeEhr) -> None:
    body = call(
        fhirServer=ehr.base,
        fhirAuthorization=authorization(),
        prefetch={"patient": {"resourceType": "Patient", "id": "p-1"}},
    )
    service = Service(judge, fhir_private_networks="")
    first, second = service.post(body), service.post({})
    assert (first.status_code, second.status_code) == (200, 400)
    warning, answered, refused = service.lines()
    assert warning["event"] == "FHIR server not read"
    assert answered["event"] == "hook call"
    for line in (warning, answered):
        assert (line["request_id"], line["hookInstance"]) == (first.headers["X-Request-Id"], body["hookInstance"])
    assert refused["request_id"] == second.headers["X-Request-Id"]
    assert "hookInstance" not in refused
