"""The timeline of the sample charts: which pictures each has, and that ids stand once."""

import pytest

from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.web.sandbox.timeline import timeline
from cds_service.web.sandbox.timeline_limits import latest, limits_asked, reductions_asked, reliefs_asked
from coverage_policies.format.library import Library
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.bundle import entries
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import PatientRecord
from tests.support.fhir_builders import READ_AT, ZONE
from tests.support.record_fakes import shipped
from tests.support.terms import TERMS

LIBRARY = shipped().library


def chart(name: str) -> PatientRecord:
    """A sample patient's chart as it was read on the day of the story."""
    assert READ_AT.date() == STORY_DATE
    bundle: Resource = next(each for each in SAMPLES if each.id == name).bundle(None)
    return PatientRecord(name, entries(bundle), read_at=READ_AT, zone=ZONE, availability={}, terms=TERMS)


def names(sample: str) -> list[str]:
    return [each.name for each in timeline(chart(sample), LIBRARY)]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("sij-all-documented", ["pain"]),
        ("sij-nearly-empty", []),
        ("pump-trial-worked", ["pain", "opioids"]),
        ("oxygen-low-at-rest", ["measure-oxygen-saturation"]),
        ("cpap-severe-apnea", ["measure-apnea-hypopnea-index"]),
        ("bariatric-weight-lost", ["measure-body-mass-index"]),
    ],
)
def test_a_chart_has_a_picture_for_each_kind_of_its_evidence(sample: str, expected: list[str]) -> None:
    assert names(sample) == expected


def test_a_wean_has_its_picture() -> None:
    assert "opioids" in names("trial-not-weaned")


def test_a_library_without_policies_asks_for_no_picture() -> None:
    assert timeline(chart("sij-all-documented"), Library({}, ValueSets({}))) == ()


@pytest.mark.parametrize("sample", [each.id for each in SAMPLES])
def test_an_id_stands_once_in_a_timeline(sample: str) -> None:
    pictures = timeline(chart(sample), LIBRARY)
    ids = [each.html_id for picture in pictures for each in picture.marks if each.html_id]
    ids += [each.html_id for picture in pictures for each in picture.bars if each.html_id]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("sample", [each.id for each in SAMPLES])
def test_every_point_lies_within_its_picture(sample: str) -> None:
    for picture in timeline(chart(sample), LIBRARY):
        assert [
            each for each in picture.marks if not (0 <= each.x <= picture.width and 0 <= each.y <= picture.height)
        ] == []
        assert [each for each in picture.bars if not (each.x >= 0 and each.x + each.width <= picture.width)] == []


def test_of_several_revisions_the_latest_counts() -> None:
    assert {each.full_name for each in latest(LIBRARY)} >= {"CP.MP.126@2025-04"}
    assert "CP.MP.126@2022-06" not in {each.full_name for each in latest(LIBRARY)}


def test_each_limit_is_asked_once() -> None:
    policies = latest(LIBRARY)
    limits = [(each.codes.name, each.asks) for each in limits_asked(policies)]
    assert len(limits) == len(set(limits))
    assert len(reliefs_asked(policies)) == len({each.check.after.names for each in reliefs_asked(policies)})
    assert len(reductions_asked(policies)) == 1


def test_states_of_a_limit_include_those_that_rule_it_out() -> None:
    (limit,) = [each for each in limits_asked(latest(LIBRARY)) if each.asks == "at most 88%"]
    assert {each.name for each in limit.states} == {"at-rest", "on-exertion", "asleep", "on-oxygen"}
