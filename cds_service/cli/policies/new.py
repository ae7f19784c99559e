"""`cds-service policies new`: the files of a new policy."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import exit_on_error, settings_given
from coverage_policies.authoring.skeleton import NAME, REVISION, skeleton

DEFAULT_FOLDER = Path("my-policies")
"""The folder of policies of an author who names none."""


@click.command("new", epilog=exit_codes())
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Your folder of policies, made if needed.  [default: the first in CDS_POLICY_FOLDERS, or my-policies]",
)
def new_command(name: str, folder: Path | None) -> None:
    """Start the policy NAME: a document, its cases, and value sets to fill in.

    NAME is a policy such as KNEE.1, or a revision such as KNEE.1@2026-01; the revision is this month unless given. The
    new policy passes lint and its cases. No existing file is changed.
    """
    policy, _, revision = name.partition("@")
    revision = revision if "@" in name else f"{datetime.now(UTC):%Y-%m}"
    if not NAME.match(policy):
        raise click.BadParameter("letters, digits, dots, and hyphens, such as KNEE.1", param_hint="NAME")
    if not REVISION.match(revision):
        raise click.BadParameter("a revision is a month, such as 2026-01", param_hint="NAME")
    root = folder or next(iter(settings_given().policy_folders), DEFAULT_FOLDER)
    files = {root / path: text for path, text in skeleton(policy, revision).items()}
    if taken := [path for path in files if path.exists()]:
        raise click.ClickException(f"{taken[0]} exists already; nothing was written.")
    with exit_on_error():
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"Wrote {path}")
    click.echo("Next, fill them in, and check:")
    click.echo(f"  cds-service policies lint {root}")
    click.echo(f"  cds-service policies test {root}")
    click.echo(f"  cds-service policies show {policy}@{revision} --folder {root}")
