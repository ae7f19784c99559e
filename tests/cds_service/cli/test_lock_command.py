"""`cds-service policies lock`: it says what it wrote."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from coverage_policies.format import lock
from coverage_policies.format.library import load_library


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock that does not exist yet, in the place of the one that ships with the service."""
    path = tmp_path / "lock.json"
    monkeypatch.setattr(lock, "LOCK_FILE", path)
    return path


def lock_policies() -> list[str]:
    return CliRunner().invoke(main, ["policies", "lock"]).output.splitlines()


def test_each_new_edition_is_named() -> None:
    *named, total = lock_policies()
    assert sorted(named) == sorted(
        f"Locked edition {policy.edition} of {policy.full_name}." for policy in load_library().policies.values()
    )
    assert total.startswith("Wrote ")


def test_a_complete_lock_stays_as_it_is(file: Path) -> None:
    lock_policies()
    before = file.read_bytes()
    assert lock_policies() == ["The lock was complete; nothing changed."]
    assert file.read_bytes() == before
