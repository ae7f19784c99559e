"""`cds-service policies lock`: the content of released editions."""

from collections.abc import Sequence
from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import library_of
from coverage_policies.format.lock import LOCK_FILE, locked, write_lock


@click.command("lock", epilog=exit_codes())
@click.option("--unreleased", is_flag=True, help="Also replace editions that changed; for editions never released.")
@FOLDER
def lock_command(unreleased: bool, folders: Sequence[Path]) -> None:
    """Write the content of new editions into the lock.

    The lock is for the policies that ship with the service. Those of your own folders are not in it.
    """
    before = {(name, edition): content for name, each in locked().items() for edition, content in each.items()}
    write_lock(library_of(settings_with(folders)), replace=unreleased)
    after = {(name, edition): content for name, each in locked().items() for edition, content in each.items()}
    written = [key for key, content in after.items() if before.get(key) != content]
    for name, edition in written:
        click.echo(f"Locked edition {edition} of {name}.")
    click.echo(f"Wrote {LOCK_FILE}." if written else "The lock was complete; nothing changed.")
