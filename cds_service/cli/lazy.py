"""Commands that are imported when they run, so that help and completions stay fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from cds_service.cli.exit_codes import exit_codes


class LazyCommand(click.Command):
    """A command known by its name and one line of help until it runs.

    `target` is `module:attribute`, a click command whose help begins with the same line.
    """

    def __init__(self, name: str, target: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._target = target

    def load(self) -> click.Command:
        """Import the command."""
        module, _, attribute = self._target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the command itself, in which click goes on."""
        return self.load().make_context(info_name, args, parent, **extra)


def lazy_group(name: str, short_help: str, package: str, commands: Mapping[str, tuple[str, str]]) -> click.Group:
    """Return a group of commands by name, each with its `module:attribute` in `package` and its line of help."""
    found: dict[str, click.Command] = {
        each: LazyCommand(each, f"{package}.{target}", says) for each, (target, says) in commands.items()
    }
    return click.Group(name, found, help=short_help, short_help=short_help, epilog=exit_codes())
