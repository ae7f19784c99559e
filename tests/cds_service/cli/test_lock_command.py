"""`cds-service policies lock`: it writes the lock of the right folder, and says so."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.cli.policies import lock as command
from cds_service.cli.policies.lookup import drafts
from cds_service.settings import Settings
from coverage_policies.format.library import BUILT_IN, Library
from tests.support.own_policies import OwnPolicies

BUILT_IN_LOCK = BUILT_IN / "documents" / "lock.json"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnPolicies:
    """A folder of an operator's own policies, without a lock, late on the first of March in New York."""
    monkeypatch.setattr(command, "now", lambda: datetime(2026, 3, 2, 3, tzinfo=UTC))
    own = OwnPolicies(tmp_path)
    own.add()
    return own


def lock_policies(*options: str, **environment: str) -> list[str]:
    result = CliRunner().invoke(main, ["policies", "lock", *options], env=environment)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def written(own: OwnPolicies) -> Any:
    return json.loads((own.folder / "documents" / "lock.json").read_text(encoding="utf-8"))["SLEEP.1@2026-01"]


def test_the_editions_of_a_folder_are_released_in_its_lock_with_the_local_day(own: OwnPolicies) -> None:
    before = BUILT_IN_LOCK.read_bytes()
    assert lock_policies("--folder", str(own.folder)) == [
        "Released edition 1 of SLEEP.1@2026-01.",
        f"Wrote {own.folder / 'documents' / 'lock.json'}.",
    ]
    assert written(own)["1"]["released"] == "2026-03-01"
    assert written(own)["1"]["questions"].keys() == {"I", "I.A", "side", "applies"}
    assert BUILT_IN_LOCK.read_bytes() == before


def test_a_folder_of_the_settings_is_locked_too(own: OwnPolicies) -> None:
    assert len(lock_policies(CDS_POLICY_FOLDERS=str(own.folder))) == 2


def test_editions_that_are_worked_on_are_locked_without_a_date(own: OwnPolicies) -> None:
    assert lock_policies("--unreleased", "--folder", str(own.folder))[0] == "Locked edition 1 of SLEEP.1@2026-01."
    assert "released" not in written(own)["1"]


def test_a_released_edition_that_changed_is_left_to_lint(own: OwnPolicies) -> None:
    lock_policies("--folder", str(own.folder))
    own.change("Sleepiness was scored", "Sleepiness was measured")
    assert lock_policies("--unreleased", "--folder", str(own.folder)) == ["The lock was complete; nothing changed."]
    found = CliRunner().invoke(main, ["policies", "lint", "--folder", str(own.folder)])
    assert "the content changed and the edition is still 1" in found.output


def test_without_a_folder_the_lock_is_that_of_the_policies_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def write(library: Library, folders: Iterable[Path], released: date | None) -> tuple[()]:
        assert "CP.MP.126@2025-04" in library.policies
        asked.append((*folders, released))
        return ()

    monkeypatch.setattr(command, "write_lock", write)
    assert lock_policies("--unreleased") == ["The lock was complete; nothing changed."]
    assert asked == [(BUILT_IN, None)]


def test_a_draft_has_the_editions_of_the_lock_beside_it(own: OwnPolicies) -> None:
    lock_policies("--folder", str(own.folder))
    (draft,) = drafts(own.document, Settings())
    assert [(each.number, each.released) for each in draft.editions] == [(1, date(2026, 3, 1))]
