"""`cds-service policies new`: files that need nothing but their content."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policies", *arguments])


def test_a_new_policy_passes_lint_and_its_cases() -> None:
    made = run("new", "KNEE.1@2026-01")
    assert made.exit_code == 0
    assert run("lint", "my-policies", "--strict").output == "No problems. Checked 1 policy and 2 value sets.\n"
    tested = run("test", "my-policies")
    assert (tested.exit_code, "│ KNEE.1@2026-01 │     4 │        0 │" in tested.output) == (0, True)


def test_the_commands_it_names_next_work() -> None:
    made = run("new", "KNEE.1@2026-01", "--folder", "ours")
    commands = re.findall(r"^  cds-service policies (.*)$", made.output, re.MULTILINE)
    assert len(commands) == 3
    assert [run(*command.split()).exit_code for command in commands] == [0, 0, 0]


def test_the_revision_is_this_month_unless_given() -> None:
    before = datetime.now(UTC)
    run("new", "KNEE.1")
    (document,) = [path for path in Path("my-policies/documents/KNEE.1").iterdir() if "cases" not in path.name]
    assert document.stem in {f"{before:%Y-%m}", f"{datetime.now(UTC):%Y-%m}"}


def test_a_second_revision_needs_value_sets_of_its_own() -> None:
    run("new", "KNEE.1@2026-01")
    result = run("new", "KNEE.1@2026-07")
    assert (result.exit_code, "knee-1-orders.csv exists already; nothing was written." in result.output) == (1, True)
    assert len(list(Path("my-policies/documents/KNEE.1").iterdir())) == 2


def test_the_folder_is_the_first_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_POLICY_FOLDERS", f"{tmp_path / 'first'},{tmp_path / 'second'}")
    assert run("new", "KNEE.1").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first"]


@pytest.mark.parametrize("name", ["knee 1", "../KNEE", "", "KNEE.1@2026-13", "KNEE.1@2026", "KNEE.1@"])
def test_a_name_that_cannot_be_one_is_a_usage_error(name: str, tmp_path: Path) -> None:
    assert run("new", name).exit_code == 2
    assert list(tmp_path.iterdir()) == []
