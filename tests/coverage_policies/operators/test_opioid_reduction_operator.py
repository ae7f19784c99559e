"""`opioid_reduction`: proven, disproven or open; the arithmetic itself is tested where it is done."""

from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import ADMINISTRATIONS, DISPENSES, PRESCRIPTIONS, STATEMENTS
from coverage_policies.format.terms import Reason
from coverage_policies.operators.opioid_reduction import printed
from fhir_mappings.codings import RXNORM
from fhir_mappings.fhir_json import Resource
from fhir_mappings.opioids import Dose
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import NOT_OFFERED, UNAVAILABLE, available, clause, concept, run

WEANED = clause("opioid_reduction", by="at least 50 %")
NOT_WEANED = clause("opioid_reduction", by="under 50 %")
OXYCODONE_5_MG = "1049621"


def tablets(number: str, every_hours: int, first: str, last: str | None, code: str = OXYCODONE_5_MG) -> Resource:
    """Oxycodone tablets by mouth, around the clock."""
    bounds = {"start": first, **({"end": last} if last else {})}
    dosage: dict[str, Any] = {
        "timing": {
            "repeat": {"boundsPeriod": bounds, "frequency": 1, "period": Decimal(every_hours), "periodUnit": "h"}
        },
        "route": concept("26643006"),
        "doseAndRate": [{"doseQuantity": {"value": Decimal(number), "unit": "tablet", "code": "{tbl}"}}],
    }
    return {
        "resourceType": "MedicationRequest",
        "id": f"m-{first}",
        "status": "completed" if last else "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": concept(code, system=RXNORM),
        "authoredOn": first,
        "dosageInstruction": [dosage],
    }


BEFORE = tablets("2", 6, "2025-06-01", "2026-01-31")


def now(number: str, every_hours: int) -> list[Resource]:
    return [BEFORE, tablets(number, every_hours, "2026-02-01", "2026-03-31")]


def both(*resources: Resource, **more: Any) -> tuple[ClauseResult, ClauseResult]:
    return run(WEANED, *resources, **more), run(NOT_WEANED, *resources, **more)


def test_it_needs_whatever_tells_of_drugs_taken() -> None:
    assert WEANED.searches == (PRESCRIPTIONS, DISPENSES, STATEMENTS, ADMINISTRATIONS)


@pytest.mark.parametrize(
    ("current", "weaned", "not_weaned"),
    [
        (("1", 6), Truth.YES, Truth.NO),
        (("1", 8), Truth.YES, Truth.NO),
        (("2", 8), Truth.NO, Truth.YES),
        (("2", 6), Truth.NO, Truth.YES),
    ],
    ids=["exactly half", "less than half", "two thirds", "the same"],
)
def test_half_is_half_and_a_reduction_is_proven_or_disproven(
    current: tuple[str, int], weaned: Truth, not_weaned: Truth
) -> None:
    assert tuple(found.holds for found in both(*now(*current))) == (weaned, not_weaned)


def test_what_is_proven_is_told_with_the_doses_and_their_prescriptions() -> None:
    found = run(NOT_WEANED, *now("2", 8))
    assert (found.reason, found.headline) == (Reason.VALUE_OUT_OF_RANGE, "Opioids down only 25% (60 → 45 MME/day)")
    assert {item.reference for item in found.evidence} == {
        "MedicationRequest/m-2025-06-01",
        "MedicationRequest/m-2026-02-01",
    }
    assert [note.split(" (")[0] for note in found.notes] == [
        "Highest 14-day mean 60 MME/day",
        "Highest 90-day mean 60 MME/day",
        "Now 45 MME/day",
    ]


@pytest.mark.parametrize(
    ("number", "headline"), [("3", "Opioids up (60 → 90 MME/day)"), ("2", "Opioids unchanged (60 → 60 MME/day)")]
)
def test_a_dose_that_did_not_fall_is_told_so(number: str, headline: str) -> None:
    until = tablets("2", 6, "2025-06-01", "2026-02-15")
    assert run(NOT_WEANED, until, tablets(number, 6, "2026-02-16", "2026-03-31")).headline == headline


def test_each_prescription_is_shown_with_its_days_and_its_dose_what_is_taken_now_first_then_the_baseline() -> None:
    found = run(NOT_WEANED, BEFORE, tablets("2", 8, "2026-02-01", "2026-02-01"), tablets("2", 8, "2026-02-02", None))
    assert [(item.date, item.value) for item in found.evidence] == [
        ("2026-02-02", "45 MME/day"),
        ("2025-06-01 to 2026-01-31", "60 MME/day"),
        ("2026-02-01", "45 MME/day"),
    ]


def test_what_could_not_be_converted_is_shown_with_the_reason_instead() -> None:
    found = run(NOT_WEANED, BEFORE, tablets("1", 12, "2026-02-01", "2026-03-31", code="351264"))
    values = [item.value for item in found.evidence]
    assert values[1] == "60 MME/day"
    assert "MME/day" not in values[0]
    assert f"({values[0]})" in found.notes[-1]


def test_silence_after_the_last_supply_is_a_question() -> None:
    for found in both(BEFORE):
        assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.MISSING)
        assert found.notes[0] == "No opioid recorded since 01/31/2026. Stopped?"
        assert found.evidence[0].value == "60 MME/day, stopped?"


def test_silence_about_one_of_two_drugs_names_it() -> None:
    hydrocodone = tablets("1", 6, "2025-06-02", "2025-12-31", code="856999")
    found = run(WEANED, *now("1", 8), hydrocodone)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE)
    assert found.notes[0].endswith(": none recorded since 12/31/2025. Stopped?")


def test_a_drug_without_a_stated_end_lapses_from_its_beginning() -> None:
    unstated = tablets("1", 6, "2025-11-01", None, code="856999") | {"status": "completed"}
    found = run(WEANED, *now("1", 8), unstated)
    assert found.notes[0].endswith(": none recorded since 11/01/2025. Stopped?")


def test_the_two_bounds_of_a_baseline_are_told_apart() -> None:
    as_needed = tablets("1", 6, "2025-10-02", "2026-01-31", code="856999")
    as_needed["dosageInstruction"][0]["asNeededBoolean"] = True
    found = run(WEANED, *now("1", 8), as_needed)
    assert found.notes == (
        "acetaminophen 325 MG / hydrocodone bitartrate 10 MG Oral Tablet: none recorded since 01/31/2026. Stopped?",
        "Highest 14-day mean 60 MME/day (2026-01-18 to 2026-01-31), at most 100 MME/day",
        "Highest 90-day mean 60 MME/day (2025-11-03 to 2026-01-31), at most 100 MME/day",
        "Now 22.5 to 62.5 MME/day (2026-02-16 to 2026-03-01), CDC 2022 factors",
    )


def test_a_baseline_with_a_drug_that_cannot_be_converted_may_be_higher() -> None:
    found = run(WEANED, *now("1", 8), tablets("1", 12, "2025-08-01", "2025-12-31", code="351264"))
    assert any(
        note.startswith("Highest 14-day mean 60 MME/day") and note.endswith(", maybe higher") for note in found.notes
    )


@pytest.mark.parametrize(
    ("arguments", "weaned"),
    [
        ({}, Truth.NO),
        ({"current": "7 days"}, Truth.YES),
        ({"look_back": "120 days"}, Truth.UNKNOWN),
        ({"baselines": "14 days"}, Truth.NO),
    ],
)
def test_the_days_are_those_of_the_document(arguments: dict[str, str], weaned: Truth) -> None:
    """60 MME/day until 22 February, then 30: the last 14 days are 45 on average, the last seven 30."""
    chart = [tablets("2", 6, "2025-06-01", "2026-02-22"), tablets("1", 6, "2026-02-23", "2026-03-31")]
    if arguments.get("look_back"):
        chart = [tablets("2", 6, "2025-06-01", "2025-11-20"), tablets("1", 6, "2025-11-21", "2026-03-31")]
    assert run(clause("opioid_reduction", by="at least 50 %", **arguments), *chart).holds is weaned


def test_the_look_back_holds_the_current_days_and_the_longest_baseline() -> None:
    with pytest.raises(ValueError, match="look_back is shorter"):
        clause("opioid_reduction", by="at least 50 %", look_back="103 days")
    clause("opioid_reduction", by="at least 50 %", look_back="104 days")


def test_without_an_opioid_nothing_is_asserted() -> None:
    for found in both():
        assert (found.holds, found.reason, found.evidence) == (Truth.UNKNOWN, Reason.NOT_FOUND, ())


def test_a_drug_without_a_factor_leaves_it_open() -> None:
    buprenorphine = tablets("1", 12, "2026-02-01", "2026-03-31", code="351264")
    for found in both(BEFORE, buprenorphine):
        assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.UNCONVERTIBLE)
        assert any(note.startswith("Not converted: ") for note in found.notes)


def test_a_history_too_short_for_a_baseline_leaves_it_open() -> None:
    for found in both(tablets("1", 6, "2026-02-20", None)):
        assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE)
        assert found.notes == ("Opioid dose: history too short.",)


@pytest.mark.parametrize(
    "kind", ["MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration"]
)
def test_a_wean_is_not_proven_by_data_that_were_cut_short(kind: str) -> None:
    partial: dict[str, Any] = {kind: UNAVAILABLE}
    found = run(WEANED, *now("1", 8), availability=available(**partial))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_what_a_server_does_not_offer_is_not_missed() -> None:
    partial: dict[str, Any] = dict.fromkeys(("MedicationDispense", "MedicationStatement"), NOT_OFFERED)
    assert run(WEANED, *now("1", 8), availability=available(**partial)).holds is Truth.YES


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        ("120", "120", "120 MME/day"),
        ("35.833333", "35.833333", "35.8 MME/day"),
        ("0.04", "1234567.89", "0 to 1234567.9 MME/day"),
        ("0", "30", "0 to 30 MME/day"),
        ("22.5", "45", "22.5 to 45 MME/day"),
        ("60", None, "at least 60 MME/day"),
        ("0", None, "cannot be computed"),
        ("0", "0", "0 MME/day"),
    ],
)
def test_a_dose_is_printed_for_reading(low: str, high: str | None, words: str) -> None:
    assert printed(Dose(Decimal(low), None if high is None else Decimal(high))) == words
