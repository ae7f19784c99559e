"""`cds-service serve`: addresses it cannot listen on are refused before anything starts; the records of CRD calls."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from cds_service.cli.main import main
from cds_service.records.crd_store import BestEffortCrdRecords, SqlCrdRecords
from cds_service.settings import Settings
from coverage_policies.judging.plan_rules import Payer, PlanRules
from tests.support.crd_records import KEYS, PATH, assertion, call, exchange


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def serve(*options: str) -> Result:
    return CliRunner().invoke(main, ["serve", "--allow-unauthenticated", *options])


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1"])
def test_a_port_out_of_range_is_a_usage_error(port: str) -> None:
    result = serve("--port", port)
    assert (result.exit_code, "is not in the range 1<=x<=65535" in result.output) == (2, True)


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", str(port))
    assert result.exit_code == 1
    assert result.output == f"Error: Port {port} is in use. Choose another one with --port.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_refused() -> None:
    result = serve("--host", "192.0.2.1")
    assert (result.exit_code, "192.0.2.1 is not an address of this machine" in result.output) == (1, True)


def test_a_host_that_has_no_address_is_refused() -> None:
    result = serve("--host", "no host")
    assert (result.exit_code, "no host is not the name or address of a host" in result.output) == (1, True)


@pytest.fixture(name="served")
def _served(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Flask]]:
    """What `serve` would run in each process."""
    made: list[Callable[[], Flask]] = []
    monkeypatch.setattr("cds_service.cli.serve.serve", lambda app_of_process, *_, **__: made.append(app_of_process))
    monkeypatch.setattr("cds_service.cli.serve.check_address", lambda *_: None)
    return made


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), (3, 5)), (("--workers", "4"), (4, 5)), (("--workers", "1", "--threads", "9"), (1, 9))],
)
def test_processes_and_threads_are_those_of_the_options_before_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], expected: tuple[int, int]
) -> None:
    made: list[Settings] = []
    monkeypatch.setattr("cds_service.cli.serve.serve", lambda _make, _reload, settings, **__: made.append(settings))
    monkeypatch.setattr("cds_service.cli.serve.check_address", lambda *_: None)
    monkeypatch.setenv("CDS_WORKERS", "3")
    monkeypatch.setenv("CDS_THREADS", "5")
    assert serve(*options).exit_code == 0
    assert [(each.workers, each.threads, each.allow_unauthenticated) for each in made] == [(*expected, True)]


@pytest.mark.parametrize("option", ["--workers", "--threads"])
def test_fewer_than_one_process_or_thread_is_a_usage_error(option: str) -> None:
    result = serve(option, "0")
    assert (result.exit_code, "is not in the range x>=1" in result.output) == (2, True)


def test_every_process_keeps_crd_exchanges_under_the_keys_of_the_settings(
    served: list[Callable[[], Flask]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", KEYS[0].hex())
    monkeypatch.setenv("CDS_EXCHANGE_DAYS", "7")
    assert serve().exit_code == 0
    one, other = (served[0]().extensions["cds_service"].crd_records for _ in range(2))
    one.store(call("c1"), PATH, exchange(), [replace(assertion("a1"), determinations=())])
    found = other.find("a1")
    assert found.content.patient_id == "xanthippe"
    result = CliRunner().invoke(main, ["crd", "list"])
    listed = json.loads(result.output)
    kept = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["at"])
    assert kept == timedelta(days=7)
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", "")
    assert CliRunner().invoke(main, ["crd", "exchange", "c1", "--reason", "dispute 17"]).exit_code == 1


def test_by_setting_a_crd_call_is_answered_although_it_could_not_be_stored(
    served: list[Callable[[], Flask]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, kind in (("no", SqlCrdRecords), ("yes", BestEffortCrdRecords)):
        monkeypatch.setenv("CDS_ANSWER_IF_STORE_FAILS", setting)
        serve()
        assert isinstance(served[-1]().extensions["cds_service"].crd_records, kind)


@pytest.mark.parametrize(
    ("payers", "keys", "is_warned"),
    [((), "", False), ((Payer("P", ()),), "", True), ((Payer("P", ()),), KEYS[0].hex(), False)],
)
def test_a_payers_service_without_keys_is_warned(
    served: list[Callable[[], Flask]],
    monkeypatch: pytest.MonkeyPatch,
    payers: tuple[Payer, ...],
    keys: str,
    is_warned: bool,
) -> None:
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", keys)
    monkeypatch.setattr(PlanRules, "answered_for", payers)
    assert ("Set CDS_ENCRYPTION_KEYS to keep them" in serve().stderr) is is_warned


@pytest.mark.parametrize(
    ("payers", "services", "is_warned"),
    [((), "crd-2.2", True), ((), "plain", False), ((Payer("P", ()),), "crd-2.2", False)],
)
def test_a_client_that_would_see_no_service_is_named(
    served: list[Callable[[], Flask]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    payers: tuple[Payer, ...],
    services: str,
    is_warned: bool,
) -> None:
    entry = f"clients:\n- {{name: lakeside, issuer: 'urn:l', keys_file: keys.pem, services: {services}}}\n"
    (tmp_path / "clients.yaml").write_text(entry, encoding="utf-8")
    monkeypatch.setenv("CDS_CLIENTS", str(tmp_path / "clients.yaml"))
    monkeypatch.setattr(PlanRules, "answered_for", payers)
    said = CliRunner().invoke(main, ["serve"]).stderr
    lines = [json.loads(line) for line in said.splitlines()]
    named = [each["clients"] for each in lines if each["event"] == "clients without services"]
    assert named == ([["lakeside"]] if is_warned else [])
    assert served
