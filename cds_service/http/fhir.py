"""The FHIR base: the forms of the policies, and what the base can do (FHIR R4, RESTful API)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.response import canonical_base_of
from cds_service.http.capability_statement import capability_statement
from cds_service.http.json_body import json_response
from cds_service.http.services import services
from coverage_policies.format.canonicals import questionnaire_url, questionnaire_version
from coverage_policies.format.model import Policy
from coverage_policies.judging.policy_selection import in_force_on
from coverage_policies.questionnaires.questionnaire import questionnaire, questionnaire_id
from fhir_mappings.fhir_json import FHIR_JSON

fhir = Blueprint("fhir", __name__)

_PARAMETERS = ("url", "version")


@fhir.get("/fhir/metadata")
def describe_base() -> Response:
    """Answer the CapabilityStatement."""
    found = services()
    return _resource(capability_statement(found.settings.public_url, found.clock().date()))


@fhir.get("/fhir/Questionnaire")
def search_questionnaires() -> Response:
    """Answer a Bundle of the forms with the `url` and `version` asked for; of all without either.

    A search parameter that is not known is ignored, as FHIR recommends; the `self` link has those that were used.
    """
    used = [(name, value) for name in _PARAMETERS for value in request.args.getlist(name) if value]
    base = f"{services().settings.public_url.rstrip('/')}/fhir/Questionnaire"
    entries = [
        {"fullUrl": f"{base}/{questionnaire_id(each)}", "resource": _form(each), "search": {"mode": "match"}}
        for each in sorted(_installed(), key=questionnaire_id)
        if all(_has(each, name, value) for name, value in used)
    ]
    link = {"relation": "self", "url": f"{base}?{urlencode(used)}" if used else base}
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "link": [link]}
    return _resource({**bundle, "entry": entries} if entries else bundle)


@fhir.get("/fhir/Questionnaire/<form_id>")
def read_questionnaire(form_id: str) -> Response:
    """Answer the form with this id, or that of the revision in force today for the name of a policy."""
    policy = next((each for each in _installed() if questionnaire_id(each) == form_id), None) or _current(form_id)
    if policy is None:
        says = "No such form is installed. GET /fhir/Questionnaire lists those that are."
        raise RefusedError(404, Issue("not-found", says))
    return _resource(_form(policy))


def _installed() -> Iterator[Policy]:
    yield from services().assessor.library.policies.values()


def _current(name: str) -> Policy | None:
    """Return the revision of a policy that is in force today, or that represents it if none is."""
    found = services()
    revisions = found.assessor.library.revisions_of(name)
    today = found.today
    return in_force_on(revisions, today, found.assessor.rules).policies[-1] if revisions else None


def _has(policy: Policy, parameter: str, value: str) -> bool:
    """Return whether the form of a revision has a `version`, or a `url` that may name its version too."""
    version = questionnaire_version(policy.revision, policy.edition)
    if parameter == "version":
        return value == version
    url = questionnaire_url(canonical_base_of(services().settings), policy.name)
    return value in (url, f"{url}|{version}")


def _form(policy: Policy) -> dict[str, Any]:
    return questionnaire(policy, canonical_base_of(services().settings))


def _resource(resource: dict[str, Any]) -> Response:
    """Return the response with a resource; 304 if the client has it already."""
    response = json_response(resource)
    response.mimetype = FHIR_JSON
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response
