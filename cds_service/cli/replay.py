"""`cds-service replay`: judge a recorded call again, and compare."""

import time
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE, assessor_of, exit_on_error, settings_given
from cds_service.cli.output.replay import print_checks
from cds_service.cli.requests import json_in, request_in
from cds_service.cli.stored import decision_of
from cds_service.crd.services import service_at
from cds_service.records.database import UnavailableError
from cds_service.records.verify import NotReplayableError, replay
from cds_service.wiring.records import NotReadyError, open_key
from fhir_mappings.fhir_json import dumps

DIFFERENT = 4
"""Exit code of `replay` if input, policy, or answer is not what was recorded."""


@click.command(
    "replay",
    epilog=exit_codes({0: "input, policy, and answer are the same", DIFFERENT: "one of them differs"}),
)
@click.argument("decision_id", metavar="DECISION")
@click.option("--request", "request_file", type=FILE, required=True, help="The body of the call, as it was sent.")
@click.option("--chart", type=FILE, help="A FHIR Bundle with what was read from the FHIR server.")
@click.option("--json", "as_json", is_flag=True, help="Print every check as JSON, hashes in full.")
def replay_command(decision_id: str, request_file: Path, chart: Path | None, as_json: bool) -> None:
    """Judge a recorded call again and compare input, policy, and answer by their hashes.

    DECISION is the X-Request-Id of the answer, or the hookInstance.
    """
    settings = settings_given()
    assessor = assessor_of(settings)
    found = decision_of(settings, decision_id)
    request = request_in(request_file, service_at(found.row["path"]))
    bundle = json_in(chart) if chart else None
    try:
        with exit_on_error(NotReadyError, UnavailableError):
            checks = replay(
                found, request, bundle, assessor, settings, open_key(settings, create=False), time.monotonic
            )
    except (NotReplayableError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(dumps([check.as_json() for check in checks], indent=2))
    else:
        print_checks(Console(), checks)
    if not all(check.is_same for check in checks):
        raise SystemExit(DIFFERENT)
