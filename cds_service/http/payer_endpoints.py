"""Where the services of a payer are (Da Vinci HRex 1.2, endpoint discovery).

The address of this document is what a payer names in its eligibility response and an EHR keeps in the Coverage. A
document is about one payer: each has a base of its own, and the only one also that of the service.
"""

from flask import Blueprint, Response

from cards.crd_versions import CrdVersion
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.http.json_body import json_response
from cds_service.http.services import services
from coverage_policies.judging.plan_rules import Payer

PAYER_ENDPOINTS = "/.well-known/davinci-configuration"
_DTR_VERSION = "2.2"

payer_endpoints = Blueprint("payer_endpoints", __name__)


@payer_endpoints.get(PAYER_ENDPOINTS)
def describe_only_payer() -> Response:
    """Answer the endpoints of the only payer that this service answers for; 404 if there are several."""
    payers = services().assessor.rules.answered_for
    if len(payers) != 1:
        says = f"There are several payers. GET /payers/ID{PAYER_ENDPOINTS}, where ID identifies one of them."
        raise RefusedError(404, Issue("multiple-matches", says))
    return _described(payers[0], min(_identifiers(payers[0]), default=None))


@payer_endpoints.get(f"/payers/<payer_id>{PAYER_ENDPOINTS}")
def describe_payer(payer_id: str) -> Response:
    """Answer the endpoints of the payer that has an identifier with this value, if only one has."""
    payers = services().assessor.rules.answered_for
    found = [(payer, each) for payer in payers for each in _identifiers(payer) if each[1] == payer_id]
    if not found or any(payer is not found[0][0] for payer, _ in found):
        says = "No payer has an identifier of this value, or several have. Write the value of one payer's identifier."
        raise RefusedError(404, Issue("not-found", says))
    return _described(*min(found, key=lambda each: each[1]))


def _identifiers(payer: Payer) -> list[tuple[str, str]]:
    """Return the identifiers that have both a system and a value."""
    parts = (each.partition("|") for each in payer.identifiers)
    return [(system, value) for system, _, value in parts if system and value]


def _described(payer: Payer, identifier: tuple[str, str] | None) -> Response:
    if identifier is None:
        says = f"{payer.name} has no identifier with a system. Add one to the plan rules."
        raise RefusedError(404, Issue("not-found", says))
    public = services().settings.public_url.rstrip("/")
    system, value = identifier
    return json_response(
        {
            "identifier": {"system": system, "value": value},
            "endpoints": {
                **{f"davinci_crd_hook_endpoint#{each.value}": public for each in CrdVersion},
                f"davinci_dtr_qpackage_endpoint#{_DTR_VERSION}": f"{public}/fhir",
            },
        }
    )
