"""Measure runs over a population: `python -m tests.benchmarks.population`; docs/population.md has the figures.

`--charts` names a folder of FHIR Bundles, `--copies` how often each is used; without it the sample patients are used.
The limit is DuckDB, which reads the rows of a run; without it (the extra `bench`) that line is left out.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread

import click
import psutil

from cds_service.population.chart import ExportedTypes
from cds_service.population.cluster import on_this_machine
from cds_service.population.export import files_in
from cds_service.population.rows import Written
from cds_service.population.running import Judging
from cds_service.population.split import Charts, bucket_count, split
from cds_service.population.summary import summarize
from cds_service.population.work import Work
from fhir_mappings.fhir_json import loads
from tests.support.bulk_export import sample_charts, write_export
from tests.support.population_runs import ASSESSOR, FUSION, judge_here, rows_in, work_of

_MEMORY_SECONDS = 1.0


@click.command()
@click.option("--charts", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--copies", default=40, show_default=True)
@click.option("--workers", "levels", multiple=True, type=int, default=(1, 2, 4), show_default=True)
@click.option("--memory", type=click.Path(path_type=Path), help="A file for the memory of each worker over time, CSV.")
def main(charts: Path | None, copies: int, levels: Sequence[int], memory: Path | None) -> None:
    """Print rows per second: a plain loop, so many workers, and DuckDB over the same rows."""
    bundles = [loads(path.read_bytes()) for path in sorted(charts.glob("*.json"))] if charts else sample_charts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        patients = write_export(folder / "in", bundles, copies, compress=True)
        files = files_in(folder / "in")
        buckets = bucket_count(files)
        begun = time.perf_counter()
        report = split(Charts(folder / "charts"), files, buckets=buckets, policies=[ASSESSOR.library.policies[FUSION]])
        lines = sum(report.kinds.values())
        seconds = time.perf_counter() - begun
        click.echo(f"{patients:,} patients, {lines:,} lines, {buckets} buckets; split: {lines / seconds:,.0f} lines/s")
        work = replace(work_of(folder / "in", folder, key=b"k" * 32), types=ExportedTypes.of(report))
        judge_here(_in(work, folder / "warm"), range(1), _ignore)
        alone = _measured("plain loop", _in(work, folder / "alone"), buckets, judge_here)
        for workers in levels:
            with _memory_to(memory):
                rows = _in(work, folder / f"{workers}")
                of_workers = _measured(f"{workers} workers", rows, buckets, on_this_machine(workers), workers)
            click.echo(f"  {of_workers / alone - 1:+.0%} processor time per row, against the plain loop")
        if rows_in(folder / "alone") != rows_in(folder / f"{levels[0]}"):
            raise click.ClickException("The rows differ.")
        _read_by_others(folder / "alone")


def _in(work: Work, rows: Path) -> Work:
    rows.mkdir()
    return replace(work, rows=rows)


def _ignore(*_: object) -> None:
    pass


def _measured(name: str, work: Work, buckets: int, judging: Judging, processes: int = 1) -> float:
    """Print rows per second and processor time per row, and return the latter in milliseconds.

    Both begin when each process may have done a bucket, so they leave out the start, and the tables that a process
    loads with its first chart; when the first bucket is done is said apart. The processor time is that of all
    processes: on a machine with other work it says more than the clock.
    """
    marks: list[tuple[float, float, int]] = []

    def done(_bucket: int, written: Written) -> None:
        marks.append((time.perf_counter(), _processor_seconds(), written.rows))

    begun = time.perf_counter()
    judging(work, range(buckets), done)
    (start, before, _), (end, after, _) = marks[processes - 1], marks[-1]
    rows = sum(count for _, _, count in marks[processes:])
    per_row = (after - before) / rows * 1_000
    click.echo(
        f"{name}: {rows / (end - start):,.1f} rows/s, {per_row:,.1f} ms of processor time per row, over {rows:,} rows; "
        f"first bucket after {marks[0][0] - begun:.0f} s"
    )
    return per_row


def _processor_seconds() -> float:
    """Return the processor time of this process and of those below it so far."""
    own = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(recursive=True)))


@contextmanager
def _memory_to(path: Path | None) -> Iterator[None]:
    """Write the resident memory of each process below this one, every second."""
    ended = Event()

    def watch() -> None:
        begun = time.monotonic()
        while path is not None and not ended.wait(_MEMORY_SECONDS):
            for process in psutil.Process().children(recursive=True):
                try:
                    resident = process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                with path.open("a", encoding="utf-8") as file:
                    file.write(f"{time.monotonic() - begun:.0f},{process.pid},{resident // 1_000_000}\n")

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _read_by_others(rows: Path) -> None:
    """Count what the summary counts, by the summary and by DuckDB."""
    files = sorted(rows.glob("*.parquet"))
    begun = time.perf_counter()
    found = summarize(files)
    seconds = time.perf_counter() - begun
    click.echo(f"summary: {found.orders / seconds:,.0f} rows/s")
    if find_spec("duckdb") is None:
        return
    import duckdb

    begun = time.perf_counter()
    query = """
        SELECT criterion.id, criterion.status, count(*)
        FROM (SELECT unnest(criteria) AS criterion FROM read_parquet(?))
        GROUP BY ALL"""
    counted = duckdb.connect().execute(query, [[str(each) for each in files]]).fetchall()
    seconds = time.perf_counter() - begun
    click.echo(f"DuckDB: {found.orders / seconds:,.0f} rows/s ({len(counted)} groups)")


if __name__ == "__main__":
    main()
