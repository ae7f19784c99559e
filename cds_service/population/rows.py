"""The rows of a run: one per order, in one Parquet file per bucket, which other programs read as they are."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pyarrow as pa
from pyarrow import parquet

_ROWS_AT_A_TIME = 1_000
"""Rows in memory before they are written, as one row group."""

MALFORMED = b"malformed"
"""The member of a file's metadata with the lines of the export that are no resource, as a JSON list of strings."""

_CRITERION = pa.struct(
    [
        ("id", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("counted", pa.string()),
        ("is_group", pa.bool_()),
    ]
)
_FLIP = pa.struct([("criterion", pa.string()), ("before", pa.string()), ("after", pa.string())])

SCHEMA = pa.schema(
    [
        ("patient", pa.string()),
        ("order_number", pa.int32()),
        ("order_id", pa.string()),
        ("code", pa.string()),
        ("failure", pa.string()),
        ("outcome", pa.string()),
        ("section", pa.string()),
        ("pathway", pa.string()),
        ("documented", pa.int32()),
        ("required", pa.int32()),
        ("items_left", pa.int32()),
        ("criteria", pa.list_(_CRITERION)),
        ("missing", pa.list_(pa.string())),
        ("unread", pa.list_(pa.string())),
        ("compared_outcome", pa.string()),
        ("is_changed", pa.bool_()),
        ("flips", pa.list_(_FLIP)),
    ]
)
"""The columns; docs/population.md explains them. A later version adds columns and changes none."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a bucket gave: rows, those of them that are failures, and malformed lines that the split had not seen."""

    rows: int
    failed: int
    malformed: tuple[str, ...] = ()


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], malformed: Sequence[str]) -> Written:
    """Write the rows of a bucket, a bounded number at a time; the file appears once it is complete.

    `malformed` is read after the last row, so that what makes the rows may still add to it.
    """
    unfinished = path.with_name(f"{path.name}.{token_hex(8)}.new")
    try:
        written = _write(unfinished, rows, malformed)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _write(path: Path, rows: Iterable[Mapping[str, Any]], malformed: Sequence[str]) -> Written:
    count = failed = 0
    waiting: list[Mapping[str, Any]] = []
    with parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for row in rows:
            waiting.append(row)
            count += 1
            failed += row["failure"] is not None
            if len(waiting) == _ROWS_AT_A_TIME:
                writer.write_table(pa.Table.from_pylist(waiting, SCHEMA))
                waiting.clear()
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, SCHEMA))
        writer.add_key_value_metadata({MALFORMED: json.dumps(list(malformed)).encode()})
    return Written(count, failed, tuple(malformed))
