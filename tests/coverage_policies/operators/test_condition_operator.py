"""`condition`: present by the anchor date, and how long."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import CONDITIONS, ENCOUNTERS, PRESCRIPTIONS, PROCEDURES, REPORTS
from coverage_policies.format.terms import Reason
from fhir_mappings.codings import CPT, RXNORM
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import (
    ANCHOR,
    COMPLETE,
    NOT_OFFERED,
    UNAVAILABLE,
    available,
    chart,
    clause,
    concept,
    condition,
    order,
    procedure,
    report,
    run,
)

PRESENT = clause("condition", in_="alpha")
SHORT = clause("condition", in_=["alpha", "beta"], lasting="under 6 months")
LONG = clause("condition", in_=["alpha", "beta"], lasting="at least 6 months")
CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def named(found: ClauseResult) -> list[str]:
    return [item.reference for item in found.evidence]


def verified(word: str) -> dict[str, Any]:
    return {"verificationStatus": concept(word, system=VERIFICATION)}


def test_it_needs_the_problem_list() -> None:
    assert PRESENT.searches == (CONDITIONS,)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (condition("alpha"), Truth.YES, Reason.PRESENT),
        (condition("alpha", status="recurrence"), Truth.YES, Reason.PRESENT),
        (condition("alpha", **verified("confirmed")), Truth.YES, Reason.PRESENT),
        (condition("alpha", **verified("provisional")), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (condition("alpha", **verified("refuted")), Truth.NO, Reason.NOT_FOUND),
        (condition("alpha", **verified("entered-in-error")), Truth.NO, Reason.NOT_FOUND),
        (condition("alpha", status="resolved"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (condition("alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (condition("beta"), Truth.NO, Reason.NOT_FOUND),
        (condition("alpha", "last spring"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
    ],
)
def test_only_what_is_active_and_confirmed_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(PRESENT, resource)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("category", "headline"),
    [
        ("problem-list-item", "Label of alpha on the problem list"),
        ("encounter-diagnosis", "Label of alpha diagnosed 2026-01-01"),
    ],
)
def test_the_finding_says_which_list_it_stands_on(category: str, headline: str) -> None:
    stated = concept(category, system="http://terminology.hl7.org/CodeSystem/condition-category")
    assert run(PRESENT, condition("alpha", "2026-01-01", category=[stated])).headline == headline


def test_a_short_time_is_told_by_the_oldest_record() -> None:
    found = run(SHORT, condition("alpha", "2026-01-20"), condition("beta", "2026-01-05"))
    assert found.headline == "On record only since 2026-01-05"


def test_only_what_holds_is_evidence_where_something_holds() -> None:
    found = run(PRESENT, condition("alpha", id="yes"), condition("alpha-asks", id="asks"))
    assert named(found) == ["Condition/yes"]


def test_what_may_hold_is_evidence_where_nothing_does() -> None:
    found = run(PRESENT, condition("alpha-asks", id="asks"), condition("beta", id="other"))
    assert named(found) == ["Condition/asks"]


def test_what_was_read_of_a_list_cut_short_holds() -> None:
    assert run(PRESENT, condition("alpha"), availability=available(Condition=UNAVAILABLE)).holds is Truth.YES


# --- begun by the anchor date ----------------------------------------------------------------------------------------

LOOKED_BACK_TO = date(2025, 11, 10)


@pytest.mark.parametrize(
    ("onset", "holds", "reason"),
    [
        ("2025-11-09", Truth.YES, Reason.PRESENT),
        ("2025-11-10", Truth.YES, Reason.PRESENT),
        ("2025-11-11", Truth.NO, Reason.NOT_FOUND),
        ("2025-10", Truth.YES, Reason.PRESENT),
        ("2025-11", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ("2025", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ("2025-12", Truth.NO, Reason.NOT_FOUND),
        (None, Truth.YES, Reason.PRESENT),
    ],
)
def test_it_must_have_begun_by_the_anchor_date(onset: str | None, holds: Truth, reason: Reason) -> None:
    found = run(PRESENT, condition("alpha", onset), anchor=LOOKED_BACK_TO)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("recorded", "holds"),
    [("2025-11-10", Truth.YES), ("2025-11-11", Truth.UNKNOWN), ("2026-02-25", Truth.UNKNOWN)],
)
def test_what_was_only_recorded_later_may_have_begun_later(recorded: str, holds: Truth) -> None:
    found = run(PRESENT, condition("alpha", None, recordedDate=recorded), anchor=LOOKED_BACK_TO)
    assert found.holds is holds


def test_what_is_active_when_the_chart_is_read_has_begun() -> None:
    """An onset of this month or year lies before the reading, whatever its day."""
    assert run(PRESENT, condition("alpha", "2026-03")).holds is Truth.YES
    assert run(PRESENT, condition("alpha", "2026")).holds is Truth.YES


def test_what_ended_after_the_anchor_date_was_there_on_it() -> None:
    over = condition("alpha", "2025-11-01", "resolved", abatementDateTime="2025-11-11")
    assert run(PRESENT, over, anchor=LOOKED_BACK_TO).holds is Truth.YES
    assert run(PRESENT, over, anchor=date(2025, 11, 11)).holds is Truth.UNKNOWN


# --- lasting: under --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("onset", "holds"),
    [
        ("2025-09-03", Truth.YES),
        ("2025-09-02", Truth.NO),
        ("2025-09-01", Truth.NO),
        ("2025-10", Truth.YES),
        ("2025-09", Truth.UNKNOWN),
        ("2025-08", Truth.NO),
        (None, Truth.UNKNOWN),
    ],
)
def test_short_is_under_the_span_and_not_on_it(onset: str | None, holds: Truth) -> None:
    found = run(SHORT, condition("alpha", onset))
    assert (found.holds, found.reason) == (holds, Reason.DATE_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        (condition("beta", "2026-01-01"), Truth.YES),
        (condition("beta", "2025-01-01"), Truth.NO),
        (condition("beta", "2025-01-01", "resolved"), Truth.NO),
        (condition("beta", "2025"), Truth.UNKNOWN),
        (condition("beta", None), Truth.UNKNOWN),
        (condition("beta-asks", "2026-01-01"), Truth.UNKNOWN),
        (condition("beta-asks", "2020-01-01"), Truth.UNKNOWN),
        (condition("beta", "2020-01-01", **verified("provisional")), Truth.UNKNOWN),
        (condition("gamma", "2020-01-01"), Truth.YES),
    ],
)
def test_the_oldest_of_all_that_match_decides_how_short_it_is(other: Resource, holds: Truth) -> None:
    found = run(SHORT, condition("alpha", "2026-01-01"), other)
    assert found.holds is holds


def test_all_that_match_are_the_evidence_of_how_short_it_is() -> None:
    found = run(SHORT, condition("alpha", "2026-01-01"), condition("beta", "2026-02-01"))
    assert named(found) == ["Condition/alpha-1", "Condition/beta-1"]


def test_what_is_over_proves_no_short_duration() -> None:
    found = run(SHORT, condition("alpha", "2026-01-01", "resolved"))
    assert found.holds is Truth.UNKNOWN


@pytest.mark.parametrize("onset", ["2026-01-01", "2020-01-01"])
def test_a_list_cut_short_may_lack_the_oldest(onset: str) -> None:
    found = run(SHORT, condition("alpha", onset), availability=available(Condition=UNAVAILABLE))
    assert (found.holds, found.reason, named(found)) == (
        Truth.UNKNOWN,
        Reason.DATA_UNAVAILABLE,
        ["Condition/alpha-1"],
    )


@pytest.mark.parametrize("how", [COMPLETE, NOT_OFFERED])
def test_without_any_there_is_no_duration(how: Any) -> None:
    assert run(SHORT, availability=available(Condition=how)).holds is Truth.NO


ENCOUNTER_DIAGNOSIS = {"category": [concept("encounter-diagnosis", system=CATEGORY)]}


def test_the_day_of_an_encounter_does_not_show_that_its_diagnosis_is_new() -> None:
    new = condition("alpha", "2026-02-01", **ENCOUNTER_DIAGNOSIS)
    assert run(SHORT, new).holds is Truth.UNKNOWN
    assert run(SHORT, new, condition("beta", "2026-01-01")).holds is Truth.YES
    assert run(SHORT, condition("alpha", "2025-08-01", **ENCOUNTER_DIAGNOSIS)).holds is Truth.NO


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({"code": concept("alpha") | {"text": "Chronic alpha"}}, Truth.UNKNOWN),
        ({"code": concept("alpha") | {"text": "Alpha"}}, Truth.YES),
        ({"note": [{"text": "Alpha for 3 years."}]}, Truth.UNKNOWN),
        ({"note": [{"text": "Alpha for 3 weeks."}]}, Truth.YES),
        ({"note": [{}]}, Truth.YES),
    ],
)
def test_what_is_said_to_last_may_be_older_than_its_onset(more: dict[str, Any], holds: Truth) -> None:
    new = {**condition("alpha", "2026-02-01"), **more}
    assert run(SHORT, new).holds is holds
    assert run(LONG, new).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"reasonCode": [concept("alpha")]}, Truth.YES),
        ({"reasonCode": [concept("alpha") | {"text": "Alpha x 3 years"}]}, Truth.UNKNOWN),
        ({"reasonCode": [concept("alpha-asks")]}, Truth.UNKNOWN),
        ({"reasonCode": [concept("gamma") | {"text": "Chronic gamma"}]}, Truth.YES),
        ({"note": [{"text": "Alpha since 2022"}]}, Truth.UNKNOWN),
        ({"note": [{"text": "Alpha since Monday"}]}, Truth.YES),
    ],
)
def test_an_order_may_say_that_the_complaint_is_older(said: dict[str, Any], holds: Truth) -> None:
    found = run(SHORT, condition("alpha", "2026-02-01"), of=order(**said))
    assert found.holds is holds
    assert (order().reference in named(found)) is (holds is Truth.UNKNOWN)


def test_at_most_is_short_too_and_holds_on_the_boundary() -> None:
    at_most = clause("condition", in_="alpha", lasting="at most 6 months")
    assert run(at_most, condition("alpha", "2025-09-02")).holds is Truth.YES
    assert run(at_most, condition("alpha", "2025-09-01")).holds is Truth.NO


# --- lasting: at least -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("onset", "holds", "reason"),
    [
        ("2025-09-01", Truth.YES, Reason.PRESENT),
        ("2025-09-02", Truth.YES, Reason.PRESENT),
        ("2025-09-03", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ("2025-08", Truth.YES, Reason.PRESENT),
        ("2025-09", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (None, Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_long_is_proven_by_one_that_began_early_enough(onset: str | None, holds: Truth, reason: Reason) -> None:
    found = run(LONG, condition("alpha", onset), condition("beta", "2026-02-01"))
    assert (found.holds, found.reason) == (holds, reason)


def test_only_those_that_are_long_enough_are_its_evidence() -> None:
    assert named(run(LONG, condition("alpha", "2025-01-01"), condition("beta", "2026-02-01"))) == ["Condition/alpha-1"]


def test_an_old_record_proves_how_long_it_has_been_there_at_least() -> None:
    assert run(LONG, condition("alpha", None, recordedDate="2025-09-02")).holds is Truth.YES


def test_what_is_not_present_is_not_long() -> None:
    assert run(LONG, condition("alpha", "2020-01-01", "resolved")).holds is Truth.UNKNOWN
    assert run(LONG, condition("alpha-asks", "2020-01-01")).holds is Truth.UNKNOWN


def test_long_is_proven_also_by_a_list_cut_short() -> None:
    found = run(LONG, condition("alpha", "2020-01-01"), availability=available(Condition=UNAVAILABLE))
    assert found.holds is Truth.YES


def test_over_does_not_hold_on_the_boundary() -> None:
    over = clause("condition", in_="alpha", lasting="over 6 months")
    assert run(over, condition("alpha", "2025-09-02")).holds is Truth.UNKNOWN
    assert run(over, condition("alpha", "2025-09-01")).holds is Truth.YES


def test_the_chart_is_read_after_the_anchor_in_these_tests_only_where_it_says_so() -> None:
    assert chart().today == ANCHOR


# --- the side of the order -------------------------------------------------------------------------------------------

SAME_SIDE = clause("condition", in_="alpha", side="same")


@pytest.mark.parametrize(
    ("ours", "text", "holds", "value"),
    [
        ("Left", "Left hip", Truth.YES, ""),
        ("Left", "Right hip", Truth.NO, None),
        ("Left", "Both hips, bilateral", Truth.YES, ""),
        ("Left", "Hip", Truth.UNKNOWN, "side not told"),
        ("", "Left hip", Truth.UNKNOWN, "side not told"),
        ("Both sides", "Left hip", Truth.UNKNOWN, "side not told"),
    ],
)
def test_a_condition_counts_on_the_side_of_the_order(ours: str, text: str, holds: Truth, value: str | None) -> None:
    of = order(orderDetail=[{"text": ours}]) if ours else order()
    found = run(SAME_SIDE, {**condition("alpha"), "code": concept("alpha") | {"text": text}}, of=of)
    assert found.holds is holds
    assert [item.value for item in found.evidence] == ([] if value is None else [value])


def test_one_whose_side_is_open_cannot_prove_how_long() -> None:
    test = clause("condition", in_="alpha", side="same", lasting="at least 6 months")
    of = order(orderDetail=[{"text": "Left"}])
    assert run(test, condition("alpha", "2020-01-01"), of=of).holds is Truth.UNKNOWN
    assert run(test, condition("alpha", "2020-01-01", bodySite=[concept("7771000")]), of=of).holds is Truth.YES


# --- list, course, and what is not understood -------------------------------------------------------------------------

MASKED = condition("masked", id="masked")
DIAGNOSED = "http://terminology.hl7.org/CodeSystem/condition-category"


def diagnosed(recorded: str, **more: Any) -> Resource:
    category = [concept("encounter-diagnosis", system=DIAGNOSED)]
    return condition("alpha", None, category=category, recordedDate=recorded, **more)


@pytest.mark.parametrize(
    ("arguments", "recorded", "holds"),
    [
        ({}, "2025-03-02", Truth.YES),
        ({}, "2025-03-01", Truth.UNKNOWN),
        ({"encounter_diagnosis": "90 days"}, "2025-12-02", Truth.YES),
        ({"encounter_diagnosis": "90 days"}, "2025-12-01", Truth.UNKNOWN),
    ],
)
def test_the_diagnosis_of_an_encounter_counts_for_its_argument(
    arguments: dict[str, str], recorded: str, holds: Truth
) -> None:
    assert run(clause("condition", in_="alpha", **arguments), diagnosed(recorded)).holds is holds


@pytest.mark.parametrize(
    ("arguments", "ended", "holds"),
    [
        ({}, "2025-12-24", Truth.YES),
        ({}, "2025-12-25", Truth.UNKNOWN),
        ({"same_time": "30 days"}, "2025-12-24", Truth.UNKNOWN),
    ],
)
def test_records_that_differ_about_the_same_time_leave_it_open(
    arguments: dict[str, str], ended: str, holds: Truth
) -> None:
    over = condition("alpha", "2025-01-01", "resolved", id="over", abatementDateTime=ended)
    found = run(clause("condition", in_="alpha", **arguments), condition("alpha", "2026-01-01"), over)
    assert found.holds is holds


@pytest.mark.parametrize(
    ("arguments", "onset", "holds"),
    [
        ({}, "2026-02-16", Truth.YES),
        ({}, "2026-02-15", Truth.UNKNOWN),
        ({"acute": "30 days"}, "2026-02-15", Truth.YES),
    ],
)
def test_an_acute_condition_counts_for_its_argument(arguments: dict[str, str], onset: str, holds: Truth) -> None:
    assert run(clause("condition", in_="acute", **arguments), condition("acute", onset)).holds is holds


def test_an_acute_condition_needs_its_encounter() -> None:
    assert clause("condition", in_="acute").searches == (CONDITIONS, replace(ENCOUNTERS, only_dates=True))


def test_a_diagnosis_of_the_encounter_of_the_order_counts() -> None:
    old = diagnosed("2019-01-01", encounter={"reference": "Encounter/e"})
    assert run(PRESENT, old).holds is Truth.UNKNOWN
    assert run(PRESENT, old, of=replace(order(), encounter="Encounter/e")).holds is Truth.YES
    assert run(PRESENT, old, of=replace(order(), encounter="Encounter/f")).holds is Truth.UNKNOWN


def test_a_condition_that_is_not_understood_may_be_of_the_set() -> None:
    found = run(PRESENT, condition("beta"), MASKED)
    assert (found.holds, found.reason, named(found)) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, ["Condition/masked"])
    assert found.evidence[0].label == "Condition that cannot be identified"


def test_several_that_are_not_understood_are_counted() -> None:
    found = run(PRESENT, MASKED, condition("local", id="local"))
    assert [item.label for item in found.evidence] == ["2 conditions cannot be identified"]


def test_what_some_value_set_has_is_understood() -> None:
    assert run(PRESENT, condition("beta"), condition("gamma-asks")).holds is Truth.NO


def test_a_condition_that_is_not_understood_changes_nothing_where_one_of_the_set_is_present() -> None:
    assert run(PRESENT, condition("alpha"), MASKED).holds is Truth.YES


def test_a_condition_that_is_not_understood_may_be_the_oldest() -> None:
    found = run(SHORT, condition("alpha", "2026-01-01"), MASKED)
    assert (found.holds, named(found)) == (Truth.UNKNOWN, ["Condition/alpha-1", "Condition/masked"])


def test_a_list_that_could_not_be_read_is_told_rather_than_what_is_not_understood() -> None:
    found = run(PRESENT, MASKED, availability=available(Condition=UNAVAILABLE))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


# --- earlier care -----------------------------------------------------------------------------------------------------

YOUNG = clause("condition", in_="alpha", lasting="under 6 months", unless_older=["beta", "gamma"])
NEW = condition("alpha", "2026-02-01")


def test_earlier_care_needs_procedures_reports_and_prescriptions() -> None:
    assert YOUNG.searches == (CONDITIONS, PROCEDURES, REPORTS, PRESCRIPTIONS)


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        (procedure("beta", "2025-09-03"), Truth.YES),
        (procedure("beta", "2025-09-02"), Truth.UNKNOWN),
        (procedure("beta", None), Truth.UNKNOWN),
        (procedure("beta", "2025-01-01", "entered-in-error"), Truth.YES),
        (procedure("beta-asks", "2025-01-01"), Truth.UNKNOWN),
        (procedure("delta", "2025-01-01"), Truth.YES),
        (report("gamma", "2025-09-02"), Truth.UNKNOWN),
        (report("gamma", "2025-09-03"), Truth.YES),
        (condition("beta", "2025-09-02"), Truth.UNKNOWN),
        (condition("beta", "2025-09-03"), Truth.YES),
        (condition("beta", None), Truth.UNKNOWN),
        (condition("beta", "2026-01-01", recordedDate="2025-09-02"), Truth.UNKNOWN),
        (condition("beta", None, "resolved", abatementDateTime="2025-09-02"), Truth.UNKNOWN),
        (condition("beta", "2026-01-01", note=[{"text": "Chronic"}]), Truth.UNKNOWN),
        (condition("masked", "2025-09-02"), Truth.UNKNOWN),
        (condition("masked", "2025-09-03"), Truth.YES),
        (condition("masked", None), Truth.UNKNOWN),
    ],
)
def test_a_complaint_is_young_only_if_nothing_may_be_older(other: Resource, holds: Truth) -> None:
    found = run(YOUNG, NEW, other)
    assert found.holds is holds
    assert (other["id"] in {name.partition("/")[2] for name in named(found)}) is (holds is Truth.UNKNOWN)


def test_a_visit_and_a_drug_may_be_older_too() -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "v",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [concept("beta")],
        "subject": {"reference": "Patient/p"},
        "period": {"start": "2025-01-01", "end": "2025-01-01"},
    }
    drug = {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "stopped",
        "intent": "order",
        "medicationCodeableConcept": concept("7052", system=RXNORM),
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2025-01-01",
    }
    assert run(YOUNG, NEW, visit).holds is Truth.UNKNOWN
    with_drug = clause("condition", in_="alpha", lasting="under 6 months", unless_older="drug")
    assert run(with_drug, NEW, drug).holds is Truth.UNKNOWN
    assert run(with_drug, NEW, drug | {"authoredOn": "2026-01-01"}).holds is Truth.YES


@pytest.mark.parametrize(
    ("code", "at", "holds"),
    [
        ({"text": "Epidural injection"}, "2025-09-02", Truth.UNKNOWN),
        ({"text": "Epidural injection"}, "2025-09-03", Truth.YES),
        ({"coding": [{"system": "urn:local", "code": "INJ"}]}, "2025-01-10", Truth.UNKNOWN),
        (None, "2025-01-10", Truth.UNKNOWN),
        ({"text": "Epidural injection"}, None, Truth.UNKNOWN),
        (concept("45378", system=CPT), "2025-01-10", Truth.YES),
        (concept("other"), "2025-01-10", Truth.YES),
    ],
)
def test_an_older_procedure_that_is_not_understood_may_be_earlier_care(
    code: dict[str, Any] | None, at: str | None, holds: Truth
) -> None:
    done = dict(procedure("x", at)) | {"code": code}
    assert run(YOUNG, NEW, {name: value for name, value in done.items() if value is not None}).holds is holds


def test_an_older_procedure_that_is_not_understood_is_shown_as_it_is_named() -> None:
    done = dict(procedure("x", "2025-01-10")) | {"code": {"text": "Epidural injection"}}
    assert [each.label for each in run(YOUNG, NEW, done).evidence][1:] == ["Epidural injection"]
    assert run(YOUNG, NEW, done | {"status": "not-done"}).holds is Truth.YES


@pytest.mark.parametrize("kind", ["Procedure", "DiagnosticReport", "MedicationRequest"])
def test_earlier_care_that_could_not_be_read_leaves_it_open(kind: str) -> None:
    found = run(YOUNG, NEW, availability=available(**{kind: UNAVAILABLE}))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_no_more_than_three_records_of_earlier_care_are_shown() -> None:
    found = run(YOUNG, NEW, *(procedure("beta", f"2025-0{month}-01") for month in range(1, 6)))
    assert len(found.evidence) == 4


@pytest.mark.parametrize("more", [{}, {"lasting": "at least 6 months"}])
def test_earlier_care_is_of_use_only_for_a_short_duration(more: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="write it with 'lasting: under 6 months'"):
        clause("condition", in_="alpha", unless_older="beta", **more)
