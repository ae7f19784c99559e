"""Visits: what was done at encounters, and what was billed for."""

from datetime import date

import pytest

from fhir_mappings.codings import CPT, SNOMED
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.visits import MAX_ITEMS, recorded_visits, unidentified_visits, visits
from tests.support.fhir_builders import ASKED, KNOWN, PATIENT, concept, record, resource

DAY = {"start": "2026-02-16T10:00:00-05:00", "end": "2026-02-16T11:00:00-05:00"}


def encounter(**members):
    made = {"status": "finished", "class": {"code": "AMB"}, "type": [concept()], "period": DAY, **members}
    return resource("Encounter", **made)


def charge(**members):
    made = {"status": "billed", "code": concept(), "occurrenceDateTime": "2026-02-16", **members}
    return resource("ChargeItem", **made)


def claim(*items, **members):
    made = {
        "status": "active",
        "use": "claim",
        "type": {"text": "professional"},
        "patient": PATIENT,
        "subject": None,
        "created": "2026-03-01",
        "insurer": {"display": "Plan"},
        "provider": {"display": "Practice"},
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"display": "x"}}],
        "item": list(items),
        **members,
    }
    return resource("ExplanationOfBenefit", **made)


def item(**members):
    return {"sequence": 1, "productOrService": concept(), "servicedDate": "2026-02-16", **members}


def found(*given, codes=KNOWN) -> tuple[Procedure, ...]:
    return visits(record(*given), codes)


def last_day(visit: Procedure) -> date:
    assert visit.end is not None
    return visit.end.latest


@pytest.mark.parametrize(
    "given",
    [
        encounter(),
        encounter(type=None, serviceType=concept()),
        encounter(type=None, reasonCode=[concept()]),
        charge(),
        claim(item()),
    ],
)
def test_a_visit_is_done_on_its_day(given):
    (visit,) = found(given)
    assert (visit.progress, last_day(visit)) == (Progress.DONE, date(2026, 2, 16))


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "onleave", "cancelled", "entered-in-error"])
def test_a_visit_that_did_not_take_place_is_none(status):
    assert found(encounter(status=status)) == ()


@pytest.mark.parametrize("status", ["planned", "not-billable", "aborted", "entered-in-error"])
def test_a_charge_that_is_not_billed_is_no_visit(status):
    assert found(charge(status=status)) == ()


@pytest.mark.parametrize(
    "given",
    [
        *(made(status=status) for made in (encounter, charge) for status in ("unknown", "odd", None, ["finished"])),
        *(claim(item(), status=status) for status in ("odd", None)),
        claim(item(), use=None),
    ],
)
def test_a_status_that_cannot_tell_is_unclear(given):
    assert [visit.progress for visit in found(given)] == [Progress.UNCLEAR]


NO_SHOW = {"text": "No Show"}
STOPPED = {"coding": [*concept()["coding"], {"system": CPT, "code": "53"}]}


@pytest.mark.parametrize(
    "given",
    [
        encounter(type=[{**concept(), **NO_SHOW}]),
        encounter(type=[concept(), NO_SHOW]),
        encounter(serviceType=NO_SHOW),
        encounter(reasonCode=[{"text": "Patient did not attend"}]),
        encounter(hospitalization={"dischargeDisposition": {"text": "Left without being seen"}}),
        encounter(type=[STOPPED]),
        charge(code={**concept(), **NO_SHOW}),
        charge(code=STOPPED),
        claim(item(productOrService={**concept(), **NO_SHOW})),
        claim(item(productOrService=STOPPED)),
        claim(item(modifier=[concept("53", CPT)])),
    ],
)
def test_a_visit_that_was_missed_or_stopped_is_unclear(given):
    assert [visit.progress for visit in found(given)] == [Progress.UNCLEAR]


@pytest.mark.parametrize(
    "given",
    [
        encounter(type=[{**concept(), "text": "Psychotherapy"}], reasonCode=[{"text": "Did not attend school"}]),
        encounter(hospitalization={"dischargeDisposition": {"text": "Home"}}),
        claim(item(modifier=[concept("95", CPT)])),
    ],
)
def test_other_words_and_modifiers_leave_a_visit_done(given):
    assert [visit.progress for visit in found(given)] == [Progress.DONE]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("noshow", Progress.UNCLEAR),
        ("cancelled", Progress.UNCLEAR),
        ("fulfilled", Progress.DONE),
        ("booked", Progress.DONE),
    ],
)
def test_a_visit_of_an_appointment_that_was_not_kept_is_unclear(status, expected):
    booked = resource("Appointment", id="a", status=status, subject=None)
    visit = encounter(contained=[booked], appointment=[{"reference": "#a"}])
    assert [each.progress for each in found(visit)] == [expected]


def test_a_visit_of_an_appointment_that_was_not_read_is_done():
    assert [each.progress for each in found(encounter(appointment=[{"reference": "Appointment/a"}]))] == [Progress.DONE]


@pytest.mark.parametrize("members", [{"use": "preauthorization"}, {"use": "predetermination"}, {"status": "cancelled"}])
def test_what_was_not_billed_for_is_no_visit(members):
    assert found(claim(item(), **members)) == ()


def test_each_item_of_a_claim_is_a_visit_on_its_own_day():
    period = item(servicedDate=None, servicedPeriod={"start": "2026-01-05", "end": "2026-01-06"})
    undated = item(servicedDate=None)
    other = item(productOrService=concept("other"))
    read = found(claim(item(), period, undated, other, billablePeriod={"start": "2026-01-01", "end": "2026-01-31"}))
    assert [last_day(visit).day for visit in read] == [16, 6, 31]


def test_a_claim_without_any_day_has_none():
    (visit,) = found(claim(item(servicedDate=None)))
    assert visit.end is None


def test_a_code_that_only_asks_leaves_it_unclear():
    (visit,) = found(encounter(), codes=ASKED)
    assert (visit.progress, visit.evidence.value) == (Progress.UNCLEAR, "to be confirmed")


def test_a_faulty_visit_is_set_aside():
    (visit,) = found(encounter(period={"start": "then"}))
    assert (visit.progress, visit.evidence.value, visit.end) == (Progress.UNCLEAR, "set aside", None)


def test_only_so_many_items_of_a_claim_are_read():
    assert len(found(claim(*(item(sequence=n + 1) for n in range(MAX_ITEMS + 1))))) == MAX_ITEMS


def unidentified(*given) -> list[str]:
    return [each.done.evidence.label for each in unidentified_visits(record(*given))]


def test_what_no_understood_code_names_may_be_any_visit():
    words = {"text": "Follow-up"}
    snomed = concept("185349003", system=SNOMED)
    assert unidentified(encounter(type=[words])) == ["Follow-up"]
    assert unidentified(encounter(type=None)) == ["Visit"]
    assert unidentified(charge(code=concept())) == ["Billed service"]
    assert unidentified(claim(item(productOrService=words))) == ["Follow-up"]
    known = encounter(type=[snomed]), charge(code=snomed), claim(item(productOrService=snomed))
    assert unidentified(*({**each, "id": f"k{i}"} for i, each in enumerate(known))) == []


def test_a_claim_with_too_many_items_may_hold_any_visit():
    cpt = concept("99213", system=CPT)
    items = [item(sequence=n + 1, productOrService=cpt) for n in range(MAX_ITEMS + 1)]
    assert unidentified(claim(*items[:-1])) == []
    assert unidentified(claim(*items)) == ["Claim with more items than are read"]


def test_without_codes_every_encounter_is_a_visit_and_what_was_billed_may_be_none():
    chart = record(encounter(type=None, id="e"), charge(id="c"), claim(item(), id="b"))
    found = {each.done.reference: each.done.progress for each in recorded_visits(chart, None)}
    assert found == {
        "Encounter/e": Progress.DONE,
        "ChargeItem/c": Progress.UNCLEAR,
        "ExplanationOfBenefit/b": Progress.UNCLEAR,
    }
