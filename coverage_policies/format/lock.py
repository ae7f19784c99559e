"""The lock: a hash of the content of every revision and edition, so that no change goes unnoticed.

A decision names revision and edition, so the content of a released edition must not change. The content is the
document's data and the rows of its value sets that decide something; comments, spacing, and labels may change freely.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from coverage_policies.format.editions import LOCK, Edition, read_editions, write_editions
from coverage_policies.format.library import BUILT_IN, Library
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import Problem
from coverage_policies.format.questions import question_hashes


def content_hash(policy: Policy, library: Library) -> str:
    """Return the SHA-256 of the content of a revision, as 64 hexadecimal digits."""
    used = sorted(library.value_sets.keys() & _words(policy.document))
    sets = {
        name: sorted(
            [row.system, row.code, str(row.valid_from or ""), str(row.valid_to or ""), str(row.decides)]
            for row in library.value_sets[name].rows
        )
        for name in used
    }
    canonical = json.dumps([policy.document, sets], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _words(data: object) -> set[str]:
    """Return every scalar of a document: a value set is used where its name occurs."""
    if isinstance(data, str):
        return {data}
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return {word for each in inside for word in _words(each)}


def lock_problems(library: Library) -> Iterator[Problem]:
    """Yield a problem for each revision that changed without a new edition or is not in the lock of its folder.

    An operator's folder without a lock has none.
    """
    for policy in library.policies.values():
        folder = _documents(policy)
        known = policy.edition_numbered(policy.edition)
        if known is None:
            if folder == BUILT_IN / "documents" or (folder / LOCK).exists():
                what = f"edition {policy.edition} is not in the lock; run `policies lock`"
                yield Problem(policy.source, 1, what, rule="lock")
        elif known.content != content_hash(policy, library):
            what = (
                f"the content changed and the edition is still {policy.edition}; raise it and run `policies lock`"
                if known.released
                else f"the content of edition {policy.edition} is not that of the lock; run `policies lock`"
            )
            yield Problem(policy.source, 1, what, rule="lock")


def write_lock(library: Library, folders: Iterable[Path], released: date | None) -> tuple[Policy, ...]:
    """Write the edition of each policy of these folders into the lock of its folder; return the policies written.

    A folder is one with `documents` in it. `released` is the day of the release; without one an edition may be written
    again. One that was released stays as it is.
    """
    found: list[Policy] = []
    for documents in [folder / "documents" for folder in folders]:
        editions = {name: {each.number: each for each in every} for name, every in read_editions(documents).items()}
        changed = []
        for policy in library.policies.values():
            known = editions.setdefault(policy.full_name, {}) if _is_in(policy, documents) else None
            if known is None:
                continue
            before = known.get(policy.edition)
            now = Edition(policy.edition, content_hash(policy, library), question_hashes(policy), released)
            if now != before and (before is None or before.released is None):
                known[policy.edition] = now
                changed.append(policy)
        if changed:
            write_editions(documents, {name: every.values() for name, every in editions.items()})
        found += changed
    return tuple(found)


def _documents(policy: Policy) -> Path:
    return Path(policy.source).parents[1]


def _is_in(policy: Policy, documents: Path) -> bool:
    return _documents(policy).resolve() == documents.resolve()
