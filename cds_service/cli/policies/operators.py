"""`cds-service policies operators`: what a policy document can be written with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import exit_on_error
from cds_service.cli.names import no_such
from cds_service.cli.output.operators import print_operator, print_operators
from cds_service.cli.policies.folders import FOLDER, settings_with
from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.operator import Operator
from coverage_policies.format.order_terms import load_order_terms
from coverage_policies.format.registry import operators


@click.command("operators", epilog=exit_codes())
@click.argument("name", required=False)
@FOLDER
def operators_command(name: str | None, folders: Sequence[Path]) -> None:
    """List the operators, or explain the one named NAME with its arguments and an example."""
    if name is None:
        print_operators(Console(), operators().values())
    elif name in operators():
        print_operator(Console(), operators()[name], _attributes(operators()[name], folders))
    else:
        raise no_such("operator", name, operators())


def _attributes(operator: Operator, folders: Sequence[Path]) -> Mapping[str, Sequence[str]]:
    """Return the attributes of orders with their values, for the operator that takes them as arguments."""
    if operator.schema["additionalProperties"] is False:
        return {}
    roots = [BUILT_IN, *settings_with(folders).policy_folders]
    with exit_on_error():
        terms = load_order_terms(root / "order_terms" for root in roots)
    return {name: tuple(each.values) for name, each in terms.attributes.items()}
