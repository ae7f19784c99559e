"""CSV files of operators: every fault has its line, and a bad file is not reported row by row without end."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from coverage_policies.format.problems import Problem
from coverage_policies.format.strict_csv import MOST_PROBLEMS, iso_day, read_csv


def read(path: Path, written: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Return the rows as line and joined cells, and the problems as line and words; a row with `no` is refused."""
    path.write_text(written, encoding="utf-8", newline="")
    rows, problems = [], list[Problem]()

    def row(cells: Mapping[str, str], line: int) -> None:
        if cells["a"] == "no":
            raise ValueError("a must not be no")
        rows.append((line, "|".join(cells.values())))

    read_csv(path, [("a", "b")], "the header must be a,b", row, problems)
    return rows, [(each.line, each.what) for each in problems]


def test_a_cell_may_have_commas_line_breaks_and_separators_of_paragraphs(tmp_path: Path) -> None:
    rows, problems = read(tmp_path / "t.csv", 'a,b\r\n"1,\n2",x\u2028y\r\n3,4\r\n')
    assert (rows, problems) == ([(3, "1,\n2|x\u2028y"), (4, "3|4")], [])


def test_a_refused_row_costs_no_other(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "a,b\n1,2\nno,2\n3,4\n") == ([(2, "1|2"), (4, "3|4")], [(3, "a must not be no")])


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", (1, "the header must be a,b")),
        ("b,a\n", (1, "the header must be a,b")),
        ("a,b\n1\n", (2, "1 columns instead of 2")),
        ("a,b\n1,2,3\n", (2, "3 columns instead of 2")),
        ('a,b\n1,"2\n', (2, "a quotation mark is not closed or has no partner")),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, written: str, problem: tuple[int, str]) -> None:
    assert read(tmp_path / "t.csv", written) == ([], [problem])


def test_all_faults_are_reported_up_to_the_limit(tmp_path: Path) -> None:
    _, problems = read(tmp_path / "t.csv", "a,b\n" + "no,1\n" * (MOST_PROBLEMS - 1))
    assert {what for _, what in problems} == {"a must not be no"}


def test_reading_stops_at_the_limit_and_says_where(tmp_path: Path) -> None:
    rows, problems = read(tmp_path / "t.csv", "a,b\n" + "no,1\n" * MOST_PROBLEMS + "1,2\n")
    assert (len(problems), rows) == (MOST_PROBLEMS + 1, [])
    assert problems[-1] == (MOST_PROBLEMS + 2, "the rows from here on were not checked, after 100 mistakes")


def test_a_file_that_is_not_there_is_no_fault_in_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        read_csv(tmp_path / "nowhere.csv", [("a",)], "", lambda _cells, _line: None, [])


def test_a_day_is_read() -> None:
    assert iso_day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "written", ["", "2025-02-29", "20250201", "2025-2-1", "2025-02-01 ", "2025-W05-6", "٢٠٢٥-02-01"]
)
def test_what_is_no_day_is_not_quoted(written: str) -> None:
    with pytest.raises(ValueError, match=r"^a date is written like 2024-01-01$"):
        iso_day(written)
