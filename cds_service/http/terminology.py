"""The value sets of the policies at the FHIR base: read, search, and $expand (FHIR R4; Da Vinci DTR 2.2).

A value set with codes of CPT, which the American Medical Association licenses, goes to authenticated clients alone,
whether or not the operator makes the policies public.
"""

from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response, request

from cds_service.dtr.expansion import expansion
from cds_service.dtr.expansion_request import QUERY_TYPES, Asked, read_asked
from cds_service.dtr.parameters import Parameters, query_parameters, read_parameters
from cds_service.dtr.value_sets import value_set, value_set_id, value_set_version
from cds_service.hooks.response import canonical_base_of
from cds_service.http.authentication import client_of_request
from cds_service.http.fhir_resources import Published, fhir_response, not_found, resource_response, search_response
from cds_service.http.json_body import json_body
from cds_service.http.services import services
from coverage_policies.format.canonicals import value_set_url
from coverage_policies.format.value_sets import ValueSet

terminology = Blueprint("terminology", __name__)

_LICENSED = "Value sets with codes of CPT are for registered clients that send a token."


@terminology.get("/fhir/ValueSet")
def search_value_sets() -> Response:
    """Answer a Bundle of the value sets with the `url` and `version` asked for; of all without either."""
    installed = tuple(services().assessor.library.value_sets.values())
    is_open = [each for each in installed if _may_see(each)]
    hidden = len(installed) - len(is_open)
    left_out = f"{hidden} value sets are left out. {_LICENSED}" if hidden else ""
    return search_response("ValueSet", map(_published, is_open), left_out)


@terminology.get("/fhir/ValueSet/<set_id>")
def read_value_set(set_id: str) -> Response:
    """Answer the value set with this id."""
    codes = next((each for each in _installed() if value_set_id(each) == set_id), None)
    if codes is None:
        raise not_found("No such value set is installed. GET /fhir/ValueSet lists those that are.")
    if not _may_see(codes):
        raise not_found(_LICENSED)
    return resource_response(value_set(codes, canonical_base_of(services().settings)))


@terminology.get("/fhir/ValueSet/$expand")
def expand_by_query() -> Response:
    """Answer the expansion of the value set that the query names: a GET may ask, since nothing changes."""
    return _expanded(query_parameters(request.args.items(multi=True), QUERY_TYPES))


@terminology.post("/fhir/ValueSet/$expand")
def expand() -> Response:
    """Answer the expansion of the value set that the Parameters name, as of today."""
    return _expanded(read_parameters(json_body()))


def _expanded(parameters: Parameters) -> Response:
    found = services()
    now, zone = found.clock(), found.settings.time_zone
    today = now.astimezone(zone).date()
    asked = read_asked(parameters, today, zone)
    base = canonical_base_of(found.settings)
    return fhir_response(expansion(_named(asked, base), asked, base, now, today))


def _named(asked: Asked, base: str) -> ValueSet:
    """Return the value set that a call names. Raise RefusedError (404) if there is none, or none in that version."""
    codes = next((each for each in _installed() if value_set_url(base, value_set_id(each)) == asked.url), None)
    if codes is None:
        says = "No value set of this service has this canonical. GET /fhir/ValueSet lists those that there are."
        raise not_found(says, asked.place)
    if not _may_see(codes):
        raise not_found(_LICENSED, asked.place)
    version = value_set_version(codes)
    if asked.version and asked.version != version:
        says = f"The value set is not installed in this version. Ask for version {version}, or for none."
        raise not_found(says, asked.place)
    return codes


def _installed() -> Iterator[ValueSet]:
    yield from services().assessor.library.value_sets.values()


def _may_see(codes: ValueSet) -> bool:
    """Return whether the current call may see a value set. Nobody is authenticated where no token is checked."""
    is_authenticated = services().authenticator is not None and client_of_request() is not None
    return is_authenticated or not codes.has_cpt


def _published(codes: ValueSet) -> Published:
    base, set_id = canonical_base_of(services().settings), value_set_id(codes)
    return Published(
        id=set_id,
        url=value_set_url(base, set_id),
        version=partial(value_set_version, codes),
        resource=partial(value_set, codes, base),
    )
