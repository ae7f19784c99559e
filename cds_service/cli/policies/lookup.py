"""The texts that commands are about: those that are held, and drafts that are not yet."""

from pathlib import Path

import click

from cds_service.cli.inputs import exit_on_error
from cds_service.settings import Settings
from coverage_policies.format.library import BUILT_IN, Library, load_library
from coverage_policies.format.loader import load_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.value_sets import load_value_sets

_CASES = ".cases.yaml"


def library_of(settings: Settings) -> Library:
    """The texts of these settings."""
    with exit_on_error():
        return load_library(settings.policy_folders)


def text_of(library: Library, name: str) -> Policy:
    """A text by its name. Raises ClickException that lists the names there are."""
    if name not in library.policies:
        held = ", ".join(sorted(library.policies))
        raise click.ClickException(f"no text named {name!r} is held; there are: {held}")
    return library.policy(name)


def drafts(path: Path, settings: Settings) -> tuple[Policy, ...]:
    """The texts in a file or below a folder, held or not, with the value sets beside them.

    A case file stands for its text. Raises ClickException that lists every problem with file and line.
    """
    roots = [BUILT_IN, *settings.policy_folders]
    own = next((each for each in (path, *path.absolute().parents) if (each / "value_sets").is_dir()), None)
    if own is not None and own.resolve() not in {root.resolve() for root in roots}:
        roots.append(own)
    if path.is_dir():
        documents = [each for each in sorted(path.rglob("*.yaml")) if not each.name.endswith(_CASES)]
    else:
        documents = [path.with_name(path.name.removesuffix(_CASES) + ".yaml") if path.name.endswith(_CASES) else path]
    with exit_on_error():
        sets = load_value_sets(root / "value_sets" for root in roots)
    found: list[Policy] = []
    problems: list[Problem] = []
    for document in documents:
        try:
            found.append(load_policy(document, sets))
        except DocumentError as error:
            problems += error.problems
        except OSError as error:
            problems.append(Problem(str(document), 1, f"the text cannot be read: {error.strerror}"))
    with exit_on_error():
        if problems:
            raise DocumentError(problems)
    return tuple(found)
