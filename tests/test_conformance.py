"""docs/conformance.md is what the tests and the lists of requirements say now."""

from pathlib import Path

from tests.conformance import PAGE, crd_statements, named_by_tests, page, requirements

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


def test_what_tests_check_of_crd_has_tests_and_anything_else_says_why() -> None:
    tests = named_by_tests(TESTS)
    for each in crd_statements():
        named = [*each.items.split(), f"crd:{each.id}"]
        assert set(each.items.split()) <= tests.keys(), each.id
        if each.how == "tests":
            assert any(name in tests for name in named), each.id
        else:
            assert each.how in ("reviewed", "not met", "not applicable"), each.id
            assert f"crd:{each.id}" not in tests, each.id
            assert each.why, each.id
        assert each.statement.endswith(".")
        assert not each.why or each.why.endswith(".")


def test_every_statement_that_a_test_names_is_one_of_the_guide() -> None:
    ids = [each.id for each in crd_statements()]
    assert len(set(ids)) == len(ids) == 144
    assert {name for name in named_by_tests(TESTS) if name.startswith("crd:")} <= {f"crd:{each}" for each in ids}


def test_no_shall_is_left_unmet() -> None:
    assert [each.id for each in crd_statements() if each.is_binding and each.how == "not met"] == []


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
