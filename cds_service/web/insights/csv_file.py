"""A table as a CSV file (RFC 4180) that a spreadsheet shows without running anything in it."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV Injection)."""


def csv_file(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return the file, in UTF-8 with CRLF; None is an empty cell. An apostrophe stands before text like a formula."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([_cell(each) for each in header])
    writer.writerows([_cell(each) for each in row] for row in rows)
    return written.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
