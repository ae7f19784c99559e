"""The HTTP side of SMART App Launch: discovery, launch links, authorization page, token endpoint, and keys."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any
from urllib.parse import unquote_plus, urlencode

from flask import Blueprint, Response, redirect, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.smart.id_tokens import ALGORITHM
from cds_service.sample_ehr.smart.scopes import SUPPORTED
from cds_service.sample_ehr.smart.server import (
    SAMPLE_USER,
    Authorization,
    RefusedRequestError,
    SmartServer,
    TokenRequestError,
    UntrustedRequestError,
)
from fhir_mappings.fhir_json import Json, Resource, dumps

_CSS = resources.files(__package__).joinpath("templates", "authorize.css").read_text(encoding="utf-8")
_CSS_HASH = b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_ENVIRONMENT = Environment(
    loader=PackageLoader("cds_service.sample_ehr.smart"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_ENVIRONMENT.globals["css"] = Markup(_CSS)  # noqa: S704  (our own style sheet)
_PROTECTION = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    # Without form-action: browsers apply it to the redirect after the form, which leads to the app.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
CAPABILITIES = (
    *("launch-ehr", "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric"),
    *("sso-openid-connect", "context-banner", "context-ehr-patient", "context-ehr-encounter"),
    *("context-standalone-patient", "permission-patient", "permission-user", "permission-v1", "permission-v2"),
)
_ASKED = (
    *("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "nonce"),
    *("code_challenge", "code_challenge_method"),
)
"""The parameters of an authorization request; the page sends them again with the user's choice."""


def oauth_addresses(base: str) -> dict[str, str]:
    """Return the addresses of the authorization and token endpoints beside a FHIR address."""
    root = _root(base)
    return {"authorize": f"{root}/auth/authorize", "token": f"{root}/auth/token"}


def smart_configuration(base: str) -> dict[str, Any]:
    """Return the discovery document: SMART's (SMART App Launch 2.2) and, in the same members, OpenID Connect's."""
    addresses = oauth_addresses(base)
    return {
        "issuer": base,
        "jwks_uri": f"{_root(base)}/auth/jwks",
        "authorization_endpoint": addresses["authorize"],
        "token_endpoint": addresses["token"],
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SUPPORTED),
        "capabilities": list(CAPABILITIES),
    }


def _root(base: str) -> str:
    return base.rpartition("/")[0]


def smart_pages(smart: SmartServer, charts: Charts, base: Callable[[], str]) -> Blueprint:
    """Return the routes `/launch`, `/auth/authorize`, `/auth/token`, and `/auth/jwks`.

    `base` returns the FHIR address for the current request.
    """
    pages = Blueprint("smart", __name__)

    @pages.get("/launch/<handle>")
    def launch(handle: str) -> AnyResponse:
        started = smart.start_launch(handle)
        if started is None:
            return _error_page(404, "This launch link is not known. The sample EHR was restarted, perhaps.")
        app_url, token = started
        return _redirect(app_url, {"iss": base(), "launch": token})

    @pages.route("/auth/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse:
        params = (request.form if request.method == "POST" else request.args).to_dict()
        try:
            asked = smart.check(params, base())
            if params.get("decision") == "cancel" and request.method == "POST":
                raise smart.cancel(asked)
            patient_id = params.get("patient", "") if asked.launch is None else asked.launch.patient_id
            is_decided = request.method == "POST" and params.get("decision") == "continue"
            is_approved = is_decided or (smart.approves_at_once and asked.launch is not None)
            if is_approved and charts.read("Patient", patient_id) is not None:
                return _redirect(asked.redirect_uri, smart.approve(asked, patient_id))
        except UntrustedRequestError as error:
            return _error_page(400, str(error))
        except RefusedRequestError as error:
            return _redirect(error.redirect_uri, error.answer)
        return _authorize_page(asked, params, charts, oauth_addresses(base())["authorize"])

    @pages.post("/auth/token")
    def token() -> Response:
        try:
            return _json(smart.token_response(request.form.to_dict(), _basic(), base()))
        except TokenRequestError as error:
            refused = _json({"error": error.code, "error_description": str(error)}, 400)
            if error.code == "invalid_client":
                refused.status_code = 401
                refused.headers["WWW-Authenticate"] = 'Basic realm="sample-ehr"'
            return refused

    @pages.get("/auth/jwks")
    def jwks() -> Response:
        return _json(smart.id_tokens.key_set())

    return pages


def add_discovery(pages: Blueprint, base: Callable[[], str]) -> None:
    """Let the blueprint of `/fhir` answer with the discovery document."""

    @pages.get("/.well-known/smart-configuration")
    @pages.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return _json(smart_configuration(base()))


def _basic() -> tuple[str, str] | None:
    """Return the client id and secret of HTTP Basic, which are form-encoded (RFC 6749, 2.3.1); None if not sent."""
    sent = request.authorization
    if sent is None or sent.type != "basic":
        return None
    return unquote_plus(sent.username or ""), unquote_plus(sent.password or "")


def _redirect(address: str, params: Mapping[str, str]) -> AnyResponse:
    response = redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(params)}", 303)
    response.headers.extend(_PROTECTION)
    return response


def _json(body: Json, status: int = 200) -> Response:
    return Response(dumps(body), status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _authorize_page(asked: Authorization, params: Mapping[str, str], charts: Charts, address: str) -> Response:
    user = asked.launch.user if asked.launch else SAMPLE_USER
    known = [asked.launch.patient_id] if asked.launch else []
    patients = [patient for _, patient in charts.search("Patient", [("_id", ",".join(known))])]
    if not patients:
        return _error_page(400, "The patient of this launch is not in the sample EHR.")
    return _page(
        "authorize.html",
        200,
        address=address,
        client_id=asked.app.client_id,
        scopes=asked.scopes,
        sent={name: params[name] for name in _ASKED if name in params},
        user=user,
        user_name=_name(charts.read(*user.split("/", 1))),
        patients=[(str(patient.get("id", "")), _name(patient)) for patient in patients],
        chooses_patient=asked.launch is None,
    )


def _name(resource: Resource | None) -> str:
    """Return the name of a sample person, such as Dr. Nerina Specimen; empty if there is none."""
    names = resource.get("name") if resource else None
    first = names[0] if isinstance(names, list) and names else {}
    return " ".join([*first.get("prefix", []), *first.get("given", []), first.get("family", "")]).strip()


def _error_page(status: int, what: str) -> Response:
    return _page("error.html", status, what=what)


def _page(template: str, status: int, **values: object) -> Response:
    html = _ENVIRONMENT.get_template(template).render(values)
    return Response(html, status, _PROTECTION, mimetype="text/html")
