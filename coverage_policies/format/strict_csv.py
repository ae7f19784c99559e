"""CSV files that authors and operators write: one header, every row whole, and each fault with its line."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.strict_yaml import YamlSource

MOST_PROBLEMS = 100
"""How many mistakes of one file are reported."""
_Read = TypeVar("_Read")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def read_csv(
    path: Path,
    headers: Sequence[Sequence[str]],
    wrong_header: str,
    read: Callable[[Mapping[str, str], int], None],
    problems: list[Problem],
    rule: str = "document",
) -> None:
    """Call `read` with the cells of each row by column, and the number of its line; add what is wrong to `problems`.

    `read` raises ValueError with what is wrong with a row and what to write instead. Reading stops after
    `MOST_PROBLEMS`. Raise OSError if the file cannot be read.
    """
    already = len(problems)
    try:
        text = read_text(path)
    except DocumentError as error:
        problems += error.problems
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = next(reader, [])
        if columns not in map(list, headers):
            problems.append(Problem(str(path), 1, wrong_header, rule=rule))
            return
        for cells in reader:
            try:
                if len(cells) != len(columns):
                    raise ValueError(f"{len(cells)} columns instead of {len(columns)}")
                read(dict(zip(columns, cells, strict=True)), reader.line_num)
            except ValueError as error:
                problems.append(Problem(str(path), reader.line_num, str(error), rule=rule))
            if len(problems) - already == MOST_PROBLEMS:
                what = f"the rows from here on were not checked, after {MOST_PROBLEMS} mistakes"
                problems.append(Problem(str(path), reader.line_num + 1, what, rule=rule))
                return
    except csv.Error:
        what = "a quotation mark is not closed or has no partner"
        problems.append(Problem(str(path), reader.line_num, what, rule=rule))


@dataclass(frozen=True)
class NamedTables:
    """The CSV files that a YAML file names, relative to its folder; `problems` takes what is wrong with them."""

    source: YamlSource
    folder: Path
    problems: list[Problem]

    def read(self, place: Sequence[str | int], name: str, read: Callable[[Path, list[Problem]], _Read]) -> _Read | None:
        """Return what `read` makes of the file that is named at a place; None without a name or a readable file."""
        if not name:
            return None
        try:
            return read(self.folder / name, self.problems)
        except OSError:
            what = f"{name} cannot be read; write the name of a CSV file, relative to this file"
            self.problems.append(self.source.problem(place, what))
            return None


def iso_day(text: str) -> date:
    """Return the day of a text such as `2025-06-01`. Raise ValueError, which does not quote the text, if it is none."""
    try:
        if _DAY.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("a date is written like 2024-01-01")
