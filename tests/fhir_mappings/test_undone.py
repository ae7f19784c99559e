"""What was not done although its status says so: by modifiers of billing codes, and by words."""

import pytest

from fhir_mappings.codings import CPT, HCPCS
from fhir_mappings.undone import is_discontinued, may_be_undone, says_missed
from tests.support.fhir_builders import concept
from tests.support.growth import is_linear


@pytest.mark.parametrize(
    "words",
    [
        *("No Show", "no-show", "Patient noshow", "Psychotherapy - NO SHOW", "Two no-shows", "Nonattendance", "LWBS"),
        *(
            "Patient did not attend",
            "DNA - did not attend",
            "Didn't attend the session",
            "didn’t show up",
            "Did  not come",
        ),
        *("Did not attend his therapy today", "failed to keep appointment", "Did not arrive for the visit"),
        *(
            "Missed appointment",
            "Cancelled visit",
            "canceled the session",
            "Visit was cancelled",
            "Session not attended",
        ),
        *("Cancelled", "Psychotherapy (cancelled)", "Cancelled by patient", "Patient canceled", "Late cancellation"),
        *("Left without being seen", "Eloped before evaluation", "left prior to being treated"),
    ],
)
def test_words_say_that_a_visit_was_missed(words: str) -> None:
    assert says_missed(words)


@pytest.mark.parametrize(
    "words",
    [
        *("Psychotherapy, 60 minutes", "Show of strength", "Patient attended", "Shown no improvement"),
        *(
            "Did not attend school",
            "Did not show improvement",
            "Never left without his wife",
            "Did not present symptoms",
        ),
        *("Distress after cancelled surgery", "Patient cancelled surgery out of fear", "Missed his mother", ""),
        *("Left before noon", "Left knee pain before treatment"),
    ],
)
def test_other_words_say_no_such_thing(words: str) -> None:
    assert not says_missed(words)


@pytest.mark.parametrize("part", ["did not attend the ", "cancelled by ", "no ", "missed the ", "- ", "left without "])
def test_words_are_read_in_linear_time(part: str) -> None:
    assert is_linear(lambda size: lambda: says_missed(part * size), 5_000)


@pytest.mark.parametrize("modifier", ["53", "73", "74"])
def test_a_modifier_says_that_a_procedure_was_discontinued(modifier: str) -> None:
    assert is_discontinued(["RT", modifier])
    for system in (CPT, HCPCS):
        coding = [{"system": CPT, "code": "27096"}, {"system": system, "code": modifier}]
        assert may_be_undone([{"coding": coding}])


@pytest.mark.parametrize("modifier", ["RT", "50", "59", "76"])
def test_another_modifier_says_no_such_thing(modifier: str) -> None:
    assert not is_discontinued([modifier])
    assert not may_be_undone([{"coding": [{"system": CPT, "code": "27096"}, {"system": CPT, "code": modifier}]}])


def test_the_number_of_a_modifier_in_another_system_is_none() -> None:
    assert not may_be_undone([concept("53", "urn:local")])


def test_labels_and_text_are_read_of_every_concept() -> None:
    assert may_be_undone([concept(), concept("NS", "urn:local", display="Patient no-show")])
    assert may_be_undone([concept(), {"text": "No Show"}])
    assert not may_be_undone([concept(), {"text": "Psychotherapy"}, None, "No Show"])
