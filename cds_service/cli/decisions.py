"""`cds-service decisions …`: read the decision log."""

from datetime import datetime

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import settings_given
from cds_service.cli.stored import SINCE, current_database, decision_of, moment_of
from cds_service.records.decision_log import decisions
from fhir_mappings.fhir_json import dumps


@click.command("show", epilog=exit_codes())
@click.argument("decision_id", metavar="DECISION")
def show_command(decision_id: str) -> None:
    """Print one decision as JSON. DECISION is the X-Request-Id of the answer, or the hookInstance."""
    click.echo(dumps(decision_of(settings_given(), decision_id).as_json(), indent=2))


@click.command("export", epilog=exit_codes())
@SINCE
@click.option("--tests", is_flag=True, help="Also print those of test calls, whose client is sandbox.")
def export_command(since: datetime | None, tests: bool) -> None:
    """Print decisions, one JSON object per line, in the shape of Open Policy Agent's decision log."""
    with current_database(settings_given()) as database:
        for each in decisions(database, moment_of(since), tests=tests):
            click.echo(dumps(each.as_json()))
