"""Orders of one operation: what one of them states is heard for the others."""

from typing import Any

import pytest

from coverage_policies.judging.operation import of_operation
from fhir_mappings.orders import Order, read_order
from tests.support.policy_fakes import ANCHOR, ZONE, draft, policy
from tests.support.terms import TERMS

BOTH = "- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: [I, II]}"
APART = "- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: [II]}"
SECTIONS = "I: {says: s, ask: q}\nII: {says: t, ask: r}"
FOR_SPASTICITY: dict[str, Any] = {
    "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G35"}]}],
    "orderDetail": [{"text": "Baclofen"}, {"text": "New pump for spasticity"}],
}


def draft_order(code: str = "10001", **more: Any) -> Order:
    return read_order(draft(code, **more), zone=ZONE, terms=TERMS)


def heard(other: Order, own: Order | None = None, orders: str = BOTH) -> Order:
    return of_operation(policy(SECTIONS, orders=orders), own or draft_order(), [other], ANCHOR)


def stated(order: Order) -> tuple[int, int, bool]:
    """Return how many reasons and drugs an order has, and whether it is for spasticity."""
    return len(order.reasons.given), len(order.drugs), "spasticity" in order.stated.get("indication", ())


def test_a_silent_order_has_the_reason_the_drug_and_the_purpose_of_another_one_of_its_operation() -> None:
    assert stated(draft_order()) == (0, 0, False)
    assert stated(heard(draft_order("10002", **FOR_SPASTICITY))) == (1, 1, True)


@pytest.mark.parametrize(
    "more",
    [
        {"planned": "2026-03-03"},
        {"status": "revoked"},
        {"doNotPerform": True},
        {"modifierExtension": [{"url": "http://example.org/m", "valueBoolean": True}]},
    ],
)
def test_an_order_of_another_day_or_that_is_not_judged_is_not_heard(more: dict[str, Any]) -> None:
    own = draft_order()
    assert heard(draft_order("10002", **(FOR_SPASTICITY | more)), own) is own


def test_an_order_of_a_code_that_the_policy_does_not_list_is_not_heard() -> None:
    assert stated(heard(draft_order("99999", **FOR_SPASTICITY))) == (0, 0, False)


def test_an_order_that_another_section_judges_is_not_heard() -> None:
    assert stated(heard(draft_order("10002", **FOR_SPASTICITY), orders=APART)) == (0, 0, False)


def test_an_order_without_a_day_may_be_of_the_same_day() -> None:
    assert stated(heard(draft_order("10002", planned=None, **FOR_SPASTICITY))) == (1, 1, True)


@pytest.mark.parametrize(("side", "count"), [("Left", 1), ("Right", 0), ("", 1)])
def test_an_order_for_the_other_side_is_another_operation(side: str, count: int) -> None:
    own = draft_order(bodySite=[{"text": "Left"}])
    other = draft_order("10002", bodySite=[{"text": side}], **FOR_SPASTICITY)
    assert stated(heard(other, own))[1] == count


def test_what_an_order_states_itself_is_all_that_counts() -> None:
    own = draft_order(
        reasonCode=[{"text": "Cancer pain"}, {"text": "Back pain"}],
        orderDetail=[{"text": "Morphine"}, {"text": "Fentanyl"}, {"text": "Infusion of chemotherapy"}],
    )
    assert stated(heard(draft_order("10002", **FOR_SPASTICITY), own))[:2] == (2, 2)


def test_an_order_whose_reason_leads_nowhere_has_a_reason() -> None:
    own = draft_order(reasonReference=[{"reference": "Condition/nowhere"}])
    assert heard(draft_order("10002", **FOR_SPASTICITY), own).reasons == own.reasons


def test_a_hint_of_its_own_is_not_outspoken() -> None:
    own = draft_order(note=[{"text": "Maybe for spasticity"}])
    found = heard(draft_order("10002", orderDetail=[{"text": "Pump for spasticity"}]), own)
    assert (stated(found)[2], "spasticity" in found.hinted["indication"]) == (False, True)


def test_approach_and_side_stay_those_of_each_order() -> None:
    other = draft_order("10002", orderDetail=[{"text": "Posterior approach"}, {"text": "Left"}])
    found = heard(other)
    assert "approach" not in found.stated
    assert found.side is None


def test_what_several_orders_state_is_heard_together() -> None:
    others = [draft_order("10002", orderDetail=[{"text": each}]) for each in ("Baclofen", "Morphine")]
    found = of_operation(policy(SECTIONS, orders=BOTH), draft_order(), others, ANCHOR)
    assert len(found.drugs) == 2


def test_the_order_keeps_its_own_name_and_resource() -> None:
    own = draft_order()
    found = heard(draft_order("10002", id="other", **FOR_SPASTICITY), own)
    assert (found.reference, found.resource, found.codes) == (own.reference, own.resource, own.codes)
