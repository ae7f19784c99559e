"""`cds-service db …`: look after the database of decisions and feedback."""

from datetime import UTC, datetime, timedelta

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import settings_given
from cds_service.cli.stored import current_database, opened_database
from cds_service.records.decision_log import purge
from cds_service.records.schema import SchemaState, state, upgrade


@click.command("upgrade", epilog=exit_codes())
def upgrade_command() -> None:
    """Bring the schema up to date."""
    with opened_database(settings_given(), create=True) as database:
        before = upgrade(database)
    if before is SchemaState.UNKNOWN:
        raise click.ClickException(f"The schema of the database is {before.value}.")
    if before is SchemaState.NEWER:
        click.echo(f"The schema is {before.value}.")
    else:
        click.echo("The schema was current." if before is SchemaState.CURRENT else "The schema is current now.")


@click.command("check", epilog=exit_codes({0: "it can, and it does", 1: "it cannot, or it does not"}))
def check_command() -> None:
    """Check that the database can be read and its schema fits this version."""
    with opened_database(settings_given()) as database:
        found = state(database)
    if not found.is_usable:
        raise click.ClickException(f"The schema of the database is {found.value}.")
    click.echo(f"The schema is {found.value}.")


@click.command("purge", epilog=exit_codes())
@click.option("--older-than", type=click.IntRange(min=1), required=True, metavar="DAYS", help="Delete what is older.")
def purge_command(older_than: int) -> None:
    """Delete old decisions with their cards and feedback, and record that they were deleted."""
    now = datetime.now(UTC)
    with current_database(settings_given()) as database:
        count = purge(database, now - timedelta(days=older_than), now)
    click.echo(f"{count} decisions deleted.")
