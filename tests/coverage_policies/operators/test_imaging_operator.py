"""`imaging`: done, read, and recent."""

from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import IMAGING_STUDIES, PROCEDURES, REPORTS
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, order, procedure, report, run

DONE = clause("imaging", in_="alpha")
RECENT = clause("imaging", in_="alpha", within="6 months")


def study(started: str, status: str = "available") -> Resource:
    return {
        "resourceType": "ImagingStudy",
        "id": f"s-{started}",
        "status": status,
        "subject": {"reference": "Patient/p"},
        "procedureCode": [concept("alpha")],
        "started": started,
    }


def named(found: ClauseResult) -> list[str]:
    return [item.reference for item in found.evidence]


def without_id(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "id"}


def test_it_needs_whatever_keeps_imaging() -> None:
    assert RECENT.searches == (REPORTS, IMAGING_STUDIES, PROCEDURES)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (report("alpha", "2025-09-02"), Truth.YES, Reason.PRESENT),
        (report("alpha", "2025-09-01"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", "2026-03-02"), Truth.YES, Reason.PRESENT),
        (report("alpha", "2026-03-03"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", "2025-10"), Truth.YES, Reason.PRESENT),
        (report("alpha", "2025-09"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", None), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", None, issued="2026-02-01T10:00:00Z"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", status="amended"), Truth.YES, Reason.PRESENT),
        (report("alpha", status="preliminary"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (report("alpha", "2025-01-01", "preliminary"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (report("alpha", status="cancelled"), Truth.NO, Reason.NOT_FOUND),
        (report("alpha", status="entered-in-error"), Truth.NO, Reason.NOT_FOUND),
        (report("alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (report("alpha", "long ago"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (report("beta"), Truth.NO, Reason.NOT_FOUND),
        (study("2025-09-02T10:00:00Z"), Truth.YES, Reason.PRESENT),
        (study("2025-09-01T10:00:00Z"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (study("2026-01-01T10:00:00Z", "registered"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (procedure("alpha", "2025-09-02"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2025-09-01"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2026-01-01", "in-progress"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
    ],
)
def test_a_final_study_of_the_last_six_months_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(RECENT, resource)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (report("alpha", "2010-01-01"), Truth.YES),
        (report("alpha", "2026-03-03"), Truth.NO),
        (report("alpha", "2026-03"), Truth.UNKNOWN),
        (report("alpha", None), Truth.UNKNOWN),
    ],
)
def test_without_a_window_any_study_by_the_anchor_date_holds(resource: Resource, holds: Truth) -> None:
    assert run(DONE, resource).holds is holds


def test_only_what_is_recent_is_evidence_where_something_is() -> None:
    assert named(run(RECENT, report("alpha", "2026-02-01", id="new"), report("alpha", "2025-01-01", id="old"))) == [
        "DiagnosticReport/new"
    ]


def test_a_preliminary_report_in_time_beside_an_old_one_cannot_tell() -> None:
    found = run(RECENT, report("alpha", "2025-01-01"), report("alpha", "2026-02-01", "preliminary"))
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, 2)


@pytest.mark.parametrize("reverse", [False, True])
def test_studies_without_an_id_are_not_taken_for_one_another(reverse: bool) -> None:
    old = without_id(report("alpha", "2020-01-01"))
    preliminary = without_id(report("alpha", "2026-02-01", "preliminary"))
    final = without_id(report("alpha", "2026-02-01"))
    for pair, holds in (((old, preliminary), Truth.UNKNOWN), ((old, final), Truth.YES)):
        assert run(RECENT, *(pair[::-1] if reverse else pair)).holds is holds


@pytest.mark.parametrize("kind", ["DiagnosticReport", "ImagingStudy", "Procedure"])
def test_a_list_cut_short_may_lack_the_recent_one(kind: str) -> None:
    cut_short: dict[str, Any] = {kind: UNAVAILABLE}
    found = run(RECENT, report("alpha", "2025-01-01"), availability=available(**cut_short))
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, 1)
    assert run(RECENT, report("alpha"), availability=available(**cut_short)).holds is Truth.YES


# --- the side of the order -------------------------------------------------------------------------------------------

SAME_SIDE = clause("imaging", in_="alpha", side="same", within="6 months")


@pytest.mark.parametrize(
    ("ours", "text", "holds", "reason"),
    [
        ("Left", "Left hip", Truth.YES, Reason.PRESENT),
        ("Left", "Right hip", Truth.NO, Reason.NOT_FOUND),
        ("Left", "Both hips, bilateral", Truth.YES, Reason.PRESENT),
        ("Left", "Hip", Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        ("", "Left hip", Truth.YES, Reason.PRESENT),
        ("", "Both hips, bilateral", Truth.YES, Reason.PRESENT),
        ("Both sides", "Left hip", Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
    ],
)
def test_a_study_counts_on_the_side_of_the_order(ours: str, text: str, holds: Truth, reason: Reason) -> None:
    of = order(orderDetail=[{"text": ours}]) if ours else order()
    found = run(SAME_SIDE, {**report("alpha"), "code": concept("alpha") | {"text": text}}, of=of)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("text", "holds"), [("Hip", Truth.YES), ("Left hip", Truth.YES), ("Right hip", Truth.NO), ("Both hips", Truth.YES)]
)
def test_a_study_that_states_no_side_may_count(text: str, holds: Truth) -> None:
    or_silent = clause("imaging", in_="alpha", side="same or not stated", within="6 months")
    of = order(orderDetail=[{"text": "Left"}])
    assert run(or_silent, {**report("alpha"), "code": concept("alpha") | {"text": text}}, of=of).holds is holds


def test_an_old_study_of_an_unknown_side_is_old() -> None:
    found = run(SAME_SIDE, report("alpha", "2025-01-01"), of=order(orderDetail=[{"text": "Left"}]))
    assert (found.holds, found.reason) == (Truth.NO, Reason.DATE_OUT_OF_RANGE)


def test_a_study_whose_date_and_side_are_open_is_open_for_its_side() -> None:
    found = run(SAME_SIDE, report("alpha", "2025-09"), of=order(orderDetail=[{"text": "Left"}]))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


def test_the_series_of_a_study_may_name_the_side() -> None:
    series = {"uid": "1", "modality": {"code": "DX"}, "laterality": concept("7771000")["coding"][0]}
    found = run(SAME_SIDE, study("2026-02-01") | {"series": [series]}, of=order(orderDetail=[{"text": "Left"}]))
    assert found.holds is Truth.YES
