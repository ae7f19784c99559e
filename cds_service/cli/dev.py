"""`cds-service serve --dev`: a workstation for developers.

One process on the loopback interface that reloads when code, a policy, or a value set changes, prints full tracebacks
in the terminal, asks no client for a token, stores decisions in memory, and serves the sample EHR beside it. Never for
patient data: a traceback may quote a chart.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
from flask import Flask, Response
from werkzeug.serving import is_running_from_reloader, run_simple

from cds_service.cli.sample_app import sample_app, sample_server
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.http.errors import answer_failure
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.patients import SAMPLES, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.web.site import Site
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import in_memory_records
from cds_service.wiring.serving import check_address, free_port, on_loopback
from cds_service.wiring.smart import SmartClients
from cds_service.wiring.system import new_id, now
from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.plan_rules_file import files_of_plan_rules

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
"""Where `--dev` may listen."""
TOKEN = "dev"  # noqa: S105  (invented patients on the loopback interface only)
"""The token of the sample EHR, the same after every reload."""


def serve_dev(settings: Settings, host: str, port: int) -> None:
    """Serve until Ctrl-C. Raises OSError if the port, or that of the sample EHR and those after it, are taken."""
    if host not in _LOOPBACK_HOSTS:
        raise click.UsageError(f"--dev listens on the loopback interface only: {', '.join(_LOOPBACK_HOSTS)}.")
    if not is_running_from_reloader():  # the reloader itself listens already
        check_address(host, port)
    fhir_servers = settings.fhir_servers
    settings = settings.model_copy(
        update={
            "public_url": f"http://{f'[{host}]' if ':' in host else host}:{port}",
            "allow_unauthenticated": True,
            "fhir_servers": (),
            "fhir_private_networks": (LOOPBACK,),
        }
    )
    with ExitStack() as stack:
        app = Flask("reloader")
        if is_running_from_reloader():  # the first process only watches the second, which is started anew on a change
            ehr_port = free_port(port + 80)
            questionnaires = sample_app(settings, ehr_port)
            today = now().astimezone(settings.time_zone).date()
            samples = sample_server(ehr_port, TOKEN, today, questionnaires.smart)
            pages = Site(samples, has_style_guide=True, fhir_servers=fhir_servers)
            app = dev_app(settings, questionnaires.clients, pages)
            ehr = create_sample_ehr(sample_store(today), token=TOKEN, smart=questionnaires.smart)
            address = stack.enter_context(on_loopback(ehr, ehr_port))
            click.echo(f"Sandbox      http://{host}:{port}/sandbox  (beside it /policies, /insights, and /styleguide)")
            click.echo(f"Service      http://{host}:{port}/cds-services  (reloads on change; stop with Ctrl-C)")
            click.echo(
                f"Sample EHR   {address}/fhir  ({len(SAMPLES)} invented patients, Authorization: Bearer {TOKEN})"
            )
        files = [str(path) for path in watched_files(settings)]
        run_simple(host, port, app, use_reloader=True, reloader_type="stat", extra_files=files, threaded=True)


def dev_app(settings: Settings, smart: SmartClients | None = None, site: Site | None = None) -> Flask:
    """Return the application; one that only says what is wrong with the policies where they cannot be loaded."""
    try:
        assessor = load_assessor(settings)
    except (DocumentError, OSError) as error:
        click.echo(str(error), err=True)
        return _broken(str(error))
    records, crd_records, stored = in_memory_records(settings, assessor, now)
    app = create_app(
        settings=settings,
        assessor=assessor,
        clock=now,
        new_id=new_id,
        records=records,
        crd_records=crd_records,
        log=service_log(sys.stderr, now),
        smart=smart,
        site=replace(site, records=stored) if site else None,
    )
    app.register_error_handler(Exception, print_failure)
    return app


def print_failure(error: Exception) -> Response:
    """Print the whole traceback in the terminal; the answer stays that of the service."""
    traceback.print_exception(error)
    return answer_failure(error)


def watched_files(settings: Settings) -> Iterator[Path]:
    """Yield the policy documents, value sets, and plan rules with their tables, which the reloader watches."""
    for folder in (BUILT_IN, *settings.policy_folders):
        yield from (path for pattern in ("documents/**/*.yaml", "value_sets/*.csv") for path in folder.glob(pattern))
    if settings.plan_rules:
        yield from files_of_plan_rules(settings.plan_rules)


def _broken(problems: str) -> Flask:
    app = Flask("broken policies")

    def say(**_path: str) -> Response:
        return Response(f"{problems}\n", 503, mimetype="text/plain")

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, endpoint=rule, view_func=say, methods=["GET", "POST", "OPTIONS"])
    return app
