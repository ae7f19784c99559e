"""One screen of detail."""

from typing import Any

import pytest

from cards.detail import detail
from cards.layout import LINES, WORDS
from cards.markdown import escaped, shortened
from cards.style import CardStyle
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import Determination, Presumption, Question
from coverage_policies.judging.failures import failed_criteria
from fhir_mappings.record import Evidence
from tests.support.determinations import criterion, determination

MET, NOT_MET, UNKNOWN = Status.MET, Status.NOT_MET, Status.UNKNOWN
FAILS, NEEDED = Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED
FIBROMYALGIA = Evidence("Condition/fm-1", "Fibromyalgia", "2024-05-01")
GROUP = criterion("II", NOT_MET, is_group=True)
FAILED = criterion("II.E", NOT_MET, "II", evidence=(FIBROMYALGIA,))


def said(found: Determination, *also: str, **style: Any) -> str:
    return detail(found, CardStyle(**style), also)


# --- what fails ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("7.73")
def test_the_order_is_named_first_without_its_id() -> None:
    text = said(determination(FAILS))
    assert text.startswith("**Fusion**\n")
    assert "ServiceRequest" not in text


def test_what_fails_is_shown_with_its_arithmetic_and_its_evidence() -> None:
    failed = criterion("Rest", NOT_MET, "II", evidence=(FIBROMYALGIA,), notes=("Now 90 MME/day (2026-02-16)",))
    assert "**Requirement not met:** Rest is so\n- Now 90 MME/day (02/16/2026)\n- Fibromyalgia (05/01/2024)\n" in said(
        determination(FAILS, GROUP, failed)
    )


def test_the_order_is_shown_only_by_what_it_says() -> None:
    order = Evidence("ServiceRequest/1", "Fusion", "2026-03-02")
    assert "Fusion (" not in said(determination(FAILS, GROUP, criterion("II.I", NOT_MET, "II", evidence=(order,))))


def test_five_pieces_of_evidence_are_shown_each_once() -> None:
    many = tuple(Evidence(f"Condition/{i}", f"Record {i // 2}") for i in range(14))
    text = said(determination(FAILS, GROUP, criterion("II.E", NOT_MET, "II", evidence=many)))
    assert [line for line in text.splitlines() if line.startswith("- ")] == [f"- Record {i}" for i in range(5)]


def test_the_second_failure_is_one_line_by_its_own_sentence() -> None:
    others = [
        criterion("II.F", NOT_MET, "II", says_when_not_met="Policy requires rest"),
        criterion("II.G", NOT_MET, "II"),
    ]
    assert "**Also not met:**\n- Policy requires rest\n- Not met: II.G is so\n" in said(
        determination(FAILS, GROUP, FAILED, *others)
    )


def test_a_part_that_fails_in_a_group_that_is_met_is_no_failure() -> None:
    tests = criterion("II.D", MET, "II", is_group=True)
    part = criterion("II.D.faber", NOT_MET, "II.D")
    found = determination(FAILS, GROUP, tests, part, FAILED)
    assert [each.id for each in failed_criteria(found)] == ["II.E"]


def test_a_group_of_alternatives_with_a_sentence_of_its_own_stands_for_its_parts() -> None:
    sentence = "Policy requires 3 of 6 tests"
    tests = criterion("II.D", NOT_MET, "II", is_group=True, has_alternatives=True, says_when_not_met=sentence)
    parts = criterion("II.D.a", NOT_MET, "II.D"), criterion("II.D.b", NOT_MET, "II.D", is_group=True)
    part = criterion("II.D.b.1", NOT_MET, "II.D.b")
    assert [each.id for each in failed_criteria(determination(FAILS, GROUP, tests, *parts, part))] == ["II.D"]


def test_the_section_that_decided_is_named_before_the_others() -> None:
    section = criterion("IV", NOT_MET)
    judged = determination(Outcome.NOT_SUPPORTED, GROUP, FAILED, section, section="IV")
    assert [each.id for each in failed_criteria(judged)] == ["IV", "II.E"]


def test_what_an_open_pathway_would_fail_on_is_said_before_it_is_chosen() -> None:
    wean = criterion(
        "I.A.2.h",
        UNKNOWN,
        says_when_not_met="Policy requires 50%",
        headline="120 → 90",
        on_pathways={"non-malignant": NOT_MET},
    )
    pathways = {"malignant": "Cancer pain", "non-malignant": "Non-cancer pain"}
    text = said(determination(NEEDED, wean, pathways=pathways))
    assert "**Not met if the order is for non-cancer pain:** 120 → 90. Policy requires 50%." in text


@pytest.mark.parametrize(
    ("group", "shown"), [({"a": NOT_MET, "b": UNKNOWN}, True), ({"a": UNKNOWN, "b": UNKNOWN}, False)]
)
def test_a_part_fails_on_a_pathway_only_where_the_groups_above_it_fail(group: dict[str, Status], shown: bool) -> None:
    above = criterion("I", UNKNOWN, is_group=True, on_pathways=group)
    part = criterion("I.A", NOT_MET, "I", says_when_not_met="Policy requires X-rays")
    text = said(determination(NEEDED, above, part, pathways={"a": "First", "b": "Second"}))
    assert ("**Not met if the order is for first:** Policy requires X-rays." in text) is shown


def test_what_fails_on_every_pathway_is_not_said_of_one() -> None:
    text = said(determination(FAILS, criterion("I.A", NOT_MET), pathways={"a": "First", "b": "Second"}))
    assert "Not met if" not in text


# --- what to document ------------------------------------------------------------------------------------------------


def questions(text: str) -> list[str]:
    return [line for line in text.splitlines() if "?" in line]


@pytest.mark.parametrize(("count", "title"), [(1, "**To document:**"), (2, "**To document next:**")])
def test_the_first_five_questions_are_shown(count: int, title: str) -> None:
    asked = tuple(Question(f"II.{n}", f"Question {n}?") for n in range(7))
    assert title in said(determination(NEEDED, questions=asked[:count]))
    assert questions(said(determination(NEEDED, questions=asked))) == [f"- Question {n}?" for n in range(5)]


def test_a_question_comes_with_two_records_and_why_the_chart_does_not_answer_it() -> None:
    seen = (FIBROMYALGIA, Evidence("Condition/2", "Chronic pain", "2022"), Evidence("Condition/3", "Fatigue"))
    asked = (Question("II.E", "Is it general?", Reason.CONFLICT, seen),)
    assert questions(said(determination(NEEDED, questions=asked))) == [
        "- Is it general? *In the chart: records conflict; Fibromyalgia (05/01/2024); Chronic pain (2022)*"
    ]


def test_a_record_beside_a_question_is_cut_at_80_characters() -> None:
    asked = (Question("II.E", "Is it general?", None, (Evidence("Condition/1", "word " * 30),)),)
    (line,) = questions(said(determination(NEEDED, questions=asked)))
    beside = line.removeprefix("- Is it general? *In the chart: ").removesuffix("*")
    assert 70 < len(beside) <= 80


def test_a_question_without_anything_in_the_chart_stands_alone() -> None:
    asked = (Question("II.E", "Is it general?", Reason.NOT_FOUND),)
    assert questions(said(determination(NEEDED, questions=asked))) == ["- Is it general?"]


def test_a_question_of_one_pathway_names_it() -> None:
    asked = (Question("I.A.2.h", "Halved?", pathway="Non-cancer pain"),)
    assert questions(said(determination(NEEDED, questions=asked))) == ["- *Non-cancer pain:* Halved?"]


def test_the_parts_of_a_question_are_named_if_their_names_are_short() -> None:
    asked = (
        Question(
            "II.D", "Are 3 positive?", parts=(Question("a", "?", says="FABER"), Question("b", "?", says="Gaenslen"))
        ),
    )
    assert questions(said(determination(NEEDED, questions=asked))) == ["- Are 3 positive? (FABER, Gaenslen)"]
    long = (Question("II.D", "Are 3 positive?", parts=(Question("a", "?", says="A long name of a test " * 4),)),)
    assert questions(said(determination(NEEDED, questions=long))) == ["- Are 3 positive?"]


def test_the_chart_beside_the_first_three_questions_matters_more_than_a_fourth_question() -> None:
    seen = (Evidence("Condition/1", "word " * 15),)
    asked = tuple(Question(f"II.{n}", f"{'word ' * 14}{n}?", None, seen) for n in range(5))
    shown = questions(said(determination(NEEDED, questions=asked)))
    assert [("In the chart" in line) for line in shown] == [True, True, True]


def test_a_client_that_renders_tables_gets_the_questions_as_one() -> None:
    asked = (Question("II.E", "General?", None, (FIBROMYALGIA,)), Question("II.F", "Films?"))
    text = said(determination(NEEDED, questions=asked), tables=True)
    assert text.split("\n\n")[2].splitlines() == [
        "| Item | In the chart |",
        "|---|---|",
        "| General? | Fibromyalgia (05/01/2024) |",
        "| Films? | |",
    ]


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "sentence"), [(NOT_MET, "It replaces an implant"), (MET, "II.new is so")])
def test_what_the_plan_reviews_is_said_beside_what_decides(status: Status, sentence: str) -> None:
    handed = criterion("II.new", status, says_when_not_met="It replaces an implant", counted=UNKNOWN)
    assert f"**Plan medical review:** {sentence}\n" in said(determination(NEEDED, handed))


def test_what_the_summary_says_of_a_plan_review_is_not_said_again() -> None:
    handed = [criterion(f"II.{name}", MET, counted=UNKNOWN) for name in "AB"]
    text = said(determination(Outcome.CASE_REVIEW, *handed))
    assert ("II.A is so" in text, "**Plan medical review:** II.B is so\n" in text) == (False, True)


@pytest.mark.parametrize(
    ("met", "counts", "line"),
    [
        (1, {"documented": 1, "required": 5}, "1 of 5 requirements documented. Found: II.0 is so."),
        (
            3,
            {"documented": 0, "required": 5},
            "0 of 5 requirements documented. Found: II.0 is so; II.1 is so; II.2 is so.",
        ),
        (4, {"documented": 2, "required": 5}, "2 of 5 requirements documented."),
        (2, {}, "Found: II.0 is so; II.1 is so."),
    ],
)
def test_what_is_documented_is_counted_and_named_up_to_three(met: int, counts: dict[str, int], line: str) -> None:
    parts = (criterion(f"II.{i}", MET, "II.G") for i in range(met))
    found = determination(NEEDED, GROUP, criterion("II.G", MET, "II", is_group=True), *parts, **counts)
    assert line in said(found).splitlines()


def test_nothing_is_said_of_what_is_documented_where_nothing_is() -> None:
    assert "ocumented" not in said(determination(NEEDED, GROUP, required=5))


def test_a_presumed_pathway_is_said_with_its_reason() -> None:
    presumed = Presumption("non-malignant", "Pain that is not from cancer", (FIBROMYALGIA,))
    text = said(determination(FAILS, presumed=presumed))
    assert "*Assumed: pain that is not from cancer, from Fibromyalgia (05/01/2024).*" in text


def test_the_fine_print_is_the_last_line() -> None:
    assert said(determination(FAILS, notes=("A long note.",)), "Pump").splitlines()[-1] == (
        "*Also for: Pump. CP.TEST (2025-01). Not a coverage decision.*"
    )


def test_the_longest_detail_stays_within_its_words_and_lines() -> None:
    long = "word " * 30
    failed = [
        criterion(f"II.{i}", NOT_MET, "II", says=long, evidence=(Evidence(f"X/{i}", long),) * 9) for i in range(9)
    ]
    asked = tuple(Question(f"II.{n}", long, None, (Evidence(f"Y/{n}", long),)) for n in range(30))
    text = said(determination(FAILS, GROUP, *failed, questions=asked))
    assert len(text.split()) <= WORDS
    assert len([line for line in text.splitlines() if line]) <= LINES


# --- text from a chart -----------------------------------------------------------------------------------------------


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


def test_a_backslash_before_a_special_character_stays_as_it_is_read() -> None:
    from markdown_it import MarkdownIt

    assert MarkdownIt("js-default").renderInline(escaped(r"ratio \< 5 \& 3")) == r"ratio \&lt; 5 \&amp; 3"


@pytest.mark.parametrize(("length", "expected"), [(11, "alpha bravo"), (10, "alpha…"), (6, "alpha…")])
def test_a_text_is_cut_at_a_word_only_when_it_is_too_long(length: int, expected: str) -> None:
    assert shortened("alpha bravo", length) == expected


def test_no_place_of_a_detail_lets_html_through() -> None:
    crooked = "<img src=x onerror=alert(1)>"
    failed = criterion("II.E", NOT_MET, "II", evidence=(Evidence("C/1", crooked),), notes=(crooked,))
    asked = (Question("II.F", crooked),)
    text = said(determination(FAILS, GROUP, failed, questions=asked, order_label=crooked))
    assert "<img" not in text
