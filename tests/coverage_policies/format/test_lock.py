"""The lock: what counts as a change, and which problems it finds."""

import json
from datetime import date
from pathlib import Path

import pytest

from coverage_policies.format import library as library_module
from coverage_policies.format import lock
from coverage_policies.format.editions import Edition, read_editions
from coverage_policies.format.library import Library, load_library
from coverage_policies.format.lock import content_hash, lock_problems, write_lock
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.questions import question_hashes
from tests.support.policy_fakes import text

HEADER = "system,code,label,source,from,to,use\n"
ALPHA = HEADER + "http://snomed.info/sct,1,One,test,2020-01-01,,decides\nhttp://snomed.info/sct,2,Two,test,,,asks\n"
LEAF = "I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}"
NAME = "CP.TEST@2025-01"
DOCUMENT = "documents/CP.TEST/2025-01.yaml"
TODAY, LATER = date(2026, 3, 2), date(2026, 4, 1)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the built-in one, with one policy and its value sets."""
    root = tmp_path / "built-in"
    monkeypatch.setattr(lock, "BUILT_IN", root)
    monkeypatch.setattr(library_module, "BUILT_IN", root)
    return _folder(root)


def _folder(root: Path, name: str = "CP.TEST") -> Path:
    (root / "value_sets").mkdir(parents=True)
    (root / "documents" / name).mkdir(parents=True)
    prefix = "" if name == "CP.TEST" else "own-"
    for each in ("alpha", "the-order", "unused"):
        (root / "value_sets" / f"{prefix}{each}.csv").write_text(ALPHA, encoding="utf-8")
    (root / "documents" / name / "2025-01.yaml").write_text(
        text(LEAF).replace("CP.TEST", name).replace("in: alpha", f"in: {prefix}alpha"), encoding="utf-8"
    )
    return root


def library(root: Path) -> Library:
    """The built-in policies, and those of a folder of the operator."""
    return load_library([] if root.name == "built-in" else [root])


def hashed(root: Path) -> str:
    held = library(root)
    return content_hash(held.policy(NAME), held)


def release(root: Path, on: date | None = TODAY) -> list[str]:
    return [each.full_name for each in write_lock(library(root), [root], on)]


def edition(root: Path, number: int = 1) -> Edition | None:
    return library(root).policy(NAME).edition_numbered(number)


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def problems(root: Path) -> list[str]:
    return [str(problem) for problem in lock_problems(library(root))]


# --- what counts as a change -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (DOCUMENT, "sections:", "\n# A comment\nsections:"),
        (DOCUMENT, "title: Test fusion", "title:   'Test fusion'"),
        (DOCUMENT, "policy: CP.TEST\nrevision: 2025-01", "revision: 2025-01\npolicy: CP.TEST"),
        ("value_sets/alpha.csv", "One,test", "Another label,another source"),
        ("value_sets/unused.csv", "/sct,1,", "/sct,9,"),
    ],
    ids=["comment", "quotes and spaces", "order of keys", "labels and sources", "a value set of other texts"],
)
def test_what_changes_no_meaning_is_no_change(root: Path, file: str, old: str, new: str) -> None:
    before = hashed(root)
    edit(root / file, old, new)
    assert hashed(root) == before


def test_a_file_that_changes_after_it_was_loaded_is_no_change(root: Path) -> None:
    held = library(root)
    before = content_hash(held.policy(NAME), held)
    edit(root / DOCUMENT, "says: s", "says: t")
    assert content_hash(held.policy(NAME), held) == before


def test_the_order_of_the_rows_is_no_change(root: Path) -> None:
    before = hashed(root)
    first, second = ALPHA.removeprefix(HEADER).splitlines(keepends=True)
    (root / "value_sets" / "alpha.csv").write_text(HEADER + second + first, encoding="utf-8")
    assert hashed(root) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (DOCUMENT, "says: s", "says: t"),
        (DOCUMENT, "ask: q", "ask: r"),
        (DOCUMENT, "not_met_when", "met_when"),
        (DOCUMENT, "in: alpha", "in: unused"),
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


# --- what is a problem -----------------------------------------------------------------------------------------------


def test_a_policy_that_is_not_in_the_lock_is_a_problem(root: Path) -> None:
    assert problems(root) == [f"{root / DOCUMENT}:1: edition 1 is not in the lock; run `policies lock`"]


@pytest.mark.parametrize("released", [TODAY, None])
def test_a_policy_as_it_is_in_the_lock_is_none(root: Path, released: date | None) -> None:
    release(root, released)
    assert problems(root) == []


def test_a_change_of_a_released_edition_needs_a_new_one(root: Path) -> None:
    release(root)
    edit(root / DOCUMENT, "says: s", "says: t")
    what = "the content changed and the edition is still 1; raise it and run `policies lock`"
    assert problems(root) == [f"{root / DOCUMENT}:1: {what}"]


def test_a_change_of_an_edition_that_is_not_released_needs_the_lock_only(root: Path) -> None:
    release(root, None)
    edit(root / DOCUMENT, "says: s", "says: t")
    what = "the content of edition 1 is not that of the lock; run `policies lock`"
    assert problems(root) == [f"{root / DOCUMENT}:1: {what}"]


def test_a_changed_value_set_is_a_changed_policy(root: Path) -> None:
    release(root)
    edit(root / "value_sets" / "alpha.csv", ",decides", ",asks")
    assert len(problems(root)) == 1


def test_a_new_edition_needs_the_lock_and_the_old_one_stays(root: Path) -> None:
    release(root)
    before = edition(root)
    edit(root / DOCUMENT, "says: s", "says: t")
    edit(root / DOCUMENT, "edition: 1", "edition: 2")
    assert problems(root) == [f"{root / DOCUMENT}:1: edition 2 is not in the lock; run `policies lock`"]
    release(root, LATER)
    assert problems(root) == []
    assert edition(root) == before
    assert [each.number for each in library(root).policy(NAME).editions] == [1, 2]


# --- what is written -------------------------------------------------------------------------------------------------


def test_an_edition_is_written_with_its_content_its_questions_and_its_day(root: Path) -> None:
    assert release(root) == [NAME]
    expected = Edition(1, hashed(root), question_hashes(library(root).policy(NAME)), TODAY)
    assert edition(root) == expected


def test_the_lock_is_written_sorted_and_for_reading(root: Path) -> None:
    release(root)
    questions = question_hashes(library(root).policy(NAME))
    assert questions.keys() == {"I", "side", "applies"}
    written = {NAME: {"1": {"content": hashed(root), "questions": questions, "released": "2026-03-02"}}}
    expected = json.dumps(written, indent=2, sort_keys=True) + "\n"
    assert (root / "documents" / "lock.json").read_text(encoding="utf-8") == expected


def test_an_edition_that_is_not_released_has_no_day_and_is_written_again(root: Path) -> None:
    release(root, None)
    edit(root / DOCUMENT, "says: s", "says: t")
    assert release(root, None) == [NAME]
    assert edition(root) == Edition(1, hashed(root), question_hashes(library(root).policy(NAME)))


def test_an_edition_is_released_as_it_is_then(root: Path) -> None:
    release(root, None)
    assert release(root) == [NAME]
    assert (released := edition(root)) is not None
    assert released.released == TODAY


@pytest.mark.parametrize("again", [LATER, None])
def test_a_released_edition_is_never_written_again(root: Path, again: date | None) -> None:
    release(root)
    before = edition(root)
    edit(root / DOCUMENT, "says: s", "says: t")
    assert release(root, again) == []
    assert edition(root) == before


def test_a_lock_that_is_complete_is_not_written(root: Path) -> None:
    release(root)
    path = root / "documents" / "lock.json"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    before = path.read_bytes()
    assert release(root, LATER) == []
    assert path.read_bytes() == before


# --- the folder of an operator ---------------------------------------------------------------------------------------


def test_each_folder_has_a_lock_of_its_own(root: Path, tmp_path: Path) -> None:
    own = _folder(tmp_path / "own", "OWN")
    assert release(own) == ["OWN@2025-01"]
    assert list(read_editions(own / "documents")) == ["OWN@2025-01"]
    assert read_editions(root / "documents") == {}
    assert release(root) == [NAME]


def test_an_operators_folder_without_a_lock_has_no_problems_and_one_with_a_lock_has(root: Path, tmp_path: Path) -> None:
    release(root)
    own = _folder(tmp_path / "own", "OWN")
    assert problems(own) == []
    release(own)
    edit(own / "documents/OWN/2025-01.yaml", "says: s", "says: t")
    assert len(problems(own)) == 1
    edit(own / "documents/OWN/2025-01.yaml", "edition: 1", "edition: 2")
    assert problems(own) == [
        f"{own / 'documents/OWN/2025-01.yaml'}:1: edition 2 is not in the lock; run `policies lock`"
    ]


# --- reading it ------------------------------------------------------------------------------------------------------


def test_without_a_lock_there_are_no_editions(root: Path) -> None:
    assert read_editions(root / "documents") == {}
    assert library(root).policy(NAME).editions == ()


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        '{"P@2025-01": {"1": "abc"}}',
        '{"P@2025-01": {"1": {"content": "abc"}}}',
        '{"P@2025-01": {"one": {"content": "abc", "questions": {}}}}',
        '{"P@2025-01": {"1": {"content": "abc", "questions": {}, "released": "today"}}}',
        '{"P@2025-01": {"1": {"content": "abc", "questions": 5}}}',
        '{"P@2025-01": []}',
    ],
)
def test_a_file_that_is_not_a_lock_is_a_problem_at_its_place(root: Path, written: str) -> None:
    path = root / "documents" / "lock.json"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(DocumentError) as error:
        library(root)
    assert [(each.file, each.line, each.rule) for each in error.value.problems] == [(str(path), 1, "lock")]
    assert "restore the file" in str(error.value)
