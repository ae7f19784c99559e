"""Orders that a policy wants beside another one, and that no order of the session is."""

from dataclasses import replace

import pytest

from coverage_policies.format.problems import DocumentError
from coverage_policies.format.terms import Outcome, RequestType
from coverage_policies.format.value_sets import TEXT, ValueSet
from fhir_mappings.codings import CPT, RXNORM
from tests.support.policy_fakes import SETS, judge, order, policy, row

SECTION = "I: {says: s, met_when: {condition: {in: alpha}}, ask: Is it so}"


def entry(companion: str) -> str:
    return f"- {{codes: the-order, sections: [I], companions: [{companion}]}}"


WITH = entry('{in: another-order, add: "10002", says: It goes with the other}')


def test_a_companion_that_nobody_ordered_is_missing() -> None:
    (found,) = judge(policy(SECTION, orders=WITH)).companions
    assert (found.add.code, found.request_type, found.says) == ("10002", RequestType.SERVICE, "It goes with the other")


def test_a_companion_that_is_among_the_orders_is_not_missing() -> None:
    assert judge(policy(SECTION, orders=WITH), others=[order("10002")]).companions == ()


def test_another_order_is_no_companion() -> None:
    assert len(judge(policy(SECTION, orders=WITH), others=[order("10003")]).companions) == 1


def test_a_revoked_order_is_no_companion() -> None:
    assert len(judge(policy(SECTION, orders=WITH), others=[order("10002", status="revoked")]).companions) == 1


def test_an_order_in_words_that_may_be_the_companion_is_not_missing() -> None:
    worded = {
        "another-order": ValueSet("another-order", [row(CPT, "10002"), row(TEXT, "oxygen concentrator", asks=True)])
    }
    found = policy(SECTION, orders=WITH, sets={**SETS, **worded})
    text = replace(order(), codes=(), words=("Oxygen concentrator at home",))
    assert judge(found, others=[text]).companions == ()
    assert len(judge(found, others=[replace(text, words=("Ankle brace",))]).companions) == 1


def test_a_companion_may_be_a_device() -> None:
    written = entry('{in: another-order, add: "10002", as: DeviceRequest, says: s}')
    assert judge(policy(SECTION, orders=written)).companions[0].request_type is RequestType.DEVICE


def test_an_order_that_the_policy_does_not_judge_has_none() -> None:
    assert judge(policy(SECTION, orders=WITH), of=order("10003")).companions == ()


def test_an_order_that_may_not_be_judged_has_none() -> None:
    only_if = WITH.replace("sections: [I]", "sections: [I], only_if: {order: {drug: drug}}, ask: Is it the drug")
    asks = {"coding": [{"system": RXNORM, "code": "drug-asks"}]}
    unclear = judge(policy(SECTION, orders=only_if), of=order(orderDetail=[asks]))
    assert unclear.outcome is Outcome.DOCUMENTATION_NEEDED
    assert unclear.companions == ()


def test_the_json_of_a_determination_does_not_name_companions() -> None:
    assert "companions" not in judge(policy(SECTION, orders=WITH)).as_json()


@pytest.mark.parametrize(
    ("companion", "says"),
    [
        ('{in: another-order, add: "10001", says: s}', "'10001' is no code of another-order that decides"),
        ("{in: alpha, add: alpha-asks, says: s}", "'alpha-asks' is no code of alpha that decides"),
        ("{in: nowhere, add: x, says: s}", "nowhere"),
        ("{in: alpha, add: alpha}", "says"),
        ("{in: alpha, add: alpha, says: s, as: Task}", "Task"),
    ],
)
def test_a_companion_that_is_not_written_right_is_named(companion: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        policy(SECTION, orders=entry(companion))
