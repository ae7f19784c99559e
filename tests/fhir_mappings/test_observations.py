"""Scores and measurements with their time."""

from datetime import date
from decimal import Decimal

import pytest

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
        ({"valueQuantity": None, "valueString": "8"}, None),
        ({"valueQuantity": None}, None),
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


def test_the_code_names_the_scale():
    assert only(score(8, AT)).code == "http://loinc.org|72514-3"


def test_of_several_codes_the_known_one_names_the_scale():
    given = score(8, AT) | {"code": {"coding": [*concept("x")["coding"], *concept("other", "urn:s")["coding"]]}}
    assert only(given).code == "urn:s|other"


def moments(**effective):
    when = only(score(8, None, **effective)).when
    return when and (when.earliest, when.latest, when.instant is not None)


FIFTH = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("effective", "expected"),
    [
        ({"effectiveDateTime": AT}, (FIFTH, FIFTH, True)),
        ({"effectiveDateTime": "2026-01-05"}, (FIFTH, FIFTH, False)),
        ({"effectiveInstant": AT}, (FIFTH, FIFTH, True)),
        ({"effectivePeriod": {"start": AT, "end": AT}}, (FIFTH, FIFTH, True)),
        ({"effectivePeriod": {"start": AT, "end": "2026-01-06T09:00:00-05:00"}}, (FIFTH, date(2026, 1, 6), False)),
        ({"effectivePeriod": {"start": AT}}, (FIFTH, date.max, False)),
        ({"effectivePeriod": {"end": AT}}, (date.min, FIFTH, False)),
        ({"effectivePeriod": {}}, None),
        ({"effectiveTiming": {"event": [AT]}}, None),
        ({}, None),
    ],
)
def test_only_a_score_of_one_moment_has_a_moment(effective, expected):
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
