"""The lines of the chart panel: labels, days, and what else is said, from the service's own readings."""

from collections.abc import Callable
from typing import Any

import pytest

from cds_service.web.sandbox.chart_items import (
    Item,
    given_answers,
    images,
    insurance,
    medicines,
    others,
    performed,
    problems,
    scores,
    short_decimals,
)
from fhir_mappings.record import PatientRecord
from tests.support.chart_pages import drug
from tests.support.fhir_builders import PATIENT, concept, condition, procedure, record, resource, score, status_of

LISTS: dict[str, Callable[[PatientRecord], tuple[Item, ...]]] = {
    "Condition": problems,
    "Procedure": performed,
    "MedicationRequest": medicines,
    "MedicationDispense": medicines,
    "MedicationStatement": medicines,
    "MedicationAdministration": medicines,
    "Observation": scores,
    "DiagnosticReport": images,
    "ImagingStudy": images,
    "Coverage": insurance,
    "QuestionnaireResponse": given_answers,
    "AllergyIntolerance": lambda chart: others(chart, ()),
}
JUNK: list[Any] = [None, 7, "x", [], ["x", None], {}, {"coding": 7}, {"start": 7}, {"value": []}]
ELEMENTS = (
    *("code", "status", "period", "payor", "class", "type", "item", "authored", "questionnaire", "conclusion"),
    *("dosageInstruction", "dosage", "dispenseRequest", "quantity", "daysSupply", "effectiveDateTime", "bodySite"),
    *("valueQuantity", "valueString", "valueCodeableConcept", "component", "onsetDateTime", "performedDateTime"),
    *("medicationCodeableConcept", "category", "description", "recordedDate"),
)


def only(found: tuple[Item, ...]) -> tuple[str, str, tuple[str, ...]]:
    """The one line, without its reference."""
    (item,) = found
    return item.label, item.when, item.says


def labels(found: tuple[Item, ...]) -> list[str]:
    return [each.label for each in found]


def test_a_problem_has_its_day_status_and_side() -> None:
    left = condition(code={"text": "Hip pain"}, onsetDateTime="2024-05", bodySite=[{"text": "Left hip"}])
    assert only(problems(record(left))) == ("Hip pain", "2024-05", ("active", "left side"))


def test_an_encounter_diagnosis_says_so_and_when_it_ended() -> None:
    category = [status_of("encounter-diagnosis")]
    ended = condition("resolved", code={"text": "A"}, category=category, abatementDateTime="2025")
    assert only(problems(record(ended)))[2] == ("ended", "until 2025", "encounter")


def test_active_problems_come_first_and_each_group_begins_with_the_newest() -> None:
    chart = record(
        condition("resolved", id="a", code={"text": "Ended"}, onsetDateTime="2026"),
        condition(id="b", code={"text": "Old"}, onsetDateTime="2020"),
        condition(id="c", code={"text": "New"}, onsetDateTime="2024"),
    )
    assert labels(problems(chart)) == ["New", "Old", "Ended"]


def test_a_problem_entered_in_error_is_shown_as_not_read() -> None:
    assert only(problems(record(condition(verification="entered-in-error", code={"text": "A"})))) == (
        "A",
        "",
        ("not read",),
    )


@pytest.mark.parametrize(
    ("name", "site", "side"),
    [
        ("Injection", "Left sacroiliac joint", "left side"),
        ("Injection", "Both sides", "both sides"),
        ("Injection, right", "Left sacroiliac joint", "side unclear"),
    ],
)
def test_a_procedure_has_its_day_and_side(name: str, site: str, side: str) -> None:
    done = procedure(code={"text": name}, bodySite=[{"text": site}])
    assert only(performed(record(done))) == (name, "2026-01-05", (side,))


@pytest.mark.parametrize("status", ["not-done", "in-progress", "entered-in-error"])
def test_a_procedure_that_was_not_completed_says_so(status: str) -> None:
    assert only(performed(record(procedure(status=status))))[2] == (status,)


def test_a_concept_without_words_is_named_by_its_code() -> None:
    assert labels(performed(record(procedure(code=concept("27096"))))) == ["27096"]


def test_a_drug_has_directions_supply_and_status() -> None:
    ordered = drug("a", dosageInstruction=[{"text": "1 daily"}], dispenseRequest={"quantity": {"value": 30}})
    assert only(medicines(record(ordered))) == ("Oxycodone 5 mg", "2026-02-01", ("1 daily", "30", "active"))


def test_a_drug_that_was_dispensed_says_so() -> None:
    handed = drug(
        "a", resourceType="MedicationDispense", status="completed", whenHandedOver="2026-02-03", authoredOn=None
    )
    assert only(medicines(record(handed)))[1:] == ("2026-02-03", ("dispensed", "completed"))


def test_a_score_has_its_value_and_local_time() -> None:
    assert only(scores(record(score(7, "2026-02-01T09:30:00-05:00", code="72514-3"))))[1:] == (
        "2026-02-01 09:30",
        ("7",),
    )


def test_the_parts_of_a_panel_stand_in_its_line() -> None:
    parts = [
        {"code": concept(name), "valueQuantity": {"value": value, "unit": "mmHg", "code": "mm[Hg]"}}
        for name, value in (("systolic", 120), ("diastolic", 80))
    ]
    panel = resource("Observation", status="final", code=concept("panel"), component=parts)
    assert only(scores(record(panel)))[2] == ("systolic 120 mmHg, diastolic 80 mmHg",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"valueString": "Never smoked"}, "Never smoked"),
        ({"valueBoolean": False}, "no"),
        ({"valueCodeableConcept": {"text": "Never"}}, "Never"),
    ],
)
def test_a_finding_without_a_number_is_shown_in_words(value: dict[str, Any], shown: str) -> None:
    found = resource("Observation", status="final", code={"text": "Smoking"}, effectiveDateTime="2025", **value)
    assert only(scores(record(found))) == ("Smoking", "2025", (shown,))


def test_a_preliminary_score_says_so() -> None:
    assert "preliminary" in only(scores(record(score(7, "2026-02-01", status="preliminary"))))[2]


def test_a_report_has_what_it_concludes() -> None:
    report = resource(
        "DiagnosticReport",
        status="final",
        code={"text": "MR"},
        effectiveDateTime="2026-01-01",
        conclusion="No fracture.",
    )
    assert only(images(record(report))) == ("MR", "2026-01-01", ("concludes: No fracture.",))


def test_a_preliminary_report_says_so() -> None:
    report = resource("DiagnosticReport", status="preliminary", code={"text": "MR"}, effectiveDateTime="2026-01-01")
    assert only(images(record(report)))[2] == ("preliminary",)


def test_a_coverage_has_its_payer_kind_end_and_status() -> None:
    plan = resource(
        "Coverage",
        status="active",
        beneficiary=PATIENT,
        payor=[{"display": "Test Plan"}],
        period={"start": "2025-01-01", "end": "2026-12-31"},
        type={"coding": [{"system": "https://nahdo.org/sopt", "code": "1"}]},
    )
    assert only(insurance(record(plan))) == ("Test Plan", "2025-01-01", ("Medicare", "until 2026-12-31", "active"))


def test_the_payer_of_a_coverage_may_be_a_resource() -> None:
    payer = {"resourceType": "Organization", "id": "org", "name": "Read Plan"}
    plan = resource("Coverage", status="active", beneficiary=PATIENT, payor=[{"reference": "Organization/org"}])
    assert labels(insurance(record(plan, payer))) == ["Read Plan"]


def test_a_form_has_its_policy_and_answers() -> None:
    form = resource(
        "QuestionnaireResponse",
        status="completed",
        questionnaire="https://cds.example.org/fhir/Questionnaire/CP.MP.126|2025-04.1",
        authored="2026-01-01T10:00:00Z",
        item=[{"linkId": "II.B", "answer": [{"valueBoolean": True}]}],
    )
    assert only(given_answers(record(form))) == ("CP.MP.126, revision 2025-04.1", "2026-01-01", ("II.B: yes",))


def test_everything_else_is_listed_with_its_type() -> None:
    latex = resource("AllergyIntolerance", patient=PATIENT, code={"text": "Latex"}, recordedDate="2020-01-01")
    chart = record(latex, condition(id="c"), {"resourceType": "Patient", "id": "p"})
    assert only(others(chart, ("Condition",))) == ("Latex", "2020-01-01", ("AllergyIntolerance",))


def test_a_line_has_the_id_that_evidence_links_to() -> None:
    assert Item("Condition/c-1", "A").html_id == "chart-Condition-c-1"


def test_a_very_long_label_is_cut() -> None:
    assert len(labels(problems(record(condition(code={"text": "word " * 10_000}))))[0]) < 170


@pytest.mark.parametrize(
    ("words", "shown"),
    [("28.29140957 kg", "28.29… kg"), ("74.9999 %", "74.99… %"), ("7.123", "7.123"), ("7.12", "7.12"), ("7", "7")],
)
def test_long_decimals_are_cut_and_never_rounded(words: str, shown: str) -> None:
    assert short_decimals(words) == shown


@pytest.mark.parametrize("kind", LISTS)
def test_every_resource_has_its_line_whatever_stands_in_it(kind: str) -> None:
    for element in ELEMENTS:
        for value in JUNK:
            assert len(LISTS[kind](record(resource(kind, **{element: value})))) == 1
