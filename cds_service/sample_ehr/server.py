"""A FHIR R4 server over a store: reads, paged searches, a CapabilityStatement, and what launched SMART apps write."""

import base64
import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from operator import index
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, g, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from cds_service.fhir_client.memory import Store, id_of, known_parameters
from cds_service.fhir_client.search_parameters import PARAMETERS, SearchError
from cds_service.sample_ehr.access import Access, AccessError, PatientAccess, WholeAccess
from cds_service.sample_ehr.capability_statement import capability_statement
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.fhir_responses import fhir_response, outcome_response
from cds_service.sample_ehr.smart.pages import add_discovery, oauth_addresses, smart_pages
from cds_service.sample_ehr.smart.server import SmartServer
from cds_service.sample_ehr.writing import add_writing
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource, dumps, loads

_OPEN = ("/fhir/metadata", "/fhir/.well-known/smart-configuration", "/fhir/.well-known/openid-configuration")
"""The paths that need no token."""


def create_sample_ehr(
    store: Store | Charts,
    *,
    base_url: str | None = None,
    token: str | None = None,
    page_size: int = 50,
    offered: Collection[str] | None = None,
    smart: SmartServer | None = None,
) -> Flask:
    """Return a Flask application that answers FHIR R4 requests under `/fhir` from `store`.

    `base_url` is the address of `/fhir` for clients behind a proxy; the default is the requested address. With a
    `token`, everything except the CapabilityStatement and SMART's discovery requires `Authorization: Bearer <token>`.
    `page_size` is the most entries on a page. `offered` limits the resource types, to simulate a server that lacks
    some; the default is every type in the store or with known search parameters. With `smart`, SMART apps can be
    launched: an access token of theirs reads the data of the launched patient and writes QuestionnaireResponses. An EHR
    that writes into its charts itself gives them in place of the store.
    """
    charts = store if isinstance(store, Charts) else Charts(store)
    types = sorted(offered) if offered is not None else sorted({*PARAMETERS, *store.types()})
    pages = Blueprint("fhir", __name__, url_prefix="/fhir")

    def base() -> str:
        return (base_url or f"{request.host_url}fhir").rstrip("/")

    def access() -> Access:
        granted: Access = g.access
        return granted

    @pages.before_request
    def check_token() -> Response | None:
        if request.method == "OPTIONS" or request.path in _OPEN:
            return None
        sent = request.headers.get("Authorization", "")
        grant = smart.grant_of(sent.removeprefix("Bearer ")) if smart and sent.startswith("Bearer ") else None
        if grant is not None:
            g.access = PatientAccess(grant, charts, base())
            return None
        if token is None:
            is_allowed = smart is None or not sent  # an access token that has expired is not ignored
        else:
            is_allowed = hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
        if is_allowed:
            g.access = WholeAccess()
            return None
        refused = outcome_response(401, "This server requires a bearer token; the request has no valid one.")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="sample-ehr"'
        return refused

    @pages.get("/")
    @pages.get("")
    def base_address() -> Response:
        what = "This is the base address of a FHIR server. Read its CapabilityStatement at /fhir/metadata."
        return outcome_response(404, what)

    @pages.get("/metadata")
    def metadata() -> Response:
        oauth = oauth_addresses(base()) if smart else None
        is_writable = smart is not None and not smart.refuses_writes
        return fhir_response(capability_statement(base(), types, oauth=oauth, is_writable=is_writable))

    @pages.get("/<resource_type>")
    def search(resource_type: str) -> Response:
        if resource_type not in types:
            return _not_offered(resource_type)
        try:
            page = _page(resource_type, list(request.args.items(multi=True)), page_size)
            access().check(resource_type, "s")
            access().check_search(resource_type, page.params)
            found = access().visible(charts.search(resource_type, page.params))
        except SearchError as error:
            return outcome_response(400, str(error))
        except AccessError as error:
            return outcome_response(403, str(error))
        return fhir_response(_searchset(base(), resource_type, page, found))

    @pages.get("/<resource_type>/<resource_id>")
    def read(resource_type: str, resource_id: str) -> Response:
        if resource_type not in types:
            return _not_offered(resource_type)
        try:
            access().check(resource_type, "r")
            resource = charts.read(resource_type, resource_id)
            if resource is None:
                return outcome_response(404, f"There is no {resource_type} with this id.")
            access().check_resource(resource)
        except AccessError as error:
            return outcome_response(403, str(error))
        return fhir_response(resource)

    app = Flask(__name__)
    if smart is not None:
        add_discovery(pages, base)
        add_writing(pages, charts, smart, base=base, access=access)
        app.register_blueprint(smart_pages(smart, charts, base))
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, _http_error)
    CORS(app, resources=[r"/fhir.*", "/auth/token", "/auth/jwks"])
    return app


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a search: the parameters that apply, the number of entries, and the offset."""

    params: Sequence[tuple[str, str]]
    count: int
    offset: int = 0
    counted: bool = False
    """Whether the client sent this `_count`, so that the self link repeats it."""

    @property
    def query(self) -> str:
        """Return the parameters that apply as a query string for the self link."""
        return urlencode([*self.params, *([("_count", str(self.count))] if self.counted else [])])

    @property
    def token(self) -> str:
        """Return the page as the value of `_page` in a next link."""
        state = dumps([[list(param) for param in self.params], self.count, self.offset])
        return base64.urlsafe_b64encode(state.encode()).decode()


def _page(resource_type: str, args: list[tuple[str, str]], page_size: int) -> _Page:
    """Return the requested page; raise SearchError for an invalid `_count` or a `_page` of another origin."""
    given = dict(args)
    if "_page" in given:
        try:
            params, count, offset = loads(base64.urlsafe_b64decode(given["_page"].encode()))
            return _Page(
                known_parameters(resource_type, [(str(name), str(value)) for name, value in params]),
                min(max(index(count), 1), page_size),
                max(index(offset), 0),
            )
        except (ValueError, TypeError) as error:
            raise SearchError("_page is not from a next link of this server; start the search again") from error
    count = given.get("_count")
    if count is not None and not re.fullmatch("[0-9]{1,9}", count):
        raise SearchError("_count is not a whole number")
    size = page_size if count is None else min(int(count), page_size)
    return _Page(known_parameters(resource_type, args), size, counted=count is not None)


def _searchset(base: str, resource_type: str, page: _Page, found: Sequence[Entry]) -> Resource:
    """Return one page of a search as a searchset Bundle, with a link to the next page if there is one."""
    address = f"{base}/{resource_type}"
    query = f"_page={page.token}" if page.offset else page.query
    links = [{"relation": "self", "url": f"{address}?{query}" if query else address}]
    end = page.offset + page.count
    if page.count and end < len(found):
        following = _Page(page.params, page.count, end)
        links.append({"relation": "next", "url": f"{address}?_page={following.token}"})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
    if shown := found[page.offset : end]:
        bundle["entry"] = [_entry(base, full_url, resource) for full_url, resource in shown]
    return bundle


def _entry(base: str, full_url: str, resource: Resource) -> dict[str, Any]:
    """Return a match. Keep a `urn:uuid:` full URL, so that references to it still resolve."""
    own_id = id_of(full_url, resource)
    url = full_url if full_url.startswith("urn:") or not own_id else f"{base}/{resource['resourceType']}/{own_id}"
    found: dict[str, Any] = {"fullUrl": url} if url else {}
    return found | {"resource": resource, "search": {"mode": "match"}}


def _not_offered(resource_type: str) -> Response:
    return outcome_response(404, f"{resource_type[:40]} is not a resource type of this server; see /fhir/metadata.")


def _http_error(error: HTTPException) -> Response:
    """Return an OperationOutcome instead of Flask's HTML page; keep the Allow header."""
    status = error.code or 500
    answer = outcome_response(status, f"{HTTPStatus(status).phrase}. See /fhir/metadata for what this server does.")
    response = error.get_response()
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer
