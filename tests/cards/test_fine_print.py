"""The last line of a card."""

import pytest

from cards.fine_print import fine_print
from coverage_policies.format.terms import Outcome
from tests.support.determinations import determination

SUPPORTED = Outcome.SUPPORTED


def test_it_names_the_policy_its_revision_and_section_and_is_no_decision() -> None:
    assert fine_print([determination(SUPPORTED, section="II")]) == (
        "*CP.TEST (2025-01), section II. Not a coverage decision.*"
    )


def test_several_sections_are_not_named() -> None:
    two = [determination(SUPPORTED, section="I"), determination(SUPPORTED, section="II", revision="2024-01")]
    assert fine_print(two) == "*CP.TEST (2025-01), CP.TEST (2024-01). Not a coverage decision.*"


def test_what_limits_the_answer_is_said_once() -> None:
    two = [determination(SUPPORTED, caveats=("Payer not identified", more)) for more in ("A", "B")]
    assert "Payer not identified. A. B. Not" in fine_print(two)


def test_what_was_not_read_is_named_in_the_words_of_a_chart() -> None:
    found = determination(SUPPORTED, unread=("Condition", "AllergyIntolerance", "Basic"))
    assert "Not read completely: Basic, allergies, problem list." in fine_print([found])


@pytest.mark.parametrize(("unused", "words"), [(1, "1 record"), (2, "2 records")])
def test_records_that_were_not_used_are_counted(unused: int, words: str) -> None:
    said = fine_print([determination(SUPPORTED, unused=unused)])
    assert f" {words} not used." in said


def test_the_gaps_of_several_revisions_are_named_once() -> None:
    several = [
        determination(SUPPORTED, revision=name, unread=("Condition", kind), unused=unused)
        for name, kind, unused in (("2025-01", "Device", 1), ("2025-04", "Coverage", 3))
    ]
    said = fine_print(several)
    assert "Not read completely: implants and devices, insurance coverage, problem list." in said
    assert " 3 records not used." in said


def test_other_orders_that_share_the_card_are_named_once() -> None:
    said = fine_print([determination(SUPPORTED)], ["Pump", "Catheter", "Pump"])
    assert said.startswith("*Also for: Pump; Catheter. ")


def test_what_comes_from_a_chart_is_made_safe() -> None:
    assert "<b>" not in fine_print([determination(SUPPORTED)], ["<b>Pump</b>"])
