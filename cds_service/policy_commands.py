"""`cds-service policies …`: for the people who write and read policy texts."""

import click
from rich.console import Console

from cds_service.settings import Settings
from cds_service.terminal import print_policies, print_policy
from coverage_policies.library import Library, load_library
from coverage_policies.lint import lint
from coverage_policies.lock import lock_problems, write_lock
from coverage_policies.model import Policy
from coverage_policies.value_sets import ValueSetError
from coverage_policies.yaml_source import DocumentError


def library_of(settings: Settings) -> Library:
    """The texts of these settings. Raises ClickException that lists every problem with file and line."""
    try:
        return load_library(settings.policy_folders)
    except (DocumentError, ValueSetError) as error:
        raise click.ClickException(str(error)) from None


def text_of(library: Library, name: str) -> Policy:
    """A text by its name. Raises ClickException that lists the names there are."""
    if name not in library.policies:
        held = ", ".join(sorted(library.policies))
        raise click.ClickException(f"no text named {name!r} is held; there are: {held}")
    return library.text(name)


@click.group()
def policies() -> None:
    """Read and check the policy texts."""


@policies.command("lint")
def lint_command() -> None:
    """Check every text; each problem is told with file and line."""
    library = library_of(Settings())
    problems = [*lint(library), *lock_problems(library)]
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)
    click.echo(f"{len(library.policies)} texts and {len(library.value_sets)} value sets are in order.")


@policies.command("lock")
@click.option("--unreleased", is_flag=True, help="Also replace editions that changed; for texts never released.")
def lock_command(unreleased: bool) -> None:
    """Write the content of new editions into the lock."""
    write_lock(library_of(Settings()), replace=unreleased)


@policies.command("list")
def list_command() -> None:
    """List the texts: criteria, groups, parts and questions of each."""
    library = library_of(Settings())
    print_policies(Console(), [library.text(name) for name in sorted(library.policies)])


@policies.command("show")
@click.argument("text")
@click.option("--section", help="Only this section, such as II.")
def show_command(text: str, section: str | None) -> None:
    """Show how TEXT (such as CP.MP.126@2025-04) is judged, criterion by criterion."""
    policy = text_of(library_of(Settings()), text)
    if section is not None and section not in policy.sections:
        raise click.ClickException(f"{policy.text} has no section {section!r}; it has {', '.join(policy.sections)}")
    print_policy(Console(), policy, section)
