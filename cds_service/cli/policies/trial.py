"""`cds-service policies try`: the card and the questions of a policy for one patient."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE, assessor_of, exit_on_error
from cds_service.cli.names import no_such
from cds_service.cli.one_call import AT, cards_of, clock_at
from cds_service.cli.output.cards import print_cards
from cds_service.cli.output.questions import print_questions
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import policy_named
from cds_service.cli.policies.ordered_code import ordered_row
from cds_service.cli.requests import json_in
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.coded_order import order_of_row, signing
from cds_service.hooks.request import read_request
from cds_service.hooks.review import ReviewLimits, review
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample
from cds_service.wiring.system import new_id
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json


@click.command("try", epilog=exit_codes())
@click.argument("name")
@click.option("--patient", help="A patient of the sample EHR, such as sij-posterior.")
@click.option("--chart", type=FILE, help="A FHIR Bundle with the patient and the chart.")
@click.option("--order", "code", help="A code of the policy to order.  [default: its first one]")
@AT
@FOLDER
def try_command(
    name: str, patient: str | None, chart: Path | None, code: str | None, at: datetime | None, folders: Sequence[Path]
) -> None:
    """Show the card and the questions of the policy NAME for a sample patient, or for a chart.

    NAME is a revision such as CP.MP.126@2025-04, or a policy such as CP.MP.126, which is its newest revision. The order
    is signed on the day of the sample patients, March 2, 2026, or today for a chart.
    """
    if (patient is None) == (chart is None):
        raise click.UsageError("Give one of --patient and --chart.")
    settings = settings_with(folders)
    assessor = assessor_of(settings)
    policy = policy_named(assessor.library, name)
    if patient is not None:
        sample = _sample(patient)
        bundle, who = sample.bundle(None), sample.id
        at = at or datetime.combine(STORY_DATE, datetime.min.time())
    elif chart is not None:
        bundle = json_in(chart)
        who = _patient_of(bundle, chart)
    clock = clock_at(at, settings.time_zone)
    row = ordered_row(policy, code)
    call = read_request(signing(order_of_row(row, clock().date(), "try-1"), who, new_id()))
    with exit_on_error(ValueError):
        source = ChartInMemory(Store.from_bundle(bundle)).open
    limited = assessor.limited_to(policy)
    found = review(call, limited, ReviewLimits.of(settings), open_source=source, clock=clock, monotonic=time.monotonic)
    console = Console()
    title = f"{policy.full_name} for Patient/{who}: {row.label} ({row.code}), {clock().date()}"
    print_cards(console, title, cards_of(found, call, limited, settings))
    for each in found.determinations:
        console.print(f"Outcome: {each.outcome.value}")
        print_questions(console, each.questions)


def _sample(name: str) -> Sample:
    found = next((each for each in SAMPLES if each.id == name.casefold()), None)
    if found is None:
        raise no_such("sample patient", name, [each.id for each in SAMPLES])
    return found


def _patient_of(bundle: Json, path: Path) -> str:
    """Return the id of the one patient of a chart."""
    resources = [each.get("resource") for each in items(bundle.get("entry") if isinstance(bundle, Mapping) else None)]
    found = [each.get("id") for each in items(resources) if each.get("resourceType") == "Patient"]
    if len(found) != 1 or not isinstance(found[0], str):
        raise click.ClickException(f"{path} must be a Bundle with one Patient that has an id; it has {len(found)}.")
    return found[0]
