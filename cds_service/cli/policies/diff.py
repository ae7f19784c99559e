"""`cds-service policies diff`: two revisions, and the stored requests they answer differently."""

import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import assessor_of
from cds_service.cli.output.policy_changes import print_changes, print_impact
from cds_service.cli.output.progress import tracked
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import drafts, policy_named
from cds_service.hooks.impact import impact, stored_requests
from cds_service.hooks.review import ReviewLimits
from cds_service.settings import Settings
from cds_service.wiring.system import now
from coverage_policies.authoring.diff import differences
from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy


@click.command("diff", epilog=exit_codes())
@click.argument("before")
@click.argument("after")
@click.option(
    "--requests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of stored requests: judge their orders by both, and print which change.",
)
@FOLDER
def diff_command(before: str, after: str, requests: Path | None, folders: Sequence[Path]) -> None:
    """Print what changed from BEFORE to AFTER, criterion by criterion.

    Each is a revision such as CP.MP.126@2025-04, or the path of a document, such as a draft.
    """
    settings = settings_with(folders)
    assessor = assessor_of(settings)
    old, new = (_policy(assessor.library, name, settings) for name in (before, after))
    console = Console()
    print_changes(console, before, after, differences(old, new))
    if requests is not None:
        paths = stored_requests(requests)
        if not paths:
            raise click.ClickException(f"There is no stored request in {requests}. A request is a file NAME.json.")
        limits = ReviewLimits.of(settings)
        found, skipped = impact(
            tracked(paths, "requests"), old, new, assessor, limits, clock=now, monotonic=time.monotonic
        )
        print_impact(console, found, skipped)


def _policy(library: Library, name: str, settings: Settings) -> Policy:
    path = Path(name)
    if name not in library.policies and path.is_file():
        (found,) = drafts(path, settings)
        return found
    return policy_named(library, name)
