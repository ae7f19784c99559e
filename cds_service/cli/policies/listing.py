"""`cds-service policies list`: the installed policies."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import assessor_of
from cds_service.cli.output.policy_list import as_json, print_policies
from cds_service.cli.policies.folders import FOLDER, settings_with
from fhir_mappings.fhir_json import dumps


@click.command("list", epilog=exit_codes())
@click.option(
    "--json", "wants_json", is_flag=True, help="Print JSON, with the number of criteria, questions, and cases."
)
@FOLDER
def list_command(wants_json: bool, folders: Sequence[Path]) -> None:
    """List the policies: owner, lines of business, and the days on which the plan applies each."""
    assessor = assessor_of(settings_with(folders))
    policies = [policy for _, policy in sorted(assessor.library.policies.items())]
    if wants_json:
        click.echo(dumps([as_json(policy, assessor.rules) for policy in policies], indent=2))
    else:
        print_policies(Console(), policies, assessor.rules)
