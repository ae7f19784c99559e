"""Which version of the service this is: its number, and the git commit it was built from.

A wheel holds the commit in the file `_commit` beside this package's folders; in a checkout it is read from `.git`. This
module imports nothing of ours and nothing that is not in the standard library, because the build runs it by its path.
"""

import re
from pathlib import Path

COMMIT_FILE = "_commit"
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


def version_line() -> str:
    """Return `cds-service 0.1.0 (abc1234)`, without the parentheses where the commit is not known."""
    from importlib.metadata import version  # only for --version: this import costs more than the rest of the module

    commit = built_commit(Path(__file__).parents[1])
    return f"cds-service {version('cds-coverage-policies')}" + (f" ({commit[:7]})" if commit else "")


def built_commit(package: Path) -> str | None:
    """Return the commit that a package folder was built from, or is checked out at; None where neither is known.

    Changes that are not committed do not show.
    """
    written = _first_line(package / COMMIT_FILE)
    return written if _HASH.match(written) else _checked_out(package.parent / ".git")


def _checked_out(git: Path) -> str | None:
    """Return the commit that HEAD points at, for a repository or one of its worktrees."""
    if git.is_file():  # a worktree: the file names the folder, and that folder names the repository
        git = git.parent / _first_line(git).removeprefix("gitdir: ")
    head = _first_line(git / "HEAD")
    if not head.startswith("ref: "):
        return head if _HASH.match(head) else None
    name = head.removeprefix("ref: ")
    shared = git / (_first_line(git / "commondir") or ".")
    for line in (_first_line(shared / name), *_lines(shared / "packed-refs")):
        commit, _, ref = line.partition(" ")
        if _HASH.match(commit) and ref in ("", name):
            return commit
    return None


def _first_line(path: Path) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
