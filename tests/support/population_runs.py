"""Runs over a population for tests, in this process: no Dask, the same work."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pyarrow import parquet

from cds_service.hooks.coded_order import coded_order
from cds_service.population.chart import ExportedTypes
from cds_service.population.export import files_in
from cds_service.population.rows import Written
from cds_service.population.split import Charts, SplitReport, split
from cds_service.population.work import Rules, Work
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from fhir_mappings.codings import CPT
from fhir_mappings.fhir_json import Resource

FUSION, EARLIER = "CP.MP.126@2025-04", "CP.MP.126@2022-06"
AT = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("America/New_York"))
ORDER = coded_order(CPT, "27279", "Fusion", AT.date(), "order-1")
ASSESSOR = load_assessor(Settings())
"""The policies that ship with the service, loaded once."""
RULES = Rules.of(Settings(), ASSESSOR)


def judge_here(work: Work, buckets: Sequence[int], done: Callable[[int, Written], None]) -> dict[int, str]:
    """Judge buckets one after another in this process."""
    opened = work.open()
    for bucket in buckets:
        done(bucket, opened.do(bucket))
    return {}


def split_and_judge(
    source: Path,
    folder: Path,
    *,
    order: Resource | None = ORDER,
    orders: Path | None = None,
    compared: str | None = None,
    key: bytes | None = None,
    buckets: int = 3,
) -> tuple[SplitReport, list[dict[str, Any]]]:
    """Split an export and judge it; return what the split found, and the rows sorted by patient and order."""
    policies = [ASSESSOR.library.policies[name] for name in (FUSION, compared) if name]
    report = split(Charts(folder / "charts"), files_in(source), buckets=buckets, policies=policies, orders=orders)
    (folder / "rows").mkdir()
    work = work_of(source, folder, order=None if orders else order, orders=orders, compared=compared, key=key)
    judge_here(replace(work, types=ExportedTypes.of(report)), range(buckets), lambda _bucket, _written: None)
    return report, rows_in(folder / "rows")


def work_of(
    source: Path,
    folder: Path,
    *,
    order: Resource | None = ORDER,
    orders: Path | None = None,
    compared: str | None = None,
    key: bytes | None = None,
) -> Work:
    """The work of a run over an export; of what the export has, nothing counts as offered."""
    return Work(
        rules=RULES,
        policy=FUSION,
        compared=compared,
        at=AT,
        order=order,
        types=ExportedTypes(),
        files=tuple(path.name for path in (*files_in(source), *((orders,) if orders else ()))),
        charts=folder / "charts",
        rows=folder / "rows",
        key=key,
    )


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run, sorted by patient and order."""
    found = [row for path in folder.glob("rows-*.parquet") for row in parquet.read_table(path).to_pylist()]
    return sorted(found, key=lambda row: (row["patient"], row["order_number"]))
