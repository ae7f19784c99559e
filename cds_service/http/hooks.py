"""The CDS Hooks routes: discovery, the hook calls, and feedback (CDS Hooks 2.0.1)."""

from dataclasses import replace

from flask import Blueprint, Response, g, request

from cards.style import CardStyle
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError
from cds_service.hooks.feedback import read_feedback
from cds_service.hooks.hooks import SERVICES
from cds_service.hooks.reading_report import searches_in_short
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.response import addresses_of, default_style, respond
from cds_service.hooks.review import Review, review
from cds_service.http.authentication import client_of_request
from cds_service.http.discovery import document
from cds_service.http.json_body import json_body, json_response
from cds_service.http.openapi import PATH, openapi
from cds_service.http.request_body import check_orders
from cds_service.http.services import Services, services
from cds_service.observability.call_log import Call, bind_hook_instance
from cds_service.observability.counted_source import CountedSource
from cds_service.records.card_ids import CardIds
from cds_service.records.order_keys import order_keys
from cds_service.records.rows import SUPPRESSED

hooks = Blueprint("hooks", __name__)

_HOOK_OF = {service.id: service.hook for service in SERVICES}


@hooks.get("/cds-services")
def discover() -> Response:
    """Answer the discovery document."""
    return json_response(document(services().assessor.library.searches()))


@hooks.get(PATH)
def describe() -> Response:
    """Answer the OpenAPI document."""
    return json_response(openapi(services().settings.public_url))


@hooks.post("/cds-services/<service_id>")
def call_service(service_id: str) -> Response:
    """Answer a hook call with cards, after storing the decision."""
    found = services()
    hook = _hook_of(service_id)
    call: Call = g.call
    call.hook = hook
    with found.turns.turn() as turn:
        hook_request = _read_call(hook, found)
        call.hook_instance = hook_request.hook_instance
        bind_hook_instance(hook_request.hook_instance)
        call.orders = len(hook_request.orders.judged)
        if hook_request.orders.is_selection_unknown:
            found.log.warning("no selection names a draft order; all count as selected")
        reviewed = review(
            hook_request,
            found.assessor,
            found.limits,
            open_source=lambda deadline: _open_source(hook_request, deadline, found),
            clock=found.clock,
            monotonic=found.monotonic,
            waiting=turn.waiting,
            order_key=order_keys(found.pseudonym, hook_request.patient_id),
        )
        _log_reading(call, reviewed, found)
        if reviewed.refusal is not None:
            raise reviewed.refusal
        card_id = CardIds(found.pseudonym, call.client, hook_request)
        app = found.smart.link(hook_request, reviewed, client_of_request()) if found.smart else None
        addresses = addresses_of(found.settings, needs_token=found.authenticator is not None, app=app)
        response = respond(reviewed, found.assessor.rules, hook, _card_style(found), card_id, addresses)
    shown = found.records.store_decision(call, request.path, hook_request, response)
    call.cards = len(shown)
    if len(shown) < len(response.cards):
        call.suppressed = {SUPPRESSED: len(response.cards) - len(shown)}
    for each in shown:
        found.metrics.count_card(each.assessment.determinations[0].policy, each.card["indicator"])
    return json_response({"cards": [each.card for each in shown]})


@hooks.post("/cds-services/<service_id>/feedback")
def take_feedback(service_id: str) -> Response:
    """Store the feedback on cards."""
    found = services()
    _hook_of(service_id)
    g.call.hook = "feedback"
    given = read_feedback(json_body(), found.override_codes)
    for override in found.records.store_feedback(g.call, request.path, given):
        found.metrics.count_override(override.policy, override.reason)
    return json_response({})


def _hook_of(service_id: str) -> str:
    """Return the hook of a service; raise RefusedError (404) if there is no such service."""
    if service_id not in _HOOK_OF:
        raise RefusedError(404, STATUS_ISSUES[404])
    return _HOOK_OF[service_id]


def _read_call(hook: str, found: Services) -> HookRequest:
    """Read the call in the current request body; raise RefusedError (400) if it is for another hook."""
    value = json_body()
    check_orders(value, most=found.settings.max_orders)
    call = read_request(value)
    if call.hook != hook:
        raise RefusedError(400, Issue("value", f"hook differs from this service's. Send {hook}.", "hook"))
    if call.fhir is not None and call.fhir.token_deviations:
        is_used = "no" if call.fhir.token_fault else "yes"
        found.log.warning("fhirAuthorization faulty", faults=list(call.fhir.token_deviations), token_used=is_used)
    return call


def _card_style(found: Services) -> CardStyle:
    """Return how the client of the current request wants its cards."""
    default = default_style(found.settings)
    client = client_of_request()
    return client.card_style(default) if client else default


def _log_reading(call: Call, reviewed: Review, found: Services) -> None:
    """Add to the log line of the call what each search got, and warn of a server that sent data of other patients."""
    call.fhir_server = reviewed.server
    call.searches = searches_in_short(reviewed.searches, reviewed.answers)
    types = sorted({report.search.resource_type for report in reviewed.searches})
    # Only of types that the service searched: any other text in place of a type could be a patient's data.
    others = {kind: count for kind in types if (count := reviewed.record.other_patients[kind])}
    if others:
        found.log.warning("resources of other patients excluded", server=reviewed.server, count=others)


def _open_source(call: HookRequest, deadline: Deadline, found: Services) -> FhirSource | None:
    """Open the FHIR server of a call, if the client may name it."""
    if call.fhir is None:
        return None
    client = client_of_request()
    access = replace(call.fhir, registered=client.fhir_servers if client else None)
    return CountedSource(found.open_fhir_server(access, deadline), found.metrics)
