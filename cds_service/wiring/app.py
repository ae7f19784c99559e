"""Assemble settings, policies, records, and clients into one Flask application."""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from flask import Flask

from cards.override_reasons import override_codes
from cds_service.clients.authenticator import Authenticator
from cds_service.crd.records_protocol import CrdRecords, NullCrdRecords
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.turns import Turns
from cds_service.http.authentication import require_tokens
from cds_service.http.calls import register_call_handlers
from cds_service.http.dtr import dtr
from cds_service.http.errors import handle_errors
from cds_service.http.fhir import fhir
from cds_service.http.headers import allow_browsers, protect
from cds_service.http.health import health
from cds_service.http.hooks import hooks
from cds_service.http.malformed import refuse_malformed_requests
from cds_service.http.metrics import metrics as metrics_page
from cds_service.http.payer_endpoints import payer_endpoints
from cds_service.http.questionnaire_errors import questionnaire_errors
from cds_service.http.readiness import Check
from cds_service.http.services import Services, attach
from cds_service.http.terminology import terminology
from cds_service.http.tokens import tokens
from cds_service.http.traced_calls import trace_calls
from cds_service.login.errors import LoginError
from cds_service.observability.logging import Log, service_log
from cds_service.observability.metrics import Metrics
from cds_service.observability.tracing import TracedOpener, Tracing
from cds_service.records.protocol import NullStore, Records
from cds_service.records.pseudonyms import Pseudonymizer, random_key
from cds_service.settings import Settings
from cds_service.web.answers import answers
from cds_service.web.insights.routes import insights
from cds_service.web.login import protect_pages
from cds_service.web.login_pages import explain, login_pages
from cds_service.web.policies.patient_routes import policy_patients
from cds_service.web.policies.routes import policies
from cds_service.web.sandbox.chart_routes import chart_pages
from cds_service.web.sandbox.routes import sandbox
from cds_service.web.site import Site, attach_site
from cds_service.web.static_files import static_files
from cds_service.web.style_guide import style_guide
from cds_service.wiring.clients import token_endpoint_of
from cds_service.wiring.forms import form_service
from cds_service.wiring.smart import SmartClients, smart_app
from cds_service.wiring.tracing import traced
from coverage_policies.judging.assessment import Assessor

_OPEN_PAGES = frozenset(each.name for each in (static_files, policies, login_pages))
"""The pages for browsers that everybody may open; all others are for operators."""


def create_app(
    *,
    settings: Settings,
    assessor: Assessor,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    open_fhir_server: FhirOpener | None = None,
    authenticator: Authenticator | None = None,
    records: Records | None = None,
    crd_records: CrdRecords | None = None,
    pseudonym: Pseudonymizer | None = None,
    log: Log | None = None,
    metrics: Metrics | None = None,
    checks: Iterable[Check] = (),
    smart: SmartClients | None = None,
    site: Site | None = None,
    turns: Turns | None = None,
    tracing: Tracing | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Flask:
    """Return the service as a WSGI application.

    `clock` gives the time of a call with its zone, and `new_id` an id for each call. `pseudonym` has the key of the
    records; the ids of cards and the key of access tokens follow from it, so all processes of a service need the same.
    `checks` are the readiness checks, `smart` the EHRs that may launch the questionnaire app, `site` the pages for
    operators, `turns` those at computing, which the records share, and `tracing` what makes spans. By default there are
    none of these, and the service reads FHIR servers over HTTP, allows unauthenticated calls, stores nothing, logs to
    standard error, counts in this process, and makes the ids of cards with a random key.
    """
    log = log or service_log(sys.stderr, clock)
    metrics = metrics or Metrics()
    pseudonym = pseudonym or Pseudonymizer(random_key())
    http = FhirClients(settings, warn=log.warning, on_circuits_changed=metrics.set_open_circuits)
    open_fhir_server = open_fhir_server or http
    if tracing is not None:
        open_fhir_server, assessor = TracedOpener(open_fhir_server, tracing), traced(assessor, tracing)
    token_endpoint = None
    if authenticator is not None:
        token_endpoint = token_endpoint_of(authenticator, settings, pseudonym, clock=clock, new_id=new_id)
    questionnaires = None
    if smart and smart.clients:
        questionnaires = smart_app(
            smart,
            settings,
            assessor,
            pseudonym,
            http=http,
            open_fhir_server=open_fhir_server,
            clock=clock,
            monotonic=monotonic,
        )
    crd_records = crd_records or NullCrdRecords()
    forms = form_service(settings, assessor, crd_records, pseudonym, log=log, clock=clock, monotonic=monotonic)
    pages = [static_files, policies]
    if site is not None:
        offered = {insights: site.records is not None, style_guide: site.has_style_guide}
        pages += [sandbox, chart_pages, policy_patients, *(each for each, is_offered in offered.items() if is_offered)]
    if site is not None and site.login is not None:
        pages.append(login_pages)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    attach(
        app,
        Services(
            settings=settings,
            assessor=assessor,
            records=records or NullStore(),
            crd_records=crd_records,
            log=log,
            metrics=metrics,
            open_fhir_server=open_fhir_server,
            authenticator=authenticator,
            token_endpoint=token_endpoint,
            checks=tuple(checks),
            clock=clock,
            monotonic=monotonic,
            new_id=new_id,
            pseudonym=pseudonym,
            turns=turns or Turns(),
            forms=forms,
            override_codes=override_codes(assessor.library.policies.values()),
            smart=questionnaires,
            browser_pages=frozenset(each.name for each in pages),
        ),
    )
    if site is not None:
        attach_site(app, site)
    allow_browsers(app, settings)
    protect(app, settings)
    if tracing is not None:
        trace_calls(app, tracing)
    register_call_handlers(app)
    refuse_malformed_requests(app)
    require_tokens(app)
    handle_errors(app)
    protect_pages(app, frozenset(each.name for each in pages) - _OPEN_PAGES)
    app.register_error_handler(LoginError, explain)
    app.register_blueprint(health)
    app.register_blueprint(hooks)
    app.register_blueprint(fhir)
    app.register_blueprint(terminology)
    app.register_blueprint(questionnaire_errors)
    app.register_blueprint(dtr)
    if token_endpoint is not None:
        app.register_blueprint(tokens)
    if assessor.rules.answered_for:
        app.register_blueprint(payer_endpoints)
    for each in pages:
        app.register_blueprint(each)
    if questionnaires is not None:
        app.register_blueprint(answers)
    if settings.metrics:
        app.register_blueprint(metrics_page)
    return app
