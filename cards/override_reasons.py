"""Reasons a clinician may give for overriding a coverage card (CDS Hooks 2.0.1, overrideReasons)."""

from collections.abc import Iterable

from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria

SYSTEM = "urn:cds-coverage-policies:override-reason"

_COMMON = {
    "patient-pays": "Patient will self-pay",
    "documented-elsewhere": "Documented elsewhere",
    "urgent": "Urgent or emergent",
    "plan-differs": "Patient's plan uses different criteria",
    "clinical-judgement": "Clinical judgment",
    "other": "Other",
}
"""The reasons on every card that warns or asks for documentation, by code."""


def override_reasons(determinations: Iterable[Determination]) -> list[dict[str, str]]:
    """Return the reasons to offer on a card: that of the first criterion that fails and has one, then the common six.

    Its code names the policy and the criterion, whatever the revision: `CP.MP.126#II.I`.
    """
    failed = ((each.policy, criterion) for each in determinations for criterion in failed_criteria(each))
    fitting = ({_code(policy, each.id): each.override} for policy, each in failed if each.override)
    return [_reason(*item) for item in {**next(fitting, {}), **_COMMON}.items()]


def override_codes(policies: Iterable[Policy]) -> frozenset[str]:
    """Return the code of every reason that cards of these policies may offer."""
    return frozenset(_COMMON).union(
        _code(policy.name, each.id) for policy in policies for each in policy.walk() if each.override
    )


def _code(policy: str, criterion: str) -> str:
    return f"{policy}#{criterion}"


def _reason(code: str, display: str) -> dict[str, str]:
    return {"code": code, "system": SYSTEM, "display": display}
