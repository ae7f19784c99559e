"""Count the rows of a run, file by file and a bounded number of rows at a time."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from cds_service.population.rows import MALFORMED

_ROWS_AT_A_TIME = 10_000
_COLUMNS = (
    *("order_number", "failure", "outcome", "criteria", "missing", "unread"),
    *("compared_outcome", "is_changed", "flips"),
)


@dataclass(slots=True)
class CriterionCount:
    """How often a criterion has each status; `not_counted` is of orders for which it does not count."""

    met: int = 0
    not_met: int = 0
    unknown: int = 0
    not_counted: int = 0

    @property
    def counted(self) -> int:
        """Return for how many orders it counts."""
        return self.met + self.not_met + self.unknown


@dataclass(slots=True)
class Summary:
    """The counts of a run. `patients` are those with an order; `orders` counts those that failed, too.

    `changes` counts the outcomes before and after, of orders whose outcome differs, and `flips` the criteria of these
    orders with their statuses before and after, empty under a revision without the criterion. `missing` counts for how
    many orders each question is open, by `linkId`, and `unread` for how many a resource type was not read completely.
    """

    patients: int = 0
    orders: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    criteria: dict[str, CriterionCount] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    flips: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Return how many orders could not be judged."""
        return self.failures.total()


def summarize(files: Iterable[Path]) -> Summary:
    """Return the counts of files of rows. Raise OSError and ArrowInvalid, a ValueError, for files that are none."""
    summary = Summary()
    for path in files:
        with parquet.ParquetFile(path) as file:
            summary.malformed += json.loads((file.metadata.metadata or {}).get(MALFORMED, b"[]"))
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=list(_COLUMNS)):
                _add(summary, batch)
    return summary


def _add(summary: Summary, batch: Any) -> None:
    summary.orders += batch.num_rows
    summary.patients += pc.sum(pc.equal(batch["order_number"], 1)).as_py() or 0
    summary.failures.update(_counted(batch["failure"]))
    summary.outcomes.update(_counted(batch["outcome"]))
    summary.missing.update(_counted(batch["missing"].flatten()))
    summary.unread.update(_counted(batch["unread"].flatten()))
    for (name, status, is_counted), count in _grouped(_criteria(batch)):
        found = summary.criteria.setdefault(name, CriterionCount())
        column = status.replace("-", "_") if is_counted else "not_counted"
        setattr(found, column, getattr(found, column) + count)
    summary.compared += len(batch) - batch["compared_outcome"].null_count
    changed = batch.filter(pc.fill_null(batch["is_changed"], False))
    outcomes = pa.table({"before": changed["compared_outcome"], "after": changed["outcome"]})
    for (before, after), count in _grouped(outcomes):
        summary.changes[before, after] += count
    flips = changed["flips"].flatten()
    for (name, before, after), count in _grouped(_fields(flips, "criterion", "before", "after")):
        summary.flips[name, before or "", after or ""] += count


def _counted(values: Any) -> dict[str, int]:
    found = pc.value_counts(values.drop_null()).to_pylist()
    return {each["values"]: each["counts"] for each in found}


def _criteria(batch: Any) -> Any:
    """Return a row per criterion of a row: its id, its status, and whether it counts."""
    found = batch["criteria"].flatten()
    columns = _fields(found, "id", "status")
    return columns.append_column("is_counted", pc.is_valid(pc.struct_field(found, "counted")))


def _fields(structs: Any, *names: str) -> Any:
    return pa.table({name: pc.struct_field(structs, name) for name in names})


def _grouped(table: Any) -> list[tuple[tuple[Any, ...], int]]:
    """Return how many rows there are of each combination of values."""
    names = table.column_names
    found = table.group_by(names).aggregate([([], "count_all")]).to_pylist()
    return [(tuple(each[name] for name in names), each["count_all"]) for each in found]
