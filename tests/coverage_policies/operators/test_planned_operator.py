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
        "created": "2026-02-01",
        "activity": [{"detail": {"status": activity, "code": concept(code)}}],
    } | more


def request(code: str, status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "request",
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-02-01",
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


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (request("alpha", authoredOn="2025-09-02"), Truth.YES),
        (request("alpha", authoredOn="2025-09-01"), Truth.UNKNOWN),
        (request("alpha", authoredOn="2019-09-01"), Truth.UNKNOWN),
        (request("alpha", authoredOn=None), Truth.UNKNOWN),
        (request("alpha", authoredOn="2019-09-01", occurrenceDateTime="2026-04-01"), Truth.YES),
        (request("alpha", authoredOn="2019-09-01", occurrencePeriod={"end": "2026-03-02"}), Truth.YES),
        (request("alpha", authoredOn="2026-02-01", occurrencePeriod={"end": "2026-03-01"}), Truth.UNKNOWN),
        (care_plan("alpha", created="2019-02-01"), Truth.UNKNOWN),
        (care_plan("alpha", created=None), Truth.UNKNOWN),
        (care_plan("alpha", period={"start": "2019-01-01", "end": "2027-01-01"}), Truth.YES),
        (procedure("alpha", "2025-09-02", "in-progress"), Truth.YES),
        (procedure("alpha", "2018-01-01", "in-progress"), Truth.UNKNOWN),
        (procedure("alpha", None, "in-progress"), Truth.UNKNOWN),
    ],
)
def test_a_plan_counts_for_half_a_year_or_until_its_stated_end(resource: Resource, holds: Truth) -> None:
    found = run(PLANNED, {name: value for name, value in resource.items() if value is not None})
    assert (found.holds, len(found.evidence)) == (holds, 1)
    assert found.reason is (Reason.PRESENT if holds is Truth.YES else Reason.DATE_OUT_OF_RANGE)


def test_another_time_may_be_named() -> None:
    long = clause("planned", in_="alpha", within="10 years")
    assert run(long, request("alpha", authoredOn="2019-09-01")).holds is Truth.YES


@pytest.mark.parametrize(
    ("members", "holds"),
    [
        ({}, Truth.YES),
        ({"bodySite": [concept("back")]}, Truth.YES),
        ({"bodySite": [concept("knee")]}, Truth.UNKNOWN),
        ({"reasonCode": [concept("knee")]}, Truth.UNKNOWN),
        ({"reasonCode": [concept("knee"), concept("back")]}, Truth.YES),
        ({"reasonCode": [concept("something-else")]}, Truth.YES),
    ],
)
def test_a_plan_for_another_region_alone_cannot_tell(members: dict[str, Any], holds: Truth) -> None:
    of_the_back = clause("planned", in_="alpha", region="back")
    assert run(of_the_back, request("alpha", **members)).holds is holds
    assert run(of_the_back, procedure("alpha", "2026-02-01", "in-progress", **members)).holds is holds
    assert run(PLANNED, request("alpha", **members)).holds is Truth.YES


def test_of_several_plans_one_for_the_region_is_enough() -> None:
    knee = request("alpha", id="knee", bodySite=[concept("knee")])
    found = run(clause("planned", in_="alpha", region="back"), knee, request("alpha"))
    assert (found.holds, [item.reference for item in found.evidence]) == (Truth.YES, ["ServiceRequest/request"])
