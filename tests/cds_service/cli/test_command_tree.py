"""The tree of commands: what is imported, and what help says."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from cds_service.cli.lazy import LazyCommand
from cds_service.cli.main import main

HEAVY = ("flask", "sqlalchemy", "alembic", "gunicorn", "fhir", "pydantic", "requests", "rich", "jsonschema", "yaml")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], LazyCommand]]:
    """Every command below a group that is not a group."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            assert isinstance(command, LazyCommand)
            yield (*path, name), command


ALL = dict(commands(main))


def imported_by(**environment: str) -> set[str]:
    """The heavy packages that the command line imports, run as the shell runs it."""
    command = (
        "import sys; from cds_service.cli.main import main\n"
        "try: main(sys.argv[1:], prog_name='cds-service')\n"
        f"finally: print('imported:', *({HEAVY!r} & sys.modules.keys()))"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    arguments = environment.pop("arguments", "").split()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", command, *arguments], capture_output=True, text=True, env=environment, check=True
    )
    return set(done.stdout.rpartition("imported:")[2].split())


@pytest.mark.parametrize("arguments", ["--version", "--help", "policies --help", "db -h"])
@pytest.mark.process
def test_help_and_version_import_nothing_heavy(arguments: str) -> None:
    assert imported_by(arguments=arguments) == set()


@pytest.mark.parametrize("words", ["cds-service ", "cds-service policies ", "cds-service db "])
@pytest.mark.process
def test_completion_imports_nothing_heavy(words: str) -> None:
    completed = {"_CDS_SERVICE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
    assert imported_by(**completed) == set()


@pytest.mark.process
def test_a_command_that_runs_is_imported_with_what_it_needs() -> None:
    assert {"yaml", "rich"} <= imported_by(arguments="policies operators")


@pytest.mark.parametrize("path", ALL)
def test_the_line_of_help_in_the_tree_begins_the_help_of_the_command(path: tuple[str, ...]) -> None:
    says = " ".join(str(ALL[path].load().help).split())
    assert says.startswith(str(ALL[path].short_help))


@pytest.mark.parametrize("path", ALL)
def test_every_command_explains_itself_with_h(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "-h"])
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {' '.join(path)}")


@pytest.mark.parametrize("path", [(), *ALL, *((name,) for name in main.commands if (name,) not in ALL)])
def test_every_help_lists_the_exit_codes(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "-h"]).output.partition("Exit codes:\n")[2].splitlines()
    assert [line.split()[0] for line in shown][:3] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["polices"], "No such command 'polices'. Did you mean 'policies'?"),
        (["policies", "coverge"], "No such command 'coverge'. Did you mean 'coverage'?"),
        (["policies", "lint", "--fromat", "json"], "No such option '--fromat'. Did you mean '--format'?"),
    ],
)
def test_a_mistyped_command_or_option_is_answered_with_the_closest_one(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, message in result.output) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_the_program(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert (result.exit_code, "_CDS_SERVICE_COMPLETE" in result.output) == (0, True)
