"""`cds-service policies coverage`: which codes the policies answer."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE, exit_on_error
from cds_service.cli.output.code_coverage import print_code_coverage
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import library_of
from coverage_policies.authoring.code_coverage import CodeAnswer, code_coverage, load_codes
from fhir_mappings.fhir_json import dumps


@click.command("coverage", epilog=exit_codes())
@click.option(
    "--codes",
    required=True,
    type=FILE,
    help="The codes, one per line or as CSV with system and code; CPT and HCPCS need no system.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@FOLDER
def coverage_command(codes: Path, as_json: bool, folders: Sequence[Path]) -> None:
    """Print which codes of a file no policy answers, and which policy and section answers the others."""
    library = library_of(settings_with(folders))
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
        "policies": [{"policy": each.policy.full_name, "sections": list(each.sections)} for each in answer.policies],
    }
