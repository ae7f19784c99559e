"""Which names of a pain score make it another one: of another part of the body, over a past time, or a goal."""

import pytest

from coverage_policies.format.library import load_library
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.region import region
from fhir_mappings.codings import LOINC, Coding
from fhir_mappings.truth import Truth

SETS: ValueSets = load_library().value_sets
BACK = region({"region": "low-back-or-pelvis"}, SETS)


def decides(name: str) -> bool:
    found = SETS["pain-severity-0-10"].match([Coding(LOINC, "72514-3"), Coding("", "", name)])
    return found is not None and found.decides


def includes(name: str) -> Truth:
    """Return whether a body site, or a name of a score that names one, is the low back or pelvis."""
    return BACK.includes([(Coding("", "", name),)])


@pytest.mark.parametrize(
    "name",
    [
        "Pain score",
        "Pain severity - 0-10 verbal numeric rating [Score] - Reported",
        "Pain severity Wong-Baker FACES pain rating scale",
        "NRS",
        "Pain score at rest",
        "Pain score with activity",
        "Post-procedure pain score",
        "Pain (0 = none, 10 = worst pain imaginable)",
    ],
)
def test_a_plain_name_is_a_score_of_no_certain_part_of_the_body(name: str) -> None:
    assert decides(name)
    assert not BACK.is_named((Coding("", "", name),))


@pytest.mark.parametrize(
    "name",
    [
        "Goal pain score",
        "Acceptable pain level",
        "Worst pain past 24 hours",
        "Worst pain in past 7 days",
        "Average pain",
        "Least pain in last week",
        "Pain, right hip",
        "Leg pain score",
    ],
)
def test_a_goal_a_past_time_and_an_unclear_part_only_ask(name: str) -> None:
    assert not decides(name)


@pytest.mark.parametrize(
    "name", ["Back pain score", "Low back", "Lumbar spine", "Thoracolumbar spine", "Right SI joint"]
)
def test_the_low_back_is_the_region(name: str) -> None:
    assert includes(name) is Truth.YES


@pytest.mark.parametrize("name", ["Pain score, right knee", "Headache pain score", "Pain score - chest", "Thoracic"])
def test_another_part_of_the_body_is_not_the_region(name: str) -> None:
    assert includes(name) is Truth.NO


@pytest.mark.parametrize(
    "name",
    ["Upper back", "Back, upper", "Mid back", "Mid-back", "Thoracic back", "Thoracic spine", "Low back and knee"],
)
def test_the_upper_back_is_not_told_to_be_the_region(name: str) -> None:
    assert includes(name) is Truth.UNKNOWN
