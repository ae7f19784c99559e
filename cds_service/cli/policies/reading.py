"""Commands that tell what texts say and what they can be written with."""

import click
from rich.console import Console

from cds_service.cli.inputs import settings_given
from cds_service.cli.output.operators import print_operator, print_operators
from cds_service.cli.output.policies import print_policies, print_policy
from cds_service.cli.output.policy_markdown import policy_markdown
from cds_service.cli.policies.lookup import library_of, text_of
from coverage_policies.format.lock import locked
from coverage_policies.format.registry import operators


@click.command("list")
def list_command() -> None:
    """List the texts: criteria, groups, parts and questions of each."""
    library = library_of(settings_given())
    print_policies(Console(), [library.policy(name) for name in sorted(library.policies)])


@click.command("show")
@click.argument("text")
@click.option("--section", help="Only this section, such as II.")
@click.option("--markdown", is_flag=True, help="Print a Markdown document.")
def show_command(text: str, section: str | None, markdown: bool) -> None:
    """Show how TEXT is judged, criterion by criterion.

    TEXT is a name such as CP.MP.126@2025-04.
    """
    library = library_of(settings_given())
    policy = text_of(library, text)
    if section is not None and section not in policy.sections:
        raise click.ClickException(
            f"{policy.full_name} has no section {section!r}; it has {', '.join(policy.sections)}"
        )
    editions = locked().get(policy.full_name, {})
    if markdown:
        click.echo(policy_markdown(policy, library.value_sets, editions, section), nl=False)
    else:
        print_policy(Console(), policy, library.value_sets, editions, section)


@click.command("operators")
@click.argument("name", required=False)
def operators_command(name: str | None) -> None:
    """List the operators, or explain the one named NAME with its arguments and an example."""
    if name is None:
        print_operators(Console(), operators().values())
    elif name in operators():
        print_operator(Console(), operators()[name])
    else:
        raise click.ClickException(f"there is no operator {name!r}; there are: {', '.join(operators())}")
