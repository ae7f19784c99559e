"""The sentences of a card."""

from dataclasses import replace
from datetime import date

import pytest

from cards.markdown import escaped, shortened
from cards.wording import detail, summary
from coverage_policies.format.terms import LineOfBusiness, Outcome, Reason, Status
from coverage_policies.judging.determination import (
    CriterionResult,
    Determination,
    Presumption,
    Question,
    failed_criteria,
)
from fhir_mappings.record import Evidence

FIBROMYALGIA = Evidence("Condition/fm-1", "Fibromyalgia", "2024-05-01")


def result(name: str, status: Status, parent: str = "", **more: object) -> CriterionResult:
    values: dict[str, object] = {"id": name, "status": status, "says": f"{name} is so", "parent": parent}
    return CriterionResult(**({"counted": status} | values | more))  # type: ignore[arg-type]


def determination(outcome: Outcome, *criteria: CriterionResult, **more: object) -> Determination:
    values: dict[str, object] = {
        "policy": "CP.TEST",
        "revision": "2025-01",
        "edition": 1,
        "title": "Test fusion",
        "order": "ServiceRequest/1",
        "outcome": outcome,
        "anchor_date": date(2026, 3, 2),
        "anchor_from": "planned service date",
        "order_label": "Fusion",
        "criteria": criteria,
    }
    return Determination(**(values | more))  # type: ignore[arg-type]


GROUP = result("II", Status.NOT_MET, is_group=True)
FAILED = result("II.E", Status.NOT_MET, "II", evidence=(FIBROMYALGIA,))


def test_the_criterion_that_fails_stands_in_the_summary() -> None:
    assert summary(determination(Outcome.CRITERIA_NOT_MET, GROUP, FAILED)) == "Fusion: not met: II.E is so"


def test_a_failing_sentence_and_the_value_behind_it_take_the_place_of_the_criterion() -> None:
    said = result(
        "II.E", Status.NOT_MET, "II", says_when_not_met="Opioids were not halved", headline="120 → 90 MME/day"
    )
    assert summary(determination(Outcome.CRITERIA_NOT_MET, GROUP, said)) == (
        "Fusion: Opioids were not halved: 120 → 90 MME/day"
    )


def test_further_failures_are_counted_in_the_summary() -> None:
    other = result("II.F", Status.NOT_MET, "II")
    assert summary(determination(Outcome.CRITERIA_NOT_MET, GROUP, FAILED, other)).endswith("II.E is so (+1 more)")


def test_a_part_that_fails_in_a_group_that_is_met_is_no_failure() -> None:
    tests = result("II.D", Status.MET, "II", is_group=True)
    part = result("II.D.faber", Status.NOT_MET, "II.D")
    assert [
        each.id for each in failed_criteria(determination(Outcome.CRITERIA_NOT_MET, GROUP, tests, part, FAILED))
    ] == ["II.E"]


def test_the_section_that_decided_is_named_before_the_others() -> None:
    section = result("IV", Status.NOT_MET)
    judged = determination(Outcome.NOT_SUPPORTED, GROUP, FAILED, section, section="IV")
    assert [each.id for each in failed_criteria(judged)] == ["IV", "II.E"]


def test_a_failing_criterion_is_shown_with_label_date_and_reference_of_its_evidence() -> None:
    text = detail(determination(Outcome.CRITERIA_NOT_MET, GROUP, FAILED))
    assert "- **II.E** II.E is so\n  - Fibromyalgia, 2024-05-01 – Condition/fm-1" in text


@pytest.mark.requirement("7.73")
def test_the_detail_names_the_order_in_words_and_by_reference() -> None:
    assert "*Fusion* – ServiceRequest/1" in detail(determination(Outcome.CRITERIA_NOT_MET))


def test_five_questions_are_shown_and_the_rest_counted() -> None:
    asked = tuple(Question(f"II.{n}", f"Question {n}?") for n in range(8))
    text = detail(determination(Outcome.DOCUMENTATION_NEEDED, questions=asked))
    assert "**Still to document: 8**" in text
    assert [n for n in range(8) if f"Question {n}?" in text] == [0, 1, 2, 3, 4]
    assert "and 3 more" in text


def test_no_more_than_five_questions_count_no_rest() -> None:
    asked = tuple(Question(f"II.{n}", f"Question {n}?") for n in range(5))
    assert "more" not in detail(determination(Outcome.DOCUMENTATION_NEEDED, questions=asked))


def test_a_question_of_one_pathway_stands_under_that_pathway() -> None:
    asked = (
        Question("pathway", "From cancer?"),
        Question("I.A.2.h", "Halved?", pathway="Pain that is not from cancer"),
    )
    text = detail(determination(Outcome.DOCUMENTATION_NEEDED, questions=asked))
    assert "- Pain that is not from cancer:\n  - Halved?" in text


def test_what_an_open_pathway_would_fail_on_is_said_before_it_is_chosen() -> None:
    wean = result(
        "I.A.2.h",
        Status.UNKNOWN,
        says_when_not_met="Opioids were not halved",
        headline="120 → 90",
        on_pathways={"non-malignant": Status.NOT_MET},
    )
    pathways = {"malignant": "Cancer pain", "non-malignant": "Non-cancer pain"}
    text = detail(determination(Outcome.DOCUMENTATION_NEEDED, wean, pathways=pathways))
    assert "**Not met if the order is for: Non-cancer pain.** Opioids were not halved: 120 → 90" in text


@pytest.mark.parametrize(
    ("group", "said"),
    [({"a": Status.NOT_MET, "b": Status.UNKNOWN}, True), ({"a": Status.UNKNOWN, "b": Status.UNKNOWN}, False)],
)
def test_a_part_fails_on_a_pathway_only_where_the_groups_above_it_fail(group: dict[str, Status], said: bool) -> None:
    above = result("I", Status.UNKNOWN, is_group=True, on_pathways=group)
    part = result("I.A", Status.NOT_MET, parent="I", counted=Status.NOT_MET, says_when_not_met="Not by ultrasound")
    text = detail(determination(Outcome.DOCUMENTATION_NEEDED, above, part, pathways={"a": "First", "b": "Second"}))
    assert ("**Not met if the order is for: First.** Not by ultrasound" in text) is said


def test_what_fails_on_every_pathway_is_not_said_of_one() -> None:
    part = result("I.A", Status.NOT_MET, counted=Status.NOT_MET)
    text = detail(determination(Outcome.CRITERIA_NOT_MET, part, pathways={"a": "First", "b": "Second"}))
    assert "Not met if" not in text


def test_the_summary_names_the_lines_that_it_is_for_if_they_are_not_the_only_ones() -> None:
    lines = (LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE)
    failed = result("VI", Status.NOT_MET, counted=Status.NOT_MET, says_when_not_met="Policy does not support it")
    found = determination(Outcome.NOT_SUPPORTED, failed, lines=lines)
    assert summary(found) == "Fusion under Medicare: Policy does not support it"
    assert summary(replace(found, lines=())) == "Fusion: Policy does not support it"


def test_a_presumed_pathway_is_said_with_its_reason() -> None:
    presumed = Presumption("non-malignant", "Pain that is not from cancer", (FIBROMYALGIA,))
    text = detail(determination(Outcome.CRITERIA_NOT_MET, presumed=presumed))
    assert "*Assumed: Pain that is not from cancer, based on Fibromyalgia (2024-05-01).*" in text


@pytest.mark.parametrize(
    ("status", "says_when_not_met", "sentence"),
    [
        (Status.NOT_MET, "", "II.new is so (not met)"),
        (Status.NOT_MET, "It replaces an implant", "It replaces an implant"),
        (Status.MET, "It replaces an implant", "II.new is so"),
    ],
)
def test_what_the_plan_reviews_is_said(status: Status, says_when_not_met: str, sentence: str) -> None:
    handed = result("II.new", status, says_when_not_met=says_when_not_met, counted=Status.UNKNOWN)
    assert f"**Needs plan medical review:** {sentence}\n" in detail(determination(Outcome.CASE_REVIEW, handed))


def test_met_criteria_are_named_in_one_line_a_group_for_its_parts() -> None:
    group = result("II.F", Status.MET, "II", is_group=True)
    part = result("II.F.1", Status.MET, "II.F")
    text = detail(determination(Outcome.CRITERIA_NOT_MET, GROUP, FAILED, group, part, result("II.G", Status.MET, "II")))
    assert "**Met:** II.F, II.G\n" in text


def test_the_reason_why_a_question_is_open_is_said_in_words() -> None:
    asked = (Question("II.G", "Relieved?", Reason.DATA_UNAVAILABLE),)
    assert "- Relieved? *data could not be read*" in detail(
        determination(Outcome.DOCUMENTATION_NEEDED, questions=asked)
    )


@pytest.mark.requirement("7.72")
@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "[here](http://x.example)", "**bold** _it_ `code`", "![i](x)", "a | b", "&lt;b&gt;"],
)
def test_text_from_a_chart_does_nothing_in_markdown(text: str) -> None:
    from markdown_it import MarkdownIt

    rendered = MarkdownIt("js-default").render(f"- {escaped(text)}")
    plain = rendered.replace("<ul>", "").replace("</ul>", "").replace("<li>", "").replace("</li>", "").strip()
    assert "<" not in plain
    assert plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&quot;", '"') == text


def test_a_line_break_in_a_chart_stays_within_its_line() -> None:
    assert escaped("a\n\n# b") == "a # b"


@pytest.mark.parametrize(("length", "expected"), [(11, "alpha bravo"), (10, "alpha…"), (6, "alpha…")])
def test_a_text_is_cut_at_a_word_only_when_it_is_too_long(length: int, expected: str) -> None:
    assert shortened("alpha bravo", length) == expected


def test_an_order_that_could_not_be_evaluated_says_why() -> None:
    found = determination(Outcome.NOT_EVALUATED, obstacle="the order is for another patient")
    assert summary(found) == "Fusion: CP.TEST not checked: the order is for another patient"
