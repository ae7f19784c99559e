"""`cds-service feedback …`: see which cards clinicians accepted and overrode."""

import csv
import sys
from datetime import datetime

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import settings_given
from cds_service.cli.output.feedback import print_acceptance
from cds_service.cli.stored import SINCE, current_database, moment_of
from cds_service.records.report import acceptance, unknown_cards
from cds_service.records.selection import Selection
from fhir_mappings.fhir_json import dumps


@click.command("report", epilog=exit_codes())
@SINCE
@click.option("--csv", "as_csv", is_flag=True, help="Print a line per criterion and override reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
def report_command(since: datetime | None, as_csv: bool, as_json: bool) -> None:
    """Print acceptance and override reasons per policy and criterion."""
    with current_database(settings_given()) as database:
        lines = acceptance(database, Selection(moment_of(since)))
        unknown = unknown_cards(database)
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
