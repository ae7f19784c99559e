"""`plan`: something planned or under way."""

from typing import Any

import pytest

from coverage_policies.format.searches import CARE_PLANS, ORDERS, PROCEDURES
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, procedure, run

PLANNED = clause("planned", in_="alpha")


def care_plan(code: str, status: str = "active", activity: str = "in-progress", **more: Any) -> Resource:
    return {
        "resourceType": "CarePlan",
        "id": "planned",
        "status": status,
        "intent": "planned",
        "subject": {"reference": "Patient/p"},
        "activity": [{"detail": {"status": activity, "code": concept(code)}}],
    } | more


def request(code: str, status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "request",
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "code": concept(code),
    } | more


def test_it_needs_plans_orders_and_procedures() -> None:
    assert PLANNED.searches == (CARE_PLANS, ORDERS, PROCEDURES)


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (care_plan("alpha"), Truth.YES),
        (care_plan("alpha", "revoked"), Truth.NO),
        (care_plan("alpha", activity="completed"), Truth.NO),
        (care_plan("alpha-asks"), Truth.NO),
        (care_plan("alpha", period={"start": "once"}), Truth.NO),
        (request("alpha"), Truth.YES),
        (request("alpha", "draft"), Truth.NO),
        (request("alpha", intent="proposal"), Truth.NO),
        (request("alpha", doNotPerform=True), Truth.NO),
        (request("beta"), Truth.NO),
        (procedure("alpha", "2026-02-01", "in-progress"), Truth.YES),
        (procedure("alpha", "2026-02-01", "completed"), Truth.NO),
    ],
)
def test_what_is_active_or_under_way_holds(resource: Resource, holds: Truth) -> None:
    found = run(PLANNED, resource)
    assert (found.holds, found.reason) == (holds, Reason.PRESENT if holds is Truth.YES else Reason.NOT_FOUND)
    assert len(found.evidence) == (1 if holds is Truth.YES else 0)


@pytest.mark.parametrize("kind", ["CarePlan", "ServiceRequest", "Procedure"])
def test_silence_tells_nothing_where_one_kind_was_cut_short(kind: str) -> None:
    cut_short: dict[str, Any] = {kind: UNAVAILABLE}
    found = run(PLANNED, availability=available(**cut_short))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
    assert run(PLANNED, care_plan("alpha"), availability=available(**cut_short)).holds is Truth.YES
