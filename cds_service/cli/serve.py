"""`cds-service serve`: the service under gunicorn."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import click
from flask import Flask

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import PORT, exit_on_error, settings_given
from cds_service.clients.sandbox import SandboxKey
from cds_service.crd.order_profiles import ORDER_PROFILES
from cds_service.crd.services import services_for
from cds_service.hooks.turns import Turns
from cds_service.http.readiness import Check, DatabaseReady, KeysReady, PoliciesReady
from cds_service.observability.logging import service_log
from cds_service.observability.shared_folder import shared_folder
from cds_service.records.database import UnavailableError
from cds_service.records.smart_sessions import SmartSessions
from cds_service.records.stored import StoredRecords
from cds_service.records.used_tokens import UsedTokens
from cds_service.wiring.active_policies import ActivePolicies
from cds_service.wiring.clients import NoClientsError, authenticator_of, clients_of, describe_clients
from cds_service.wiring.login import NoLoginError, describe_operators, operator_site, registration_of
from cds_service.wiring.records import (
    NotReadyError,
    crd_records_in,
    open_key,
    prepare,
    prepared_database,
    records_in,
    sealer_of,
)
from cds_service.wiring.serving import check_address, serve
from cds_service.wiring.smart import SmartClients, smart_clients_of
from cds_service.wiring.system import new_id, now
from cds_service.wiring.tracing import check_tracing, tracing_of
from cds_service.wiring.warm_up import warm_up


@click.command("serve", epilog=exit_codes({0: "stopped by a signal"}))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=8000, show_default=True, help="The port to listen on.")
@click.option("--workers", type=click.IntRange(1), help="How many processes serve.  [default: CDS_WORKERS]")
@click.option("--threads", type=click.IntRange(1), help="How many calls a process takes.  [default: CDS_THREADS]")
@click.option(
    "--allow-unauthenticated", is_flag=True, help="Ask no client for a token; for networks that decide who may call."
)
@click.option(
    "--dev",
    is_flag=True,
    help="For developers, on the loopback interface only: reload on change, print full tracebacks, ask for no token, "
    "store nothing, and serve the sample EHR beside it.",
)
def serve_command(
    host: str, port: int, workers: int | None, threads: int | None, allow_unauthenticated: bool, dev: bool
) -> None:
    """Serve CDS Hooks until stopped by a signal.

    On SIGHUP, read the policies and plan rules again. On SIGTERM, answer the calls that are running, and stop.
    """
    settings = settings_given()
    if dev:
        from cds_service.cli.dev import serve_dev

        with exit_on_error():
            serve_dev(settings, host, port)
        return
    with exit_on_error():
        check_address(host, port)
    given = {"workers": workers, "threads": threads, "allow_unauthenticated": allow_unauthenticated}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value})
    log = service_log(sys.stderr, now)
    with exit_on_error(NotReadyError, UnavailableError, NoClientsError, NoLoginError):
        registered = clients_of(settings)
        operators = registration_of(settings)
        launching = smart_clients_of(registered or (), settings)
        policies = ActivePolicies(settings, log, now)
        prepare(settings)
        check_tracing(settings)
    warm_up(policies.assessor.library, *(ORDER_PROFILES if policies.assessor.rules.answered_for else ()))
    log.info("who may call", message=describe_clients(registered, settings))
    if operators is not None:
        log.info("who may open the pages", message=describe_operators(settings))
    if policies.assessor.rules.answered_for and not settings.encryption_keys:
        log.warning("CRD exchanges not stored", message="Set CDS_ENCRYPTION_KEYS to keep them, as CRD requires.")
    if without_services := [each.name for each in registered or () if not services_for(each, policies.assessor.rules)]:
        message = "No payer in CDS_PLAN_RULES has crd: yes, so these clients see and call nothing."
        log.warning("clients without services", clients=without_services, message=message)

    def app_of_process() -> Flask:
        turns = Turns()
        tracing = tracing_of(settings)  # in each process, since its thread does not fork
        database = prepared_database(settings, turns, tracing)
        pseudonym = open_key(settings)
        records = records_in(database, pseudonym, settings, policies.snapshot, now)
        crd_records = crd_records_in(database, sealer_of(settings), pseudonym, settings, policies.snapshot, now)
        checks: list[Check] = [
            DatabaseReady(database),
            PoliciesReady(len(policies.assessor.library.policies), policies.since),
        ]
        sessions = SmartSessions(database, now)
        site = key = authenticator = None
        if operators is not None:
            key = SandboxKey(now, new_id) if registered is not None else None
            site = operator_site(operators, settings, registered or (), sessions=sessions, key=key, clock=now, log=log)
            site = replace(site, records=StoredRecords(database, pseudonym, sealer_of(settings)))
        if registered is not None:
            tester = (site.client, key) if site is not None and key is not None else None
            used = UsedTokens(database, now)
            authenticator = authenticator_of(registered, settings, replay_guard=used, clock=now, log=log, tester=tester)
            authenticator.warm_up()
            checks.append(KeysReady(authenticator))
        return create_app(
            settings=settings,
            assessor=policies.assessor,
            clock=now,
            new_id=new_id,
            authenticator=authenticator,
            records=records,
            crd_records=crd_records,
            pseudonym=pseudonym,
            log=log,
            metrics=Metrics(folder),
            checks=checks,
            smart=SmartClients(launching, sessions),
            site=site,
            turns=turns,
            tracing=tracing,
        )

    with shared_folder() if settings.metrics else nullcontext() as folder:
        # Import only now: prometheus_client decides on import whether processes count together.
        from cds_service.observability.metrics import Metrics, forget_process
        from cds_service.wiring.app import create_app

        process_ended = partial(forget_process, folder) if folder else lambda _: None
        serve(app_of_process, policies.reload, settings, host=host, port=port, process_ended=process_ended)
