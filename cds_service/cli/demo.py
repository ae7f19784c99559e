"""`cds-service demo`: the service and the sample EHR on this machine, sample orders over HTTP, and their cards."""

import io
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import zip_longest
from pathlib import Path
from shutil import which
from typing import Any

import click
import requests
from flask import Flask
from rich.console import Console

from cds_service.cli.answering import PATIENT as ANSWERED
from cds_service.cli.answering import Hook, launch_path, outcome_of, run_loop
from cds_service.cli.crd_demo import PATIENT as CRD_PATIENT
from cds_service.cli.crd_demo import CrdLoop, run_crd_loop
from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import assessor_of, exit_on_error, settings_given
from cds_service.cli.output.cards import print_cards
from cds_service.cli.sample_app import sample_app, sample_server
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, Sample, sample_store
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.sample_ehr.public_sandbox import (
    HOOK,
    ORDERS,
    PLAN_RULES,
    POLICIES,
    SandboxOrder,
    deep_link,
    sandbox_call,
    with_sandbox_policies,
)
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.server import SmartServer
from cds_service.web.site import Site
from cds_service.wiring.app import create_app
from cds_service.wiring.records import in_memory_records
from cds_service.wiring.serving import free_port, on_loopback
from cds_service.wiring.system import new_id, now
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json, dumps, loads

_SHOWN = ("sij-posterior", "sij-rich-chart", "trial-not-weaned", "trial-weaned")
"""The samples that the demonstration runs, in this order."""

_EHR_PORTS_AFTER = 80
"""The port of the sample EHR is the first free one from so many after that of the service."""

_BY_ID = {sample.id: sample for sample in SAMPLES}

_FIRST_PORT = click.IntRange(1, 65400)
"""Leaves room for the ports that are tried after it, and for those of the sample EHR."""


@dataclass(frozen=True, slots=True)
class DemoCall:
    """A sample order to run. `request` returns the body of the call for the FHIR address of the sample EHR."""

    sample: Sample
    title: str
    hook: str
    request: Callable[[str], Json]


@click.command("demo", epilog=exit_codes())
@click.option("--once", is_flag=True, help="Run the sample orders and stop.")
@click.option("--port", type=_FIRST_PORT, default=8000, show_default=True, help="The first port to try.")
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the requests and the charts to this folder, for `evaluate` and `policies diff --requests`.",
)
@click.option(
    "--sandbox",
    is_flag=True,
    help="For the public CDS Hooks sandbox (docs/sandbox.md): an open sample EHR, a policy for its imaging screen in "
    "place of your own policies and plan rules, and no card suppressed.",
)
@click.option(
    "--answer",
    is_flag=True,
    help="Answer the open questions of a sample order through the questionnaire app instead, sign it, and stop.",
)
@click.option(
    "--crd",
    is_flag=True,
    help="Answer a sample order as its payer by Da Vinci CRD instead, fill in the form that it asks for, and stop.",
)
@click.option(
    "--payers",
    is_flag=True,
    help="Answer for the payers of the sample coverages, too: cards name the insurer, and the sandbox offers Da Vinci "
    "CRD.",
)
def demo_command(
    once: bool, port: int, save: Path | None, sandbox: bool, answer: bool, crd: bool, payers: bool
) -> None:
    """Start the service and the sample EHR on this machine, and run sample orders through both."""
    if payers and (sandbox or crd):
        raise click.UsageError("--payers is not for use with --sandbox, and --crd includes it.")
    if (answer or crd) and (sandbox or save or (answer and crd)):
        name = "--answer" if answer else "--crd"
        raise click.UsageError(f"{name} is not for use with --sandbox, --save, or each other.")
    with exit_on_error():
        port = free_port(port)
        ehr_port = free_port(port + _EHR_PORTS_AFTER)
    given = settings_given()
    settings = given.model_copy(
        update={"public_url": f"http://127.0.0.1:{port}", "fhir_servers": (), "fhir_private_networks": (LOOPBACK,)}
    )
    if sandbox:
        settings = with_sandbox_policies(settings)
    assessor = assessor_of(settings)
    if crd or payers:
        assessor = Assessor(assessor.library, SAMPLE_PAYERS)
    today = now().astimezone(settings.time_zone).date()
    token = "" if sandbox else secrets.token_urlsafe(16)
    questionnaires = sample_app(settings, ehr_port)
    records, crd_records, stored = in_memory_records(settings, assessor, now)
    app = create_app(
        settings=settings,
        assessor=assessor,
        clock=now,
        new_id=new_id,
        records=records,
        crd_records=crd_records,
        log=service_log(io.StringIO(), now),
        smart=None if sandbox else questionnaires.clients,  # the sandbox cannot begin a launch from the sample EHR
        site=Site(
            sample_server(ehr_port, token, today, questionnaires.smart),
            fhir_servers=given.fhir_servers,
            records=stored,
        ),
    )
    if save is not None:
        with exit_on_error():
            save.mkdir(parents=True, exist_ok=True)
    demo = Demo(app, questionnaires.smart, today, token, port, ehr_port)
    if crd:
        run_crd(demo, Console())
    elif answer:
        run_answers(demo, Console())
    else:
        run_demo(demo, Console(), once=once, save=save, sandbox=sandbox)


@dataclass(frozen=True, slots=True)
class Demo:
    """The service, and what the sample EHR beside it needs: its authorization server, the day, and both ports.

    The sample EHR asks for `token`; if it is empty, for none.
    """

    app: Flask
    smart: SmartServer
    today: date
    token: str
    port: int
    ehr_port: int

    @contextmanager
    def served(self, charts: Charts | None = None) -> Iterator[tuple[str, str]]:
        """Serve both on loopback, and yield their addresses.

        The charts of the sample EHR are those of the samples unless others are given.
        """
        ehr = create_sample_ehr(charts or sample_store(self.today), token=self.token or None, smart=self.smart)
        with on_loopback(self.app, self.port) as service, on_loopback(ehr, self.ehr_port) as ehr_address:
            yield service, ehr_address


def run_crd(demo: Demo, console: Console) -> None:
    """Run one order through the CRD services, from selecting it to signing it with the form filled in."""
    charts = Charts(sample_store(demo.today))
    order = _BY_ID[CRD_PATIENT].orders[0].resource(demo.today)
    with demo.served(charts) as (service, ehr):
        run_crd_loop(console, CrdLoop(service, ehr, charts, demo.token, new_id, now), order)


def run_answers(demo: Demo, console: Console) -> None:
    """Answer the questions of a sample order through the questionnaire app, and sign it before and after."""
    sample = _BY_ID[ANSWERED]
    order = sample.orders[0]
    with demo.served() as (service, ehr):

        def sign(hook: Hook) -> dict[str, Any]:
            asked = replace(order, hook=hook)
            call = hook_call(
                sample, asked, fhir_server=f"{ehr}/fhir", token=demo.token, today=demo.today, new_id=new_id
            )
            cards = _cards(service, hook, dumps(call))
            print_cards(console, f"{hook} for {sample.id}: {sample.shows}", cards)
            (card,) = cards
            return card

        run_loop(console, sign=sign, ehr=ehr, smart=demo.smart, token=demo.token)


def run_demo(demo: Demo, console: Console, *, once: bool, save: Path | None = None, sandbox: bool = False) -> None:
    """Serve both on loopback, run the sample orders, and go on serving until Ctrl-C unless `once`.

    `save` is an existing folder for the requests and the charts. With `sandbox`, the sample EHR asks for no token, and
    the orders are those of the public sandbox.
    """
    token = demo.token
    calls = _sample_calls(token, demo.today) if token else _sandbox_calls()
    with demo.served() as (service, ehr_address):
        fhir = f"{ehr_address}/fhir"
        launches = []
        for call in calls:
            body = dumps(call.request(fhir))
            cards = _cards(service, call.hook, body)
            print_cards(console, call.title, cards)
            asking = [card for card in cards if outcome_of(card) == Outcome.DOCUMENTATION_NEEDED.value]
            paths = [launch_path(demo.smart, call.sample.id, card) for card in asking]
            launches += [(call.sample.id, f"{ehr_address}{path}") for path in paths if path]
            if save is not None:
                (save / f"{call.sample.id}.json").write_text(body, encoding="utf-8")
                (save / f"{call.sample.id}.chart.json").write_text(
                    dumps(call.sample.bundle(demo.today)), encoding="utf-8"
                )
        access = f"Authorization: Bearer {token}" if token else "no token needed"
        _say(console, "Sandbox", f"{service}/sandbox", f"{service}/policies and {service}/insights beside it")
        _say(console, "Service", f"{service}/cds-services")
        _say(console, "Sample EHR", f"{fhir}/metadata", f"{len(SAMPLES)} invented patients, {access}")
        if sandbox:
            for order in ORDERS:
                link = deep_link(order, service=service, fhir_server=fhir)
                _say(console, f"Order {order.code}", f"for {order.patient}: {order.shows}", link)
        if launches and not sandbox:
            patient, address = launches[0]
            _say(console, "Answer", address, f"opens the questionnaire app for {patient}, as the link of its card does")
        look = [f"{_program()} policies show CP.MP.126"]
        if save is not None:
            example = save / calls[0].sample.id
            policies = f"CDS_POLICY_FOLDERS={POLICIES} CDS_PLAN_RULES={PLAN_RULES} " if sandbox else ""
            look.append(f"{policies}{_program()} evaluate {example}.json --chart {example}.chart.json")
        _say(console, "Look next", *look)
        if not once:
            console.print("Serving until Ctrl-C.")
            _wait()


def _sample_calls(token: str, today: date) -> Sequence[DemoCall]:
    """Return the first order of each sample to show."""

    def call(sample: Sample) -> DemoCall:
        order = sample.orders[0]
        title = f"{order.hook} for {sample.id}: {sample.shows}"
        request = partial(hook_call, sample, order, token=token, today=today, new_id=new_id)
        return DemoCall(sample, title, order.hook, lambda fhir: request(fhir_server=fhir))

    return [call(_BY_ID[name]) for name in _SHOWN]


def _sandbox_calls() -> Sequence[DemoCall]:
    """Return the orders of the public sandbox."""

    def call(order: SandboxOrder) -> DemoCall:
        title = f"{HOOK} of {order.code} for {order.patient}: {order.shows}"
        return DemoCall(
            _BY_ID[order.patient], title, HOOK, lambda fhir: sandbox_call(order, fhir_server=fhir, new_id=new_id)
        )

    return [call(order) for order in ORDERS]


def _say(console: Console, name: str, *lines: str) -> None:
    """Print lines that a terminal may wrap and that are still copied whole, with a name before the first."""
    for heading, line in zip_longest([name], lines, fillvalue=""):
        console.print(f"[bold]{heading:<12}[/]{line}", soft_wrap=True, highlight=False)


def _program() -> str:
    """Return how to call this program in the shell that called it: by its name, or by its path."""
    path = Path(sys.argv[0])
    if which("cds-service") or not path.is_file():
        return "cds-service"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _cards(service: str, hook: str, body: str) -> list[dict[str, object]]:
    response = requests.post(
        f"{service}/cds-services/{SERVICE_OF_HOOK[hook].id}",
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
