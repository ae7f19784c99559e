"""`cds-service policies test`: the cases beside the policies."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.output.case_runs import print_case_runs
from cds_service.cli.output.progress import tracked
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import drafts, library_of, revisions_named
from cds_service.settings import Settings
from coverage_policies.authoring.case_runs import run_cases
from coverage_policies.format.model import Policy


@click.command("test", epilog=exit_codes({0: "every case passed", 1: "a case failed, or could not be read"}))
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("-k", "words", metavar="WORDS", default="", help="Run only cases whose names contain all of these words.")
@FOLDER
def test_command(targets: Sequence[str], words: str, folders: Sequence[Path]) -> None:
    """Run the cases of all policies, or of those that TARGET names.

    TARGET is a revision such as CP.MP.126@2025-04, a policy such as CP.MP.126, or a path: a folder, a document, or a
    case file.
    """
    settings = settings_with(folders)
    policies = _policies(targets, settings)
    runs = [run_cases(policy, words.split()) for policy in tracked(policies, "cases")]
    if words and not any(run.cases or run.problems for run in runs):
        raise click.ClickException(f"No case has {words!r} in its name.")
    print_case_runs(Console(), [run for run in runs if run.cases or run.problems or not words])
    if not all(run.is_passed for run in runs):
        raise SystemExit(1)


def _policies(targets: Sequence[str], settings: Settings) -> tuple[Policy, ...]:
    if not targets:
        return tuple(library_of(settings).policies.values())
    found: dict[str, Policy] = {}
    for target in targets:
        path = Path(target)
        named = drafts(path, settings) if path.exists() else revisions_named(library_of(settings), target)
        found |= {policy.source: policy for policy in named}
    return tuple(found.values())
