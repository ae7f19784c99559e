"""The cells of a spreadsheet (.xlsx) as text, read by openpyxl if it is installed."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from coverage_policies.format.problems import DocumentError

MAX_ROWS = 100_000
"""The most rows of a sheet that are read."""


def sheets(path: Path) -> list[list[list[str]]]:
    """Return the rows of each sheet, each a list of cells.

    Raises DocumentError for a file that is no spreadsheet, and where openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        what = "to import a spreadsheet, install `cds-coverage-policies[spreadsheets]`, or save it as CSV (UTF-8)"
        raise DocumentError.at(path, 1, what) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError):
        raise DocumentError.at(path, 1, "this is no spreadsheet that can be read; save it as CSV (UTF-8)") from None
    try:
        return [
            [[_text(value) for value in row] for row in sheet.iter_rows(max_row=MAX_ROWS, values_only=True)]
            for sheet in book.worksheets
        ]
    finally:
        book.close()


def _text(value: Any) -> str:
    """Return a cell as its author sees it: a code that is stored as a number has no decimal point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
