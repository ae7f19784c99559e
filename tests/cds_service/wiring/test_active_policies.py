"""Policies reload from files: added ones are evaluated, removed ones are gone, broken ones change nothing."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from cds_service.observability.logging import service_log
from cds_service.wiring.active_policies import ActivePolicies, load_linted
from cds_service.wiring.app import create_app
from cds_service.wiring.system import new_id, now
from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.payer_terms import Standing
from tests.support.hook_fakes import NOW
from tests.support.own_policies import LOINC_CODE, OwnPolicies, sign_sleep_test
from tests.support.served_process import eventually

SIGN = "/cds-services/coverage-order-sign"
TEXT = "SLEEP.1@2026-01"


@pytest.fixture
def own(tmp_path: Path) -> OwnPolicies:
    return OwnPolicies(tmp_path)


def in_force(own: OwnPolicies) -> tuple[ActivePolicies, io.StringIO]:
    log = io.StringIO()
    return ActivePolicies(own.settings, service_log(log, lambda: NOW), lambda: NOW), log


# --- over HTTP -------------------------------------------------------------------------------------------------------


def asked_for(discovery: dict[str, Any]) -> bool:
    """Return whether discovery asks for the data that only this policy needs."""
    return any(LOINC_CODE in query for service in discovery["services"] for query in service["prefetch"].values())


def test_a_policy_is_prefetched_and_answered_while_its_file_exists(own: OwnPolicies) -> None:
    texts, _ = in_force(own)
    answers = []
    for change in (lambda: None, own.add, own.remove):
        change()
        texts.reload()
        client = create_app(settings=own.settings, assessor=texts.assessor, clock=now, new_id=new_id).test_client()
        cards = client.post(SIGN, json=sign_sleep_test()).json["cards"]  # type: ignore[index]
        topics = [card["source"]["topic"]["code"] for card in cards]
        answers.append((asked_for(client.get("/cds-services").json), topics))  # type: ignore[arg-type]
    (asked_before, cards_before), (asked, (topic,)), (asked_after, cards_after) = answers
    assert (asked_before, asked, asked_after) == (False, True, False)
    assert cards_before == cards_after == []
    assert topic == "SLEEP1"


class Served:
    """A service started by its command and read over HTTP."""

    def __init__(self, own: OwnPolicies, log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._address = f"http://127.0.0.1:{free.getsockname()[1]}"
        command = "import sys; from cds_service.cli.main import main; main(sys.argv[1:])"
        self._log = log
        with log.open("w") as stream:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", command, "serve", "--port", self._address.rpartition(":")[2]],
                env={
                    **os.environ,
                    "CDS_POLICY_FOLDERS": str(own.folder),
                    "CDS_DATA_FOLDER": str(log.parent / "data"),
                    "CDS_WORKERS": "2",
                    "CDS_ALLOW_UNAUTHENTICATED": "yes",
                    "CDS_THREADS": "2",
                },
                stderr=stream,
            )

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self._process.terminate()
        try:
            assert self._process.wait(timeout=60) == 0
        finally:
            self._process.kill()
            self._process.wait()

    def cards(self) -> list[Any]:
        cards: list[Any] = requests.post(f"{self._address}{SIGN}", json=sign_sleep_test(), timeout=5).json()["cards"]
        return cards

    def is_asked_for(self) -> bool:
        return asked_for(requests.get(f"{self._address}/cds-services", timeout=5).json())

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [line for line in self._log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        return [found for line in lines if (found := json.loads(line))["event"].startswith(event)]


@pytest.fixture
def served(own: OwnPolicies, tmp_path: Path) -> Iterator[Served]:
    service = Served(own, tmp_path / "log")
    yield service
    service.stop()


@pytest.mark.process
@pytest.mark.slow
def test_a_running_service_reads_its_folders_again_on_sighup(own: OwnPolicies, served: Served) -> None:
    eventually(lambda: not served.is_asked_for())
    own.add()
    served.reload()
    eventually(lambda: served.is_asked_for() and len(served.cards()) == 1)
    own.change("sections: [I]", "sections: [II]")
    served.reload()
    eventually(lambda: len(served.logged("policies not reloaded")) == 1)
    eventually(lambda: served.is_asked_for() and len(served.cards()) == 1)
    own.remove()
    served.reload()
    eventually(lambda: not served.is_asked_for() and served.cards() == [])
    assert "there is no section 'II'" in served.logged("policies not reloaded")[0]["problems"][0]


# --- what is refused -------------------------------------------------------------------------------------------------


def broken_text(own: OwnPolicies) -> None:
    own.change("edition: 1", "edition: one")


def unreachable_section(own: OwnPolicies) -> None:
    own.change("sections: [I]", "sections: []")


def broken_value_set(own: OwnPolicies) -> None:
    own.value_set("home-sleep-test").write_text("code\n95806\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (broken_text, "2026-01.yaml:3: edition is not valid"),
        (unreachable_section, "no order reaches section I"),
        (broken_value_set, "home-sleep-test.csv:1: the header must be"),
    ],
)
def test_a_folder_that_does_not_lint_leaves_the_previous_policies_in_force(
    own: OwnPolicies, spoil: Callable[[OwnPolicies], None], told: str
) -> None:
    own.add()
    texts, log = in_force(own)
    before = texts.assessor
    spoil(own)
    texts.reload()
    assert texts.assessor is before
    line = json.loads(log.getvalue())
    assert (line["level"], line["event"]) == ("error", "policies not reloaded, the previous ones stay in force")
    assert told in line["problems"][0]


PLAN_RULES = """\
payers:
  - {name: n, owner: o, identifiers: [urn:a|1], crd: yes, members: members.csv}
"""


def standing(policies: ActivePolicies, member_id: str) -> Standing:
    (payer,) = policies.assessor.rules.answered_for
    assert payer.terms
    assert payer.terms.members
    return payer.terms.members.standing([member_id], [], NOW.date())


def test_a_reload_reads_the_members_of_a_payer_again_and_keeps_the_last_good_ones(
    own: OwnPolicies, tmp_path: Path
) -> None:
    rules, table = tmp_path / "rules.yaml", tmp_path / "members.csv"
    rules.write_text(PLAN_RULES, encoding="utf-8")
    log = io.StringIO()
    settings = own.settings.model_copy(update={"plan_rules": rules})
    header = "member_id,active_from,active_to,plan\n"
    table.write_text(f"{header}M-1,2024-01-01,,\n", encoding="utf-8")
    policies = ActivePolicies(settings, service_log(log, lambda: NOW), lambda: NOW)
    snapshot = policies.snapshot
    table.write_text(f"{header}M-1,2024-01-01,,\nM-2,2024-01-01,,\n", encoding="utf-8")
    assert standing(policies, "M-2") is Standing.NO_MEMBER
    policies.reload()
    assert standing(policies, "M-2") is Standing.ACTIVE
    assert policies.snapshot == snapshot
    table.write_text(f"{header}SECRET,soon,,\n", encoding="utf-8")
    policies.reload()
    assert standing(policies, "M-2") is Standing.ACTIVE
    (line,) = [each for each in map(json.loads, log.getvalue().splitlines()) if each["level"] == "error"]
    assert line["problems"] == [f"{table}:2: a date is written like 2024-01-01"]


def test_a_reload_is_logged_with_the_policies(own: OwnPolicies) -> None:
    texts, log = in_force(own)
    own.add()
    texts.reload()
    line = json.loads(log.getvalue())
    assert (line["level"], line["event"], line["timestamp"]) == (
        "info",
        "policies reloaded",
        NOW.isoformat(timespec="milliseconds"),
    )
    assert line["policies"] == sorted(texts.assessor.library.policies)
    assert TEXT in line["policies"]


def test_the_service_does_not_start_with_a_folder_that_does_not_lint(own: OwnPolicies) -> None:
    unreachable_section(own)
    with pytest.raises(DocumentError, match="no order reaches section I"):
        load_linted(own.settings)
    broken_value_set(own)
    with pytest.raises(DocumentError):
        load_linted(own.settings)


def test_an_unused_value_set_does_not_prevent_a_reload(own: OwnPolicies) -> None:
    own.add()
    own.remove()
    assert TEXT not in load_linted(own.settings).library.policies


def test_a_load_parses_every_document_once(own: OwnPolicies, monkeypatch: pytest.MonkeyPatch) -> None:
    own.add()
    parsed: list[str] = []

    class Watched(yaml.CBaseLoader):
        def __init__(self, text: str) -> None:
            parsed.append(text)
            super().__init__(text)

    monkeypatch.setattr(yaml, "CBaseLoader", Watched)
    texts, _ = in_force(own)
    assert len(parsed) == len(set(parsed)) == len(texts.assessor.library.policies)
