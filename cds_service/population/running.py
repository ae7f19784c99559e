"""A run from the export to the rows: split it once, judge the buckets that are left, delete the charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from msgspec import structs

from cds_service.population.chart import ExportedTypes
from cds_service.population.folder import Description, RunFolder
from cds_service.population.rows import Written
from cds_service.population.split import SplitReport, split
from cds_service.population.work import Work
from coverage_policies.format.model import Policy

Judging: TypeAlias = Callable[[Work, Sequence[int], Callable[[int, Written], None]], dict[int, str]]
"""Judges buckets, and calls back with each one and what it gave; returns those that failed, with the reason."""


class Progress(Protocol):
    """Shows how far a run is: bytes of the export that were read, then buckets that are done."""

    def splitting(self, size: int) -> Callable[[int], None]:
        """Begin with so many bytes; return what is called with how many more were read."""

    def judging(self, buckets: int, done: int) -> Callable[[Written], None]:
        """Begin with so many buckets, some of which are done; return what is called with what one more gave."""


@dataclass(frozen=True, slots=True)
class Export:
    """The files to read, and the revisions of the run, its own first."""

    files: tuple[Path, ...]
    orders: Path | None
    policies: tuple[Policy, ...]


def run(
    folder: RunFolder,
    description: Description,
    export: Export,
    work: Work,
    judging: Judging,
    progress: Progress,
) -> dict[int, str]:
    """Do what is left of a run; return the buckets that failed, with the reason. They stay, to be resumed.

    Raise UnreadableExportError, OSError, and what `judging` raises.
    """
    left = folder.left(description.buckets)
    if not left:
        folder.finish()
        return {}
    report = folder.charts.report()
    if report is None:
        report = _split(folder, description, export, progress)
    folder.write(structs.replace(description, split=report))
    count_done = progress.judging(description.buckets, description.buckets - len(left))

    def done(bucket: int, written: Written) -> None:
        folder.charts.bucket(bucket).unlink(missing_ok=True)
        count_done(written)

    failed = judging(replace(work, types=ExportedTypes.of(report)), left, done)
    if not failed:
        folder.finish()
    return failed


def _split(folder: RunFolder, description: Description, export: Export, progress: Progress) -> SplitReport:
    files = (*export.files, *((export.orders,) if export.orders else ()))
    return split(
        folder.charts,
        export.files,
        buckets=description.buckets,
        policies=export.policies,
        orders=export.orders,
        advance=progress.splitting(sum(path.stat().st_size for path in files)),
    )
