"""`cds-service policies lock`: the content and the questions of each edition."""

from collections.abc import Sequence
from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import library_of
from cds_service.wiring.system import now
from coverage_policies.format.editions import LOCK
from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.lock import write_lock


@click.command("lock", epilog=exit_codes())
@click.option("--unreleased", is_flag=True, help="Write editions that are still being worked on, without a date.")
@FOLDER
def lock_command(unreleased: bool, folders: Sequence[Path]) -> None:
    """Release the editions of your policies: write them into the lock, with today's date.

    Each folder of policies has its own lock, documents/lock.json. Without a folder, here or in CDS_POLICY_FOLDERS, it
    is that of the policies that ship with the service. A released edition stays as it is.
    """
    settings = settings_with(folders)
    roots = settings.policy_folders or (BUILT_IN,)
    today = now().astimezone(settings.time_zone).date()
    written = write_lock(library_of(settings), roots, None if unreleased else today)
    for policy in written:
        click.echo(f"{'Locked' if unreleased else 'Released'} edition {policy.edition} of {policy.full_name}.")
    if not written:
        click.echo("The lock was complete; nothing changed.")
    for path in sorted({Path(policy.source).parents[1] / LOCK for policy in written}):
        click.echo(f"Wrote {path}.")
