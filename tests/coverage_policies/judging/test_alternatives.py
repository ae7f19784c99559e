"""Suggestions: a changed order is offered only if judging it says that it helps."""

from typing import Any

import pytest

from coverage_policies.format.terms import Outcome
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.judging.alternatives import alternatives
from fhir_mappings.codings import CPT
from fhir_mappings.orders import read_order
from tests.support.policy_fakes import SETS, ZONE, draft, judge, policy, row
from tests.support.terms import TERMS

OTHER = ValueSets(SETS | {"third-order": ValueSet("third-order", [row(CPT, "10003")])}, TERMS)
FEWER = """
I:
  says: s
  not_met_when: {order: {quantity: over 4}}
  ask: q
  suggest: {says: Fewer, quantity: 4}
"""
ANOTHER = """
I:
  says: s
  not_met_when: {order: {code: the-order}}
  ask: q
  suggest: {says: Another, code: CHANGED}
"""


def offered(sections: str, orders: str = "- {codes: [the-order, another-order], sections: [I]}", **members: Any) -> Any:
    by = policy(sections, orders=orders, sets=OTHER)
    given = read_order(draft() | members, zone=ZONE, terms=TERMS)

    def read(resource: Any) -> Any:
        return read_order(resource, zone=ZONE, terms=TERMS)

    found = alternatives(judge(by, of=given), by, given, read, lambda changed: judge(by, of=changed))
    return [(each.says, each.outcome) for each in found]


def test_a_quantity_within_the_limit_is_offered() -> None:
    assert offered(FEWER, quantityQuantity={"value": 5}) == [("Fewer", Outcome.DOCUMENTATION_NEEDED)]


@pytest.mark.parametrize("quantity", [{"value": 4}, {"value": 5, "comparator": "<"}, None])
def test_an_order_that_does_not_fail_or_cannot_be_changed_gets_no_offer(quantity: Any) -> None:
    assert offered(FEWER, **({"quantityQuantity": quantity} if quantity else {})) == []


def test_a_change_that_does_not_help_is_not_offered() -> None:
    assert offered(FEWER.replace("over 4", "over 3"), quantityQuantity={"value": 5}) == []


def test_an_order_without_an_id_gets_no_offer() -> None:
    by = policy(FEWER, sets=OTHER)
    members = {name: value for name, value in draft().items() if name != "id"} | {"quantityQuantity": {"value": 5}}
    given = read_order(members, zone=ZONE, terms=TERMS)
    assert alternatives(judge(by, of=given), by, given, lambda _: given, lambda _: judge(by, of=given)) == ()


def test_a_code_that_the_policy_judges_and_does_not_fail_is_offered() -> None:
    assert offered(ANOTHER.replace("CHANGED", "cpt 10002")) == [("Another", Outcome.DOCUMENTATION_NEEDED)]


def test_a_code_that_another_policy_may_judge_is_not_offered() -> None:
    assert offered(ANOTHER.replace("CHANGED", "cpt 10003")) == []


def test_a_drug_product_is_no_code_of_a_service() -> None:
    product = ANOTHER.replace("code: CHANGED", "product: rxnorm 7052")
    assert offered(product) == []
