"""The routes of the questionnaire app: launch, sign-in at the EHR, one screen after the other, and the outcome."""

import hmac
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from cds_service.hooks.response import canonical_base_of
from cds_service.http.json_body import json_response
from cds_service.http.services import services
from cds_service.records.database import UnavailableError
from cds_service.smart.app import PATH, SmartApp
from cds_service.smart.errors import LaunchError, ended, not_trusted
from cds_service.smart.forms import Form
from cds_service.smart.launches import SmartClient
from cds_service.smart.responses import Saved, response_of, resumed
from cds_service.smart.sessions import FormSession
from cds_service.web.form_input import read_answers
from cds_service.web.form_pages import choose_order_page, message_page, outcome_page, screen_page
from cds_service.web.form_view import Banner
from fhir_mappings.fhir_json import FHIR_JSON, Resource

answers = Blueprint("answers", __name__, url_prefix=PATH)

_COOKIE = "__Host-cds-form"


@answers.get("/launch")
def launch() -> Response:
    """Send the browser to the authorization server of the EHR that launched the app."""
    iss = request.args.get("iss", "")
    if not iss:
        raise LaunchError(
            HTTPStatus.BAD_REQUEST,
            "This page is launched from an EHR",
            "The address names no EHR (iss), so there is no chart to read.",
            "Open the form from the link of a card in the EHR.",
        )
    address, cookie = _app().launches.begin(iss, request.args.get("launch", ""))
    return _with_cookie(_redirect(address), cookie)


@answers.get("/callback")
def callback() -> Response:
    """Take the authorization code, and begin the session."""
    sent = {name: request.args.get(name, "") for name in ("state", "code", "error")}
    cookie = _app().launches.complete(request.cookies.get(_COOKIE, ""), **sent)
    return _with_cookie(_redirect("form"), cookie)


@answers.get("/form")
def show() -> Response:
    """Show the next screen, or the orders to choose from."""
    cookie, session, client = _session()
    return _shown(cookie, session, client)


@answers.post("/form")
def take() -> Response:
    """Take the answers of a screen, and do what the button says."""
    cookie, session, client = _session()
    if not hmac.compare_digest(request.form.get("token", "").encode(), session.form_token.encode()):
        raise not_trusted("This page belongs to another session than the one that is open.")
    do, _, about = request.form.get("do", "next").partition(":")
    if do == "leave":
        _app().sessions.end(cookie)
        return _without_cookie(
            message_page(HTTPStatus.OK, "You can close this page", "The session has ended. Nothing of it is kept.", "")
        )
    if do == "choose":
        return _chosen(cookie, session, client, about)
    if do == "back":
        return _kept(cookie, session.one_screen_back())
    if do == "change":
        return _kept(cookie, session.changing(about))
    with services().turns.turn() as turn:
        form = _app().forms.form(session, client, turn.waiting)
        if do in ("finish", "save"):
            return _saved(cookie, session, client, form, is_complete=do == "finish")
        asked = form.screen.question
        if asked is None:
            return _kept(cookie, session)
        given, errors = read_answers(asked, request.form)
        if errors:
            return _screen(session, client, form, errors=errors, posted=request.form)
    return _kept(cookie, session.answered(given))


@answers.get("/response")
def download() -> Response:
    """Give the response as a file, for an EHR that did not take it; `?unfinished` is for one that is not complete."""
    _, session, client = _session()
    with services().turns.turn() as turn:
        form = _app().forms.form(session, client, turn.waiting)
    found = json_response(_response(session, client, form, is_complete="unfinished" not in request.args))
    found.mimetype = FHIR_JSON
    found.headers["Content-Disposition"] = 'attachment; filename="questionnaire-response.json"'
    return found


@answers.errorhandler(LaunchError)
def refuse(error: LaunchError) -> Response:
    """Say why the app cannot go on."""
    services().log.info("questionnaire app refused", reason=error.title, detail=error.says)
    return message_page(error.status, error.title, error.says, error.to_do)


@answers.errorhandler(UnavailableError)
def unavailable(_error: UnavailableError) -> Response:
    """Say that sessions cannot be kept now."""
    return message_page(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The form is not available right now",
        "The service cannot keep your session at the moment.",
        "Try again in a minute.",
    )


def _app() -> SmartApp:
    found = services().smart
    if found is None:
        raise ended()
    return found


def _session() -> tuple[str, FormSession, SmartClient]:
    cookie = request.cookies.get(_COOKIE, "")
    session = _app().sessions.find(cookie)
    if not isinstance(session, FormSession):
        raise ended()
    client = _app().launches.client_named(session.client)
    if client is None:
        raise ended()
    return cookie, session, client


def _shown(cookie: str, session: FormSession, client: SmartClient) -> Response:
    app = _app()
    with services().turns.turn() as turn:
        if not session.policy:
            if not session.orders:
                session = app.forms.with_orders(session, client)
            choices, session = app.forms.choices(session, client, turn.waiting)
            _keep(cookie, session)
            return choose_order_page(choices, token=session.form_token, frame_ancestors=_ancestors(client))
        form = app.forms.form(session, client, turn.waiting)
        if not session.is_begun:
            begun = replace(session, chart=form.chart, is_begun=True)
            session = resumed(begun, form, canonical_base_of(services().settings))
            _keep(cookie, session)
            if session.response:
                form = app.forms.form(session, client, turn.waiting)
        return _screen(session, client, form)


def _screen(session: FormSession, client: SmartClient, form: Form, **page: Any) -> Response:
    return screen_page(
        form.policy,
        form.order,
        form.screen,
        session.answers,
        token=session.form_token,
        banner=_banner(session, form),
        frame_ancestors=_ancestors(client),
        **page,
    )


def _chosen(cookie: str, session: FormSession, client: SmartClient, about: str) -> Response:
    """Go on with the order and policy that the user chose: `POLICY@REVISION/REFERENCE`."""
    policy, _, order = about.partition("/")
    with services().turns.turn() as turn:
        offered, session = _app().forms.choices(session, client, turn.waiting)
    if not any(each.policy.full_name == policy and each.order.reference == order for each in offered):
        raise not_trusted("This order is not among those that were offered.")
    return _kept(cookie, replace(session, policy=policy, order=order))


def _saved(cookie: str, session: FormSession, client: SmartClient, form: Form, *, is_complete: bool) -> Response:
    """Write the response, end the session if the EHR took it, and show the outcome."""
    found = services()
    response = _response(session, client, form, is_complete=is_complete)
    saved = _app().responses.save(session, client, response)
    found.log.info("questionnaire response", client=client.name, policy=form.policy.full_name, written=saved.is_written)
    page = _outcome(saved, client, form, is_complete=is_complete)
    if not saved.is_written:
        return page
    _app().sessions.end(cookie)
    return _without_cookie(page)


def _outcome(saved: Saved, client: SmartClient, form: Form, *, is_complete: bool) -> Response:
    return outcome_page(
        form.policy,
        form.order,
        form.screen.determination,
        is_written=saved.is_written,
        is_complete=is_complete,
        why_not=saved.why_not,
        token=saved.session.form_token,
        banner=_banner(saved.session, form),
        frame_ancestors=_ancestors(client),
    )


def _response(session: FormSession, client: SmartClient, form: Form, *, is_complete: bool) -> Resource:
    found = services()
    return response_of(
        session,
        form,
        canonical_base_of(found.settings),
        stored_order=_app().forms.stored_order(session, client, form.order),
        is_complete=is_complete,
        now=found.clock().astimezone(found.settings.time_zone),
    )


def _banner(session: FormSession, form: Form) -> Banner | None:
    """Return who the patient is, if the EHR asks the app to show it (SMART App Launch 2.2, need_patient_banner)."""
    if not session.grant.needs_banner:
        return None
    patient = next(iter(form.review.record.of_type("Patient")), {})
    return Banner.of(patient)


def _ancestors(client: SmartClient) -> tuple[str, ...]:
    return client.registration.frame_ancestors


def _keep(cookie: str, session: FormSession) -> None:
    if not _app().sessions.update(cookie, session):
        raise ended()


def _kept(cookie: str, session: FormSession) -> Response:
    """Keep the session, and send the browser to the screen that is next."""
    _keep(cookie, session)
    return _redirect("form")


def _redirect(address: str) -> Response:
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def _with_cookie(response: Response, cookie: str) -> Response:
    response.set_cookie(_COOKIE, cookie, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def _without_cookie(response: Response) -> Response:
    response.delete_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return response
