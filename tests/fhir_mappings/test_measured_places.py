"""Where on the body something was measured: by its body site, by a location beside it, and by its name."""

import pytest

from fhir_mappings.codings import LOINC, Coding
from fhir_mappings.laterality import UNCLEAR
from fhir_mappings.measured_places import place_of
from fhir_mappings.observations import observations
from tests.support.fhir_builders import concept, knows, record, resource, score

PAIN = knows("72514-3")
AT = "2026-01-05T09:00:00-05:00"
VALUE = {"valueQuantity": {"value": 5, "unit": "{score}"}}
KNEE = {"valueCodeableConcept": {"text": "Right knee"}}


def place(*resources):
    """The place of the only pain score."""
    chart = record(*resources)
    (found,) = observations(chart, PAIN)
    return place_of(chart, found)


def located(code, **value):
    """A panel of a score and what is beside it."""
    made = {"status": "final", "code": concept("38212-7", LOINC), "effectiveDateTime": AT}
    return resource(
        "Observation", **made, component=[{"code": concept("72514-3", LOINC), **VALUE}, {"code": code} | value]
    )


def words(sites):
    return [each.display for site in sites for each in site]


def test_a_measurement_is_at_its_body_site():
    found = place(score(5, AT, bodySite={"text": "Left knee"}))
    assert (words(found.sites), found.side) == (["Left knee"], "left")


def test_a_site_that_is_only_a_side_is_no_site():
    found = place(score(5, AT, bodySite={"text": "Left"}))
    assert (found.sites, found.side) == ((), "left")


def test_its_name_is_what_it_is_called_in_all_words():
    code = {**concept("72514-3", LOINC, display="Pain severity"), "text": "Pain score, right knee"}
    found = place(score(5, AT) | {"code": code})
    assert found.name == (Coding(LOINC, "72514-3", "Pain severity"), Coding("", "", "Pain score, right knee"))
    assert (found.sites, found.side) == ((), "right")


def test_a_name_and_a_site_of_two_sides_contradict_each_other():
    code = {**concept("72514-3", LOINC), "text": "Pain score, right"}
    assert place(score(5, AT, bodySite={"text": "left knee"}) | {"code": code}).side == UNCLEAR


@pytest.mark.parametrize("code", [concept("38204-4", LOINC), {"text": "Pain location"}, {"text": "Site of the pain"}])
@pytest.mark.parametrize("value", [KNEE, {"valueString": "Right knee"}])
def test_a_component_may_give_the_location_of_the_pain(code, value):
    found = place(located(code, **value))
    assert (words(found.sites), found.side) == (["Right knee"], "right")


@pytest.mark.parametrize("code", [concept("8357-6", LOINC), {"text": "Location"}, {"text": "Cuff site"}, None])
def test_another_component_gives_no_location_of_the_pain(code):
    assert place(located(code, **KNEE)).sites == ()


@pytest.mark.parametrize("value", [{}, {"valueString": 5}, {"valueQuantity": {"value": 5}}])
def test_a_location_without_words_gives_none(value):
    assert place(located(concept("38204-4", LOINC), **value)).sites == ()


@pytest.mark.parametrize(("status", "sites"), [("final", ["Right knee"]), ("entered-in-error", [])])
def test_a_member_of_the_panel_may_give_the_location_of_the_pain(status, sites):
    where = resource("Observation", id="where", status=status, code=concept("38204-4", LOINC), **KNEE)
    members = [{"reference": "Observation/s"}, {"reference": "Observation/where"}, {"reference": "Observation/none"}]
    panel = resource("Observation", id="panel", status="final", code=concept("38212-7", LOINC), hasMember=members)
    assert words(place(score(5, AT), where, panel).sites) == sites
