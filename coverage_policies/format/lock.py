"""The lock: a hash of the content of every revision and edition, so that no change goes unnoticed.

A decision names revision and edition, so the content of an edition must not change. The content is the document's data
and the rows of its value sets that decide something; comments, spacing, and labels may change freely.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from coverage_policies.format.library import BUILT_IN, Library
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import Problem
from coverage_policies.format.strict_yaml import read_yaml

LOCK_FILE = BUILT_IN / "documents" / "lock.json"


def content_hash(policy: Policy, library: Library) -> str:
    """Return the SHA-256 of the content of a revision, as 64 hexadecimal digits."""
    data = read_yaml(Path(policy.source).read_text(encoding="utf-8"), policy.source).data
    used = sorted(library.value_sets.keys() & _words(data))
    sets = {
        name: sorted(
            [row.system, row.code, str(row.valid_from or ""), str(row.valid_to or ""), str(row.decides)]
            for row in library.value_sets[name].rows
        )
        for name in used
    }
    canonical = json.dumps([data, sets], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _words(data: object) -> set[str]:
    """Return every scalar of a document: a value set is used where its name occurs."""
    if isinstance(data, str):
        return {data}
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return {word for each in inside for word in _words(each)}


def locked() -> Mapping[str, Mapping[str, str]]:
    """Return, by full name, the content hash of each edition of the built-in revisions; empty if there is no lock."""
    if not LOCK_FILE.exists():
        return {}
    found: Mapping[str, Mapping[str, str]] = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
    return found


def lock_problems(library: Library) -> Iterator[Problem]:
    """Yield a problem for each built-in revision that changed without a new edition or is not in the lock."""
    editions = locked()
    for policy in _built_in(library):
        known = editions.get(policy.full_name, {}).get(str(policy.edition))
        if known is None:
            what = f"edition {policy.edition} is not in the lock; run `policies lock`"
            yield Problem(policy.source, 1, what, rule="lock")
        elif known != content_hash(policy, library):
            what = f"the content changed and the edition is still {policy.edition}; raise it and run `policies lock`"
            yield Problem(policy.source, 1, what, rule="lock")


def write_lock(library: Library, *, replace: bool = False) -> None:
    """Add new editions to the lock; with `replace`, also changed ones, for revisions that were never released."""
    editions = {name: dict(hashes) for name, hashes in locked().items()}
    for policy in _built_in(library):
        known = editions.setdefault(policy.full_name, {})
        if replace or str(policy.edition) not in known:
            known[str(policy.edition)] = content_hash(policy, library)
    LOCK_FILE.write_text(json.dumps(editions, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _built_in(library: Library) -> Iterator[Policy]:
    for policy in library.policies.values():
        if Path(policy.source).is_relative_to(BUILT_IN):
            yield policy
