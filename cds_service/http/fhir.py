"""The FHIR base: the forms of the policies, and what the base can do (FHIR R4, RESTful API)."""

from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response
from werkzeug.exceptions import MethodNotAllowed

from cds_service.hooks.response import canonical_base_of
from cds_service.http.capability_statement import capability_statement
from cds_service.http.fhir_resources import Published, not_found, resource_response, search_response
from cds_service.http.services import services
from coverage_policies.format.canonicals import questionnaire_url, questionnaire_version
from coverage_policies.format.model import Policy
from coverage_policies.judging.policy_selection import in_force_on
from coverage_policies.questionnaires.questionnaire import questionnaire, questionnaire_id

fhir = Blueprint("fhir", __name__)

_OPERATIONS = ("$questionnaire-package", "$next-question", "$log-questionnaire-errors")
"""What is called at addresses that look like that of a form."""


@fhir.get("/fhir/metadata")
def describe_base() -> Response:
    """Answer the CapabilityStatement."""
    found = services()
    statement = capability_statement(
        found.settings.public_url,
        found.clock().date(),
        checks_tokens=found.token_endpoint is not None,
        answers_for_payers=bool(found.assessor.rules.answered_for),
    )
    return resource_response(statement)


@fhir.get("/fhir/Questionnaire")
def search_questionnaires() -> Response:
    """Answer a Bundle of the forms with the `url` and `version` asked for; of all without either."""
    return search_response("Questionnaire", map(_published, _installed()))


@fhir.get("/fhir/Questionnaire/<form_id>")
def read_questionnaire(form_id: str) -> Response:
    """Answer the form with this id, or that of the revision in force today for the name of a policy."""
    if form_id in _OPERATIONS:
        raise MethodNotAllowed(["POST"])
    policy = next((each for each in _installed() if questionnaire_id(each) == form_id), None) or _current(form_id)
    if policy is None:
        raise not_found("No such form is installed. GET /fhir/Questionnaire lists those that are.")
    return resource_response(questionnaire(policy, canonical_base_of(services().settings)))


def _installed() -> Iterator[Policy]:
    yield from services().assessor.library.policies.values()


def _current(name: str) -> Policy | None:
    """Return the revision of a policy that is in force today, or that represents it if none is."""
    found = services()
    revisions = found.assessor.library.revisions_of(name)
    today = found.today
    return in_force_on(revisions, today, found.assessor.rules).policies[-1] if revisions else None


def _published(policy: Policy) -> Published:
    base = canonical_base_of(services().settings)
    return Published(
        id=questionnaire_id(policy),
        url=questionnaire_url(base, policy.name),
        version=partial(questionnaire_version, policy.revision, policy.edition),
        resource=partial(questionnaire, policy, base),
    )
