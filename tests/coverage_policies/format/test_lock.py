"""The lock: what counts as a change, and who is told of it."""

import json
from pathlib import Path

import pytest

from coverage_policies.format import lock
from coverage_policies.format.library import BUILT_IN, Library
from coverage_policies.format.loader import load_policy
from coverage_policies.format.lock import content_hash, lock_problems, locked, write_lock
from coverage_policies.format.value_sets import load_value_sets
from tests.support.policy_fakes import text

HEADER = "system,code,label,source,from,to,use\n"
ALPHA = HEADER + "http://snomed.info/sct,1,One,test,2020-01-01,,decides\nhttp://snomed.info/sct,2,Two,test,,,asks\n"
LEAF = "I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the built-in one, with one text and its value sets."""
    monkeypatch.setattr(lock, "BUILT_IN", tmp_path)
    monkeypatch.setattr(lock, "LOCK_FILE", tmp_path / "lock.json")
    (tmp_path / "value_sets").mkdir()
    for name in ("alpha", "the-order", "unused"):
        (tmp_path / "value_sets" / f"{name}.csv").write_text(ALPHA, encoding="utf-8")
    (tmp_path / "2025-01.yaml").write_text(text(LEAF), encoding="utf-8")
    return tmp_path


def library(root: Path) -> Library:
    sets = load_value_sets([root / "value_sets"])
    policy = load_policy(root / "2025-01.yaml", sets)
    return Library({policy.full_name: policy}, sets)


def hashed(root: Path) -> str:
    held = library(root)
    return content_hash(held.policy("CP.TEST@2025-01"), held)


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def told(root: Path) -> list[str]:
    return [str(problem) for problem in lock_problems(library(root))]


# --- what counts as a change -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("2025-01.yaml", "sections:", "\n# A comment\nsections:"),
        ("2025-01.yaml", "title: Test fusion", "title:   'Test fusion'"),
        ("2025-01.yaml", "policy: CP.TEST\nrevision: 2025-01", "revision: 2025-01\npolicy: CP.TEST"),
        ("value_sets/alpha.csv", "One,test", "Another label,another source"),
        ("value_sets/unused.csv", "/sct,1,", "/sct,9,"),
    ],
    ids=["comment", "quotes and spaces", "order of keys", "labels and sources", "a value set of other texts"],
)
def test_what_changes_no_meaning_is_no_change(root: Path, file: str, old: str, new: str) -> None:
    before = hashed(root)
    edit(root / file, old, new)
    assert hashed(root) == before


def test_the_order_of_the_rows_is_no_change(root: Path) -> None:
    before = hashed(root)
    first, second = ALPHA.removeprefix(HEADER).splitlines(keepends=True)
    (root / "value_sets" / "alpha.csv").write_text(HEADER + second + first, encoding="utf-8")
    assert hashed(root) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("2025-01.yaml", "says: s", "says: t"),
        ("2025-01.yaml", "ask: q", "ask: r"),
        ("2025-01.yaml", "not_met_when", "met_when"),
        ("2025-01.yaml", "in: alpha", "in: unused"),
        ("value_sets/alpha.csv", "/sct,1,", "/sct,9,"),
        ("value_sets/alpha.csv", "http://snomed.info/sct,1", "http://loinc.org,1"),
        ("value_sets/alpha.csv", "2020-01-01,,", "2020-01-02,,"),
        ("value_sets/alpha.csv", "2020-01-01,,", "2020-01-01,2030-01-01,"),
        ("value_sets/alpha.csv", ",decides", ",asks"),
        ("value_sets/the-order.csv", ",asks", ",decides"),
    ],
)
def test_what_changes_the_meaning_is_a_change(root: Path, file: str, old: str, new: str) -> None:
    before = hashed(root)
    edit(root / file, old, new)
    assert hashed(root) != before


def test_the_hash_is_a_sha_256(root: Path) -> None:
    assert len(bytes.fromhex(hashed(root))) == 32


# --- who is told -----------------------------------------------------------------------------------------------------


def test_a_text_that_is_not_locked_is_told(root: Path) -> None:
    source = root / "2025-01.yaml"
    assert told(root) == [f"{source}:1: edition 1 is not in the lock; run `policies lock`"]


def test_a_locked_text_is_not(root: Path) -> None:
    write_lock(library(root))
    assert told(root) == []


def test_a_changed_text_of_the_same_edition_is_told(root: Path) -> None:
    write_lock(library(root))
    edit(root / "2025-01.yaml", "says: s", "says: t")
    assert told(root) == [
        f"{root / '2025-01.yaml'}:1: the content changed and the edition is still 1; raise it and run `policies lock`"
    ]


def test_a_changed_value_set_is_a_changed_text(root: Path) -> None:
    write_lock(library(root))
    edit(root / "value_sets" / "alpha.csv", ",decides", ",asks")
    assert len(told(root)) == 1


def test_a_changed_text_of_a_new_edition_is_asked_to_be_locked_and_the_old_one_stays(root: Path) -> None:
    write_lock(library(root))
    before = dict(locked()["CP.TEST@2025-01"])
    edit(root / "2025-01.yaml", "says: s", "says: t")
    edit(root / "2025-01.yaml", "edition: 1", "edition: 2")
    assert told(root) == [f"{root / '2025-01.yaml'}:1: edition 2 is not in the lock; run `policies lock`"]
    write_lock(library(root))
    assert told(root) == []
    assert locked()["CP.TEST@2025-01"]["1"] == before["1"]


def test_locking_does_not_lock_a_changed_edition_over(root: Path) -> None:
    write_lock(library(root))
    edit(root / "2025-01.yaml", "says: s", "says: t")
    write_lock(library(root))
    assert len(told(root)) == 1


def test_locking_replaces_a_changed_edition_on_request(root: Path) -> None:
    write_lock(library(root))
    edit(root / "2025-01.yaml", "says: s", "says: t")
    write_lock(library(root), replace=True)
    assert told(root) == []


def test_the_lock_is_written_sorted_and_for_reading(root: Path) -> None:
    write_lock(library(root))
    written = (root / "lock.json").read_text(encoding="utf-8")
    assert written == json.dumps({"CP.TEST@2025-01": {"1": hashed(root)}}, indent=2) + "\n"


def test_without_a_lock_nothing_is_locked(root: Path) -> None:
    assert locked() == {}


def test_texts_of_the_operator_are_not_locked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BUILT_IN", BUILT_IN)
    assert told(root) == []
    write_lock(library(root))
    assert locked() == {}
