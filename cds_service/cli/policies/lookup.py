"""The policies that a command names: installed ones by name, and files by path."""

from dataclasses import replace
from pathlib import Path

import click

from cds_service.cli.inputs import exit_on_error
from cds_service.cli.names import no_such
from cds_service.settings import Settings
from coverage_policies.format.editions import read_editions
from coverage_policies.format.library import BUILT_IN, Library, load_library, load_names
from coverage_policies.format.loader import load_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError, Problem

_CASES = ".cases.yaml"


def library_of(settings: Settings) -> Library:
    """Return the policies of these settings; what is wrong with them ends the command."""
    with exit_on_error():
        return load_library(settings.policy_folders)


def revisions_named(library: Library, name: str) -> tuple[Policy, ...]:
    """Return the revision `CP.MP.126@2025-04`, or every revision of the policy `CP.MP.126`, the oldest first.

    Raises ClickException that names the closest one there is.
    """
    named = (each for each in library.policies.values() if name in (each.full_name, each.name))
    if found := sorted(named, key=lambda policy: policy.revision):
        return tuple(found)
    names = {each.name for each in library.policies.values()} if "@" not in name else library.policies
    raise no_such("policy revision" if "@" in name else "policy", name, sorted(names))


def policy_named(library: Library, name: str) -> Policy:
    """Return the revision with this full name, or the newest one of a policy. Raises ClickException."""
    return revisions_named(library, name)[-1]


def document_of(path: Path) -> Path:
    """Return the document of a case file; any other path as it is."""
    return path.with_name(path.name.removesuffix(_CASES) + ".yaml") if path.name.endswith(_CASES) else path


def folder_around(path: Path, settings: Settings) -> Path | None:
    """Return the folder of policies that a path is in or is, unless the settings name it already."""
    known = {root.resolve() for root in (BUILT_IN, *settings.policy_folders)}
    found = next((each for each in (path, *path.absolute().parents) if (each / "value_sets").is_dir()), None)
    return found if found is not None and found.resolve() not in known else None


def drafts(path: Path, settings: Settings) -> tuple[Policy, ...]:
    """Return the policies in a file or below a folder, installed or not, read with the value sets beside them.

    A case file means its document. What is wrong with them ends the command.
    """
    roots = [BUILT_IN, *settings.policy_folders]
    if (own := folder_around(path, settings)) is not None:
        roots.append(own)
    if path.is_dir():
        documents = [each for each in sorted(path.rglob("*.yaml")) if not each.name.endswith(_CASES)]
    else:
        documents = [document_of(path)]
    found: list[Policy] = []
    problems: list[Problem] = []
    with exit_on_error():
        sets = load_names(roots)
        for document in documents:
            try:
                policy = load_policy(document, sets)
                editions = read_editions(document.absolute().parents[1])
                found.append(replace(policy, editions=editions.get(policy.full_name, ())))
            except DocumentError as error:
                problems += error.problems
            except OSError as error:
                problems.append(Problem(str(document), 1, f"the document cannot be read: {error.strerror}"))
        if problems:
            raise DocumentError(problems)
    if not found:
        raise click.ClickException(f"There is no policy document in {path}.")
    return tuple(found)
