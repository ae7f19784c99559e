"""The card of texts that are applied side by side."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from cards.build import card
from cards.style import CardStyle
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Alternative, CriterionResult, Determination, Question

MET, NOT_MET, UNKNOWN = Status.MET, Status.NOT_MET, Status.UNKNOWN
FAILED, NEEDED = Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED


def criterion(name: str, status: Status = UNKNOWN, **more: Any) -> CriterionResult:
    return CriterionResult(**({"id": name, "status": status, "counted": status, "says": f"{name} is so"} | more))


def text(outcome: Outcome, *criteria: CriterionResult, revision: str = "2025-01", **more: Any) -> Determination:
    values: dict[str, Any] = {
        "policy": "CP.TEST",
        "edition": 1,
        "title": "Test fusion",
        "order": "ServiceRequest/1",
        "anchor_date": date(2026, 3, 2),
        "anchor_from": "planned service date",
        "owner": "Test Plan",
        "order_label": "Fusion",
    }
    return Determination(**(values | {"outcome": outcome, "criteria": criteria, "revision": revision} | more))


def card_of(*texts: Determination) -> dict[str, Any]:
    return card(Assessment(texts), CardStyle(), UUID(int=1))


def revisions(*outcomes: Outcome) -> dict[str, Any]:
    return card_of(*(text(outcome, revision=f"202{i}-01") for i, outcome in enumerate(outcomes)))


# --- the line on top -------------------------------------------------------------------------------------------------


def test_where_the_texts_agree_it_says_what_is_the_matter() -> None:
    failed = criterion("I.A", NOT_MET, says_when_not_met="Too soon")
    found = card_of(text(FAILED, failed, revision="2024-01"), text(FAILED, failed))
    assert found["summary"] == "Fusion: Too soon"


def test_where_the_texts_agree_for_different_reasons_it_says_both() -> None:
    asked = tuple(Question(f"I.{i}", "Is it so?") for i in range(3))
    found = card_of(text(NEEDED, questions=asked), text(NEEDED, questions=asked[:1], policy="MC.TEST"))
    assert found["summary"] == "Fusion: 3 items to document for policy CP.TEST; 1 item to document for policy MC.TEST"


def test_a_text_that_is_silent_does_not_name_the_order() -> None:
    silent = text(Outcome.NOT_APPLICABLE, order_label="Order", revision="2024-01")
    found = card_of(silent, text(Outcome.NOT_SUPPORTED))
    assert found["summary"].startswith("Fusion: ")
    assert found["detail"].startswith("*Fusion* – ")


def test_where_revisions_part_it_says_what_each_comes_to() -> None:
    assert revisions(FAILED, NEEDED)["summary"] == (
        "Fusion: two revisions may apply and differ: 2020-01 criteria not met, 2021-01 needs documentation"
    )


def test_where_policies_part_they_are_told_by_their_names() -> None:
    found = card_of(text(FAILED), text(Outcome.SUPPORTED, policy="MC.TEST"))
    assert found["summary"] == (
        "Fusion: two policies may apply and differ: CP.TEST criteria not met, MC.TEST documented"
    )


def test_three_texts_are_not_called_two() -> None:
    assert revisions(FAILED, NEEDED, NEEDED)["summary"].startswith("Fusion: several revisions may apply and differ: ")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.NOT_SUPPORTED, "not supported"),
        (Outcome.CRITERIA_NOT_MET, "criteria not met"),
        (Outcome.NOT_EVALUATED, "not evaluated"),
        (Outcome.CASE_REVIEW, "needs plan review"),
        (Outcome.SUPPORTED, "documented"),
        (Outcome.NOT_APPLICABLE, "does not apply"),
    ],
)
def test_every_outcome_has_its_words(outcome: Outcome, words: str) -> None:
    assert revisions(outcome, NEEDED)["summary"].endswith(f": 2020-01 {words}, 2021-01 needs documentation")


def test_the_summary_stays_under_140_characters() -> None:
    long = {"order_label": "Very long name of an order " * 10}
    assert len(card_of(text(FAILED, **long), text(NEEDED, revision="2024-01", **long))["summary"]) < 140


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
def test_it_warns_only_where_no_text_lets_the_order_pass(outcomes: tuple[Outcome, ...], indicator: str) -> None:
    assert revisions(*outcomes)["indicator"] == indicator


def test_the_source_names_every_text() -> None:
    assert revisions(FAILED, NEEDED)["source"]["label"] == (
        "Test Plan: CP.TEST, revision 2020-01; CP.TEST, revision 2021-01"
    )


def test_the_determination_of_every_text_travels_along() -> None:
    found = revisions(FAILED, NEEDED)["extension"]["cds-service.determination"]
    assert [(each["revision"], each["outcome"]) for each in found] == [
        ("2020-01", "criteria-not-met"),
        ("2021-01", "documentation-needed"),
    ]


def test_what_both_support_is_one_line() -> None:
    found = revisions(Outcome.SUPPORTED, Outcome.SUPPORTED)
    assert found["summary"] == "Fusion: documented for CP.TEST; not an approval"
    assert "detail" not in found


def better(says: str, criterion: str = "II.A") -> Alternative:
    return Alternative(criterion, says, {"resourceType": "ServiceRequest", "id": "1"}, NEEDED)


def test_a_suggestion_that_helps_under_every_text_is_made_once() -> None:
    one = text(FAILED, alternatives=(better("Change it"), better("Only here")), revision="2024-01")
    found = card_of(one, text(FAILED, alternatives=(better("Change it"),)))
    assert [each["label"] for each in found["suggestions"]] == ["Change it"]


def test_a_suggestion_that_only_one_text_wants_is_none() -> None:
    found = card_of(text(FAILED, alternatives=(better("Change it"),), revision="2024-01"), text(FAILED))
    assert "suggestions" not in found


# --- the detail ------------------------------------------------------------------------------------------------------


def lines(*texts: Determination) -> list[str]:
    return [line for line in str(card_of(*texts)["detail"]).splitlines() if line]


def test_the_order_is_named_first() -> None:
    assert lines(text(FAILED, revision="2024-01"), text(NEEDED))[0] == "*Fusion* – ServiceRequest/1"


def test_where_revisions_part_is_told_by_criterion() -> None:
    one = text(FAILED, criterion("I.A", NOT_MET), criterion("I.B"), revision="2024-01")
    found = lines(one, text(NEEDED, criterion("I.A"), criterion("I.B"), criterion("I.C", MET)))
    at = found.index("**Differences**")
    assert found[at + 1 : at + 3] == [
        "- **I.A** I.A is so (2024-01: not met, 2025-01: unknown)",
        "- **I.C** I.C is so (2025-01: met)",
    ]


@pytest.mark.parametrize(("count", "rest"), [(6, []), (7, ["- … and 1 more"]), (9, ["- … and 3 more"])])
def test_six_partings_are_shown_and_the_rest_is_counted(count: int, rest: list[str]) -> None:
    criteria = [criterion(f"I.{i}", NOT_MET) for i in range(count)]
    found = lines(text(FAILED, *criteria, revision="2024-01"), text(NEEDED))
    assert sum("is so (2024-01: not met)" in line for line in found) == 6
    assert [line for line in found if line.startswith("- … and")] == rest


def test_texts_that_do_not_part_have_no_such_part() -> None:
    assert "**Differences**" not in lines(text(NEEDED, revision="2024-01"), text(NEEDED))


def test_under_each_text_stands_what_it_comes_to_what_fails_and_what_it_asks() -> None:
    one = text(FAILED, criterion("I.A", NOT_MET), revision="2024-01")
    two = text(NEEDED, criterion("I.A"), questions=(Question("I.A", "Is it so?"),))
    found = lines(one, two)
    assert found[found.index("**CP.TEST, revision 2024-01: criteria not met**") :][:3] == [
        "**CP.TEST, revision 2024-01: criteria not met**",
        "**Not met**",
        "- **I.A** I.A is so",
    ]
    assert found[found.index("**CP.TEST, revision 2025-01: needs documentation**") :][:3] == [
        "**CP.TEST, revision 2025-01: needs documentation**",
        "**Still to document: 1**",
        "- Is it so?",
    ]


def test_three_questions_of_each_text_are_shown_and_the_rest_is_counted() -> None:
    asked = tuple(Question(f"I.{i}", f"Question {i}?") for i in range(5))
    found = lines(text(NEEDED, questions=asked, revision="2024-01"), text(NEEDED, questions=asked[:3]))
    assert [line for line in found if line.startswith("- ")] == [
        "- Question 0?",
        "- Question 1?",
        "- Question 2?",
        "- … and 2 more",
        "- Question 0?",
        "- Question 1?",
        "- Question 2?",
    ]


def test_a_note_on_every_text_stands_once_and_last_another_under_its_text() -> None:
    one = text(NEEDED, notes=("Shared.", "Of one."), revision="2024-01")
    found = lines(one, text(NEEDED, notes=("Shared.", "Of the other.")))
    assert [line.strip() for line in found if line.startswith("*") and line.strip().endswith(".*")] == [
        "*Of one.*",
        "*Of the other.*",
        "*Shared.*",
        "*Not a coverage decision.*",
    ]


def test_what_comes_from_a_chart_is_made_safe() -> None:
    crooked = {"order_label": "<b>Fusion</b>"}
    found = lines(text(FAILED, **crooked, revision="2024-01"), text(NEEDED, **crooked))
    assert found[0] == "*&lt;b\\>Fusion&lt;/b\\>* – ServiceRequest/1"
