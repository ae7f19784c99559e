"""CSV files: RFC 4180, and no cell that a spreadsheet runs."""

import csv
import io

import pytest

from cds_service.web.insights.csv_file import csv_file


def test_lines_end_with_crlf_and_cells_are_quoted_where_they_must_be() -> None:
    assert csv_file(["A", "B"], [('say "no"', 1), ("a,b\r\nc", None)]) == b'A,B\r\n"say ""no""",1\r\n"a,b\r\nc",\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_like_a_formula_begins_with_an_apostrophe(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_file([text], []).decode(), newline=""))
    assert row == [f"'{text}"]


def test_a_negative_number_stays_a_number_and_a_lone_surrogate_is_replaced() -> None:
    assert csv_file([], [(-1, "\ud800")]) == b"\r\n-1,?\r\n"
