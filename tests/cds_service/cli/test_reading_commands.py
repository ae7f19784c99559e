"""Commands that only read create no file and no folder."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main

READING = [
    "db check",
    "db purge --older-than 30",
    "decisions show 1",
    "decisions export",
    "feedback report",
    "crd list",
    "crd exchange 1 --reason dispute",
    "crd assertion 1",
    "crd metrics",
    "crd accesses",
    "crd purge",
    "replay 1 --request {request}",
]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which there is nothing."""
    found = tmp_path / "empty"
    found.mkdir()
    monkeypatch.chdir(found)
    return found


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A call that can be read."""
    path = tmp_path / "request.json"
    path.write_text(
        '{"hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": {"userId": '
        '"Practitioner/1", "patientId": "1", "draftOrders": {"resourceType": "Bundle", "entry": []}}}',
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("command", READING)
def test_without_a_database_they_say_that_there_is_none(empty: Path, request_file: Path, command: str) -> None:
    result = CliRunner().invoke(main, command.format(request=request_file).split())
    assert result.exit_code == 1
    assert "There is no database at cds-data/records.db. `cds-service serve` creates one" in result.output
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("command", READING)
def test_nor_do_they_make_the_file_that_a_url_names(
    empty: Path, request_file: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{empty}/mistyped.db")
    result = CliRunner().invoke(main, command.format(request=request_file).split())
    assert (result.exit_code, f"There is no database at {empty}/mistyped.db" in result.output) == (1, True)
    assert list(empty.iterdir()) == []


def test_a_database_is_made_by_the_upgrade_and_read_after_it(empty: Path) -> None:
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    made = sorted(path.name for path in empty.rglob("*"))
    assert CliRunner().invoke(main, ["db", "check"]).exit_code == 0
    assert CliRunner().invoke(main, ["feedback", "report"]).exit_code == 0
    assert sorted(path.name for path in empty.rglob("*")) == made == ["cds-data", "records.db"]


def test_replay_makes_no_key(empty: Path, request_file: Path) -> None:
    CliRunner().invoke(main, ["db", "upgrade"])
    result = CliRunner().invoke(main, ["replay", "1", "--request", str(request_file)])
    assert (result.exit_code, "No decision 1 is recorded" in result.output) == (1, True)
    assert not (empty / "cds-data" / "records.key").exists()
