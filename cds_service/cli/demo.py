"""`cds-service demo`: the service and the sample EHR on this machine, sample orders over HTTP, and their cards."""

import io
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import which

import click
import requests
from flask import Flask
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import assessor_of, exit_on_error, settings_given
from cds_service.cli.output.cards import print_cards
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, Sample, SampleOrder, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.wiring.app import create_app
from cds_service.wiring.records import in_memory_store
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.system import new_id, now
from fhir_mappings.fhir_json import dumps, loads

_SHOWN = ("sij-posterior", "sij-rich-chart", "trial-not-weaned", "trial-weaned")
"""The samples that the demonstration runs, in this order."""

_FIRST_PORT = click.IntRange(1, 65400)
"""Leaves room for the ports that are tried after it, and for those of the sample EHR."""


@click.command("demo", epilog=exit_codes())
@click.option("--once", is_flag=True, help="Run the sample orders and stop.")
@click.option("--port", type=_FIRST_PORT, default=8000, show_default=True, help="The first port to try.")
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the requests and the charts to this folder, for `evaluate` and `policies diff --requests`.",
)
def demo_command(once: bool, port: int, save: Path | None) -> None:
    """Start the service and the sample EHR on this machine, and run sample orders through both."""
    settings = settings_given().model_copy(update={"fhir_servers": (), "fhir_private_networks": (LOOPBACK,)})
    assessor = assessor_of(settings)
    app = create_app(
        settings=settings,
        assessor=assessor,
        clock=now,
        new_id=new_id,
        records=in_memory_store(settings, assessor, now),
        log=service_log(io.StringIO(), now),
    )
    if save is not None:
        with exit_on_error():
            save.mkdir(parents=True, exist_ok=True)
    today = now().astimezone(settings.time_zone).date()
    run_demo(app, Console(), today=today, new_id=new_id, port=port, once=once, save=save)


def run_demo(
    app: Flask,
    console: Console,
    *,
    today: date,
    new_id: Callable[[], str],
    port: int,
    once: bool,
    save: Path | None = None,
) -> None:
    """Serve both on loopback, run the sample orders, and go on serving until Ctrl-C unless `once`.

    `save` is an existing folder for the requests and the charts.
    """
    token = secrets.token_urlsafe(16)
    ehr = create_sample_ehr(sample_store(today), token=token)
    with on_loopback(app, port) as service, on_loopback(ehr, port + 80) as ehr_address:
        fhir = f"{ehr_address}/fhir"
        for sample in (s for name in _SHOWN for s in SAMPLES if s.id == name):
            for order in sample.orders[:1]:
                body = dumps(hook_call(sample, order, fhir_server=fhir, token=token, today=today, new_id=new_id))
                print_cards(console, _title(sample, order), _cards(service, order, body))
                if save is not None:
                    (save / f"{sample.id}.json").write_text(body, encoding="utf-8")
                    (save / f"{sample.id}.chart.json").write_text(dumps(sample.bundle(today)), encoding="utf-8")
        console.print(f"[bold]Service[/]     {service}/cds-services", soft_wrap=True)
        console.print(f"[bold]Sample EHR[/]  {fhir}/metadata", soft_wrap=True)
        console.print(f"            {len(SAMPLES)} invented patients, Authorization: Bearer {token}", soft_wrap=True)
        console.print(f"[bold]Look next[/]   {_program()} policies show CP.MP.126", soft_wrap=True)
        if save is not None:
            example = save / _SHOWN[0]
            command = f"{_program()} evaluate {example}.json --chart {example}.chart.json"
            console.print(f"            {command}", soft_wrap=True)
        if not once:
            console.print("Serving until Ctrl-C.")
            _wait()


def _program() -> str:
    """Return how to call this program in the shell that called it: by its name, or by its path."""
    path = Path(sys.argv[0])
    if which("cds-service") or not path.is_file():
        return "cds-service"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _title(sample: Sample, order: SampleOrder) -> str:
    return f"{order.hook} for {sample.id}: {sample.shows}"


def _cards(service: str, order: SampleOrder, body: str) -> list[dict[str, object]]:
    response = requests.post(
        f"{service}/cds-services/{SERVICE_OF_HOOK[order.hook].id}",
        data=body.encode(),
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    response.raise_for_status()
    cards: list[dict[str, object]] = loads(response.content)["cards"]
    return cards


def _wait() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
