"""Commands that check texts: their form, their cases, their edition, the codes they answer."""

from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.inputs import FILE, assessor_of, exit_on_error, settings_given
from cds_service.cli.output.policy_checks import print_case_runs, print_code_coverage
from cds_service.cli.output.progress import tracked
from cds_service.cli.policies.lookup import drafts, library_of
from coverage_policies.authoring.case_runs import run_cases
from coverage_policies.authoring.code_coverage import CodeAnswer, code_coverage, load_codes
from coverage_policies.authoring.lint import effective_gaps, lint, remarks
from coverage_policies.format.lock import lock_problems, write_lock
from coverage_policies.format.problems import Problem
from fhir_mappings.fhir_json import dumps


@click.command("lint")
def lint_command() -> None:
    """Check every text and value set; each problem is told with file, line and how it is written right."""
    settings = settings_given()
    assessor = assessor_of(settings)
    library = assessor.library
    gaps = [Problem(str(settings.plan_rules), 1, gap) for gap in effective_gaps(assessor.rules.effective)]
    problems = [*lint(library), *remarks(library), *lock_problems(library), *gaps]
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)
    click.echo(f"{len(library.policies)} texts and {len(library.value_sets)} value sets are in order.")


@click.command("lock")
@click.option("--unreleased", is_flag=True, help="Also replace editions that changed; for texts never released.")
def lock_command(unreleased: bool) -> None:
    """Write the content of new editions into the lock."""
    write_lock(library_of(settings_given()), replace=unreleased)


@click.command("test")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
def test_command(path: Path | None) -> None:
    """Run the cases of all texts, or of those at PATH: a folder, a text or its case file."""
    settings = settings_given()
    texts = drafts(path, settings) if path else tuple(library_of(settings).policies.values())
    if not texts:
        raise click.ClickException(f"there is no text in {path}")
    runs = [run_cases(text) for text in tracked(texts, "cases")]
    print_case_runs(Console(), runs)
    if not all(run.is_passed for run in runs):
        raise SystemExit(1)


@click.command("coverage")
@click.option(
    "--codes",
    required=True,
    type=FILE,
    help="The codes, one per line or as CSV with system and code; CPT and HCPCS need no system.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def coverage_command(codes: Path, as_json: bool) -> None:
    """Tell which codes of a file no policy answers, and which text and section answers the others."""
    library = library_of(settings_given())
    with exit_on_error():
        wanted = load_codes(codes)
    answers = code_coverage(wanted, library)
    if as_json:
        click.echo(dumps([_as_json(answer) for answer in answers], indent=2))
    else:
        print_code_coverage(Console(), answers)


def _as_json(answer: CodeAnswer) -> dict[str, object]:
    return {
        "system": answer.coding.system,
        "code": answer.coding.code,
        "answered": answer.is_answered,
        "texts": [{"text": each.policy.full_name, "sections": list(each.sections)} for each in answer.policies],
    }
