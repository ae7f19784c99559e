"""`concurrent_order`: another order for the same day."""

from datetime import date
from typing import Any

import pytest

from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.codings import CPT
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, all_of, clause, order, row, run

TOGETHER = clause("concurrent_order", in_="another-order")


def other(planned: str | None = "2026-03-02", code: str = "10002", **more: Any) -> Order:
    return order(code, planned, id=f"other-{planned}-{code}", **more)


def test_it_needs_no_chart() -> None:
    assert TOGETHER.searches == ()
    assert run(TOGETHER, others=[other()], availability=all_of(UNAVAILABLE)).holds is Truth.YES


@pytest.mark.parametrize(
    ("others", "holds", "reason"),
    [
        ([], Truth.NO, Reason.NOT_FOUND),
        ([other()], Truth.YES, Reason.PRESENT),
        ([other("2026-03-03")], Truth.NO, Reason.DATE_OUT_OF_RANGE),
        ([other(None)], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([other("2026-03")], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([other("2026-03-03"), other()], Truth.YES, Reason.PRESENT),
        ([other("2026-03-03"), other(None)], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([other(code="10003")], Truth.NO, Reason.NOT_FOUND),
        ([other(implicitRules="http://example.org/rules")], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([other(status="revoked")], Truth.NO, Reason.NOT_FOUND),
        ([other(doNotPerform=True)], Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_another_order_planned_for_the_same_day_holds(others: list[Order], holds: Truth, reason: Reason) -> None:
    found = run(TOGETHER, others=others)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize("planned", [None, "2026-03"])
def test_an_order_without_a_day_cannot_tell_what_goes_with_it(planned: str | None) -> None:
    assert run(TOGETHER, of=order(planned=planned), others=[other()]).holds is Truth.UNKNOWN


@pytest.mark.parametrize("planned", ["2026-03-02", "2027-01-01", None])
def test_on_any_day_the_day_makes_no_difference(planned: str | None) -> None:
    any_day = clause("concurrent_order", in_="another-order", day="any")
    assert run(any_day, others=[other(planned)]).holds is Truth.YES
    assert run(any_day, others=[other(planned, code="10003")]).holds is Truth.NO


def test_the_drug_of_another_order_counts() -> None:
    of_drug = clause("concurrent_order", drug="drug", day="any")
    morphine = order("10003", id="other", orderDetail=[{"text": "Morphine"}])
    assert run(of_drug, others=[morphine]).holds is Truth.YES
    assert run(of_drug, others=[other()]).holds is Truth.NO


def test_another_order_may_count_only_beside_certain_codes() -> None:
    beside = clause("concurrent_order", in_="another-order", beside="the-order")
    assert run(beside, others=[other()]).holds is Truth.YES
    assert run(beside, of=order("10003"), others=[other()]).holds is Truth.NO


@pytest.mark.parametrize("arguments", [{}, {"in_": "another-order", "drug": "drug"}])
def test_it_wants_either_a_code_or_a_drug(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give either `in`"):
        clause("concurrent_order", day="any", **arguments)


def test_a_time_of_day_makes_no_difference() -> None:
    assert run(TOGETHER, others=[other("2026-03-02T15:00:00Z")]).holds is Truth.YES


def test_the_other_order_is_the_evidence_under_our_label() -> None:
    (evidence,) = run(TOGETHER, others=[other()]).evidence
    assert (evidence.reference, evidence.label) == ("ServiceRequest/other-2026-03-02-10002", "Label of 10002")


@pytest.mark.parametrize(
    ("planned", "holds"),
    [("2026-03-02", Truth.UNKNOWN), ("2026-03-03", Truth.UNKNOWN)],
)
def test_a_code_that_only_asks_never_holds(planned: str, holds: Truth) -> None:
    asking = clause("concurrent_order", {"asking": ValueSet("asking", [row(CPT, "10002", asks=True)])}, in_="asking")
    assert run(asking, others=[other(planned)]).holds is holds


def test_a_code_counts_on_its_service_dates_only() -> None:
    until = ValueSet("until", [row(CPT, "10002", until=date(2026, 3, 1))])
    assert run(clause("concurrent_order", {"until": until}, in_="until"), others=[other()]).holds is Truth.NO
