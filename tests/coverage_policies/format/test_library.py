"""Loading all texts: from which folders, under which names, and what is refused."""

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from coverage_policies.format import library
from coverage_policies.format.library import Library, load_library
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.searches import ANSWERS, CONDITIONS, DEVICES, Search
from tests.support.policy_fakes import HEAD, SETS, policy, text

ORDERS = "system,code,label,source,from,to,use\nhttp://www.ama-assn.org/go/cpt,10001,Test order,test,,,decides\n"
LEAF = "I: {says: s, ask: q}"


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture
def built_in(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the built-in one, with the value set `alpha` and the text CP.OURS@2025-01."""
    root = tmp_path_factory.mktemp("built-in")
    monkeypatch.setattr(library, "BUILT_IN", root)
    write(root / "value_sets" / "alpha.csv", ORDERS)
    write(
        root / "documents" / "CP.OURS" / "2025-01.yaml",
        text(LEAF, head=HEAD.replace("TEST", "OURS"), orders="- {codes: alpha, sections: [I]}"),
    )
    return root


@pytest.fixture
def own(built_in: Path, tmp_path: Path) -> Path:
    """An operator's folder with one text, CP.TEST@2025-01."""
    write(tmp_path / "value_sets" / "the-order.csv", ORDERS)
    write(tmp_path / "documents" / "CP.TEST" / "2025-01.yaml", text(LEAF))
    return tmp_path


def problems(*folders: Path) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        load_library(folders)
    return [str(problem) for problem in raised.value.problems]


def test_what_ships_with_the_service_loads() -> None:
    held = load_library()
    assert {"CP.MP.126@2025-04", "CP.MP.173@2024-01"} <= set(held.policies)
    assert all(Path(each.source).is_relative_to(library.BUILT_IN) for each in held.policies.values())


def test_a_folder_of_the_operator_is_read_beside_it(own: Path) -> None:
    held = load_library([own])
    assert set(held.policies) == {"CP.OURS@2025-01", "CP.TEST@2025-01"}
    assert set(held.value_sets) == {"alpha", "the-order"}
    assert held.policy("CP.TEST@2025-01").source == str(own / "documents" / "CP.TEST" / "2025-01.yaml")


def test_a_text_of_the_operator_may_use_the_value_sets_that_ship(own: Path) -> None:
    write(
        own / "documents" / "CP.TEST" / "2025-01.yaml",
        text("I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}"),
    )
    (clause,) = load_library([own]).policy("CP.TEST@2025-01").index["I"].not_met_when
    assert clause.arguments == {"in": "alpha"}


def test_a_text_of_one_folder_may_use_the_value_sets_of_another(
    own: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (own / "value_sets" / "the-order.csv").rename(write(other / "value_sets" / "the-order.csv", ""))
    assert "CP.TEST@2025-01" in load_library([own, other]).policies


def test_a_text_that_is_not_held_is_an_error() -> None:
    with pytest.raises(KeyError):
        Library({}, {}).policy("CP.TEST@2025-01")


def test_case_files_are_no_texts(own: Path) -> None:
    write(own / "documents" / "CP.TEST" / "2025-01.cases.yaml", "- anything\n")
    assert "CP.TEST@2025-01" in load_library([own]).policies


@pytest.mark.usefixtures("built_in")
def test_an_empty_folder_of_documents_holds_no_text(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    assert set(load_library([tmp_path]).policies) == {"CP.OURS@2025-01"}


@pytest.mark.usefixtures("built_in")
def test_a_folder_that_holds_neither_policies_nor_value_sets_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path}:1: this folder contains no `documents`, `value_sets`, or `order_terms`"]


@pytest.mark.usefixtures("built_in")
def test_a_folder_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path / "no") == [f"{tmp_path / 'no'}:1: this folder does not exist"]


@pytest.mark.parametrize("name", ["CP.TEST/2025-02.yaml", "CP.OTHER/2025-01.yaml"])
def test_a_file_under_a_wrong_name_is_told_with_the_right_one(own: Path, name: str) -> None:
    (own / "documents" / "CP.TEST" / "2025-01.yaml").unlink()
    path = write(own / "documents" / name, text(LEAF))
    assert problems(own) == [f"{path}:1: this is CP.TEST@2025-01; its file must be named CP.TEST/2025-01.yaml"]


@pytest.mark.parametrize("name", ["2025-01.yaml", "CP.TEST/2025-02.yml", "CP.TEST/old/2025-01.yaml"])
def test_a_file_that_would_not_be_read_is_told(own: Path, name: str) -> None:
    path = write(own / "documents" / name, text(LEAF))
    assert problems(own) == [
        f"{path}:1: the service does not read this file; move it to documents/<policy>/<revision>.yaml"
    ]


def test_the_same_text_in_two_folders_is_told_with_the_first(
    own: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    second = write(other / "documents" / "CP.TEST" / "2025-01.yaml", text(LEAF))
    first = own / "documents" / "CP.TEST" / "2025-01.yaml"
    assert problems(own, other) == [f"{second}:1: CP.TEST@2025-01 already exists in {first}"]


def test_a_value_set_of_a_name_that_ships_is_refused(own: Path) -> None:
    path = write(own / "value_sets" / "alpha.csv", ORDERS)
    with pytest.raises(DocumentError, match="already exists; choose another name") as raised:
        load_library([own])
    assert str(raised.value).startswith(str(path))


def test_everything_that_is_wrong_in_any_text_is_told(own: Path) -> None:
    first = write(own / "documents" / "CP.A" / "2025-01.yaml", text("I: {says: s}", head=HEAD.replace("TEST", "A")))
    second = write(own / "documents" / "CP.B" / "2025-01.yaml", "policy: CP.B\n")
    found = problems(own)
    assert [each.split(":")[0] for each in found] == [str(first), str(second)]


def test_the_data_of_a_library_are_those_of_its_texts_each_kind_once() -> None:
    one = policy("I: {says: s, show: [{condition: {in: alpha}}, {condition: {in: beta}}], ask: q}")
    two = policy("I: {says: s, show: {device: {in: alpha}}, ask: q}")
    held = Library({"one": one, "two": two}, SETS)
    assert set(held.searches()) == {ANSWERS, CONDITIONS, DEVICES}
    assert set(held.searches([two])) == {ANSWERS, DEVICES}
    assert held.searches([]) == ()


def test_the_data_of_a_whole_library_are_collected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    searches = Policy.searches

    def watched(of: Policy) -> tuple[Search, ...]:
        asked.append(of.name)
        return searches(of)

    monkeypatch.setattr(Policy, "searches", watched)
    held = Library({str(n): replace(policy(LEAF), name=str(n)) for n in range(3)}, SETS)
    assert held.searches() == held.searches() == (ANSWERS,)
    assert asked == ["0", "1", "2"]
    held.searches([held.policy("1")])
    assert asked[3:] == ["1"]


@pytest.mark.parametrize("was_enabled", [True, False])
def test_loading_leaves_the_garbage_collector_as_it_was(tmp_path: Path, was_enabled: bool) -> None:
    (gc.enable if was_enabled else gc.disable)()
    try:
        load_library()
        assert gc.isenabled() is was_enabled
        with pytest.raises(DocumentError):
            load_library([tmp_path / "missing"])
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
