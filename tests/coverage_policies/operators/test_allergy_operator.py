"""`allergy`: to a substance, or to the ordered drug."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.searches import ALLERGIES
from coverage_policies.format.terms import Reason
from fhir_mappings.codings import RXNORM, SNOMED
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, case, clause, concept, order, run

TO_ALPHA = clause("allergy", in_="alpha")
TO_THE_DRUG = clause("allergy", in_="drug", to="ordered-drug")
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def allergy(
    code: str, system: str = SNOMED, status: str = "active", verified: str = "confirmed", **more: Any
) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"to-{code}",
        "patient": {"reference": "Patient/p"},
        "clinicalStatus": concept(status, system=CLINICAL),
        "verificationStatus": concept(verified, system=VERIFICATION),
        "code": concept(code, system=system),
        **more,
    }


def test_it_needs_the_allergy_list() -> None:
    assert TO_ALPHA.searches == TO_THE_DRUG.searches == (ALLERGIES,)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (allergy("alpha"), Truth.YES, Reason.PRESENT),
        (allergy("alpha", type="allergy"), Truth.YES, Reason.PRESENT),
        (allergy("alpha", type="intolerance"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (allergy("alpha", verified="unconfirmed"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (allergy("alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (allergy("alpha", recordedDate="once"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (allergy("alpha", status="resolved"), Truth.NO, Reason.NOT_FOUND),
        (allergy("alpha", verified="refuted"), Truth.NO, Reason.NOT_FOUND),
        (allergy("beta"), Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_only_an_active_confirmed_allergy_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(TO_ALPHA, resource)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("known", "holds", "reason"),
    [
        ({"onsetDateTime": "2026-03-02"}, Truth.YES, Reason.PRESENT),
        ({"recordedDate": "2026-03-02"}, Truth.YES, Reason.PRESENT),
        ({"onsetDateTime": "2026-03-03"}, Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ({"onsetDateTime": "2026-03"}, Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ({}, Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_an_allergy_known_today_is_not_taken_back_to_an_earlier_day(
    known: dict[str, str], holds: Truth, reason: Reason
) -> None:
    found = TO_ALPHA.evaluate(replace(case(allergy("alpha", **known)), is_looking_back=True))
    assert (found.holds, found.reason) == (holds, reason)


def test_an_intolerance_that_counts_is_not_taken_back_either() -> None:
    counted = clause("allergy", in_="alpha", intolerance="counts")
    later = case(allergy("alpha", type="intolerance", onsetDateTime="2026-03-02"), anchor=date(2026, 3, 1))
    assert counted.evaluate(later).holds is Truth.YES
    assert counted.evaluate(replace(later, is_looking_back=True)).holds is Truth.UNKNOWN


def test_only_what_is_certain_is_evidence_where_something_is() -> None:
    found = run(TO_ALPHA, allergy("alpha"), allergy("alpha-asks"))
    assert [item.reference for item in found.evidence] == ["AllergyIntolerance/to-alpha"]


def test_what_is_uncertain_is_evidence_where_nothing_is_certain() -> None:
    found = run(TO_ALPHA, allergy("alpha-asks"))
    assert [item.reference for item in found.evidence] == ["AllergyIntolerance/to-alpha-asks"]


def test_what_was_read_of_a_list_cut_short_holds() -> None:
    assert run(TO_ALPHA, allergy("alpha"), availability=available(AllergyIntolerance=UNAVAILABLE)).holds is Truth.YES


MORPHINE = order(orderDetail=[concept("7052", system=RXNORM)])


def test_an_allergy_to_the_ordered_drug_holds() -> None:
    found = run(TO_THE_DRUG, allergy("7052", RXNORM), of=MORPHINE)
    assert (found.holds, found.reason) == (Truth.YES, Reason.PRESENT)


def test_an_allergy_to_another_drug_does_not() -> None:
    found = run(TO_THE_DRUG, allergy("3423", RXNORM), of=MORPHINE)
    assert (found.holds, found.reason) == (Truth.NO, Reason.NOT_FOUND)


def test_a_drug_that_is_named_in_words_is_ordered_too() -> None:
    by_words = order(orderDetail=[{"text": "Intrathecal morphine"}])
    assert run(TO_THE_DRUG, allergy("7052", RXNORM), of=by_words).holds is Truth.YES


def test_the_allergy_is_named_as_the_chart_names_it_else_as_the_value_set() -> None:
    named = allergy("7052") | {"code": concept("7052", system=RXNORM) | {"text": "Morphine sulfate"}}
    found = [run(TO_THE_DRUG, each, of=MORPHINE) for each in (named, allergy("7052", RXNORM))]
    assert [each.evidence[0].label for each in found] == ["Morphine sulfate", "Label of 7052"]


def test_a_drug_of_the_order_that_is_not_in_the_set_is_not_asked_for() -> None:
    other = order(orderDetail=[concept("5640", system=RXNORM)])
    found = run(TO_THE_DRUG, allergy("5640", RXNORM), of=other)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.MISSING)


@pytest.mark.parametrize(("drug_class", "holds"), [("404642006", Truth.YES), ("373265006", Truth.UNKNOWN)])
def test_an_allergy_to_the_class_of_the_ordered_drug_holds_and_one_to_a_wider_class_asks(
    drug_class: str, holds: Truth
) -> None:
    assert run(TO_THE_DRUG, allergy(drug_class), of=MORPHINE).holds is holds


def test_an_order_that_names_no_drug_cannot_tell() -> None:
    found = run(TO_THE_DRUG, allergy("7052", RXNORM))
    assert (found.holds, found.reason, found.evidence) == (Truth.UNKNOWN, Reason.MISSING, ())


# --- intolerance -----------------------------------------------------------------------------------------------------

BORNE_BADLY = clause("allergy", in_="alpha", intolerance="counts")


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (allergy("alpha", type="intolerance"), Truth.YES),
        (allergy("alpha", type="allergy"), Truth.YES),
        (allergy("alpha", type="intolerance", verified="unconfirmed"), Truth.UNKNOWN),
        (allergy("alpha-asks", type="intolerance"), Truth.UNKNOWN),
        (allergy("alpha", type="intolerance", recordedDate="once"), Truth.UNKNOWN),
        (allergy("alpha", type="intolerance", status="resolved"), Truth.NO),
        (allergy("beta", type="intolerance"), Truth.NO),
    ],
)
def test_an_intolerance_holds_where_it_counts(resource: Resource, holds: Truth) -> None:
    assert run(BORNE_BADLY, resource).holds is holds


def test_an_intolerance_is_named_as_one() -> None:
    found = run(BORNE_BADLY, allergy("alpha", type="intolerance"))
    assert [item.value for item in found.evidence] == ["intolerance"]


EASED = clause("allergy", in_="alpha", side_effects="beta")


@pytest.mark.parametrize(("reaction", "holds"), [("beta", Truth.UNKNOWN), ("other", Truth.YES)])
def test_what_has_only_side_effects_is_asked_about(reaction: str, holds: Truth) -> None:
    reacting = [{"manifestation": [concept(reaction)]}]
    assert run(EASED, allergy("alpha", reaction=reacting)).holds is holds
