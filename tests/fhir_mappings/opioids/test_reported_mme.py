from datetime import date

import pytest

from fhir_mappings.opioids.reported_mme import AHRQ_PAIN_SUMMARY, PDMP_EXTENSION, reported_mme
from tests.support.fhir_builders import record, resource


def stated(*resources):
    """Return the values that a chart states, with their days."""
    return [(one.evidence.value, one.when and one.when.latest) for one in reported_mme(record(*resources))]


def observed(code, **members):
    members.setdefault("valueQuantity", {"value": 60, "unit": "{MME}/d"})
    return resource("Observation", status="final", code=code, effectiveDateTime="2026-02-01", **members)


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": AHRQ_PAIN_SUMMARY, "code": "MME"}]},
        {"text": "Morphine Milligram Equivalent (MME)"},
        {"text": "Total daily MME"},
        {"text": "MEDD"},
        {"coding": [{"system": "urn:x", "code": "1", "display": "Morphine equivalents per day"}]},
    ],
)
def test_an_observation_of_mme_is_known_by_its_code_or_its_words(code):
    assert stated(observed(code)) == [("60 MME/day", date(2026, 2, 1))]


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Morphine"},
        {"text": "Morphine [Mass/volume] in Urine"},
        {"text": "Hammer toe"},
        {"coding": [{"system": "urn:x", "code": "MME"}]},
    ],
)
def test_another_observation_states_no_mme(code):
    assert stated(observed(code)) == []


@pytest.mark.parametrize(
    "members",
    [
        {"valueQuantity": {"unit": "{MME}/d"}},
        {"valueQuantity": {"value": -1}},
        {"valueQuantity": "60"},
        {"valueInteger": True},
    ],
)
def test_an_observation_without_an_amount_states_no_mme(members):
    assert stated(observed({"text": "MME"}, **{"valueQuantity": None, **members})) == []


def test_an_integer_and_a_period_count():
    over = {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-01-01", "end": "2026-01-31"}}
    found = {**observed({"text": "MME"}, valueQuantity=None, valueInteger=45), **over}
    assert stated(found) == [("45 MME/day", date(2026, 1, 31))]


def test_a_dispense_may_state_its_mme():
    extension = [{"url": "http://example.org/other"}, {"url": PDMP_EXTENSION, "valueDecimal": 30}]
    found = resource("MedicationDispense", status="completed", whenHandedOver="2026-02-03", extension=extension)
    assert stated(found) == [("30 MME/day", date(2026, 2, 3))]


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_was_withdrawn_states_nothing(status):
    assert stated({**observed({"text": "MME"}), "status": status}) == []
