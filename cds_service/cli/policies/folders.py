"""Folders of policies that a command reads besides those of the settings."""

from collections.abc import Sequence
from pathlib import Path

import click

from cds_service.cli.inputs import settings_given
from cds_service.settings import Settings

FOLDER = click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own policies, besides those in CDS_POLICY_FOLDERS. Repeat for more.",
)
"""The option of every command that reads policies."""


def settings_with(folders: Sequence[Path]) -> Settings:
    """Return the settings of the environment with these folders of policies added, each once."""
    settings = settings_given()
    known = {folder.resolve(): folder for folder in (*settings.policy_folders, *folders)}
    return settings.model_copy(update={"policy_folders": tuple(known.values())})
