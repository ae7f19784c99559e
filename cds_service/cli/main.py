"""The command line: `cds-service serve | demo | evaluate | policies | clients | db | decisions | feedback | replay`."""

import io
import sys
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import Flask
from rich.console import Console

from cds_service.cli.clients import clients
from cds_service.cli.demo import run_demo
from cds_service.cli.inputs import FILE, assessor_of, exit_on_error, json_in, request_in, settings_given
from cds_service.cli.output.determinations import print_determination
from cds_service.cli.policies import policies
from cds_service.cli.policies.lookup import text_of
from cds_service.cli.records import db, decisions_group, feedback_group, replay_command
from cds_service.clients.authenticator import Authenticator
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.hooks.evaluation import evaluate_request
from cds_service.hooks.policy_judge import PolicyJudge
from cds_service.http.health import Check, DatabaseReady, KeysReady, PoliciesReady
from cds_service.observability.call_log import CallLog
from cds_service.observability.counting import counting_of
from cds_service.observability.metrics import Metrics
from cds_service.records.protocol import Records
from cds_service.records.used_tokens import UsedTokens
from cds_service.settings import Settings
from cds_service.wiring.active_policies import ActivePolicies
from cds_service.wiring.app import create_app
from cds_service.wiring.clients import authenticator_of, clients_of, describe_clients
from cds_service.wiring.records import in_memory_store, open_database, open_key, prepare, records_in
from cds_service.wiring.serving import serve
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import dumps

NOTHING_READ = 3
"""Exit code of `evaluate` where nothing could be read and the orders do not settle themselves (HTTP: 412)."""


def now() -> datetime:
    """The current moment, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def make_app(
    settings: Settings,
    assessor: Assessor,
    records: Records | None = None,
    log: CallLog | None = None,
    authenticator: Authenticator | None = None,
    metrics: Metrics | None = None,
    checks: Iterable[Check] = (),
) -> Flask:
    """The service with these settings, texts and records (none are kept unless given).

    `log` says where calls are told of, standard error unless given; without `authenticator` anyone may call.
    `metrics` counts calls, `checks` tell whether the service is ready.
    """
    judge = PolicyJudge(assessor, zone=settings.time_zone, clock=now, new_id=new_id)
    return create_app(
        settings=settings,
        judge=judge,
        clock=now,
        new_id=new_id,
        authenticator=authenticator,
        records=records,
        log=log,
        metrics=metrics,
        checks=checks,
    )


@click.group()
@click.version_option(package_name="cds-coverage-policies")
def main() -> None:
    """Judge orders against payers' medical-necessity policies, criterion by criterion, over CDS Hooks."""


for command in (policies, clients, db, decisions_group, feedback_group, replay_command):
    main.add_command(command)


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
@click.option(
    "--allow-unauthenticated", is_flag=True, help="Ask no client for a token; for networks that decide who may call."
)
def serve_command(host: str, port: int, allow_unauthenticated: bool) -> None:
    """Serve CDS Hooks until told to stop. On SIGHUP the policy texts are read again."""
    settings = settings_given()
    if allow_unauthenticated:
        settings = settings.model_copy(update={"allow_unauthenticated": True})
    with exit_on_error():
        registered = clients_of(settings)
        texts = ActivePolicies(settings, sys.stderr, now)
        prepare(settings)
    CallLog(sys.stderr, now).tell("who may call", says=describe_clients(registered, settings))

    def app_of_process() -> Flask:
        counted = counting.metrics()
        database = open_database(settings)
        records = records_in(database, open_key(settings), settings, texts.assessor, texts.snapshot, now)
        log = CallLog(sys.stderr, now)
        checks: list[Check] = [
            DatabaseReady(database),
            PoliciesReady(len(texts.assessor.library.policies), texts.since),
        ]
        authenticator = None
        if registered is not None:
            used = UsedTokens(database, now)
            authenticator = authenticator_of(registered, settings, replay_guard=used, clock=now, log=log)
            authenticator.warm_up()
            checks.append(KeysReady(authenticator))
        app = make_app(settings, texts.assessor, records, log, authenticator, counted, checks)
        counting.expose(app)
        return app

    with counting_of(settings) as counting:
        serve(app_of_process, texts.reload, settings, host=host, port=port, process_ended=counting.process_ended)


@main.command("demo")
@click.option("--once", is_flag=True, help="Run the sample orders and stop.")
@click.option("--port", default=8000, show_default=True, help="The first port to try.")
def demo_command(once: bool, port: int) -> None:
    """Start the service and the sample EHR on this machine, and run sample orders through both."""
    settings = settings_given().model_copy(update={"fhir_servers": (), "fhir_private_networks": (LOOPBACK,)})
    assessor = assessor_of(settings)
    app = make_app(settings, assessor, in_memory_store(settings, assessor, now), CallLog(io.StringIO(), now))
    run_demo(app, Console(), today=now().astimezone(settings.time_zone).date(), new_id=new_id, port=port, once=once)


@main.command("evaluate")
@click.argument("request", type=FILE)
@click.option(
    "--chart",
    type=FILE,
    help="A FHIR PolicySnapshot that stands in for the FHIR server.",
)
@click.option("--policy", help="Judge by this text only, such as CP.MP.126@2025-04.")
@click.option("--json", "as_json", is_flag=True, help="Print the determinations as JSON.")
def evaluate_command(request: Path, chart: Path | None, policy: str | None, as_json: bool) -> None:
    """Judge the orders of a CDS Hooks REQUEST, a JSON file, and print one determination per order and text."""
    settings = settings_given()
    assessor = assessor_of(settings)
    found = evaluate_request(
        request_in(request),
        assessor,
        settings,
        chart=json_in(chart) if chart else None,
        text=text_of(assessor.library, policy) if policy else None,
        clock=now,
    )
    if as_json:
        click.echo(dumps([each.as_json() for each in found.determinations], indent=2))
    else:
        console = Console()
        for each in found.determinations:
            print_determination(console, each)
        if not found.determinations:
            console.print("No policy text speaks about these orders.")
    if found.is_unread and not any(each.is_settled for each in found.determinations):
        click.echo("Nothing could be read: no usable prefetch and no FHIR query that succeeded (HTTP 412).", err=True)
        raise SystemExit(NOTHING_READ)
