"""`cds-service evaluate`: the determinations of one request, without a server."""

from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.inputs import FILE, assessor_of, json_in, request_in, settings_given
from cds_service.cli.output.determinations import print_determination
from cds_service.cli.policies.lookup import text_of
from cds_service.hooks.evaluation import evaluate_request
from cds_service.wiring.live_app import now
from fhir_mappings.fhir_json import dumps

NOTHING_READ = 3
"""Exit code of `evaluate` where nothing could be read and the orders do not settle themselves (HTTP: 412)."""


@click.command("evaluate")
@click.argument("request", type=FILE)
@click.option(
    "--chart",
    type=FILE,
    help="A FHIR PolicySnapshot that stands in for the FHIR server.",
)
@click.option("--policy", help="Judge by this text only, such as CP.MP.126@2025-04.")
@click.option("--json", "as_json", is_flag=True, help="Print the determinations as JSON.")
def evaluate_command(request: Path, chart: Path | None, policy: str | None, as_json: bool) -> None:
    """Judge the orders of a CDS Hooks REQUEST, a JSON file, and print one determination per order and text."""
    settings = settings_given()
    assessor = assessor_of(settings)
    found = evaluate_request(
        request_in(request),
        assessor,
        settings,
        chart=json_in(chart) if chart else None,
        text=text_of(assessor.library, policy) if policy else None,
        clock=now,
    )
    if as_json:
        click.echo(dumps([each.as_json() for each in found.determinations], indent=2))
    else:
        console = Console()
        for each in found.determinations:
            print_determination(console, each)
        if not found.determinations:
            console.print("No policy text speaks about these orders.")
    if found.is_unread and not any(each.is_settled for each in found.determinations):
        click.echo("Nothing could be read: no usable prefetch and no FHIR query that succeeded (HTTP 412).", err=True)
        raise SystemExit(NOTHING_READ)
