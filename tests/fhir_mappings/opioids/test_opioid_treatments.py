"""Which resources belong together: an order and its dispenses, by reference, by number, or by prescriber and day."""

from decimal import Decimal

import pytest

from tests.support.opioid_chart import (
    MORPHINE_15,
    OXYCODONE_5,
    OXYCODONE_10,
    current,
    dispense,
    during,
    line,
    mme,
    read,
    sig,
)

TEN = sig(1)
CONTRADICTION = TEN | {"text": "Take 3 tablets every 4 hours"}
ROE = {"reference": "Practitioner/roe"}


def ordered(**members):
    return during("a", OXYCODONE_10, "2025-12-20", "2026-06-30", TEN, **members)


def handed_over(on="2025-12-21", tablets=30, **members):
    return dispense("d", OXYCODONE_10, on, days=30, tablets=tablets, **members)


def contained(**members):
    """An authorizing prescription inside the dispense, as a pharmacy sends it."""
    order = {"resourceType": "MedicationRequest", "id": "rx", "status": "active", "intent": "order", **members}
    order |= {"subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "x"}}
    return {"contained": [order], "authorizingPrescription": [{"reference": "#rx"}]}


ONE, TWO = mme(15, 15), mme(15, 30)


@pytest.mark.parametrize(
    ("order", "taken", "expected"),
    [
        ({}, {}, TWO),
        ({"requester": ROE}, contained(requester=ROE), ONE),
        ({"requester": ROE}, contained(requester={"reference": "Practitioner/moe"}), TWO),
        ({"requester": {"display": "Dr. Roe "}}, contained(requester={"display": "dr. roe"}), ONE),
        ({"requester": {}}, contained(requester={}), TWO),
        (
            {"requester": {**ROE, "identifier": {"system": "urn:npi", "value": "1"}}},
            contained(requester={"identifier": {"system": "urn:npi", "value": "1"}}),
            ONE,
        ),
        (
            {"identifier": [{"system": "urn:rx", "value": "7"}]},
            contained(identifier=[{"system": "urn:rx", "value": "7"}]),
            ONE,
        ),
        (
            {"identifier": [{"system": "urn:rx", "value": "7"}]},
            {"authorizingPrescription": [{"identifier": {"system": "urn:rx", "value": "7"}}]},
            ONE,
        ),
    ],
    ids=range(8),
)
def test_an_order_and_a_dispense_are_one_by_their_number_or_their_prescriber(order, taken, expected):
    assert current(ordered(**order), handed_over(**taken)) == expected


@pytest.mark.parametrize(("on", "expected"), [("2025-12-27", ONE), ("2025-12-28", TWO)])
def test_one_prescriber_counts_within_a_week(on, expected):
    assert current(ordered(requester=ROE), handed_over(on, **contained(requester=ROE))) == expected


def test_one_prescriber_counts_for_one_dose():
    assert current(ordered(requester=ROE), handed_over(tablets=60, **contained(requester=ROE))) == mme(30, 45)


def test_two_orders_of_one_prescriber_are_two():
    second = {**ordered(requester=ROE), "id": "b"}
    assert current(ordered(requester=ROE), second) == TWO


def test_the_ids_of_contained_orders_do_not_join_dispenses():
    other = {**handed_over(**contained()), "id": "e"}
    assert current(handed_over(**contained()), other) == TWO


def test_the_lower_bound_takes_the_larger_of_an_order_and_an_unlinked_dispense():
    assert current(ordered(), handed_over(tablets=60)).low == Decimal(30)
    assert current(ordered(), handed_over(tablets=15)).low == Decimal(15)


def test_a_dispense_more_than_a_week_after_the_order_may_be_what_replaced_it():
    assert current(ordered(), handed_over("2025-12-27", tablets=15)).low == Decimal(15)
    assert current(ordered(), handed_over("2025-12-28", tablets=15)).low == Decimal("7.5")


def test_orders_of_one_day_still_add_up_beside_a_dispense():
    second = during("b", OXYCODONE_5, "2025-12-20", "2026-06-30", TEN)
    assert current(ordered(), second, handed_over(tablets=15)).low == Decimal("22.5")


def test_another_drug_of_the_prescriber_is_another():
    chart = during("a", MORPHINE_15, "2025-12-20", "2026-06-30", sig(15, "mg"), requester=ROE)
    assert current(chart, handed_over(**contained(requester=ROE))) == mme(30, 30)


def test_a_dispense_that_cannot_be_converted_is_named_beside_its_order():
    of = [{"reference": "MedicationRequest/a"}]
    unknown = handed_over(authorizingPrescription=of, dosageInstruction=[CONTRADICTION])
    reduction = read(ordered(), unknown)
    assert [each.reference for each in reduction.unconverted] == ["MedicationDispense/d"]


def test_a_drug_that_is_not_known_joins_no_two_that_differ():
    of = [{"reference": "MedicationRequest/a"}]
    unknown = handed_over(authorizingPrescription=of) | {"medicationCodeableConcept": {"text": "x"}}
    morphine = dispense("m", MORPHINE_15, "2025-12-21", days=30, tablets=30, authorizingPrescription=of)
    assert line(read(ordered(), unknown, morphine), "MedicationDispense/m").counted


@pytest.mark.parametrize(
    ("dosage", "is_known"),
    [
        ({"timing": TEN["timing"]}, True),
        (CONTRADICTION, False),
    ],
)
def test_dispenses_give_the_dose_of_an_order_that_states_none_and_not_of_one_that_contradicts_itself(dosage, is_known):
    order = during("a", OXYCODONE_10, "2025-12-20", "2026-06-30", dosage)
    taken = handed_over(authorizingPrescription=[{"reference": "MedicationRequest/a"}])
    assert (current(order, taken).high is not None) is is_known
