"""The line on top of a card."""

from dataclasses import replace

import pytest

from cards.summary import headline, summary
from coverage_policies.format.model import APPLIES, CODE, PATHWAY, SIDE
from coverage_policies.format.terms import LineOfBusiness, Outcome, Reason, Status
from coverage_policies.judging.determination import Question
from fhir_mappings.record import Evidence
from tests.support.determinations import criterion, determination

NOT_MET, UNKNOWN = Status.NOT_MET, Status.UNKNOWN
FAILS, NEEDED = Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED
GROUP = criterion("II", NOT_MET, is_group=True)
FIBROMYALGIA = Evidence("Condition/fm-1", "Fibromyalgia", "2024-05-01")
WEAN = criterion(
    "II.E", NOT_MET, "II", headline="Opioids down only 25% (120 → 90 MME/day)", says_when_not_met="Policy requires 50%"
)


def test_the_finding_comes_first_then_the_requirement_that_it_fails() -> None:
    assert summary(determination(FAILS, GROUP, WEAN)) == (
        "Opioids down only 25% (120 → 90 MME/day). Policy requires 50%."
    )


def test_without_a_finding_in_words_the_first_record_is_the_finding() -> None:
    failed = criterion("II.E", NOT_MET, "II", evidence=(FIBROMYALGIA,), says_when_not_met="Policy excludes it")
    assert summary(determination(FAILS, GROUP, failed)) == "Fibromyalgia (05/01/2024). Policy excludes it."


def test_the_order_is_no_evidence_against_itself() -> None:
    order = Evidence("ServiceRequest/1", "Fusion", "2026-03-02", "posterior")
    failed = criterion("II.I", NOT_MET, "II", evidence=(order,), says_when_not_met="Policy covers lateral only")
    assert summary(determination(FAILS, GROUP, failed)) == "Policy covers lateral only."


def test_an_answer_is_said_to_be_one() -> None:
    failed = criterion(
        "II.E",
        NOT_MET,
        "II",
        reason=Reason.ATTESTED,
        evidence=(FIBROMYALGIA,),
        says_when_not_met="Policy requires rest",
    )
    assert summary(determination(FAILS, GROUP, failed)) == "Policy requires rest, by a clinician's answer."


def test_a_criterion_without_a_sentence_of_its_own_is_not_met() -> None:
    assert summary(determination(FAILS, GROUP, criterion("Rest", NOT_MET, "II"))) == "Not met: rest is so."


def test_further_failures_are_counted() -> None:
    assert summary(determination(FAILS, GROUP, WEAN, criterion("II.F", NOT_MET, "II"))).endswith("50% (+1 more).")


def test_a_long_finding_is_cut_and_the_requirement_is_not() -> None:
    said = summary(determination(FAILS, GROUP, replace(WEAN, headline="word " * 60)))
    assert said.endswith("… Policy requires 50%.")
    assert len(said) < 140


def test_an_order_that_no_pathway_supports_says_so() -> None:
    assert summary(determination(FAILS)) == "No indication in policy CP.TEST can be met."


def test_the_lines_it_is_for_are_named_if_they_are_not_the_only_ones() -> None:
    lines = (LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE)
    found = determination(FAILS, GROUP, WEAN, lines=lines)
    assert summary(found).startswith("Under Medicare: opioids down only 25%")
    assert summary(replace(found, lines=(LineOfBusiness.MEDICAID, LineOfBusiness.COMMERCIAL))).startswith(
        "Under Medicaid or commercial: "
    )


def test_what_follows_the_lines_of_business_is_shortened_to_what_is_left() -> None:
    lines = (LineOfBusiness.MEDICARE,)
    documented = determination(Outcome.SUPPORTED, order_label="Laparoscopic gastric bypass, " * 8, lines=lines)
    assert summary(documented).endswith("… (CP.TEST). Not a coverage decision.")
    failed = determination(FAILS, GROUP, replace(WEAN, headline="word " * 60), lines=lines)
    assert summary(failed).endswith("… Policy requires 50%.")
    assert max(len(summary(documented)), len(summary(failed))) < 140


OPEN = (criterion("II", UNKNOWN, is_group=True), criterion("II.A", UNKNOWN, "II"), criterion("II.B", UNKNOWN, "II"))
ASKED = (Question("II.B", "Is B so?", says="B is so"), Question("II.A", "Is A so?", says="A is so"))


@pytest.mark.parametrize(
    ("left", "said"), [((2, 2), "2 items"), ((2, 4), "2 to 4 items"), ((1, 1), "1 item"), ((0, 2), "at most 2 items")]
)
def test_what_to_document_is_counted_with_what_to_begin_with(left: tuple[int, int], said: str) -> None:
    found = determination(NEEDED, *OPEN, questions=ASKED, items_left=left)
    assert summary(found) == f"{said} to document for policy CP.TEST. Start with: B is so."


def test_the_only_item_to_document_is_named() -> None:
    found = determination(NEEDED, *OPEN, questions=ASKED[:1], items_left=(1, 1))
    assert summary(found) == "1 item to document for policy CP.TEST: B is so."


@pytest.mark.parametrize("name", [PATHWAY, SIDE])
def test_a_question_about_the_order_comes_before_the_count(name: str) -> None:
    first = Question(name, "What is it for?")
    said = summary(determination(NEEDED, *OPEN, questions=(first, *ASKED), items_left=(2, 2)))
    assert said == "First: what is it for? Then 2 items to document for policy CP.TEST."
    assert summary(determination(NEEDED, *OPEN, questions=(first,))) == "First: what is it for?"


def test_the_question_for_a_code_says_what_needs_it() -> None:
    asked = (Question(CODE, "Which code do you mean?"),)
    assert summary(determination(NEEDED, questions=asked)) == "Which code do you mean? Needed to check policy CP.TEST."


def test_the_question_whether_a_policy_applies_names_it() -> None:
    asked = (Question(APPLIES, "Is it a trial?"),)
    assert summary(determination(NEEDED, questions=asked)) == "Is it a trial? If so, policy CP.TEST applies."


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"obstacle": "the order is for another patient"}, "the order is for another patient"),
        ({}, "no revision is installed for the service date"),
        ({"criteria": OPEN}, "the chart could not be read"),
        ({"criteria": OPEN, "is_cut_short": True}, "time limit reached"),
    ],
)
def test_an_order_that_was_not_checked_says_why(more: dict[str, object], why: str) -> None:
    assert summary(determination(Outcome.NOT_EVALUATED, **more)) == f"Policy CP.TEST not checked: {why}."


@pytest.mark.parametrize(
    ("status", "sentence"), [(NOT_MET, "It replaces an implant"), (Status.MET, "It is a first implant")]
)
def test_what_the_plan_reviews_is_said(status: Status, sentence: str) -> None:
    handed = criterion(
        "II.new", status, says="It is a first implant", says_when_not_met="It replaces an implant", counted=UNKNOWN
    )
    said = summary(determination(Outcome.CASE_REVIEW, handed))
    assert said == f"Needs plan medical review (CP.TEST). {sentence}."


def test_what_is_supported_names_the_order_and_is_no_decision() -> None:
    assert summary(determination(Outcome.SUPPORTED)) == (
        "All requirements documented: fusion (CP.TEST). Not a coverage decision."
    )


@pytest.mark.parametrize("gap", [{"unread": ("Condition",)}, {"unused": 1}])
def test_what_is_supported_says_that_not_all_data_could_be_used(gap: dict[str, object]) -> None:
    assert summary(determination(Outcome.SUPPORTED, **gap)).endswith(" Not all data could be used.")


def test_a_long_name_of_an_order_leaves_room_for_what_could_not_be_used() -> None:
    said = summary(determination(Outcome.SUPPORTED, unused=1, order_label="Very long name of an order " * 20))
    assert said.endswith("… (CP.TEST). Not a coverage decision. Not all data could be used.")
    assert len(said) < 140


@pytest.mark.requirement("7.58")
def test_no_summary_begins_with_the_name_of_the_order_or_has_140_characters() -> None:
    for outcome in Outcome:
        said = summary(determination(outcome, *OPEN, order_label="Very long name of an order " * 20))
        assert 0 < len(said) < 140
        assert not said.startswith("Very")


def test_a_headline_has_whole_sentences() -> None:
    for outcome in Outcome:
        assert headline(determination(outcome)).endswith((".", "?"))


def test_a_longer_line_has_more_of_a_long_finding() -> None:
    failed = determination(FAILS, GROUP, replace(WEAN, headline="word " * 60))
    assert len(summary(failed)) < 140 < len(summary(failed, 400)) < 400
    lines = (LineOfBusiness.MEDICARE,)
    assert 140 < len(summary(replace(failed, lines=lines), 300)) <= 300
