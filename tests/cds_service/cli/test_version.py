"""`cds-service --version`: the number, and the git commit where one is known."""

from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.cli.version import built_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of a package, in a folder that may be a repository."""
    found = tmp_path / "checkout" / "cds_service"
    found.mkdir(parents=True)
    return found


def test_the_version_is_one_line_with_name_and_number() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith(f"cds-service {version('cds-coverage-policies')}")
    assert result.output.count("\n") == 1


def test_without_a_repository_or_a_file_no_commit_is_known(package: Path) -> None:
    assert built_commit(package) is None


def test_a_wheel_tells_the_commit_it_was_built_from(package: Path) -> None:
    write(package / "_commit", COMMIT)
    assert built_commit(package) == COMMIT


def test_a_file_that_holds_no_commit_tells_nothing(package: Path) -> None:
    write(package / "_commit", "unknown")
    assert built_commit(package) is None


def test_a_checkout_tells_the_commit_of_its_branch(package: Path) -> None:
    git = package.parent / ".git"
    write(git / "HEAD", "ref: refs/heads/main")
    write(git / "refs" / "heads" / "main", COMMIT)
    write(git / "packed-refs", f"{OTHER} refs/heads/main")
    assert built_commit(package) == COMMIT


def test_a_branch_may_be_packed(package: Path) -> None:
    git = package.parent / ".git"
    write(git / "HEAD", "ref: refs/heads/main")
    write(git / "packed-refs", f"# pack-refs with: peeled\n{OTHER} refs/heads/mainline\n{COMMIT} refs/heads/main")
    assert built_commit(package) == COMMIT


def test_a_commit_may_be_checked_out_without_a_branch(package: Path) -> None:
    write(package.parent / ".git" / "HEAD", COMMIT)
    assert built_commit(package) == COMMIT


@pytest.mark.parametrize("is_relative", [True, False])
def test_a_worktree_finds_its_branch_in_the_repository(package: Path, tmp_path: Path, is_relative: bool) -> None:
    git = tmp_path / "repository" / ".git"
    of_worktree = git / "worktrees" / "checkout"
    write(
        package.parent / ".git",
        f"gitdir: {'../repository/.git/worktrees/checkout' if is_relative else of_worktree}",
    )
    write(of_worktree / "HEAD", "ref: refs/heads/topic")
    write(of_worktree / "commondir", "../..")
    write(git / "refs" / "heads" / "topic", COMMIT)
    assert built_commit(package) == COMMIT


def test_a_branch_without_a_commit_tells_nothing(package: Path) -> None:
    write(package.parent / ".git" / "HEAD", "ref: refs/heads/main")
    assert built_commit(package) is None


def test_a_head_that_is_not_text_tells_nothing(package: Path) -> None:
    (package.parent / ".git").mkdir()
    (package.parent / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert built_commit(package) is None
