"""A read-only FHIR R4 server over a store: reads, paged searches, and a CapabilityStatement."""

import base64
import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from operator import index
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from cds_service.fhir_client.memory import Store, id_of, known_parameters
from cds_service.fhir_client.search_parameters import PARAMETERS, SearchError, parameters_of
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Json, Resource, dumps, loads

_STATEMENT_DATE = "2026-03-02"
_ISSUE = {400: "invalid", 401: "login", 404: "not-found", 405: "not-supported"}


def create_sample_ehr(
    store: Store,
    *,
    base_url: str | None = None,
    token: str | None = None,
    page_size: int = 50,
    offered: Collection[str] | None = None,
) -> Flask:
    """Return a Flask application that answers FHIR R4 requests under `/fhir` from `store`.

    `base_url` is the address of `/fhir` for clients behind a proxy; the default is the requested address. With a
    `token`, everything except the CapabilityStatement requires `Authorization: Bearer <token>`. `page_size` is the most
    entries on a page. `offered` limits the resource types, to simulate a server that lacks some; the default is every
    type in the store or with known search parameters.
    """
    types = sorted(offered) if offered is not None else sorted({*PARAMETERS, *store.types()})
    pages = Blueprint("fhir", __name__, url_prefix="/fhir")

    def base() -> str:
        return (base_url or f"{request.host_url}fhir").rstrip("/")

    @pages.before_request
    def check_token() -> Response | None:
        if token is None or request.method == "OPTIONS" or request.path == "/fhir/metadata":
            return None
        sent = request.headers.get("Authorization", "")
        if hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            return None
        refused = _outcome(401, "This server requires a bearer token; the request has no valid one.")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="sample-ehr"'
        return refused

    @pages.get("/")
    @pages.get("")
    def base_address() -> Response:
        what = "This is the base address of a FHIR server. Read its CapabilityStatement at /fhir/metadata."
        return _outcome(404, what)

    @pages.get("/metadata")
    def metadata() -> Response:
        return _fhir(_capability_statement(base(), types))

    @pages.get("/<resource_type>")
    def search(resource_type: str) -> Response:
        if resource_type not in types:
            return _not_offered(resource_type)
        try:
            page = _page(resource_type, list(request.args.items(multi=True)), page_size)
            found = store.search(resource_type, page.params)
        except SearchError as error:
            return _outcome(400, str(error))
        return _fhir(_searchset(base(), resource_type, page, found))

    @pages.get("/<resource_type>/<resource_id>")
    def read(resource_type: str, resource_id: str) -> Response:
        if resource_type not in types:
            return _not_offered(resource_type)
        resource = store.read(resource_type, resource_id)
        if resource is None:
            return _outcome(404, f"There is no {resource_type} with this id.")
        return _fhir(resource)

    app = Flask(__name__)
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, _http_error)
    CORS(app)
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


def _capability_statement(base: str, types: Sequence[str]) -> Resource:
    """Return the CapabilityStatement of this server (kind instance), with all its resource types."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _STATEMENT_DATE,
        "kind": "instance",
        "software": {"name": "Sample EHR"},
        "implementation": {"description": "Invented charts for demonstrating coverage policies", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": True},
                "resource": [
                    {
                        "type": resource_type,
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "searchParam": [{"name": "_id", "type": "token"}]
                        + [
                            {"name": name, "type": "reference" if known.kind == "canonical" else known.kind}
                            for name, known in parameters_of(resource_type).items()
                        ],
                    }
                    for resource_type in types
                ],
            }
        ],
    }


def _fhir(body: Json, status: int = 200) -> Response:
    return Response(dumps(body), status, mimetype="application/fhir+json")


def _outcome(status: int, what: str) -> Response:
    issue = {"severity": "error", "code": _ISSUE.get(status, "processing"), "diagnostics": what}
    return _fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status)


def _not_offered(resource_type: str) -> Response:
    return _outcome(404, f"{resource_type[:40]} is not a resource type of this server; see /fhir/metadata.")


def _http_error(error: HTTPException) -> Response:
    """Return an OperationOutcome instead of Flask's HTML page; keep the Allow header."""
    status = error.code or 500
    answer = _outcome(status, f"{HTTPStatus(status).phrase}. This server answers GET under /fhir.")
    response = error.get_response()
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer
