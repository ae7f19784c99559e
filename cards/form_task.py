"""The task to complete a form, for clients without DTR (Da Vinci CRD, profile-taskquestionnaire)."""

from datetime import date
from typing import Any

from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Payer

_PROFILE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-taskquestionnaire"
_SDC_CODES = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
_PAYER = "payer"


def form_task(asking: Determination, canonicals: str, *, patient: str, payer: Payer, day: date) -> dict[str, Any]:
    """Return the task to complete the form of a determination with open questions.

    `canonicals` is the base of questionnaire canonicals, and `patient` a reference. The payer requests it.
    """
    return {
        "resourceType": "Task",
        "meta": {"profile": [_PROFILE]},
        "contained": [_organization(payer)],
        "basedOn": [{"reference": asking.order}],
        "status": "ready",
        "intent": "order",
        "code": {"coding": [{"system": _SDC_CODES, "code": "complete-questionnaire"}]},
        "for": {"reference": patient},
        "authoredOn": day.isoformat(),
        "requester": {"reference": f"#{_PAYER}"},
        "input": [
            {
                "type": {"coding": [{"system": _SDC_CODES, "code": "questionnaire"}], "text": "questionnaire"},
                "valueCanonical": asking.questionnaire(canonicals),
            }
        ],
    }


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
