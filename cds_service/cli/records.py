"""`cds-service db | decisions | feedback | replay`: for those who run the service and answer for what it said."""

import csv
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.inputs import FILE, assessor_of, exit_on_error, json_in, request_in, settings_given
from cds_service.cli.output.records import print_acceptance, print_checks
from cds_service.records.database import Database
from cds_service.records.decision_log import Decision, decision, decisions, purge
from cds_service.records.report import acceptance, unknown_cards
from cds_service.records.schema import SchemaState, state, upgrade
from cds_service.records.verify import NotReplayableError, replay
from cds_service.settings import Settings
from cds_service.wiring.records import open_database, open_key
from fhir_mappings.fhir_json import dumps

DIFFERENT = 4
"""Exit code of `replay` where input, policy or answer are not what was recorded."""

_WAIT_SECONDS = 600.0
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE = click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on (UTC).")


@click.group()
def db() -> None:
    """Look after the database of decisions and feedback."""


@db.command("upgrade")
def upgrade_command() -> None:
    """Bring the schema up to date."""
    with _opened(settings_given()) as database:
        before = upgrade(database)
    if before is SchemaState.UNKNOWN:
        raise click.ClickException(f"the schema is {before.value}")
    click.echo("The schema was current." if before is SchemaState.CURRENT else "The schema is current now.")


@db.command("check")
def check_command() -> None:
    """Tell whether the database can be read and its schema is current; the exit code is 1 where not."""
    with _opened(settings_given()) as database:
        found = state(database)
    if found is not SchemaState.CURRENT:
        raise click.ClickException(f"the schema is {found.value}")
    click.echo("The schema is current.")


@db.command("purge")
@click.option("--older-than", type=click.IntRange(min=1), required=True, metavar="DAYS", help="Delete what is older.")
def purge_command(older_than: int) -> None:
    """Delete old decisions with their cards and feedback; the purge itself is recorded."""
    now = datetime.now(UTC)
    with _ready(settings_given()) as database:
        count = purge(database, now - timedelta(days=older_than), now)
    click.echo(f"{count} decisions deleted.")


@click.group("decisions")
def decisions_group() -> None:
    """Read the decision log."""


@decisions_group.command("show")
@click.argument("decision_id", metavar="DECISION")
def show_command(decision_id: str) -> None:
    """Print one decision as JSON. DECISION is the X-Request-Id of the answer, or the hookInstance."""
    click.echo(dumps(_decision(settings_given(), decision_id).as_json(), indent=2))


@decisions_group.command("export")
@_SINCE
def export_command(since: datetime | None) -> None:
    """Print decisions, one JSON object per line, in the shape of Open Policy Agent's decision log."""
    with _ready(settings_given()) as database:
        for each in decisions(database, _moment(since)):
            click.echo(dumps(each.as_json()))


@click.group("feedback")
def feedback_group() -> None:
    """See what became of cards."""


@feedback_group.command("report")
@_SINCE
@click.option("--csv", "as_csv", is_flag=True, help="Print a line per criterion and override reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
def report_command(since: datetime | None, as_csv: bool, as_json: bool) -> None:
    """Print acceptance and override reasons per policy and criterion."""
    with _ready(settings_given()) as database:
        lines, unknown = acceptance(database, _moment(since)), unknown_cards(database)
    if as_json:
        click.echo(dumps([line.as_json() for line in lines], indent=2))
    elif as_csv:
        reasons = sorted({reason for line in lines for reason in line.reasons})
        out = csv.writer(sys.stdout)
        out.writerow(["policy", "revision", "criterion", "shown", "accepted", "overridden", *reasons])
        for line in lines:
            counts = (line.shown, line.accepted, line.overridden, *(line.reasons[reason] for reason in reasons))
            out.writerow([line.policy, line.revision, line.criterion, *counts])
    else:
        print_acceptance(Console(), lines, unknown)


@click.command("replay")
@click.argument("decision_id", metavar="DECISION")
@click.option("--request", "request_file", type=FILE, required=True, help="The body of the call, as it was sent.")
@click.option("--chart", type=FILE, help="A FHIR PolicySnapshot with what was read from the FHIR server.")
@click.option("--json", "as_json", is_flag=True, help="Print every check as JSON, hashes in full.")
def replay_command(decision_id: str, request_file: Path, chart: Path | None, as_json: bool) -> None:
    """Judge a recorded call again and compare input, policy and answer by their hashes.

    DECISION is the X-Request-Id of the answer, or the hookInstance. The exit code is 0 where everything is the same,
    4 where something differs, 1 where it cannot be told.
    """
    settings = settings_given()
    assessor = assessor_of(settings)
    request, bundle = request_in(request_file), json_in(chart) if chart else None
    found = _decision(settings, decision_id)
    try:
        with exit_on_error():
            checks = replay(found, request, bundle, assessor, settings, open_key(settings), time.monotonic)
    except (NotReplayableError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(dumps([check.as_json() for check in checks], indent=2))
    else:
        print_checks(Console(), checks)
    if not all(check.is_same for check in checks):
        raise SystemExit(DIFFERENT)


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    """The database, for as long as a command needs it; what is wrong with it ends the command."""
    with exit_on_error():
        database = open_database(settings, wait_seconds=_WAIT_SECONDS)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def _ready(settings: Settings) -> Iterator[Database]:
    """The database, whose schema must be current."""
    with _opened(settings) as database:
        found = state(database)
        if found is not SchemaState.CURRENT:
            raise click.ClickException(f"the schema is {found.value}; run `cds-service db upgrade`")
        yield database


def _decision(settings: Settings, decision_id: str) -> Decision:
    with _ready(settings) as database:
        found = decision(database, decision_id)
    if found is None:
        raise click.ClickException(f"no decision {decision_id} is recorded")
    return found


def _moment(day: datetime | None) -> datetime:
    return day.replace(tzinfo=UTC) if day else _BEGINNING
