"""`serve --dev`: loopback only, reloads on change, full tracebacks in the terminal."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from cds_service.cli.dev import dev_app, watched_files
from cds_service.cli.main import main
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessor
from tests.support.own_policies import OwnPolicies, sign_sleep_test
from tests.support.served_process import eventually

SIGN = "/cds-services/coverage-order-sign"


@pytest.fixture
def own(tmp_path: Path) -> OwnPolicies:
    made = OwnPolicies(tmp_path)
    made.add()
    return made


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "cds.example.org"])  # noqa: S104
def test_it_listens_on_the_loopback_interface_only(host: str) -> None:
    found = CliRunner().invoke(main, ["serve", "--dev", "--host", host])
    assert found.exit_code == 2
    assert "loopback interface only: 127.0.0.1, localhost, ::1" in found.output


def test_a_call_needs_no_token_and_is_answered_with_a_card(own: OwnPolicies) -> None:
    response = dev_app(own.settings).test_client().post(SIGN, json=sign_sleep_test())
    assert (response.status_code, len(response.json["cards"])) == (200, 1)  # type: ignore[index]


def test_a_fault_prints_its_whole_traceback_and_the_answer_stays_that_of_the_service(
    own: OwnPolicies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a plain programming mistake")

    monkeypatch.setattr(Assessor, "assess", fail)
    response = dev_app(own.settings).test_client().post(SIGN, json=sign_sleep_test())
    printed = capsys.readouterr().err
    assert response.status_code == 500
    assert "a plain programming mistake" not in response.text
    assert "Traceback (most recent call last):" in printed
    assert "KeyError: 'a plain programming mistake'" in printed
    assert 'hooks/review.py", line' in printed


def test_policies_that_cannot_be_loaded_are_named_in_the_terminal_and_in_every_answer(
    own: OwnPolicies, capsys: pytest.CaptureFixture[str]
) -> None:
    own.change("sections: [I]", "sections: [II]")
    response = dev_app(own.settings).test_client().get("/cds-services")
    assert response.status_code == 503
    assert "there is no section 'II'" in response.text
    assert "there is no section 'II'" in capsys.readouterr().err


def test_documents_value_sets_and_plan_rules_are_watched(own: OwnPolicies, tmp_path: Path) -> None:
    rules, codes = tmp_path / "rules.yaml", tmp_path / "order-codes.csv"
    rules.write_text(f"order_codes: {codes.name}\n", encoding="utf-8")
    watched = set(watched_files(Settings(policy_folders=(own.folder,), plan_rules=rules)))
    assert {own.document, own.value_set("home-sleep-test"), rules, codes} <= watched
    assert any(path.name == "2025-04.yaml" for path in watched)


@pytest.fixture
def address(own: OwnPolicies) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = subprocess.Popen(  # noqa: S603
        [str(Path(sys.executable).with_name("cds-service")), "serve", "--dev", "--port", str(port)],
        env=os.environ | {"CDS_POLICY_FOLDERS": str(own.folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield f"http://127.0.0.1:{port}"
    os.killpg(served.pid, 15)
    served.wait(timeout=30)


def test_it_reloads_when_a_document_changes(own: OwnPolicies, address: str) -> None:
    def title() -> str:
        cards = requests.post(f"{address}{SIGN}", json=sign_sleep_test(), timeout=10).json()["cards"]
        return str(cards[0]["source"]["topic"]["display"])

    eventually(lambda: "Sleep test at home" in title())
    own.change("title: Sleep test at home", "title: Sleep test in a laboratory")
    eventually(lambda: "Sleep test in a laboratory" in title())


def test_the_sample_ehr_may_launch_the_questionnaire_app(address: str) -> None:
    host, _, port = address.rpartition(":")
    ehr = f"{host}:{int(port) + 80}"

    def sent_to() -> str:
        launched = requests.get(
            f"{address}/smart/launch", params={"iss": f"{ehr}/fhir"}, allow_redirects=False, timeout=10
        )
        return launched.headers.get("Location", "")

    eventually(lambda: sent_to().startswith(f"{ehr}/auth/authorize?"))
