"""The detail of an External Reference: what the policy requires of each order, in short."""

from dataclasses import replace

import pytest

from cards.layout import WORDS
from cards.reference_detail import order_names, reference_detail
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination, Question
from tests.support.determinations import criterion, determination

FAILED = determination(Outcome.CRITERIA_NOT_MET, criterion("I.A", Status.NOT_MET), section="I")


def detail(*found: Determination, policy: str = "CP.TEST") -> str:
    return reference_detail(policy, [Assessment(found)])


def asking(*says: str, section: str = "II") -> Determination:
    asked = tuple(Question(f"II.{i}", f"Is it {each}?", says=each) for i, each in enumerate(says))
    return determination(Outcome.DOCUMENTATION_NEEDED, questions=asked, section=section)


def test_it_says_what_is_not_met_and_in_which_section() -> None:
    assert detail(FAILED) == "**Fusion**\n- Section I, not met: I.A is so."


def test_it_says_what_is_still_to_document() -> None:
    assert detail(asking("A.", "B")) == "**Fusion**\n- Section II, still to document: A; B."


@pytest.mark.parametrize(("says", "end"), [("ABC", "A; B; C."), ("ABCD", "A; B; C; and more."), ("AABBCC", "A; B; C.")])
def test_three_different_requirements_are_named(says: str, end: str) -> None:
    assert detail(asking(*says)).endswith(f": {end}")


def test_a_policy_that_is_one_section_has_no_name_for_it() -> None:
    assert detail(asking("A", section="")) == "**Fusion**\n- Still to document: A."


def test_a_question_that_is_no_requirement_is_left_out() -> None:
    assert detail(replace(asking(), questions=(Question("pathway", "Which one?"),))) == "**Fusion**"


def test_what_the_plan_reviews_is_said() -> None:
    review = criterion("I.A", Status.MET, counted=Status.UNKNOWN)
    found = determination(Outcome.CASE_REVIEW, review, section="I")
    assert detail(found) == "**Fusion**\n- Section I, plan medical review: I.A is so."


def test_only_the_policy_of_the_card_is_summarized() -> None:
    other = replace(asking("B"), policy="CP.OTHER")
    assert detail(FAILED, other) == "**Fusion**\n- Section I, not met: I.A is so."
    assert detail(FAILED, other, policy="CP.OTHER") == "**Fusion**\n- Section II, still to document: B."


def test_two_revisions_that_say_the_same_say_it_once() -> None:
    assert detail(FAILED, replace(FAILED, revision="2026-01")) == "**Fusion**\n- Section I, not met: I.A is so."


@pytest.mark.requirement("7.73")
def test_every_order_is_named_however_many_there_are() -> None:
    about = [Assessment((replace(asking(*"ABC"), order_label=f"Order {i}"),)) for i in range(40)]
    found = reference_detail("CP.TEST", about)
    assert all(f"**Order {i}**" in found for i in range(40))
    assert len(reference_detail("CP.TEST", about[:20]).split()) <= WORDS


@pytest.mark.requirement("7.72")
def test_text_of_a_request_brings_no_markup_into_it() -> None:
    loud = replace(FAILED, order_label="<b>*Fusion*</b>", criteria=(criterion("A", Status.NOT_MET, says="[x](y)"),))
    assert not {"<b>", "*Fusion*", "[x](y)"} & set(detail(loud).split())
    assert "<b>" not in detail(loud)


def test_the_orders_that_share_a_card_are_all_named_once() -> None:
    other = Assessment((replace(FAILED, order="ServiceRequest/2", order_label="Another"),))
    assert order_names([Assessment((FAILED,), also=(other, Assessment((FAILED,))))]) == "Fusion; Another"
