"""A policy revision as a FHIR R4 Questionnaire that follows SDC and the standard form of Da Vinci DTR."""

from typing import Any

from coverage_policies.format.canonicals import questionnaire_url, questionnaire_version
from coverage_policies.format.model import Policy
from coverage_policies.questionnaires.extensions import STANDARD_FORM
from coverage_policies.questionnaires.form_head import head, population, purpose
from coverage_policies.questionnaires.items import form_items


def questionnaire_id(policy: Policy) -> str:
    """Return the id of the form of a revision: `CP.MP.126-2025-04.2`."""
    return f"{policy.name}-{questionnaire_version(policy.revision, policy.edition)}"


def questionnaire(policy: Policy, canonical_base: str) -> dict[str, Any]:
    """Return the form of a revision in its edition; the same revision and base give the same form.

    No item is required: what is not known stays open.
    """
    found: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": questionnaire_id(policy),
        "meta": {"profile": [STANDARD_FORM]},
        "extension": [*purpose(policy), *population(policy.walk())],
        "url": questionnaire_url(canonical_base, policy.name),
        **head(policy),
        "item": form_items(policy),
    }
    return {name: value for name, value in found.items() if value}
