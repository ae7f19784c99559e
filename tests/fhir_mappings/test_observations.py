"""Scores and measurements with their time."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from fhir_mappings.codings import SNOMED
from fhir_mappings.observations import observations
from tests.support.fhir_builders import ASKED, KNOWN, concept, knows, record, score

AT = "2026-01-05T09:00:00-05:00"
SCALES = knows("72514-3", "other")


def only(given, codes=SCALES):
    (found,) = observations(record(given), codes)
    return found


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_final_score_has_a_number(status):
    assert only(score(8, AT, status=status)).number == Decimal(8)


@pytest.mark.parametrize("status", ["registered", "preliminary", "unknown", "appended"])
def test_a_score_that_is_not_final_is_shown_without_deciding(status):
    found = only(score(8, AT, status=status))
    assert (found.number, found.evidence.value) == (None, "8 (not final)")


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_mistaken_or_cancelled_score_is_left_out(status):
    assert observations(record(score(8, AT, status=status)), SCALES) == ()


def test_a_score_of_a_code_that_only_asks_is_shown_without_deciding():
    found = only(score(8, AT, code="known"), ASKED)
    assert (found.number, found.evidence.value) == (None, "8")


def test_another_measurement_is_left_out():
    assert observations(record(score(8, AT)), KNOWN) == ()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ({"valueQuantity": {"value": Decimal("7.50")}}, Decimal("7.5")),
        ({"valueQuantity": {"value": 0}}, Decimal(0)),
        ({"valueQuantity": None, "valueInteger": 8}, Decimal(8)),
        ({"valueQuantity": {"value": 8, "comparator": "<"}}, None),
        ({"valueQuantity": {"value": True}}, None),
        ({"valueQuantity": {"value": "8"}}, None),
        ({"valueQuantity": {}}, None),
        ({"valueQuantity": None, "valueInteger": True}, None),
        ({"valueQuantity": None, "valueString": "8"}, Decimal(8)),
        ({"valueQuantity": None, "valueString": "severe"}, None),
        ({"valueQuantity": {"value": Decimal("1e999999999")}}, None),
        ({"valueQuantity": {"value": Decimal("0e-999999999")}}, None),
        ({"valueQuantity": {"value": 10**4000}}, None),
        ({"valueQuantity": {"value": Decimal("1e3")}}, Decimal(1000)),
    ],
)
def test_only_a_plain_number_is_one(value, number):
    assert only(score(8, AT, **value)).number == number


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ({"unit": "mm", "code": "mm"}, "mm"),
        ({"code": "mm"}, "mm"),
        ({"unit": "{score}"}, ""),
        ({"code": "{score}"}, ""),
        ({"unit": 5, "code": "cm"}, "cm"),
        ({}, ""),
    ],
)
def test_the_unit_is_its_words_else_its_code_and_a_bare_score_has_none(quantity, unit):
    assert only(score(8, AT, valueQuantity={"value": 8, **quantity})).unit == unit


PANEL = {"code": "85353-1", "valueQuantity": None}


def component(number, code="72514-3", **more):
    return {"code": concept(code), "valueQuantity": {"value": number}} | more


def test_a_score_in_a_component_has_the_time_and_status_of_its_panel():
    given = score(0, AT, **PANEL, component=[component(70, "8867-4"), component(8)])
    found = only(given)
    assert (found.number, found.label, found.reference) == (Decimal(8), "Known", "Observation/s")
    assert (found.begin, found.evidence.value) == (datetime.fromisoformat(AT), "8")
    assert only(given | {"status": "preliminary"}).number is None


def test_each_component_with_a_score_is_one():
    given = score(3, AT, component=[component(8), component(5, "other")])
    assert [each.number for each in observations(record(given), SCALES)] == [3, 8, 5]


def test_a_component_that_says_why_it_has_no_value_is_none():
    absent = {"code": concept("72514-3"), "dataAbsentReason": concept("not-asked")}
    assert observations(record(score(0, AT, **PANEL, component=[absent])), SCALES) == ()


def test_a_panel_without_a_value_of_its_own_is_no_score():
    assert observations(record(score(0, AT, valueQuantity=None, component=[])), SCALES) == ()


def test_a_fault_in_a_component_sets_its_score_aside():
    given = score(0, AT, **PANEL, component=[component(8, valueString="8")])
    assert (only(given).number, only(given).evidence.value) == (None, "set aside")


def test_a_member_without_a_time_has_that_of_its_panel():
    panel = score(0, AT, "panel", **PANEL, hasMember=[{"reference": "Observation/s"}])
    for own, expected in ((None, AT), ("2026-01-06T09:00:00-05:00", "2026-01-06T09:00:00-05:00")):
        (found,) = observations(record(panel, score(8, own)), SCALES)
        assert found.begin == datetime.fromisoformat(expected)


def ranged(codings):
    match = SCALES(codings)
    return match and replace(match, scale=(Decimal(0), Decimal(10)))


@pytest.mark.parametrize(("number", "counts"), [(0, True), (10, True), ("10.5", False), (99, False), (-1, False)])
def test_a_score_outside_its_scale_is_left_out(number, counts):
    assert bool(observations(record(score(number, AT)), ranged)) is counts


@pytest.mark.parametrize(
    ("site", "sites", "side"),
    [
        (None, 0, None),
        (concept("7771000", SNOMED, display="Left"), 0, "left"),
        ({"text": "Right"}, 0, "right"),
        ({"text": "Left knee"}, 1, "left"),
        (concept("72696002", SNOMED), 1, None),
    ],
)
def test_the_body_site_of_a_score_is_its_part_of_the_body_and_its_side(site, sites, side):
    found = only(score(8, AT, bodySite=site))
    assert (len(found.sites), found.side) == (sites, side)


def test_the_code_names_the_scale():
    assert only(score(8, AT)).code == "http://loinc.org|72514-3"


def test_of_several_codes_the_known_one_names_the_scale():
    given = score(8, AT) | {"code": {"coding": [*concept("x")["coding"], *concept("other", "urn:s")["coding"]]}}
    assert only(given).code == "urn:s|other"


def moments(**effective):
    found = only(score(8, None, **effective))
    return found.when and (found.when.earliest, found.when.latest, found.begin is not None)


FIFTH = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("effective", "expected"),
    [
        ({"effectiveDateTime": AT}, (FIFTH, FIFTH, True)),
        ({"effectiveDateTime": "2026-01-05"}, (FIFTH, FIFTH, False)),
        ({"effectiveInstant": AT}, (FIFTH, FIFTH, True)),
        ({"effectivePeriod": {"start": AT, "end": AT}}, (FIFTH, FIFTH, True)),
        ({"effectivePeriod": {"start": AT, "end": "2026-01-06T09:00:00-05:00"}}, (FIFTH, date(2026, 1, 6), True)),
        ({"effectivePeriod": {"start": AT, "end": "2026-01-06"}}, (FIFTH, date(2026, 1, 6), False)),
        ({"effectivePeriod": {"start": AT, "end": "2026-01-05T08:00:00-05:00"}}, (FIFTH, FIFTH, False)),
        ({"effectivePeriod": {"start": AT}}, (FIFTH, date.max, False)),
        ({"effectivePeriod": {"end": AT}}, (date.min, FIFTH, False)),
        ({"effectivePeriod": {}}, None),
        ({"effectiveTiming": {"event": [AT]}}, None),
        ({}, None),
    ],
)
def test_a_score_with_a_time_of_day_has_a_moment(effective, expected):
    assert moments(**effective) == expected


@pytest.mark.parametrize(
    ("effective", "shown"),
    [
        ({"effectiveDateTime": AT}, "2026-01-05T09:00-05:00"),
        ({"effectiveDateTime": "2026-01"}, "2026-01"),
        ({}, ""),
    ],
)
def test_the_evidence_shows_the_moment(effective, shown):
    assert only(score(8, None, **effective)).evidence.date == shown


def test_the_evidence_shows_the_number_with_its_unit():
    assert only(score("80.0", AT, valueQuantity={"value": Decimal("80.0"), "unit": "mm"})).evidence.value == "80.0 mm"


@pytest.mark.parametrize("fault", [{"effectiveDateTime": "then"}, {"valueString": "8"}, {"valueQuantity": 8}])
def test_a_fault_in_an_element_in_use_sets_it_aside(fault):
    found = only(score(8, AT, **fault))
    assert (found.number, found.evidence.value) == (None, "set aside")


def test_a_fault_elsewhere_changes_nothing():
    assert only(score(8, AT, note="x", performer=5)).number == Decimal(8)
