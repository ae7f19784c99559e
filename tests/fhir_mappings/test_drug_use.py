"""Whether a drug is taken on a day, and where its end is on record."""

from datetime import date

import pytest

from fhir_mappings.codings import RXNORM, Match
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.drug_use import stops, uses
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import concept, record, resource

DAY = date(2026, 3, 2)
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
DRUG = {"medicationCodeableConcept": concept("6809", RXNORM)}
STOPPED = {"status": "stopped", "statusReason": {"text": "nausea"}}


def metformin(codings):
    return next((Match("Metformin", True) for coding in codings if coding.code in ("6809", "metformin")), None)


def prescription(on="2026-01-01", **more):
    return resource("MedicationRequest", **({"status": "active", "intent": "order", "authoredOn": on} | DRUG | more))


def dispense(on="2026-02-01", days=30, **more):
    members = {"status": "completed", "whenHandedOver": on, "daysSupply": {"value": days, "unit": "d"}}
    return resource("MedicationDispense", **({"id": f"d-{on}"} | members | DRUG | more))


def report(**more):
    return resource("MedicationStatement", **({"id": "s", "status": "active"} | DRUG | more))


def supplied(days, refills=0):
    return {
        "dispenseRequest": {"expectedSupplyDuration": {"value": days, "unit": "d"}, "numberOfRepeatsAllowed": refills}
    }


def ends(on):
    return {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"end": on}}}}]}


def taken(*resources):
    found = uses(record(*resources), metformin, DAY, CalendarPeriod(12, "months"))
    return [each.taken for each in found]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (prescription(), YES),
        (prescription("2025-03-02"), YES),
        (prescription("2025-03-01"), UNKNOWN),
        (prescription("2025-03"), UNKNOWN),
        (prescription(None), UNKNOWN),
        (prescription("2026-03-03"), NO),
        (prescription(status="completed"), NO),
        (prescription(status="stopped"), NO),
        (prescription(status="on-hold"), UNKNOWN),
        (prescription(status="unknown"), UNKNOWN),
        (prescription(intent="proposal"), UNKNOWN),
        (prescription("2026-02-01", **supplied(30)), YES),
        (prescription("2026-01-31", **supplied(30)), UNKNOWN),
        (prescription("2026-01-02", **supplied(30, refills=1)), YES),
        (prescription("2026-01-01", **supplied(30, refills=1)), UNKNOWN),
        (prescription("2026-02-01", status="completed", **supplied(30)), UNKNOWN),
        (prescription("2026-01-31", status="completed", **supplied(30)), NO),
        (prescription("2020-01-01", **ends("2026-03-02")), YES),
        (prescription(**ends("2026-03-01")), NO),
    ],
)
def test_a_prescription_is_in_force_while_it_is_active_and_lasts(given, expected):
    assert taken(given) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dispense("2026-02-01", 30), YES),
        (dispense("2026-01-31", 30), NO),
        (dispense("2026-03-03", 30), NO),
        (dispense("2025-03-02", daysSupply=None), UNKNOWN),
        (dispense("2025-03-01", daysSupply=None), NO),
        (dispense(status="in-progress"), UNKNOWN),
    ],
)
def test_a_dispense_lasts_as_long_as_its_days_of_supply(given, expected):
    assert taken(given) == [expected]


def test_supply_that_is_left_of_an_earlier_dispense_is_used_first():
    assert taken(dispense("2026-01-03", 30), dispense("2026-01-20", 30)) == [NO, YES]
    assert taken(dispense("2026-01-20", 30)) == [NO]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (report(effectivePeriod={"start": "2025-03-02"}), YES),
        (report(effectivePeriod={"start": "2025-03-01"}), UNKNOWN),
        (report(effectivePeriod={"start": "2019"}, dateAsserted="2026-02-01"), YES),
        (report(effectivePeriod={"start": "2019", "end": "2026-03-02"}), YES),
        (report(effectivePeriod={"start": "2019", "end": "2026-03-01"}), NO),
        (report(status="completed"), NO),
        (report(status="intended", effectivePeriod={"start": "2026"}), UNKNOWN),
    ],
)
def test_a_report_says_what_is_taken(given, expected):
    assert taken(given) == [expected]


def test_a_stated_stop_ends_what_began_before_it():
    stop = report(status="stopped", effectivePeriod={"start": "2025-01-01", "end": "2026-02-10"})
    assert taken(dispense("2026-02-01", 60), stop) == [NO, NO]


def test_what_began_after_a_stop_goes_on():
    stop = report(status="stopped", effectivePeriod={"start": "2025-01-01", "end": "2026-01-31"})
    assert taken(dispense("2026-02-01", 60), stop) == [YES, NO]


def test_what_may_have_begun_after_a_stop_is_open():
    stop = report(status="stopped", effectivePeriod={"start": "2025-01-01", "end": "2026-02"})
    assert taken(dispense("2026-02-10", 60), stop) == [UNKNOWN, NO]


@pytest.mark.parametrize(("stopped", "expected"), [("2026-03-02", NO), ("2026-02-02", NO), ("2026-02-01", UNKNOWN)])
def test_a_stop_counts_on_its_day_and_leaves_open_what_began_on_it(stopped, expected):
    stop = report(status="stopped", effectivePeriod={"start": "2025-01-01", "end": stopped})
    assert taken(dispense("2026-02-01", 60), stop)[0] is expected


def test_a_stop_to_come_ends_nothing_yet():
    stop = report(status="stopped", effectivePeriod={"start": "2025-01-01", "end": "2026-03-03"})
    assert taken(prescription(), stop)[0] is YES


@pytest.mark.parametrize(
    ("words", "expected"),
    [("blue study capsules", [UNKNOWN]), ("glipizide 5 MG Oral Tablet", []), ("metformin or placebo", [UNKNOWN])],
)
def test_a_drug_that_cannot_be_identified_may_be_taken(words, expected):
    assert taken(prescription(medicationCodeableConcept={"text": words})) == expected


def test_a_faulty_record_shows_no_certain_use():
    assert taken(prescription(dispenseRequest={"expectedSupplyDuration": "30"})) == [UNKNOWN]


def when(*resources):
    return [(str(each.when), each.is_certain) for each in stops(record(*resources), metformin)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (prescription(**STOPPED, meta={"lastUpdated": "2026-02-01T12:00:00Z"}), [("2026-01-01 to 2026-02-01", True)]),
        (prescription(**STOPPED), [("2026-01-01 to 2026-03-02", True)]),
        (prescription(status="stopped"), []),
        (prescription(status="stopped", statusReason={"text": "reorder"}), []),
        (prescription(status="completed"), []),
        (report(status="stopped", effectivePeriod={"end": "2026-02-01"}), [("2026-02-01", True)]),
        (report(status="not-taken", dateAsserted="2026-02-03"), [("2026-02-03", True)]),
        (report(status="stopped"), [("None", True)]),
        (report(status="completed"), []),
        (prescription(**STOPPED, medicationCodeableConcept={"text": "glipizide 5 mg"}), []),
    ],
)
def test_only_a_stated_stop_is_an_end(given, expected):
    assert when(given) == expected
