"""`cds-service evaluate`: the determinations of one request, without a server."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import FILE, assessor_of, settings_given
from cds_service.cli.one_call import AT, cards_of, clock_at
from cds_service.cli.output.cards import print_cards
from cds_service.cli.output.determinations import print_determination
from cds_service.cli.output.trace import print_trace
from cds_service.cli.policies.lookup import policy_named
from cds_service.cli.requests import json_in, request_in
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import canonical_base_of
from cds_service.hooks.review import ReviewLimits, review
from cds_service.settings import Settings
from fhir_mappings.fhir_json import Json, dumps

NOTHING_READ = 3
"""Exit code of `evaluate` where a call over HTTP is answered 412."""


@click.command(
    "evaluate",
    epilog=exit_codes(
        {0: "the orders were judged", NOTHING_READ: "nothing could be read; a call over HTTP is answered 412"}
    ),
)
@click.argument("request", type=FILE)
@click.option("--chart", type=FILE, help="A FHIR Bundle that stands in for the FHIR server.")
@click.option("--policy", help="Judge by this revision only, whatever its date, such as CP.MP.126@2025-04.")
@AT
@click.option("--json", "as_json", is_flag=True, help="Print the determinations as JSON.")
@click.option("--cards", is_flag=True, help="Print the cards as a client shows them.")
@click.option("--trace", is_flag=True, help="Print what was searched and found, and what each clause gave.")
def evaluate_command(
    request: Path, chart: Path | None, policy: str | None, at: datetime | None, as_json: bool, cards: bool, trace: bool
) -> None:
    """Judge the orders of a CDS Hooks REQUEST and print one determination per order and revision.

    REQUEST is a JSON file, the body of a call.
    """
    if as_json and (cards or trace):
        raise click.UsageError("--json prints the determinations alone; leave out --cards and --trace.")
    settings = settings_given()
    assessor = assessor_of(settings)
    if policy:
        assessor = assessor.limited_to(policy_named(assessor.library, policy))
    call = request_in(request)
    found = review(
        call,
        assessor,
        ReviewLimits.of(settings),
        open_source=_source_of(call, json_in(chart) if chart else None, settings),
        clock=clock_at(at, settings.time_zone),
        monotonic=time.monotonic,
    )
    console = Console()
    if trace:
        print_trace(console, found, assessor)
    if as_json:
        click.echo(dumps([each.as_json(canonical_base_of(settings)) for each in found.determinations], indent=2))
    elif cards:
        print_cards(console, f"{call.hook} for Patient/{call.patient_id}", cards_of(found, call, assessor, settings))
    else:
        for each in found.determinations:
            print_determination(console, each)
        if not found.determinations:
            console.print("No policy applies to these orders.")
    if found.refusal is not None:
        click.echo("Nothing could be read: no usable prefetch and no FHIR query that succeeded (HTTP 412).", err=True)
        for issue in found.refusal.issues[1:]:
            click.echo(issue.diagnostics, err=True)
        raise SystemExit(NOTHING_READ)


def _source_of(call: HookRequest, chart: Json | None, settings: Settings) -> Callable[[Deadline], FhirSource] | None:
    """Return what opens the chart: the Bundle that was given, else the FHIR server that the request names."""
    if chart is not None:
        return ChartInMemory(Store.from_bundle(chart)).open
    return partial(FhirClients(settings), call.fhir) if call.fhir is not None else None
