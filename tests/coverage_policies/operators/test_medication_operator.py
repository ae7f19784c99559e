"""`medication`: a drug that was prescribed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.format.searches import DISPENSES, PRESCRIPTIONS, STATEMENTS
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import Row, ValueSet
from fhir_mappings.codings import RXNORM
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, run

PRESCRIBED = clause("medication", in_="drug")


def prescription(code: str = "7052", on: str = "2026-01-01", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m-{on}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": concept(code, system=RXNORM),
        "authoredOn": on,
    } | more


BY_NAME = {"medicationCodeableConcept": {"text": "Morphine"}}


def test_it_needs_whatever_tells_of_a_drug() -> None:
    assert PRESCRIBED.searches == (PRESCRIPTIONS, DISPENSES, STATEMENTS)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (prescription(), Truth.YES, Reason.PRESENT),
        (prescription(status="stopped"), Truth.YES, Reason.PRESENT),
        (prescription(**BY_NAME), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (prescription(on="2026-03-03"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (prescription(authoredOn="once"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (prescription(status="draft"), Truth.NO, Reason.NOT_FOUND),
        (prescription(status="cancelled"), Truth.NO, Reason.NOT_FOUND),
        (prescription(doNotPerform=True), Truth.NO, Reason.NOT_FOUND),
        (prescription("1191"), Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_a_prescription_by_code_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(PRESCRIBED, resource)
    assert (found.holds, found.reason) == (holds, reason)


def test_one_certain_prescription_is_enough() -> None:
    assert run(PRESCRIBED, prescription(on="2026-01-02", **BY_NAME), prescription()).holds is Truth.YES


def test_the_newest_three_are_shown() -> None:
    days = ["2025-03-01", "2025-12-01", "2024-01-01", "2025-06-01"]
    found = run(PRESCRIBED, *(prescription(on=day, id=f"{9 - number}") for number, day in enumerate(days)))
    assert [item.date for item in found.evidence] == ["2025-12-01", "2025-06-01", "2025-03-01"]


RECENT = clause("medication", in_="drug", within="12 months")


@pytest.mark.parametrize(
    ("on", "holds", "reason"),
    [
        ("2025-03-02", Truth.YES, Reason.PRESENT),
        ("2025-03-01", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ("2025-03", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_a_window_asks_for_what_is_older(on: str, holds: Truth, reason: Reason) -> None:
    found = run(RECENT, prescription(on=on))
    assert (found.holds, found.reason) == (holds, reason)


def test_a_certain_prescription_is_shown_before_mentions_that_are_newer() -> None:
    newer = [prescription(on=f"2026-02-0{day}", id=f"m{day}", **BY_NAME) for day in range(1, 5)]
    found = run(PRESCRIBED, *newer, prescription())
    assert found.evidence[0].date == "2026-01-01"


def test_what_was_read_of_a_list_cut_short_holds() -> None:
    found = run(PRESCRIBED, prescription(), availability=available(MedicationRequest=UNAVAILABLE))
    assert found.holds is Truth.YES


# --- taken for so long -----------------------------------------------------------------------------------------------

LONG = clause("medication", in_="drug", lasting="at least 3 weeks", route="oral")
BY_MOUTH = {"route": concept("26643006")}


def dispensed(on: str | None, days: str, code: str = "7052", **more: Any) -> Resource:
    made = {
        "resourceType": "MedicationDispense",
        "id": f"d-{on}-{days}",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": concept(code, system=RXNORM),
        "whenHandedOver": on,
        "daysSupply": {"value": Decimal(days), "unit": "days"},
        "dosageInstruction": [BY_MOUTH],
    } | more
    return {name: value for name, value in made.items() if value is not None}


def for_days(first: str, last: str | None, **more: Any) -> Resource:
    period = {"start": first} | ({"end": last} if last else {})
    dosage = {"timing": {"repeat": {"boundsPeriod": period}}, **BY_MOUTH}
    return prescription(on=first, dosageInstruction=[dosage]) | more


def repeated(**repeat: Any) -> dict[str, Any]:
    return {"timing": {"repeat": repeat}, **BY_MOUTH}


def reported(first: str, last: str | None, **more: Any) -> Resource:
    return {
        "resourceType": "MedicationStatement",
        "id": f"s-{first}",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": concept("7052", system=RXNORM),
        "effectivePeriod": {"start": first} | ({"end": last} if last else {}),
        "dosage": [BY_MOUTH],
    } | more


def test_it_needs_whatever_tells_of_a_supply() -> None:
    assert LONG.searches == (PRESCRIPTIONS, DISPENSES, STATEMENTS)


@pytest.mark.parametrize(
    ("resources", "holds"),
    [
        ([dispensed("2026-01-01", "21")], Truth.YES),
        ([dispensed("2026-01-01", "20")], Truth.UNKNOWN),
        ([dispensed("2026-01-01", "21.9")], Truth.YES),
        ([dispensed("2026-01-01", "10"), dispensed("2026-01-11", "11")], Truth.YES),
        ([dispensed("2026-01-01", "10"), dispensed("2026-01-12", "11")], Truth.UNKNOWN),
        ([dispensed("2026-01-01", "15"), dispensed("2026-01-10", "10")], Truth.UNKNOWN),
        ([dispensed("2026-01-01", "15"), dispensed("2026-01-10", "12")], Truth.YES),
        ([dispensed("2026-02-09", "60")], Truth.YES),
        ([dispensed("2026-02-10", "60")], Truth.UNKNOWN),
        ([for_days("2026-01-01", "2026-01-21")], Truth.YES),
        ([for_days("2026-01-01", "2026-01-20")], Truth.UNKNOWN),
        ([for_days("2026-01-01", None)], Truth.UNKNOWN),
        ([for_days("2026-01", "2026-03-01")], Truth.UNKNOWN),
        ([reported("2026-01-01", "2026-01-21")], Truth.YES),
        ([reported("2026-01-01", "2026-01-20")], Truth.UNKNOWN),
        ([reported("2026-01-01", None)], Truth.UNKNOWN),
        ([dispensed("2026-01-01", "30", code="1")], Truth.NO),
    ],
)
def test_so_many_days_in_a_row_before_the_anchor_date_hold(resources: list[Resource], holds: Truth) -> None:
    assert run(LONG, *resources).holds is holds


LABELED = concept("7052", system=RXNORM)
UNPROVEN = [
    (dispensed("2026-01-01", "30", status="in-progress"), "to be confirmed"),
    (dispensed("2026-01-01", "30", whenHandedOver="then"), "set aside"),
    (dispensed("2026-01-01", "30", medicationCodeableConcept={"text": "Morphine"}), "known by name only"),
    (dispensed(None, "30"), "first day not stated"),
    (dispensed("2026-01", "30"), "first day not exact"),
    (dispensed("2026-01-01", "30", daysSupply=None), "days of supply not stated"),
    (dispensed("2026-01-01", "30", daysSupply={"value": Decimal(30), "unit": "tablets"}), "days of supply not stated"),
    (dispensed("2026-01-01", "0"), "days of supply not stated"),
    (dispensed("2026-01-01", "367"), "days of supply not stated"),
    (dispensed("2026-01-01", "30", daysSupply={"value": Decimal("1e99999")}), "days of supply not stated"),
    (dispensed("2026-01-01", "30", status="stopped"), "stopped early, last day not on record"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{**BY_MOUTH, "asNeededBoolean": True}]), "taken as needed"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{**BY_MOUTH, "text": "one as needed"}]), "taken as needed"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{"route": concept("6064005")}]), "not taken by mouth"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{"route": {"text": "Topical"}}]), "not taken by mouth"),
    (dispensed("2026-01-01", "30", medicationCodeableConcept=LABELED | {"text": "Alpha 1% gel"}), "not taken by mouth"),
    (dispensed("2026-01-01", "30", dosageInstruction=None), "route not stated"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{**BY_MOUTH, "text": "every other day"}]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{**BY_MOUTH, "text": "once a week"}]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[repeated(period=1, periodUnit="wk")]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[repeated(period=2, periodUnit="d")]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[repeated(period=25, periodUnit="h")]), "not taken every day"),
    (
        dispensed("2026-01-01", "30", dosageInstruction=[repeated(period=1, periodMax=2, periodUnit="d")]),
        "not taken every day",
    ),
    (dispensed("2026-01-01", "30", dosageInstruction=[repeated(dayOfWeek=["mon"])]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{"text": "Take 1 tablet by mouth QOD"}]), "not taken every day"),
    (dispensed("2026-01-01", "30", dosageInstruction=[{"text": "1 tab PO BID PRN"}]), "taken as needed"),
    (for_days("2026-01-01", "2026-02-01", status="stopped"), "stopped early, last day not on record"),
    (for_days("2026-01-01", "2026-02-01", status="on-hold"), "on hold"),
    (for_days("2026-01-01", "2026-02-01", intent="proposal"), "to be confirmed"),
    (for_days("2026-01-01", None), "days of supply not stated"),
    (reported("2026-01-01", "2026-02-01", status="intended"), "to be confirmed"),
    (reported("2026-01-01", None), "last day not stated"),
    (reported("2026-01-01", "2026-02-01", status="on-hold"), "on hold"),
    (dispensed("2026-01-01", "30", note=[{"text": "Returned to stock"}]), "perhaps not taken"),
    (
        for_days("2026-01-01", "2026-02-01", status="completed", statusReason={"text": "Patient never took it"}),
        "perhaps not taken",
    ),
]


@pytest.mark.parametrize(("resource", "why"), UNPROVEN)
def test_what_may_not_have_been_taken_each_day_by_mouth_cannot_tell_and_says_why(resource: Resource, why: str) -> None:
    found = run(LONG, resource)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE)
    assert [item.value for item in found.evidence] == [why]


@pytest.mark.parametrize(
    "repeat", [{"period": 1, "periodUnit": "d"}, {"period": 24, "periodUnit": "h"}, {"frequency": 2}]
)
def test_what_is_taken_each_day_holds(repeat: dict[str, Any]) -> None:
    assert run(LONG, dispensed("2026-01-01", "30", dosageInstruction=[repeated(**repeat)])).holds is Truth.YES


@pytest.mark.parametrize(("as_needed", "holds"), [(True, Truth.UNKNOWN), (False, Truth.YES)])
def test_what_the_order_leaves_to_need_was_not_surely_taken_each_day(as_needed: bool, holds: Truth) -> None:
    # The order is of another drug's code, so that only the dispense is a supply.
    ordered = prescription("1191", id="by", dosageInstruction=[{**BY_MOUTH, "asNeededBoolean": as_needed}])
    by = [{"reference": "MedicationRequest/by"}]
    assert run(LONG, ordered, dispensed("2026-01-01", "30", authorizingPrescription=by)).holds is holds


@pytest.mark.parametrize("label", ["Alpha liquid gel capsule", "Alpha tablet", "Alpha"])
def test_the_label_of_what_is_taken_by_mouth_contradicts_no_route(label: str) -> None:
    assert run(LONG, dispensed("2026-01-01", "30", medicationCodeableConcept=LABELED | {"text": label})).holds is (
        Truth.YES
    )


def test_days_still_to_come_do_not_count() -> None:
    # The chart is read on 2 March 2026.
    assert run(LONG, dispensed("2026-02-09", "60"), anchor=date(2026, 6, 1)).holds is Truth.YES
    assert run(LONG, dispensed("2026-02-10", "60"), anchor=date(2026, 6, 1)).holds is Truth.UNKNOWN


@pytest.mark.parametrize(("first", "holds"), [("2025-02-10", Truth.YES), ("2025-02-09", Truth.UNKNOWN)])
def test_a_stretch_that_ends_before_the_window_is_asked_about(first: str, holds: Truth) -> None:
    recent = clause("medication", in_="drug", lasting="at least 3 weeks", route="oral", within="12 months")
    assert run(recent, dispensed(first, "21")).holds is holds


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "declined"])
def test_what_was_never_handed_out_is_none(status: str) -> None:
    assert run(LONG, dispensed("2026-01-01", "30", status=status)).holds is Truth.NO


@pytest.mark.parametrize(("product", "holds"), [("152695", Truth.YES), ("855633", Truth.UNKNOWN)])
def test_a_product_for_the_skin_is_not_taken_by_mouth_whatever_the_route_says(product: str, holds: Truth) -> None:
    sets = {
        "nsaid": ValueSet("nsaid", [Row(RXNORM, code, "NSAID", "", None, None, True) for code in ("41493", "3355")])
    }
    taken = clause("medication", sets, in_="nsaid", lasting="at least 3 weeks", route="oral")
    assert run(taken, dispensed("2026-01-01", "30", code=product)).holds is holds


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("Morphine 15 MG Oral Tablet", Truth.YES),
        ("Morphine capsules", Truth.YES),
        ("Morphine 1 % gel", Truth.UNKNOWN),
        ("Morphine tablets for rectal use", Truth.UNKNOWN),
        ("Morphine", Truth.UNKNOWN),
    ],
)
def test_without_a_route_the_name_may_tell_it(name: str, holds: Truth) -> None:
    drug = concept("7052", system=RXNORM) | {"text": name}
    found = run(LONG, dispensed("2026-01-01", "30", dosageInstruction=None, medicationCodeableConcept=drug))
    assert found.holds is holds


def test_only_the_supplies_of_the_stretch_are_evidence() -> None:
    found = run(LONG, dispensed("2025-01-01", "5"), dispensed("2026-01-01", "10"), dispensed("2026-01-11", "11"))
    assert [item.date for item in found.evidence] == ["2026-01-01 to 2026-01-10", "2026-01-11 to 2026-01-21"]


def test_the_newest_three_are_shown_where_nothing_is_proven() -> None:
    found = run(LONG, *(dispensed(f"2025-0{month}-01", "5") for month in (1, 3, 5, 7)))
    assert [item.date[:7] for item in found.evidence] == ["2025-07", "2025-05", "2025-03"]


def test_few_days_are_never_asked_for() -> None:
    with pytest.raises(ValueError, match="'under 3 weeks' cannot be proven because a supply may be missing"):
        clause("medication", in_="drug", lasting="under 3 weeks")
