"""`cds-service policies operators`: what a policy document can be written with."""

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.names import no_such
from cds_service.cli.output.operators import print_operator, print_operators
from coverage_policies.format.registry import operators


@click.command("operators", epilog=exit_codes())
@click.argument("name", required=False)
def operators_command(name: str | None) -> None:
    """List the operators, or explain the one named NAME with its arguments and an example."""
    if name is None:
        print_operators(Console(), operators().values())
    elif name in operators():
        print_operator(Console(), operators()[name])
    else:
        raise no_such("operator", name, operators())
