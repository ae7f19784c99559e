"""The editions of the policies of a folder, as its lock remembers them: `documents/lock.json`.

    {"CP.MP.126@2025-04": {"1": {"content": "27c1…", "questions": {"II.E": "9f0c…"}, "released": "2026-11-26"}}}

An edition without `released` may still change.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from coverage_policies.format.problems import DocumentError, read_text

LOCK = "lock.json"
"""The name of the lock in a folder of documents."""
_NO_LOCK = "this is not a lock as `policies lock` writes it; restore the file from version control"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a revision: the hash of its content, that of each question by `linkId`, and its day of release."""

    number: int
    content: str
    questions: Mapping[str, str]
    released: date | None = None


def read_editions(documents: Path) -> Mapping[str, tuple[Edition, ...]]:
    """Return the editions of each revision by its full name, the first one first; none if the folder has no lock.

    Raises DocumentError if the file is not a lock.
    """
    path = documents / LOCK
    if not path.exists():
        return {}
    try:
        written = json.loads(read_text(path))
        return {
            name: tuple(sorted((_edition(*each) for each in editions.items()), key=lambda each: each.number))
            for name, editions in written.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError.at(path, 1, _NO_LOCK, rule="lock") from None


def _edition(number: str, written: Mapping[str, Any]) -> Edition:
    released = date.fromisoformat(written["released"]) if "released" in written else None
    return Edition(int(number), str(written["content"]), dict(written["questions"]), released)


def write_editions(documents: Path, editions: Mapping[str, Iterable[Edition]]) -> None:
    """Write the lock of a folder of documents."""
    written = {name: {str(each.number): _as_json(each) for each in every} for name, every in editions.items()}
    (documents / LOCK).write_text(json.dumps(written, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _as_json(edition: Edition) -> dict[str, object]:
    found: dict[str, object] = {"content": edition.content, "questions": dict(edition.questions)}
    return found | ({"released": edition.released.isoformat()} if edition.released else {})
