"""Prescriptions: which drug, and whether they took effect."""

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.medications import drug_codings, medications
from tests.support.fhir_builders import ASKED, KNOWN, codes_of, concept, knows, record, resource

MORPHINE = "7052"
MORPHINE_TABLET = "892582"


def prescription(**members):
    made = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(),
        "authoredOn": "2026-01-10",
        **members,
    }
    return resource("MedicationRequest", **made)


def read(codes=KNOWN, **members):
    return medications(record(prescription(**members)), codes)


def only(codes=KNOWN, **members):
    (found,) = read(codes, **members)
    return found


@pytest.mark.parametrize("status", ["active", "completed", "stopped", "on-hold"])
def test_a_prescription_that_stood_is_certain_and_says_what_became_of_it(status):
    found = only(status=status)
    assert (found.is_certain, found.evidence.value) == (True, status)


@pytest.mark.parametrize("status", ["unknown", "other", None, 5])
def test_a_prescription_of_unknown_status_is_not_certain(status):
    assert only(status=status).is_certain is False


@pytest.mark.parametrize("status", ["draft", "cancelled", "entered-in-error"])
def test_a_draft_cancelled_or_mistaken_prescription_is_left_out(status):
    assert read(status=status) == ()


def test_an_order_to_leave_a_drug_is_left_out():
    assert read(doNotPerform=True) == ()


def test_an_order_not_to_leave_a_drug_counts():
    assert only(doNotPerform=False).is_certain


@pytest.mark.parametrize(
    ("intent", "certain"), [("order", True), ("plan", True), ("proposal", False), ("option", False)]
)
def test_what_was_only_proposed_is_not_certain(intent, certain):
    assert only(intent=intent).is_certain is certain


def test_another_drug_is_left_out():
    assert read(medicationCodeableConcept=concept("other")) == ()


def test_a_code_that_only_asks_is_not_certain():
    assert only(ASKED).is_certain is False


def test_a_product_counts_by_the_opioid_it_holds():
    assert only(knows(MORPHINE), medicationCodeableConcept=concept(MORPHINE_TABLET, RXNORM)).is_certain


@pytest.mark.parametrize(
    "words", [{"text": "Morphine 15 mg tablet"}, {"coding": [{"code": "local", "display": "MORPHINE SULFATE"}]}]
)
def test_a_drug_known_only_by_its_name_is_shown_and_not_certain(words):
    assert only(knows(MORPHINE), medicationCodeableConcept=words).is_certain is False


PRODUCT = {"resourceType": "Medication", "id": "m", "code": concept()}


@pytest.mark.parametrize(
    ("reference", "more"), [("Medication/m", (PRODUCT,)), ("urn:uuid:m", (("urn:uuid:m", PRODUCT),))]
)
def test_a_drug_is_found_through_its_reference(reference, more):
    given = prescription(medicationCodeableConcept=None, medicationReference={"reference": reference})
    assert [each.is_certain for each in medications(record(given, *more), KNOWN)] == [True]


def test_a_drug_is_found_in_what_the_prescription_contains():
    given = {"medicationCodeableConcept": None, "medicationReference": {"reference": "#m"}, "contained": [PRODUCT]}
    assert only(**given).is_certain


def test_a_reference_to_nothing_is_no_drug():
    assert read(medicationCodeableConcept=None, medicationReference={"reference": "Medication/gone"}) == ()


@pytest.mark.parametrize(
    "fault", [{"authoredOn": "then"}, {"medicationCodeableConcept": {**concept(), "text": 5}}, {"intent": None}]
)
def test_a_faulty_prescription_is_set_aside_and_no_absence(fault):
    found = only(**fault)
    assert (found.is_certain, found.evidence.value) == (False, "set aside")


@pytest.mark.parametrize("fault", [{"note": "x"}, {"statusReason": "x"}, {"dosageInstruction": 5}])
def test_a_fault_elsewhere_changes_nothing(fault):
    assert only(**fault).is_certain


def test_the_codes_of_a_drug_are_those_sent_and_the_opioid_within():
    given = prescription(medicationCodeableConcept=concept(MORPHINE_TABLET, RXNORM))
    assert codes_of(drug_codings(record(), given)[0]) == [MORPHINE_TABLET, MORPHINE]


def test_the_names_of_a_drug_are_kept_apart_from_its_codes():
    given = prescription(medicationCodeableConcept={"text": "Morphine and bupivacaine"})
    assert [codes_of(each) for each in drug_codings(record(), given)] == [[], [MORPHINE, "1815"]]
