"""The state in which something was measured, as charts record it."""

from decimal import Decimal

import pytest

from coverage_policies.format.amount_phrases import value_limit
from coverage_policies.format.value_sets import TEXT, Row, ValueSet
from fhir_mappings.codings import LOINC
from fhir_mappings.measurement_states import is_recorded
from fhir_mappings.observations import measurements
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import knows, record, score

AT = "2026-01-05T09:00:00Z"
SATURATION = knows("59408-5", "59417-6")


def row(system, code, value=""):
    return Row(system, code, code, "test", None, None, True, value=value_limit(value) if value else None)


REST = ValueSet("rest", [row(LOINC, "59417-6"), row(LOINC, "activity"), row("s", "resting"), row(TEXT, "at rest")])
ROOM_AIR = ValueSet("air", [row(LOINC, "3150-0", "exactly 21 %"), row(TEXT, "room air"), row(TEXT, "no oxygen")])


def coded(code, system=LOINC, **more):
    return {"code": {"coding": [{"system": system, "code": code}]}, **more}


def percent(value):
    return {"valueQuantity": {"value": value, "unit": "%"}}


def state(state=ROOM_AIR, others=(), **more):
    saturation = score(85, AT, "o", code="59408-5", **percent(85)) | more
    chart = record(saturation, *others)
    found = [each for each in measurements(chart, SATURATION) if each.reference == "Observation/o"]
    assert len(found) == 1
    return is_recorded(chart, found[0], SATURATION, state.match)


def panel(*members, **more):
    return (
        score(None, AT, "panel", code="panel", valueQuantity=None)
        | {"hasMember": [{"reference": f"Observation/{each}"} for each in ("o", *members)]}
        | more
    )


def member(code, at=AT, **more):
    return score(None, at, "m", code=code, valueQuantity=None) | more


@pytest.mark.parametrize(("code", "says"), [("59417-6", Truth.YES), ("59408-5", None), ("2708-6", None)])
def test_the_code_of_the_measurement_records_a_state(code, says):
    known = {"coding": [{"system": LOINC, "code": "59408-5"}, {"system": LOINC, "code": code}]}
    assert state(REST, code=known) is says


@pytest.mark.parametrize(
    ("component", "says"),
    [
        (coded("3150-0", **percent(21)), Truth.YES),
        (coded("3150-0", valueQuantity={"value": Decimal("0.21"), "unit": "1"}), Truth.YES),
        (coded("3150-0", **percent(28)), Truth.NO),
        (coded("3150-0", valueQuantity={"value": 21}), Truth.UNKNOWN),
        (coded("3150-0", valueQuantity={"value": 40, "unit": "%", "comparator": "<"}), Truth.UNKNOWN),
        (coded("3150-0"), None),
        (coded("3150-0", valueString="not asked"), None),
        (coded("device", valueString="Room air"), Truth.YES),
        (coded("device", valueCodeableConcept={"text": "room air"}), Truth.YES),
        (coded("device", valueString="Nasal cannula"), None),
    ],
)
def test_a_component_records_it_by_its_number_or_in_words(component, says):
    assert state(component=[component]) is says


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"valueBoolean": True}, Truth.YES),
        ({"valueBoolean": False}, Truth.NO),
        ({"valueString": "No"}, Truth.NO),
        ({"valueCodeableConcept": {"coding": [{"system": "s", "code": "resting"}]}}, Truth.YES),
        ({}, None),
    ],
)
def test_a_component_with_the_code_of_a_state_records_it_unless_it_says_no(value, says):
    assert state(REST, component=[coded("activity", **value)]) is says


def test_components_that_contradict_each_other_record_nothing_certain():
    assert state(component=[coded("3150-0", **percent(21)), coded("3150-0", **percent(28))]) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (member("3150-0", **percent(21)), Truth.YES),
        (member("3150-0", None, effectiveDateTime=None, **percent(21)), Truth.YES),
        (member("3150-0", "2026-01-05T08:00:00Z", **percent(21)), Truth.UNKNOWN),
        (member("3150-0", "2026-01-05", **percent(21)), Truth.UNKNOWN),
        (member("3150-0", status="preliminary", **percent(21)), Truth.UNKNOWN),
        (member("3150-0", status="entered-in-error", **percent(21)), None),
    ],
)
def test_another_member_of_its_panel_records_it_at_the_same_time(other, says):
    other = {name: value for name, value in other.items() if value is not None}
    assert state(others=[panel("m"), other]) is says


def test_another_measurement_of_the_panel_describes_only_itself():
    assert state(REST, others=[panel("m"), member("59417-6", **percent(85))]) is None


def test_a_measurement_of_no_panel_has_no_members_beside_it():
    assert state(others=[member("3150-0", **percent(21))]) is None


@pytest.mark.parametrize("element", ["method", "panel"])
def test_the_method_and_the_panel_record_it_in_words(element):
    said = {"text": "Oximetry on room air"}
    given = {"method": said} if element == "method" else {"others": [panel(code=said)]}
    assert state(**given) is Truth.YES


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ("On room air", Truth.YES),
        ("Resting; ROOM AIR.", Truth.YES),
        ("Patient feels well. Room air, sitting", Truth.YES),
        ("Not on room air", None),
        ("off room air", None),
        ("not sitting, room air", Truth.YES),
        ("room air?", Truth.UNKNOWN),
        ("usually room air", Truth.UNKNOWN),
        ("repeat on room air if possible", Truth.UNKNOWN),
        ("no oxygen", Truth.YES),
        ("85 % on room air", Truth.YES),
        ("93 % on room air", None),
        ("93 % on 2 L, 85 % on room air", Truth.YES),
        ("85% on 2 L, 80% on room air", None),
        ("fairway", None),
        ("room air " + "x" * 2_000, Truth.UNKNOWN),
    ],
)
def test_a_note_records_it_in_plain_words_that_neither_deny_it_nor_leave_it_open(note, says):
    assert state(note=[{"text": note}]) is says


def test_a_modifier_that_is_not_understood_leaves_it_open():
    modified = {"url": "http://example.org/x", "valueBoolean": True}
    component = coded("3150-0", **percent(21)) | {"modifierExtension": [modified]}
    assert state(component=[component]) is Truth.UNKNOWN
