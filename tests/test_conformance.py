"""docs/conformance.md is what the tests and the lists of requirements say now."""

from pathlib import Path

import pytest

from tests.conformance import CRD, DTR, GUIDES, PAGE, Guide, named_by_tests, page, requirements

TESTS = Path(__file__).parent


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make conformance` and commit docs/conformance.md"


def test_every_number_of_the_checklist_is_stated_once() -> None:
    assert [each.number for each in requirements()] == list(range(1, 141))


def test_what_is_stated_is_checked_or_says_why_not() -> None:
    tests = named_by_tests(TESTS)
    for each in requirements():
        assert bool(each.reason) is (each.id not in tests), each.id
        assert each.statement.endswith(".")
        assert not each.reason or each.reason.endswith(".")
        assert each.level in ("MUST", "SHOULD", "PRUDENT")


@pytest.mark.parametrize("guide", GUIDES)
def test_what_tests_check_of_a_guide_has_tests_and_anything_else_says_why(guide: Guide) -> None:
    tests = named_by_tests(TESTS)
    for each in guide.statements():
        mark = guide.mark(each)
        assert set(each.items.split()) <= tests.keys(), each.id
        if each.how == "tests":
            assert not tests.keys().isdisjoint([*each.items.split(), mark]), each.id
        else:
            assert each.how in ("reviewed", "not met", "not applicable"), each.id
            assert mark not in tests, each.id
            assert each.why, each.id
        assert each.statement.endswith(".")
        assert not each.why or each.why.endswith(".")


@pytest.mark.parametrize(("guide", "count"), [(CRD, 144), (DTR, 113)])
def test_every_statement_that_a_test_names_is_one_of_its_guide(guide: Guide, count: int) -> None:
    marks = {guide.mark(each) for each in guide.statements()}
    assert len(guide.statements()) == len(marks) == count
    assert {name for name in named_by_tests(TESTS) if name.startswith(f"{guide.name}:")} <= marks


@pytest.mark.parametrize("guide", GUIDES)
def test_no_shall_is_left_unmet(guide: Guide) -> None:
    assert [each.id for each in guide.statements() if each.is_binding and each.how == "not met"] == []


MARKED = """
import pytest

@pytest.mark.requirement("7.1", "7.2")
def test_one(): ...

@pytest.mark.parametrize("a", [pytest.param(1, marks=pytest.mark.requirement("7.3"))])
def test_two(a): ...

class TestInside:
    @pytest.mark.requirement("7.1")
    def test_three(self): ...

def test_four(): ...
"""


def test_markers_are_found_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "test_some.py").write_text(MARKED)
    found = named_by_tests(tmp_path)
    assert found == {
        "7.1": ["inner/test_some.py::test_one", "inner/test_some.py::test_three"],
        "7.2": ["inner/test_some.py::test_one"],
        "7.3": ["inner/test_some.py::test_two"],
    }
