"""The CDS Hooks routes: discovery, the hook calls, and feedback (CDS Hooks 2.0.1)."""

from flask import Blueprint, Response, g, request

from cds_service.crd.services import services_for
from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError
from cds_service.hooks.feedback import read_feedback
from cds_service.hooks.hooks import Service
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.response import addresses_of, respond
from cds_service.hooks.review import review
from cds_service.http.authentication import client_of_request
from cds_service.http.crd import answer_crd_call
from cds_service.http.discovery import document
from cds_service.http.json_body import json_body, json_response
from cds_service.http.openapi import PATH, openapi
from cds_service.http.reading import card_style, note_cards, note_reading, note_request, open_source
from cds_service.http.request_body import check_orders
from cds_service.http.services import Services, services
from cds_service.observability.call_log import Call
from cds_service.records.card_ids import CardIds
from cds_service.records.order_keys import order_keys

hooks = Blueprint("hooks", __name__)


@hooks.get("/cds-services")
def discover() -> Response:
    """Answer the discovery document."""
    found = services()
    offered = services_for(client_of_request(), found.assessor.rules)
    return json_response(document(offered, found.assessor.library.searches()))


@hooks.get(PATH)
def describe() -> Response:
    """Answer the OpenAPI document."""
    found = services()
    offered = services_for(client_of_request(), found.assessor.rules)
    gives_tokens, has_payers = found.token_endpoint is not None, bool(found.assessor.rules.answered_for)
    described = openapi(found.settings.public_url, offered, gives_tokens=gives_tokens, has_payers=has_payers)
    return json_response(described)


@hooks.post("/cds-services/<service_id>")
def call_service(service_id: str) -> Response:
    """Answer a hook call with cards, after storing the decision."""
    found = services()
    service = _service(service_id)
    if service.version is not None:
        return answer_crd_call(service, found)
    hook = service.hook
    call: Call = g.call
    call.hook = hook
    with found.turns.turn() as turn:
        hook_request = _read_call(hook, found)
        note_request(call, hook_request, found)
        reviewed = review(
            hook_request,
            found.assessor,
            found.limits,
            open_source=lambda deadline: open_source(hook_request, deadline, found),
            clock=found.clock,
            monotonic=found.monotonic,
            waiting=turn.waiting,
            order_key=order_keys(found.pseudonym, hook_request.patient_id),
        )
        note_reading(call, reviewed, found)
        if reviewed.refusal is not None:
            raise reviewed.refusal
        card_id = CardIds(found.pseudonym, call.client, hook_request)
        app = found.smart.link(hook_request, reviewed, client_of_request()) if found.smart else None
        addresses = addresses_of(found.settings, app=app)
        response = respond(reviewed, found.assessor.rules, hook, card_style(found), card_id, addresses)
    shown = found.records.store_decision(call, request.path, hook_request, response)
    note_cards(call, shown, response, found)
    return json_response({"cards": [each.card for each in shown]})


@hooks.post("/cds-services/<service_id>/feedback")
def take_feedback(service_id: str) -> Response:
    """Store the feedback on cards."""
    found = services()
    _service(service_id)
    g.call.hook = "feedback"
    given = read_feedback(json_body(), found.override_codes)
    new = found.records.store_feedback(g.call, request.path, given)
    for override in () if g.call.is_test else new:
        found.metrics.count_override(override.policy, override.reason)
    return json_response({})


def _service(service_id: str) -> Service:
    """Return the service with an id, if it is offered to the client. Raise RefusedError (404)."""
    for each in services_for(client_of_request(), services().assessor.rules):
        if each.id == service_id:
            return each
    raise RefusedError(404, STATUS_ISSUES[404])


def _read_call(hook: str, found: Services) -> HookRequest:
    """Read the call in the current request body; raise RefusedError (400) if it is for another hook."""
    value = json_body()
    check_orders(value, most=found.settings.max_orders)
    call = read_request(value)
    if call.hook != hook:
        raise RefusedError(400, Issue("value", f"hook differs from this service's. Send {hook}.", "hook"))
    return call
