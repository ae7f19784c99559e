"""`cds-service policies show`: one revision, as it is judged."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.names import no_such
from cds_service.cli.output.policies import policy_markdown, print_policy
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import library_of, policy_named
from coverage_policies.authoring.outline import outline_of


@click.command("show", epilog=exit_codes())
@click.argument("policy")
@click.option("--section", help="Show only this section, such as II.")
@click.option("--markdown", is_flag=True, help="Print a Markdown document.")
@FOLDER
def show_command(policy: str, section: str | None, markdown: bool, folders: Sequence[Path]) -> None:
    """Show how POLICY judges an order, criterion by criterion.

    POLICY is a revision such as CP.MP.126@2025-04, or a policy such as CP.MP.126, which is its newest revision.
    """
    library = library_of(settings_with(folders))
    found = policy_named(library, policy)
    if section is not None and section not in found.sections:
        raise no_such("section", section, found.sections)
    outline = outline_of(found, library.value_sets, section)
    if markdown:
        click.echo(policy_markdown(outline), nl=False)
    else:
        print_policy(Console(), outline)
