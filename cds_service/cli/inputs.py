"""What commands work with: settings, policies, plan rules. What is wrong with them ends a command in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import ValidationError

from cds_service.settings import PREFIX, Settings, renamed_settings, unknown_settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.assessment import Assessor

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""An argument or option that names an existing file."""

PORT = click.IntRange(1, 65535)
"""An option that names a TCP port."""


def settings_given() -> Settings:
    """Return the settings of the environment, and warn on standard error about `CDS_` variables that are none.

    Raises ClickException for invalid values and for the old names of settings.
    """
    if renamed := renamed_settings(os.environ):
        lines = "".join(f"\n  {old} is now {new}" for old, new in renamed.items())
        raise click.ClickException(f"Some settings have new names. Rename these environment variables:{lines}")
    for name, closest in unknown_settings(os.environ).items():
        hint = f"did you mean {closest}?" if closest else "docs/settings.md lists the settings."
        click.echo(f"Warning: {name} is not a setting; {hint}", err=True)
    try:
        return Settings()
    except ValidationError as error:
        lines = "".join(
            f"\n  {PREFIX}{str(entry['loc'][0]).upper()}: {entry['msg'].removeprefix('Value error, ')}"
            for entry in error.errors(include_url=False, include_input=False)
        )
        raise click.ClickException(f"These settings have invalid values:{lines}") from None


def assessor_of(settings: Settings) -> Assessor:
    """Return the policies and plan rules of these settings; what is wrong with them ends the command."""
    with exit_on_error():
        return load_assessor(settings)


@contextmanager
def exit_on_error(*also: type[Exception]) -> Iterator[None]:
    """End the command with what is wrong in the operator's files, or with one of these errors."""
    kinds: tuple[type[Exception], ...] = (DocumentError, OSError, *also)
    try:
        yield
    except BrokenPipeError:  # the reader of the output, such as head, has had enough: click ends the command quietly
        raise
    except kinds as error:
        raise click.ClickException(str(error)) from None
