"""Prescriptions: which drug, and whether they took effect."""

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.medications import medications
from tests.support.fhir_builders import ASKED, KNOWN, concept, knows, record, resource

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
    ("intent", "certain"), [("order", True), ("plan", False), ("proposal", False), ("option", False)]
)
def test_what_was_only_planned_or_proposed_is_not_certain(intent, certain):
    assert only(intent=intent).is_certain is certain


@pytest.mark.parametrize(
    "reported", [{"reportedBoolean": True}, {"reportedReference": {"reference": "Practitioner/dr"}}]
)
def test_a_plan_that_is_a_reported_medication_is_certain(reported):
    found = only(intent="plan", **reported)
    assert (found.is_certain, found.evidence.value) == (True, "reported")


def test_a_plan_of_which_nobody_reported_that_it_is_taken_is_not_certain():
    assert only(intent="plan", reportedBoolean=False).is_certain is False


@pytest.mark.parametrize(
    ("authored", "certain"), [("2026-03-02", True), ("2026-03-03", False), ("2026-03", False), (None, True)]
)
def test_a_prescription_of_a_day_to_come_proves_nothing(authored, certain):
    assert only(authoredOn=authored).is_certain is certain


def dispense(**members):
    made = {"status": "completed", "medicationCodeableConcept": concept(), "whenHandedOver": "2026-01-10", **members}
    return resource("MedicationDispense", **made)


def statement(**members):
    made = {"status": "active", "medicationCodeableConcept": concept(), "effectiveDateTime": "2026-01-10", **members}
    return resource("MedicationStatement", **made)


@pytest.mark.parametrize(
    ("given", "certain"),
    [
        (dispense(), True),
        (dispense(status="in-progress"), False),
        (dispense(whenHandedOver=None, whenPrepared="2026-03-03"), False),
        (statement(), True),
        (statement(status="intended"), False),
        (statement(effectiveDateTime=None, effectivePeriod={"start": "2026-03-03"}), False),
    ],
)
def test_a_dispense_or_a_report_counts_like_a_prescription(given, certain):
    (found,) = medications(record(given), KNOWN)
    assert found.is_certain is certain


@pytest.mark.parametrize("given", [dispense(status="declined"), statement(status="not-taken")])
def test_what_was_declined_or_not_taken_is_left_out(given):
    assert medications(record(given), KNOWN) == ()


def test_another_drug_is_left_out():
    assert read(medicationCodeableConcept=concept("other")) == ()


def test_a_code_that_only_asks_is_not_certain():
    assert only(ASKED).is_certain is False


def test_a_product_counts_by_the_opioid_it_holds():
    assert only(knows(MORPHINE), medicationCodeableConcept=concept(MORPHINE_TABLET, RXNORM)).is_certain


@pytest.mark.parametrize(
    "words", [{"text": "Morphine for pain"}, {"coding": [{"code": "local", "display": "MORPHINE SULFATE"}]}]
)
def test_a_drug_that_is_only_mentioned_is_shown_and_not_certain(words):
    assert only(knows(MORPHINE), medicationCodeableConcept=words).is_certain is False


@pytest.mark.parametrize(
    "words", [{"text": "Morphine 15 mg tablet"}, {"coding": [{"code": "local", "display": "MS CONTIN 15 MG"}]}]
)
def test_a_drug_named_by_the_label_of_a_product_is_certain(words):
    assert only(knows(MORPHINE), medicationCodeableConcept=words).is_certain


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


def test_the_evidence_has_the_label_of_the_chart():
    assert only(medicationCodeableConcept={**concept(), "text": "Home pills"}).evidence.label == "Home pills"
