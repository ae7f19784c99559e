"""`cds-service policies lint`: mistakes in policies and value sets, for people and for other programs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.output.lint import FORMATS, counted, total
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import document_of, drafts, folder_around
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.authoring.lint import effective_gaps, lint, owners_without_policy, remarks
from coverage_policies.authoring.lint_rules import RULES, Severity, in_order
from coverage_policies.format.library import Library
from coverage_policies.format.lock import lock_problems
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.judging.assessment import Assessor

ERRORS = 1
REMARKS = 4


@click.command("lint", epilog=exit_codes({0: "no errors", ERRORS: "errors", REMARKS: "with --strict: only remarks"}))
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Fail on remarks too.")
@FOLDER
def lint_command(path: Path | None, form: str, strict: bool, folders: Sequence[Path]) -> None:
    """Find mistakes in policies and value sets, each with its place and how to fix it.

    Without PATH, every policy is checked; with PATH, a folder or a file, only what is in it. An error spoils answers
    and keeps the service from starting; a remark only looks like a mistake.
    """
    settings = settings_with(folders)
    if path is not None:
        path = document_of(path)
        around = folder_around(path, settings)
        settings = settings_with([*settings.policy_folders, *([around] if around else [])])
    found, library = _checked(settings, path)
    click.echo(FORMATS[form](found), nl=False)
    if form == "text":
        click.echo(f"{total(found)}. {_how_much(library, path)}")
    severities = {RULES[each.rule].severity for each in found}
    if Severity.ERROR in severities:
        raise SystemExit(ERRORS)
    if strict and severities:
        raise SystemExit(REMARKS)


def _checked(settings: Settings, path: Path | None) -> tuple[tuple[Problem, ...], Library | None]:
    """Return the findings at or below a path, and the library; None where it does not load."""
    try:
        assessor = load_assessor(settings)
    except DocumentError as error:
        everything = in_order(error.problems)
        return _below(path, everything) or everything, None
    library = _with_draft(assessor.library, path, settings)
    found = [*lint(library), *remarks(library), *lock_problems(library), *_of_plan_rules(assessor, settings)]
    return _below(path, in_order(found)), library


def _of_plan_rules(assessor: Assessor, settings: Settings) -> Iterator[Problem]:
    """Yield what looks like a mistake in the plan rules, given the policies."""
    rules, file = assessor.rules, str(settings.plan_rules)
    for gap in effective_gaps(rules.effective):
        yield Problem(file, 1, gap, rule="effective-gap")
    for slip in owners_without_policy(rules.answered_for, assessor.library):
        yield Problem(file, 1, slip, rule="owner-without-policy")


def _how_much(library: Library | None, path: Path | None) -> str:
    """Say what was checked, for the last line."""
    if library is None:
        return "Lint checks more once the policies load."
    policies = sum(_is_below(path, each.source) for each in library.policies.values())
    sets = sum(_is_below(path, each.source) for each in library.value_sets.values())
    return f"Checked {counted(policies, 'policy', 'policies')} and {counted(sets, 'value set', 'value sets')}."


def _below(path: Path | None, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(each for each in problems if _is_below(path, each.file))


def _is_below(path: Path | None, file: str) -> bool:
    return path is None or Path(file).resolve().is_relative_to(path.resolve())


def _with_draft(library: Library, path: Path | None, settings: Settings) -> Library:
    """Add the document at a path to a library where it is not in it."""
    if path is None or path.is_dir() or path.suffix == ".csv":
        return library
    if any(Path(each.source).resolve() == path.resolve() for each in library.policies.values()):
        return library
    (draft,) = drafts(path, settings)
    return Library({**library.policies, draft.full_name: draft}, library.value_sets)
