"""`order`: what the order itself says."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import TEXT, Row, ValueSet
from fhir_mappings.codings import CPT, RXNORM, SNOMED
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import SETS, UNAVAILABLE, all_of, clause, concept, order, row, run
from tests.support.terms import TERMS

POSTERIOR = clause("order", approach=["posterior", "posterior-oblique"])


def stating(*details: str, notes: tuple[str, ...] = ()) -> Any:
    return order(orderDetail=[{"text": text} for text in details], note=[{"text": text} for text in notes])


def test_it_needs_no_chart() -> None:
    assert POSTERIOR.searches == clause("order", code="the-order").searches == ()
    assert run(clause("order", code="the-order"), availability=all_of(UNAVAILABLE)).holds is Truth.YES


# --- stated ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("details", "notes", "holds", "reason"),
    [
        (["Posterior approach"], (), Truth.YES, Reason.INVALID_ATTRIBUTE),
        (["Posterior oblique approach"], (), Truth.YES, Reason.INVALID_ATTRIBUTE),
        (["Posterior approach", "Posterior oblique approach"], (), Truth.YES, Reason.INVALID_ATTRIBUTE),
        (["Lateral transarticular approach"], (), Truth.NO, Reason.INVALID_ATTRIBUTE),
        (["Lateral transarticular approach", "Posterior approach"], (), Truth.UNKNOWN, Reason.CONFLICT),
        (["No posterior approach"], (), Truth.UNKNOWN, Reason.MISSING),
        ([], ("Posterior approach",), Truth.UNKNOWN, Reason.MISSING),
        ([], ("Lateral transarticular approach",), Truth.UNKNOWN, Reason.MISSING),
        ([], (), Truth.UNKNOWN, Reason.MISSING),
        (["Lateral transarticular approach"], ("Posterior approach",), Truth.NO, Reason.INVALID_ATTRIBUTE),
    ],
)
def test_only_what_is_stated_plainly_decides(
    details: list[str], notes: tuple[str, ...], holds: Truth, reason: Reason
) -> None:
    found = run(POSTERIOR, of=stating(*details, notes=notes))
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("details", "notes", "values"),
    [
        (["Posterior approach"], (), ["posterior"]),
        (["Lateral transarticular approach"], (), []),
        (["Posterior approach", "Lateral transarticular approach"], (), ["lateral-transarticular and posterior"]),
        ([], ("Posterior approach",), ["not stated clearly: posterior"]),
        ([], ("Lateral transarticular approach",), []),
        ([], (), []),
    ],
)
def test_the_order_is_the_evidence_of_what_it_says(
    details: list[str], notes: tuple[str, ...], values: list[str]
) -> None:
    found = run(POSTERIOR, of=stating(*details, notes=notes))
    assert [item.value for item in found.evidence] == values
    assert {item.reference for item in found.evidence} <= {"ServiceRequest/order-1"}


def test_what_is_stated_is_the_headline() -> None:
    assert run(POSTERIOR, of=stating("Posterior approach")).headline == "Order says posterior"


STATED = [
    ("approach", "lateral-transarticular", "Lateral transarticular approach"),
    ("implant", "transfixing", "Transfixing implant"),
    ("side", "left", "Left"),
    ("guidance", "fluoroscopy", "Under fluoroscopy"),
    ("purpose", "therapeutic", "Therapeutic"),
    ("occasion", "first", "First injection"),
    ("indication", "spasticity", "For spasticity"),
    ("device", "pain-pump", "Intrathecal pump"),
    ("route", "epidural", "Epidural"),
    ("request", "replacement", "Pump replacement"),
    ("performer", "physician", "By a physician"),
]


@pytest.mark.parametrize(("attribute", "value", "words"), STATED)
def test_every_attribute_is_asked_for_by_its_own_name(attribute: str, value: str, words: str) -> None:
    assert run(clause("order", **{attribute: value}), of=stating(words)).holds is Truth.YES
    assert run(clause("order", **{attribute: value}), of=stating("Something else")).holds is Truth.UNKNOWN


@pytest.mark.parametrize("attribute", TERMS.names)
def test_every_attribute_of_an_order_can_be_asked_for(attribute: str) -> None:
    for value in TERMS.attributes[attribute].values:
        assert run(clause("order", **{attribute: value})).holds is Truth.UNKNOWN


TWO = clause("order", guidance=["ct", "fluoroscopy"], side="left")


@pytest.mark.parametrize(
    ("details", "holds"),
    [
        (["Fluoroscopy", "Left"], Truth.YES),
        (["Fluoroscopy", "Right"], Truth.NO),
        (["Fluoroscopy"], Truth.UNKNOWN),
        (["Right"], Truth.NO),
        ([], Truth.UNKNOWN),
    ],
)
def test_several_arguments_must_all_hold(details: list[str], holds: Truth) -> None:
    assert run(TWO, of=stating(*details)).holds is holds


def test_everything_that_several_arguments_look_at_is_evidence() -> None:
    assert [item.value for item in run(TWO, of=stating("Fluoroscopy", "Left")).evidence] == ["fluoroscopy", "left"]


@pytest.mark.parametrize(
    ("details", "notes", "holds"),
    [
        ([], (), Truth.YES),
        (["Left"], (), Truth.YES),
        (["Ultrasound"], (), Truth.NO),
        (["No ultrasound"], (), Truth.NO),
        ([], ("Ultrasound",), Truth.NO),
    ],
)
def test_what_is_neither_stated_nor_hinted_at_is_not_stated(
    details: list[str], notes: tuple[str, ...], holds: Truth
) -> None:
    assert run(clause("order", guidance="not-stated"), of=stating(*details, notes=notes)).holds is holds


# --- codes -----------------------------------------------------------------------------------------------------------

BECAUSE_ALPHA = {"reasonCode": [concept("alpha")]}


@pytest.mark.parametrize(
    ("arguments", "of", "holds"),
    [
        ({"code": "the-order"}, {}, Truth.YES),
        ({"code": "another-order"}, {}, Truth.NO),
        ({"code": ["another-order", "the-order"]}, {}, Truth.YES),
        ({"reason": "alpha"}, BECAUSE_ALPHA, Truth.YES),
        ({"reason": "beta"}, BECAUSE_ALPHA, Truth.NO),
        ({"reason": "alpha"}, {}, Truth.NO),
        ({"reason": "alpha"}, {"reasonCode": [concept("beta")]}, Truth.NO),
        ({"reason": "alpha"}, {"reasonCode": [concept("beta"), concept("alpha-asks")]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"reasonCode": [concept("masked")]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"reasonCode": [concept("masked"), concept("alpha")]}, Truth.YES),
        ({"reason": "alpha"}, {"reasonCode": [{"text": "Spots"}]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"reasonCode": [{"text": "Gout"}]}, Truth.NO),
        ({"reason": "alpha"}, {"reasonCode": [{"text": "Intrathecal pump trial"}]}, Truth.NO),
        ({"reason": "alpha"}, {"reasonReference": [{"reference": "Condition/nowhere"}]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"note": [{"text": "Spots"}]}, Truth.NO),
        ({"reason": "alpha"}, {"reasonCode": [{"text": "alpha"}]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"reasonCode": [concept("alpha-asks")]}, Truth.UNKNOWN),
        ({"reason": "alpha"}, {"reasonCode": [concept("beta"), concept("alpha")]}, Truth.YES),
        ({"drug": "drug"}, {"orderDetail": [concept("7052", system=RXNORM)]}, Truth.YES),
        ({"drug": "drug"}, {"orderDetail": [concept("1", system=RXNORM)]}, Truth.NO),
        ({"drug": "drug"}, {"orderDetail": [{"text": "morphine"}]}, Truth.YES),
        ({"drug": "drug"}, {}, Truth.UNKNOWN),
    ],
)
def test_a_code_of_the_order_holds_by_its_value_set(
    arguments: dict[str, Any], of: dict[str, Any], holds: Truth
) -> None:
    assert run(clause("order", **arguments), of=order(**of)).holds is holds


@pytest.mark.parametrize(
    ("reason", "why"),
    [("alpha", Reason.INVALID_ATTRIBUTE), ("alpha-asks", Reason.INVALID_ATTRIBUTE), ("beta", Reason.MISSING)],
)
def test_a_code_that_is_known_is_an_attribute_and_one_that_is_not_is_missing(reason: str, why: Reason) -> None:
    found = run(clause("order", reason="alpha"), of=order(reasonCode=[concept(reason)]))
    assert found.reason is why


def test_an_order_without_a_code_cannot_tell() -> None:
    found = run(clause("order", code="the-order"), of=order(" "))
    assert (found.holds, found.reason, found.evidence) == (Truth.UNKNOWN, Reason.MISSING, ())


def test_the_order_is_the_evidence_under_the_label_of_the_code() -> None:
    (evidence,) = run(clause("order", reason="alpha"), of=order(**BECAUSE_ALPHA)).evidence
    assert (evidence.reference, evidence.value) == ("ServiceRequest/order-1", "Label of alpha")


@pytest.mark.parametrize(("day", "holds"), [(date(2025, 12, 31), Truth.YES), (date(2026, 1, 1), Truth.NO)])
def test_a_code_holds_on_its_service_dates_only(day: date, holds: Truth) -> None:
    until = ValueSet("until", [row(CPT, "10001", until=date(2025, 12, 31))])
    assert run(clause("order", {"until": until}, code="until"), anchor=day).holds is holds


# --- who does it -----------------------------------------------------------------------------------------------------

NUCC = "http://nucc.org/provider-taxonomy"


def by(**role: Any) -> dict[str, Any]:
    """An order whose performer is written into it."""
    return {"contained": [{"id": "r", **role}], "performer": [{"reference": "#r"}]}


@pytest.mark.parametrize(
    ("members", "physician", "other"),
    [
        ({"performerType": {"text": "Physician"}}, Truth.YES, Truth.NO),
        ({"performerType": {"text": "Physician assistant"}}, Truth.NO, Truth.YES),
        ({"performerType": {"text": "Nurse practitioner"}}, Truth.NO, Truth.YES),
        ({"performerType": {"text": "Pain clinic"}}, Truth.UNKNOWN, Truth.UNKNOWN),
        ({"performerType": {"text": "Physician or nurse practitioner"}}, Truth.UNKNOWN, Truth.UNKNOWN),
        ({"performerType": concept("207L00000X", system=NUCC)}, Truth.YES, Truth.NO),
        ({"performerType": concept("208VP0014X", system=NUCC)}, Truth.YES, Truth.NO),
        ({"performerType": concept("363LF0000X", system=NUCC)}, Truth.NO, Truth.YES),
        ({"performerType": concept("367500000X", system=NUCC)}, Truth.NO, Truth.YES),
        ({"performerType": concept("207L00000X")}, Truth.UNKNOWN, Truth.UNKNOWN),
        (by(resourceType="PractitionerRole", specialty=[concept("207L00000X", system=NUCC)]), Truth.YES, Truth.NO),
        (by(resourceType="PractitionerRole", code=[{"text": "CRNA"}]), Truth.NO, Truth.YES),
        (by(resourceType="Practitioner", qualification=[{"code": {"text": "MD"}}]), Truth.YES, Truth.NO),
        (by(resourceType="Practitioner", name=[{"text": "Dr. Physician"}]), Truth.UNKNOWN, Truth.UNKNOWN),
        ({"performer": [{"reference": "#missing"}]}, Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_who_does_it_is_told_by_type_role_or_qualification(
    members: dict[str, Any], physician: Truth, other: Truth
) -> None:
    of = order(**members)
    assert run(clause("order", performer="physician"), of=of).holds is physician
    assert run(clause("order", performer="not-physician"), of=of).holds is other


# --- a reason in words ------------------------------------------------------------------------------------------------

NAMED = {"named": ValueSet("named", [row(SNOMED, "alpha"), Row(TEXT, "cancer*", "Cancer", "", None, None, False)])}


@pytest.mark.parametrize(
    "of",
    [
        {"reasonCode": [{"text": "Cancer pain"}]},
        {"reasonReference": [{"reference": "Condition/nowhere", "display": "Cancer pain"}]},
        {"note": [{"text": "Pain of breast cancer"}]},
        {"orderDetail": [{"text": "For cancer pain"}]},
    ],
)
def test_words_for_a_reason_and_remarks_of_the_order_cannot_tell(of: dict[str, Any]) -> None:
    found = run(clause("order", SETS | NAMED, reason="named"), of=order(**of))
    assert (found.holds, found.evidence[0].value) == (Truth.UNKNOWN, "Cancer")


def test_a_coded_reason_outranks_remarks() -> None:
    of = order(reasonCode=[concept("alpha")], note=[{"text": "cancer"}])
    assert run(clause("order", SETS | NAMED, reason="named"), of=of).holds is Truth.YES


def test_a_reason_that_is_not_understood_is_told() -> None:
    found = run(clause("order", reason="alpha"), of=order(reasonCode=[{"text": "Spots"}]))
    assert [item.value for item in found.evidence] == ["a reason cannot be identified"]


# --- amounts, places, specialties ------------------------------------------------------------------------------------


def drug(**members: Any) -> Any:
    return order() if not members else replace(order(), resource={"resourceType": "MedicationRequest", **members})


@pytest.mark.parametrize(
    ("limit", "pens", "holds", "reason"),
    [
        ("at most 4", 4, Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("at most 4", 5, Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("under 4", 4, Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("at most 4 pens", 4, Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("at most 4 vials", 4, Truth.UNKNOWN, Reason.UNCONVERTIBLE),
        ("at most 4 mL", 4, Truth.UNKNOWN, Reason.UNCONVERTIBLE),
        ("2 to 4", 3, Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("exactly 4", 3, Truth.NO, Reason.VALUE_OUT_OF_RANGE),
    ],
)
def test_a_quantity_is_compared_in_the_unit_of_the_limit(limit: str, pens: int, holds: Truth, reason: Reason) -> None:
    found = run(clause("order", quantity=limit), of=drug(dispenseRequest={"quantity": {"value": pens, "unit": "pens"}}))
    assert (found.holds, found.reason) == (holds, reason)
    assert [item.value for item in found.evidence] == [f"{pens} pens"]


@pytest.mark.parametrize(
    ("limit", "holds"),
    [
        ("at most 1 mg", Truth.UNKNOWN),
        ("at most 0.4 mg", Truth.NO),
        ("over 0.4 mg", Truth.YES),
        ("over 1 mg", Truth.UNKNOWN),
    ],
)
def test_a_dose_that_is_not_understood_may_be_any(limit: str, holds: Truth) -> None:
    known = {"doseAndRate": [{"doseQuantity": {"value": Decimal("0.5"), "unit": "mg"}}]}
    found = run(clause("order", dose=limit), of=drug(dosageInstruction=[known, {"text": "as directed"}]))
    assert found.holds is holds


@pytest.mark.parametrize(
    ("period", "unit", "shown", "holds"),
    [(1, "wk", "1 per wk", Truth.YES), (7, "d", "1 per 7 d", Truth.YES), (6, "d", "1 per 6 d", Truth.NO)],
)
def test_a_frequency_is_shown_as_it_is_stated(period: int, unit: str, shown: str, holds: Truth) -> None:
    timing = {"repeat": {"frequency": 1, "period": period, "periodUnit": unit}}
    found = run(clause("order", frequency="at most 1 per week"), of=drug(dosageInstruction=[{"timing": timing}]))
    assert (found.holds, [item.value for item in found.evidence]) == (holds, [shown])


def test_an_order_that_states_no_amount_cannot_tell() -> None:
    for kind, limit in (("quantity", "at most 4"), ("flow", "over 4 L/min"), ("refills", "at most 5")):
        found = run(clause("order", **{kind: limit}))
        assert (found.holds, found.reason, found.evidence) == (Truth.UNKNOWN, Reason.MISSING, ())


@pytest.mark.parametrize(
    ("kind", "limit", "says"),
    [
        ("supply", "at most 30", "supply: 'at most 30' has no unit of it; write it like 'at most 30 days'"),
        (
            "frequency",
            "at most 1 mg",
            "frequency: 'at most 1 mg' has no unit of it; write it like 'at most 1 per week'",
        ),
        ("flow", "over 4 L", "flow: 'over 4 L' has no unit of it; write it like 'at most 4 L/min'"),
        ("refills", "at most 5 mg", "refills: 'at most 5 mg' is no number of refills; write it like 'at most 5'"),
        ("quantity", "about 4", "'about 4' is no limit of a value; write it like "),
    ],
)
def test_a_limit_that_its_amount_cannot_have_is_told(kind: str, limit: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        clause("order", **{kind: limit})


ROLE = {"resourceType": "PractitionerRole", "id": "1"}
BY = {"requester": {"reference": "PractitionerRole/1"}}


@pytest.mark.parametrize(
    ("codes", "holds"),
    [(["alpha"], Truth.YES), (["alpha-asks"], Truth.UNKNOWN), (["other"], Truth.NO), ([], Truth.UNKNOWN)],
)
def test_a_specialty_is_that_of_a_role_on_the_chart(codes: list[str], holds: Truth) -> None:
    role = ROLE | {"specialty": [concept(code) for code in codes]}
    assert run(clause("order", specialty="alpha"), role, of=order(**BY)).holds is holds


def test_a_specialty_of_one_who_is_not_known_cannot_tell() -> None:
    asked = clause("order", specialty="alpha")
    assert run(asked, of=order()).holds is Truth.UNKNOWN
    assert run(asked, of=order(**BY)).holds is Truth.UNKNOWN
    both = order(**BY, performerType=concept("alpha"))
    assert run(asked, of=both).holds is Truth.YES
    other = ROLE | {"specialty": [concept("other")]}
    assert run(asked, other, of=order(**BY, performer=[{"reference": "PractitionerRole/2"}])).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("codes", "holds"),
    [(["alpha"], Truth.YES), (["alpha-asks"], Truth.UNKNOWN), (["other"], Truth.NO), ([], Truth.UNKNOWN)],
)
def test_a_place_is_one_of_a_value_set(codes: list[str], holds: Truth) -> None:
    at = order(locationCode=[concept(code) for code in codes])
    assert run(clause("order", place="alpha"), of=at).holds is holds
