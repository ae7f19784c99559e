"""The task to complete a form, for clients without DTR (Da Vinci CRD, profile-taskquestionnaire)."""

from datetime import date
from typing import Any

from coverage_policies.format.terms import PriorAuthorization
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.fhir_json import Json, Resource

_PROFILE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-taskquestionnaire"
_SDC_CODES = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
_CRD_CODES = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
_PAYER = "payer"


def form_task(
    asking: Determination, canonicals: str, order: Resource, *, patient: str, payer: Payer, day: date
) -> dict[str, Any]:
    """Return the task to complete the form of a determination with open questions about an order.

    `canonicals` is the base of questionnaire canonicals, and `patient` a reference. The payer requests it.
    """
    is_for_authorization = asking.prior_authorization is PriorAuthorization.REQUIRED
    return {
        "resourceType": "Task",
        "meta": {"profile": [_PROFILE]},
        "contained": [_organization(payer)],
        "basedOn": [{"reference": asking.order}],
        "status": "ready",
        "intent": "order",
        "code": {"coding": [{"system": _SDC_CODES, "code": "complete-questionnaire"}]},
        "for": {"reference": patient},
        **({"encounter": order["encounter"]} if "encounter" in order else {}),
        "authoredOn": day.isoformat(),
        "requester": {"reference": f"#{_PAYER}"},
        "reasonCode": _reason(is_for_authorization),
        "input": [
            {
                "type": {"coding": [{"system": _SDC_CODES, "code": "questionnaire"}], "text": "questionnaire"},
                "valueCanonical": asking.questionnaire(canonicals),
            },
            {
                "type": {
                    "coding": [{"system": _CRD_CODES, "code": "after-completion-action"}],
                    "text": "afterCompletion",
                },
                "valueCodeableConcept": _after_completion(is_for_authorization),
            },
        ],
    }


def _reason(is_for_authorization: bool) -> Json:
    if is_for_authorization:
        return {
            "coding": [{"system": _CRD_CODES, "code": "reason-prior-auth"}],
            "text": "Needed for prior authorization",
        }
    return {"text": "Needed to determine coverage"}


def _after_completion(is_for_authorization: bool) -> Json:
    """Return what to do with the completed form; the value set of the guide has codes for claims and authorizations."""
    if is_for_authorization:
        coding: Json = {
            "system": _CRD_CODES,
            "code": "prior-auth-include",
            "display": "Include in prior authorization",
        }
        return {"coding": [coding]}
    return {"text": "Keep it in the chart, and sign the order again."}


def _organization(payer: Payer) -> dict[str, Any]:
    """Return the payer as the operator identifies it."""
    split = (each.partition("|") for each in sorted(payer.identifiers))
    return {
        "resourceType": "Organization",
        "id": _PAYER,
        "identifier": [{"system": system, "value": value} for system, _, value in split],
        "active": True,
        "name": payer.name,
    }
