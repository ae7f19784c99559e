"""The command line: `cds-service serve | demo | evaluate | policies`."""

import io
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import Flask
from pydantic import ValidationError
from rich.console import Console

from cds_service.app import create_app
from cds_service.call_log import CallLog
from cds_service.demo import run_demo
from cds_service.errors import RefusedError
from cds_service.evaluation import evaluate_request
from cds_service.fhir_dialing import LOOPBACK
from cds_service.hook_request import HookRequest, parse_json, read_request
from cds_service.loading import load_assessor
from cds_service.policy_commands import policies
from cds_service.policy_commands.held import text_of
from cds_service.policy_judge import PolicyJudge
from cds_service.reloading import TextsInForce
from cds_service.serving import serve
from cds_service.settings import Settings
from cds_service.terminal.determinations import print_determination
from coverage_policies.assessment import Assessor
from coverage_policies.value_sets import ValueSetError
from coverage_policies.yaml_source import DocumentError
from fhir_mappings.fhir_json import Json, dumps

NOTHING_READ = 3
"""Exit code of `evaluate` where nothing could be read and the orders do not settle themselves (HTTP: 412)."""


def now() -> datetime:
    """The current moment, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def make_app(settings: Settings, assessor: Assessor, log: CallLog | None = None) -> Flask:
    """The service with these settings and texts; calls are logged to standard error unless `log` says where."""
    judge = PolicyJudge(assessor, zone=settings.time_zone, clock=now, new_id=new_id)
    return create_app(settings=settings, judge=judge, clock=now, new_id=new_id, log=log)


@click.group()
@click.version_option(package_name="cds-coverage-policies")
def main() -> None:
    """Judge orders against payers' medical-necessity policies, criterion by criterion, over CDS Hooks."""


main.add_command(policies)


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
def serve_command(host: str, port: int) -> None:
    """Serve CDS Hooks until told to stop. On SIGHUP the policy texts are read again."""
    settings = _settings()
    with _problems_told():
        texts = TextsInForce(settings, sys.stderr, now)
    serve(lambda: make_app(settings, texts.assessor), texts.reload, settings, host=host, port=port)


@main.command("demo")
@click.option("--once", is_flag=True, help="Run the sample orders and stop.")
@click.option("--port", default=8000, show_default=True, help="The first port to try.")
def demo_command(once: bool, port: int) -> None:
    """Start the service and the sample EHR on this machine, and run sample orders through both."""
    settings = _settings().model_copy(update={"fhir_servers": (), "fhir_private_networks": (LOOPBACK,)})
    app = make_app(settings, _assessor(settings), CallLog(io.StringIO(), now))
    run_demo(app, Console(), today=now().astimezone(settings.time_zone).date(), new_id=new_id, port=port, once=once)


@main.command("evaluate")
@click.argument("request", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--chart",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A FHIR Bundle that stands in for the FHIR server.",
)
@click.option("--policy", help="Judge by this text only, such as CP.MP.126@2025-04.")
@click.option("--json", "as_json", is_flag=True, help="Print the determinations as JSON.")
def evaluate_command(request: Path, chart: Path | None, policy: str | None, as_json: bool) -> None:
    """Judge the orders of a CDS Hooks REQUEST, a JSON file, and print one determination per order and text."""
    settings = _settings()
    assessor = _assessor(settings)
    found = evaluate_request(
        _request(request),
        assessor,
        settings,
        chart=_json(chart) if chart else None,
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


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        wrong = ", ".join(f"CDS_{str(entry['loc'][0]).upper()} ({entry['msg']})" for entry in error.errors())
        raise click.ClickException(f"settings that cannot be used: {wrong}") from None


def _assessor(settings: Settings) -> Assessor:
    with _problems_told():
        return load_assessor(settings)


@contextmanager
def _problems_told() -> Iterator[None]:
    """Ends the command with what is wrong in the operator's files."""
    try:
        yield
    except (DocumentError, ValueSetError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _json(path: Path) -> Json:
    try:
        return parse_json(path.read_bytes())
    except ValueError:
        raise click.ClickException(f"{path} is not JSON in UTF-8") from None


def _request(path: Path) -> HookRequest:
    try:
        return read_request(_json(path))
    except RefusedError as error:
        raise click.ClickException("\n".join(issue.diagnostics for issue in error.issues)) from None
