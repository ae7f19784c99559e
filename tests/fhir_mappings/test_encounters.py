"""Encounters: which one a reference names, when it was, and whether it is over."""

from datetime import date

import pytest

from fhir_mappings.encounters import encounter, encounter_reference
from tests.support.fhir_builders import record, resource

TODAY = date(2026, 3, 2)


def read(status="finished", reference="Encounter/e", **period):
    chart = record(resource("Encounter", id="e", status=status, **{"class": {"code": "IMP"}}, period=period or None))
    return encounter(chart, reference)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Encounter/e"}, "Encounter/e"),
        ({"reference": "Encounter/e/_history/3"}, "Encounter/e"),
        ({"reference": "https://ehr.example/fhir/Encounter/e"}, "Encounter/e"),
        ({"reference": "urn:uuid:1"}, "urn:uuid:1"),
        ({"display": "Visit"}, ""),
        ({"reference": 5}, ""),
        (None, ""),
    ],
)
def test_a_reference_names_an_encounter_without_server_and_version(reference, expected):
    assert encounter_reference(reference) == expected


def test_the_last_day_that_is_stated_dates_it():
    assert str(read(start="2026-02-01", end="2026-02-08").day) == "2026-02-08"
    assert str(read(start="2026-02-01").day) == "2026-02-01"
    assert read().day is None


@pytest.mark.parametrize(
    ("status", "period", "expected"),
    [
        ("finished", {}, True),
        ("cancelled", {}, True),
        ("in-progress", {}, False),
        ("in-progress", {"end": "2026-03-02"}, True),
        ("in-progress", {"end": "2026-03-03"}, False),
        ("in-progress", {"end": "2026-03"}, False),
        ("unknown", {"start": "2020-01-01"}, False),
    ],
)
def test_it_is_over_by_its_status_or_by_its_end(status, period, expected):
    assert read(status, **period).is_over(TODAY) is expected


@pytest.mark.parametrize("reference", ["", "Encounter/other"])
def test_what_was_not_read_is_none(reference):
    assert read(reference=reference) is None


def test_a_faulty_one_is_none():
    assert read(start="then") is None
