"""`cds-service policies import-valueset`: a value set of others as a file of one's own."""

from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE, exit_on_error, settings_given
from cds_service.cli.output.lint import FORMATS, counted
from cds_service.cli.policies.new import DEFAULT_FOLDER
from coverage_policies.authoring.lint_rules import RULES, Severity, in_order
from coverage_policies.authoring.value_set_import import csv_text, read_value_set
from coverage_policies.authoring.value_set_lint import headings, unlike_labels, value_set_problems
from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.value_sets import load_value_sets
from fhir_mappings.code_systems import CPT


@click.command("import-valueset", epilog=exit_codes({0: "no errors in it", 1: "errors, which the message explains"}))
@click.argument("source", type=FILE)
@click.option("--name", help="The name of the value set.  [default: its title in SOURCE]")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Your folder of policies, made if needed.  [default: the first in CDS_POLICY_FOLDERS, or my-policies]",
)
@click.option("--use", type=click.Choice(["decides", "asks"]), default="decides", show_default=True)
@click.option("--only", default="", help="The name or OID of the one to import, if SOURCE has several.")
@click.option("--force", is_flag=True, help="Replace the value set if it exists.")
def import_valueset_command(
    source: Path, name: str | None, folder: Path | None, use: str, only: str, force: bool
) -> None:
    """Write a value set from the FHIR ValueSet, VSAC download, or table in SOURCE.

    SOURCE is a ValueSet of FHIR in JSON, a download of the VSAC saved as text, or a CSV file with the headings Code,
    Description, and Code System. The value set is checked as `lint` does.
    """
    with exit_on_error():
        found = read_value_set(source, only)
        name = name or found.name
        root = folder or next(iter(settings_given().policy_folders), DEFAULT_FOLDER)
        path = root / "value_sets" / f"{name}.csv"
        if path.exists() and not force:
            raise click.ClickException(f"{path} exists already; nothing was written. Replace it with --force.")
        if (BUILT_IN / "value_sets" / path.name).exists():
            raise click.ClickException(f"{name} is a value set of the service; choose another name with --name.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(found, use), encoding="utf-8")
        built_in = load_value_sets([BUILT_IN / "value_sets"])
        written = [load_value_sets([path.parent])[name]]
    click.echo(f"Wrote {path} with {counted(len(found.concepts), 'code', 'codes')} of {found.title}.")
    for each in found.left_out:
        click.echo(f"Warning: {each}", err=True)
    if any(each.system == CPT for each in found.concepts):
        click.echo("Warning: CPT descriptors belong to the AMA; write labels of your own for the CPT codes.", err=True)
    problems = in_order([*value_set_problems(written), *unlike_labels(written, built_in.values()), *headings(written)])
    click.echo(FORMATS["text"](problems), nl=False)
    if any(RULES[each.rule].severity is Severity.ERROR for each in problems):
        raise SystemExit(1)
