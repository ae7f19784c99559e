"""`medication`: taken now, stopped, begun, for how long by any route, and on how many days."""

from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.format.searches import DISPENSES
from coverage_policies.format.terms import Reason
from fhir_mappings.codings import RXNORM
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, run

DRUG = {"subject": {"reference": "Patient/p"}, "medicationCodeableConcept": concept("7052", system=RXNORM)}
NOW = clause("medication", in_="drug", now="yes")
STOPPED = clause("medication", in_="drug", stopped="yes", within="90 days")
LONG = clause("medication", in_="drug", lasting="at least 60 days")
COVERED = clause("medication", in_="drug", covered="at least 80 %", over="10 days")
BEGUN = clause("medication", in_="drug", first="at least 60 days ago", within="12 months")


def prescription(on: str = "2026-01-01", **more: Any) -> Resource:
    made = {"resourceType": "MedicationRequest", "id": f"m-{on}", "status": "active", "intent": "order"}
    return made | {"authoredOn": on} | DRUG | more


def dispense(on: str, days: int, **more: Any) -> Resource:
    made = {"resourceType": "MedicationDispense", "id": f"d-{on}-{days}", "status": "completed", "whenHandedOver": on}
    return made | {"daysSupply": {"value": Decimal(days), "unit": "days"}} | DRUG | more


def report(**more: Any) -> Resource:
    return {"resourceType": "MedicationStatement", "id": "s", "status": "active"} | DRUG | more


# --- now -------------------------------------------------------------------------------------------------------------


def test_the_drug_that_is_taken_now_is_the_headline() -> None:
    found = run(NOW, prescription(medicationCodeableConcept=concept("7052", system=RXNORM) | {"text": "Morphine ER"}))
    assert (found.holds, found.headline) == (Truth.YES, "Morphine ER is a current medication")


def test_what_was_taken_once_is_shown_and_is_not_taken_now() -> None:
    found = run(NOW, prescription("2024-01-01", status="completed"))
    assert (found.holds, found.reason, found.evidence[0].value) == (Truth.NO, Reason.DATE_OUT_OF_RANGE, "completed")


def test_without_a_complete_list_nothing_shows_that_a_drug_is_not_taken() -> None:
    unread = available(MedicationRequest=UNAVAILABLE)
    found = run(NOW, prescription("2024-01-01", status="completed"), availability=unread)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_an_empty_list_has_no_such_drug() -> None:
    assert (run(NOW).holds, run(NOW).reason) == (Truth.NO, Reason.NOT_FOUND)


@pytest.mark.parametrize(("within", "holds"), [("60 days", Truth.YES), ("59 days", Truth.UNKNOWN)])
def test_how_long_an_open_prescription_counts_is_an_argument(within: str, holds: Truth) -> None:
    assert run(clause("medication", in_="drug", now="yes", within=within), prescription()).holds is holds


def test_at_most_three_records_are_shown() -> None:
    assert len(run(NOW, *(prescription(f"2026-01-0{day}") for day in range(1, 6))).evidence) == 3


# --- stopped ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "holds", "reason"),
    [
        ([report(status="stopped", effectivePeriod={"end": "2025-12-02"})], Truth.YES, Reason.PRESENT),
        ([report(status="stopped", effectivePeriod={"end": "2025-12-01"})], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([report(status="stopped")], Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ([prescription(status="stopped")], Truth.UNKNOWN, Reason.MISSING),
        ([], Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_a_stated_stop_in_time_holds(resources: list[Resource], holds: Truth, reason: Reason) -> None:
    found = run(STOPPED, *resources)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(("on", "holds"), [("2026-01-31", Truth.YES), ("2026-02-01", Truth.UNKNOWN)])
def test_a_drug_that_was_prescribed_after_it_was_stopped_may_be_taken(on: str, holds: Truth) -> None:
    stop = report(status="stopped", effectivePeriod={"end": "2026-02-01"})
    assert run(STOPPED, stop, prescription(on, status="completed")).holds is holds


def test_the_record_of_the_stop_is_no_later_record() -> None:
    assert run(STOPPED, report(status="stopped", dateAsserted="2026-02-01")).holds is Truth.YES


# --- begun -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "holds"),
    [
        ("2026-01-01", Truth.YES),
        ("2026-01-02", Truth.UNKNOWN),
        ("2025-03-02", Truth.YES),
        ("2025-03-01", Truth.UNKNOWN),
    ],
)
def test_a_record_that_old_shows_the_start(on: str, holds: Truth) -> None:
    assert run(BEGUN, prescription(on)).holds is holds


def test_without_a_record_nothing_was_begun() -> None:
    assert run(BEGUN).holds is Truth.NO


# --- for so long -----------------------------------------------------------------------------------------------------


def test_days_of_supply_count_by_any_route() -> None:
    injected = {"dosageInstruction": [{"route": {"text": "subcutaneous"}, "text": "inject once weekly"}]}
    given = [dispense("2026-01-01", 30, **injected), dispense("2026-01-31", 30, **injected)]
    assert run(LONG, *given).holds is Truth.YES
    assert (
        run(clause("medication", in_="drug", lasting="at least 60 days", route="oral"), *given).holds is Truth.UNKNOWN
    )


@pytest.mark.parametrize(("gap", "holds"), [("at most 3 days", Truth.YES), ("at most 2 days", Truth.UNKNOWN)])
def test_a_gap_may_lie_between_supplies(gap: str, holds: Truth) -> None:
    long = clause("medication", in_="drug", lasting="at least 60 days", gap=gap)
    assert run(long, dispense("2025-12-29", 30), dispense("2026-01-31", 30)).holds is holds


# --- days covered ----------------------------------------------------------------------------------------------------


def test_it_needs_dispenses_alone() -> None:
    assert COVERED.searches == (DISPENSES,)


@pytest.mark.parametrize(
    ("days", "holds", "reason"),
    [(8, Truth.YES, Reason.PRESENT), (7, Truth.NO, Reason.VALUE_OUT_OF_RANGE)],
)
def test_the_share_of_days_is_compared(days: int, holds: Truth, reason: Reason) -> None:
    found = run(COVERED, dispense("2026-02-21", days))
    assert (found.holds, found.reason) == (holds, reason)
    assert found.notes == (f"Days covered by dispensed supply: {days} of 10, 2026-02-21 to 2026-03-02",)


def test_a_dispense_that_was_not_read_may_cover_more() -> None:
    found = run(COVERED, dispense("2026-02-21", 7), availability=available(MedicationDispense=UNAVAILABLE))
    assert found.holds is Truth.UNKNOWN


def test_a_dispense_without_days_may_cover_more() -> None:
    unknown = dispense("2026-02-28", 1, daysSupply=None)
    found = run(COVERED, dispense("2026-02-21", 7), {k: v for k, v in unknown.items() if v is not None})
    assert (found.holds, found.notes[0].split(",")[0]) == (
        Truth.UNKNOWN,
        "Days covered by dispensed supply: 7 to 10 of 10",
    )


def test_without_a_dispense_nothing_is_covered() -> None:
    assert run(COVERED, prescription()).reason is Reason.NOT_FOUND


# --- how it is written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"now": "yes", "stopped": "yes"}, "`now` and `stopped` are two questions"),
        ({"route": "oral"}, "`route` belongs to `lasting`"),
        ({"over": "180 days"}, "`over` belongs to `covered`"),
        ({"covered": "at least 80 %"}, "`covered` needs `over`"),
        ({"covered": "at least 80 %", "over": "0 days"}, "`over` is at least 1 day"),
        ({"covered": "under 80 %", "over": "180 days"}, "a dispense may be missing"),
        ({"covered": "at least 80 %", "over": "180 days", "within": "1 year"}, "leave out `within`"),
        ({"first": "under 60 days ago"}, "a record may be missing"),
        ({"lasting": "at least 60 days", "gap": "at least 3 days"}, "is no gap"),
        ({"lasting": "at least 60 days", "gap": "at most 1 month"}, "is no gap"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clause("medication", in_="drug", **written)
