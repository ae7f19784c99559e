"""The command that compares two texts."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from cds_service.policy_commands.held import drafts, library_of, text_of
from cds_service.replay import replay, stored_requests
from cds_service.settings import Settings
from cds_service.terminal.policy_changes import print_changes, print_replay
from coverage_policies.assessment import Assessor
from coverage_policies.diff import differences
from coverage_policies.library import Library
from coverage_policies.model import Policy
from coverage_policies.plan_rules import PlanRules
from fhir_mappings.dates import Span


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.option(
    "--requests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of stored requests: judge their orders by both texts, and tell which change.",
)
def diff_command(before: str, after: str, requests: Path | None) -> None:
    """Tell what changed from BEFORE to AFTER, criterion by criterion.

    Each is the name of a text, such as CP.MP.126@2025-04, or the path of a document, such as a draft.
    """
    settings = Settings()
    library = library_of(settings)
    old, new = (_text(library, name, settings) for name in (before, after))
    console = Console()
    print_changes(console, before, after, differences(old, new))
    if requests is not None:
        paths = stored_requests(requests)
        if not paths:
            raise click.ClickException(f"there is no stored request in {requests}; one is a file NAME.json")
        assessor = Assessor(library, PlanRules(), Span(settings.answers_valid_days, "days"))
        tracked = track(paths, "requests", console=Console(stderr=True), transient=True)
        print_replay(console, *replay(tracked, old, new, assessor, settings, lambda: datetime.now(UTC)))


def _text(library: Library, name: str, settings: Settings) -> Policy:
    path = Path(name)
    if name not in library.policies and path.is_file():
        (found,) = drafts(path, settings)
        return found
    return text_of(library, name)
