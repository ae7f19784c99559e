"""The card for several policies or revisions that may apply."""

from typing import Any
from uuid import UUID

import pytest

from cards.build import card
from cards.style import CardStyle
from coverage_policies.format.model import CODE
from coverage_policies.format.terms import LineOfBusiness, Outcome, Status
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Alternative, Determination, Question
from tests.support.determinations import criterion, determination

MET, NOT_MET, UNKNOWN = Status.MET, Status.NOT_MET, Status.UNKNOWN
FAILED, NEEDED = Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED


def card_of(*texts: Determination) -> dict[str, Any]:
    return card(Assessment(texts), CardStyle(), UUID(int=1))


def revisions(*outcomes: Outcome) -> dict[str, Any]:
    return card_of(*(determination(outcome, revision=f"202{i}-01") for i, outcome in enumerate(outcomes)))


# --- the line on top -------------------------------------------------------------------------------------------------


def test_revisions_that_agree_speak_in_one_sentence() -> None:
    failed = criterion("I.A", NOT_MET, says_when_not_met="Too soon")
    assert (
        card_of(determination(FAILED, failed, revision="2024-01"), determination(FAILED, failed))["summary"]
        == "Too soon."
    )


def test_revisions_that_rule_the_order_out_for_different_reasons_give_the_first() -> None:
    one, two = (
        criterion("I.A", NOT_MET, says_when_not_met="Too soon"),
        criterion("I.A", NOT_MET, says_when_not_met="No"),
    )
    assert (
        card_of(determination(FAILED, one, revision="2024-01"), determination(Outcome.NOT_SUPPORTED, two))["summary"]
        == "Too soon."
    )


def test_policies_that_ask_for_more_or_less_are_counted_each() -> None:
    asked = tuple(Question(f"I.{i}", "Is it so?") for i in range(3))
    found = card_of(
        determination(NEEDED, questions=asked, items_left=(3, 3)),
        determination(NEEDED, items_left=(1, 1), policy="MC.TEST"),
    )
    assert found["summary"] == "Two policies may apply. CP.TEST: 3 items to document; MC.TEST: 1 item to document."


def test_policies_that_need_a_code_ask_for_it_once() -> None:
    asked = (Question(CODE, "Which code do you mean?"),)
    found = card_of(determination(NEEDED, questions=asked), determination(NEEDED, questions=asked, policy="MC.TEST"))
    assert found["summary"] == "Which code do you mean? Needed to check the coverage policy."


def test_policies_for_different_lines_are_told_apart_by_them() -> None:
    medicare, others = {"lines": (LineOfBusiness.MEDICARE,)}, {"lines": (LineOfBusiness.COMMERCIAL,)}
    found = card_of(
        determination(Outcome.NOT_SUPPORTED, policy="MC.TEST", **medicare), determination(Outcome.SUPPORTED, **others)
    )
    assert found["summary"] == "Two policies may apply. Medicare: not supported; Commercial: documented."


def test_a_policy_that_does_not_apply_does_not_name_the_order() -> None:
    silent = determination(Outcome.NOT_APPLICABLE, order_label="Order", revision="2024-01")
    assert card_of(silent, determination(Outcome.NOT_SUPPORTED))["detail"].startswith("**Fusion**\n")


def test_several_revisions_are_not_called_two() -> None:
    assert revisions(FAILED, NEEDED, NEEDED)["summary"].startswith("Several revisions may apply. ")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.NOT_SUPPORTED, "not supported"),
        (Outcome.CRITERIA_NOT_MET, "criteria not met"),
        (Outcome.NOT_EVALUATED, "not checked"),
        (Outcome.CASE_REVIEW, "needs plan review"),
        (Outcome.SUPPORTED, "documented"),
        (Outcome.NOT_APPLICABLE, "does not apply"),
    ],
)
def test_every_outcome_has_its_words(outcome: Outcome, words: str) -> None:
    said = f"Two revisions may apply. 2020-01: {words}; 2021-01: 0 items to document."
    assert revisions(outcome, NEEDED)["summary"] == said


def test_the_summary_stays_under_140_characters() -> None:
    assert len(revisions(*([FAILED, NEEDED] * 6))["summary"]) < 140


# --- the rest of the card --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "indicator"),
    [
        ((FAILED, FAILED), "warning"),
        ((FAILED, Outcome.NOT_SUPPORTED), "warning"),
        ((FAILED, NEEDED), "info"),
        ((Outcome.NOT_SUPPORTED, Outcome.SUPPORTED), "info"),
    ],
)
def test_it_warns_only_if_no_revision_lets_the_order_pass(outcomes: tuple[Outcome, ...], indicator: str) -> None:
    assert revisions(*outcomes)["indicator"] == indicator


def test_the_determination_of_every_revision_travels_along() -> None:
    found = revisions(FAILED, NEEDED)["extension"]["cds-service.determination"]
    assert [(each["revision"], each["outcome"]) for each in found] == [
        ("2020-01", "criteria-not-met"),
        ("2021-01", "documentation-needed"),
    ]


def test_what_both_support_is_one_line() -> None:
    found = revisions(Outcome.SUPPORTED, Outcome.SUPPORTED)
    assert found["summary"] == "All requirements documented: fusion (CP.TEST). Not a coverage decision."
    assert "detail" not in found


def better(says: str, criterion: str = "II.A") -> Alternative:
    return Alternative(criterion, says, {"resourceType": "ServiceRequest", "id": "1"}, NEEDED)


def test_a_suggestion_that_helps_under_every_revision_is_made_once() -> None:
    one = determination(FAILED, alternatives=(better("Change it"), better("Only here")), revision="2024-01")
    found = card_of(one, determination(FAILED, alternatives=(better("Change it"),)))
    assert [each["label"] for each in found["suggestions"]] == ["Change it"]


def test_a_suggestion_that_helps_under_one_revision_only_is_none() -> None:
    found = card_of(
        determination(FAILED, alternatives=(better("Change it"),), revision="2024-01"), determination(FAILED)
    )
    assert "suggestions" not in found


# --- the detail ------------------------------------------------------------------------------------------------------


def lines(*texts: Determination) -> list[str]:
    return [line for line in str(card_of(*texts)["detail"]).splitlines() if line]


def test_the_order_is_named_first() -> None:
    assert lines(determination(FAILED, revision="2024-01"), determination(NEEDED))[0] == "**Fusion**"


def test_where_revisions_differ_is_told_by_criterion() -> None:
    one = determination(FAILED, criterion("I.A", NOT_MET), criterion("I.B"), revision="2024-01")
    found = lines(one, determination(NEEDED, criterion("I.A"), criterion("I.B"), criterion("I.C", MET)))
    at = found.index("**Differences:**")
    assert found[at + 1 : at + 3] == ["- I.A is so: 2024-01 not met, 2025-01 unknown", "- I.C is so: 2025-01 met"]


def test_what_fails_under_a_revision_comes_first_among_the_differences() -> None:
    criteria = [*(criterion(f"I.{i}", MET) for i in range(6)), criterion("I.Z", NOT_MET)]
    found = lines(determination(FAILED, *criteria, revision="2024-01"), determination(NEEDED))
    assert found[found.index("**Differences:**") + 1] == "- I.Z is so: 2024-01 not met"


@pytest.mark.parametrize(("count", "shown"), [(3, 3), (4, 4), (5, 4)])
def test_four_differences_are_shown(count: int, shown: int) -> None:
    criteria = [criterion(f"I.{i}", NOT_MET) for i in range(count)]
    found = lines(determination(FAILED, *criteria, revision="2024-01"), determination(NEEDED))
    assert sum("is so: 2024-01 not met" in line for line in found) == shown


def test_revisions_that_do_not_differ_have_no_differences() -> None:
    assert "**Differences:**" not in lines(determination(NEEDED, revision="2024-01"), determination(NEEDED))


def test_under_each_revision_stands_what_fails_and_what_it_asks() -> None:
    one = determination(FAILED, criterion("I.A", NOT_MET), revision="2024-01")
    two = determination(NEEDED, criterion("I.A"), questions=(Question("I.A", "Is it so?"),), items_left=(1, 1))
    found = lines(one, two)
    assert found[found.index("**2024-01: criteria not met**") :][:2] == [
        "**2024-01: criteria not met**",
        "**Requirement not met:** I.A is so",
    ]
    assert found[found.index("**2025-01: 1 item to document**") :][:3] == [
        "**2025-01: 1 item to document**",
        "**To document:**",
        "- Is it so?",
    ]


def test_two_questions_of_each_revision_are_shown() -> None:
    asked = tuple(Question(f"I.{i}", f"Question {i}?") for i in range(5))
    found = lines(
        determination(NEEDED, questions=asked, revision="2024-01"), determination(NEEDED, questions=asked[:3])
    )
    assert [line for line in found if line.startswith("- ")] == ["- Question 0?", "- Question 1?"] * 2


def test_one_line_of_fine_print_is_for_all() -> None:
    one = determination(NEEDED, caveats=("Payer not identified",), revision="2024-01")
    assert (
        lines(one, determination(NEEDED))[-1]
        == "*CP.TEST (2024-01), CP.TEST (2025-01). Payer not identified. Not a coverage decision.*"
    )


def test_what_comes_from_a_chart_is_made_safe() -> None:
    crooked = {"order_label": "<b>Fusion</b>"}
    found = lines(determination(FAILED, **crooked, revision="2024-01"), determination(NEEDED, **crooked))
    assert found[0] == "**&lt;b\\>Fusion&lt;/b\\>**"
