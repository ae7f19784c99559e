"""`cds-service population …`: many patients at once, from a FHIR bulk export to Parquet."""

import os
import re
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE
from cds_service.cli.one_call import clock_at
from cds_service.cli.policies.folders import FOLDER, settings_with

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PICTURE = "report.svg"
_SCHEDULER = re.compile(r"(tcp|tls)://[^/\s]+:\d{1,5}")


def _check_installed() -> None:
    """End the command if the extra is not installed."""
    if any(find_spec(name) is None for name in ("distributed", "pyarrow")):
        raise click.ClickException(
            "`population` needs Dask and PyArrow. Install them: pip install 'cds-coverage-policies[population]'"
        )


@click.command("run", epilog=exit_codes({1: "an error, which the message explains; --resume goes on after it"}))
@click.option("--policy", required=True, metavar="REVISION", help="The revision to judge by: CP.MP.126@2025-04.")
@click.option("--compare", metavar="REVISION", help="An earlier revision: count whose outcome changes, and by what.")
@click.option("--order", metavar="CODE|FILE", help="One order for every patient: a code of the policy, or FHIR JSON.")
@click.option("--orders", type=FILE, help="The orders of each patient, as NDJSON, or as CSV with patient and code.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    required=True,
    help="The moment to judge as of, in the time zone of the settings; a date means noon.",
)
@click.option("--input", "source", type=_FOLDER, required=True, help="A folder with a FHIR bulk export, .gz or not.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder of this run.")
@click.option("--workers", type=click.IntRange(1, 1_000), help="Processes on this machine.  [default: one per core]")
@click.option("--scheduler", metavar="URL", help="A Dask cluster instead: tcp://host:8786 or tls://host:8786.")
@click.option("--resume", is_flag=True, help="Go on with the run in OUTPUT; what is done is not done again.")
@click.option("--with-ids", is_flag=True, help="Write the ids of patients and orders, not pseudonyms.")
@FOLDER
def run_command(
    policy: str,
    compare: str | None,
    order: str | None,
    orders: Path | None,
    at: datetime,
    source: Path,
    output: Path,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    with_ids: bool,
    folders: Sequence[Path],
) -> None:
    """Judge an order of every patient of a FHIR bulk export by one revision, to Parquet and a summary."""
    if (order is None) == (orders is None):
        raise click.UsageError("Give one of --order and --orders.")
    if scheduler is not None and not _SCHEDULER.fullmatch(scheduler):
        raise click.UsageError("--scheduler is an address like tcp://host:8786 or tls://host:8786.")
    if workers is not None and scheduler is not None:
        raise click.UsageError("Give one of --workers and --scheduler.")
    _check_installed()
    from cds_service.cli.population_run import Wanted, run_wanted

    settings = settings_with(folders)
    moment = clock_at(at, settings.time_zone)()
    wanted = Wanted(policy, compare, order, orders, moment, source, output, with_ids)
    run_wanted(wanted, settings, workers=workers or os.cpu_count() or 1, scheduler=scheduler, resume=resume)
    _report(output, None)


@click.command("report", epilog=exit_codes())
@click.argument("output", type=_FOLDER)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the picture.  [default: OUTPUT/report.svg]",
)
def report_command(output: Path, picture: Path | None) -> None:
    """Print the table of a run in OUTPUT, and draw the picture of its criteria and of what is missing most."""
    _check_installed()
    _report(output, picture or output / _PICTURE)


def _report(output: Path, picture: Path | None) -> None:
    from cds_service.cli.population_run import report_on

    report_on(Console(), output, picture)
