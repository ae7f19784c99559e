"""What is told of the difference between two texts."""

from dataclasses import replace

import pytest

from coverage_policies.authoring.diff import Change, How, LineChange, differences
from tests.support.policy_fakes import ENTRY, policy

SECTIONS = """\
I:
  says: Fusion
  all:
    - id: I.A
      says: Pain fell by half
      met_when: {pain_relief: {after: alpha, relief: at least 50 %}}
      ask: Did it?
    - id: I.B
      says: No gamma
      not_met_when: {condition: {in: gamma}}
      ask: Is there gamma?
      met_by: no
    - id: I.C
      says: Something
      ask: Is it?
"""
COUNTED = ", encounter_diagnosis: 12 months (default), acute: 14 days (default), same_time: 7 days (default)"
"""The defaults of `condition`, which every clause prints."""

BEFORE = policy(SECTIONS)
PATHWAY = "ask: Which?\nchoices:\n  a: {says: A}\n  b: {says: B, presume_when: {condition: {in: alpha}}}"


def changed(*pairs: tuple[str, str]) -> tuple[Change, ...]:
    sections = SECTIONS
    for old, new in pairs:
        assert old in sections
        sections = sections.replace(old, new)
    return differences(BEFORE, policy(sections))


def test_a_text_does_not_differ_from_itself() -> None:
    assert differences(BEFORE, BEFORE) == ()


def test_a_threshold_is_told_with_its_clause() -> None:
    (change,) = changed(("at least 50 %", "at least 75 %"))
    ((line),) = change.lines
    assert (change.id, change.how, line.kind) == ("I.A", How.CHANGED, "met")
    assert "relief: at least 50 %" in line.before
    assert "relief: at least 75 %" in line.after


@pytest.mark.parametrize(
    ("old", "new", "name", "line"),
    [
        ("says: Something", "says: Another thing", "I.C", LineChange("says", "Something", "Another thing")),
        ("ask: Is it?", "ask: Was it?", "I.C", LineChange("asks", "Is it?", "Was it?")),
        (
            "{condition: {in: gamma}}",
            "[{condition: {in: gamma}}, {condition: {in: delta}}]",
            "I.B",
            LineChange("not met", "", f"by data: condition in: delta{COUNTED}"),
        ),
        (
            "ask: Is it?",
            "ask: Is it?\n      role: advisory",
            "I.C",
            LineChange("counts", "", "never; it is reported as advisory"),
        ),
        (
            "ask: Is it?",
            "ask: Is it?\n      if_not_met: case-review",
            "I.C",
            LineChange("follows", "", "a reviewer decides if it is not met"),
        ),
        ("ask: Is it?", "ask: Is it?\n      interpretation: So.", "I.C", LineChange("interpretation", "", "So.")),
        (
            "says: Fusion",
            "says: Fusion\n  if_not_met: not-supported",
            "I",
            LineChange("follows", "criteria-not-met if it is not met", "not-supported if it is not met"),
        ),
    ],
)
def test_what_a_criterion_says_otherwise_is_told(old: str, new: str, name: str, line: LineChange) -> None:
    assert line in next(change for change in changed((old, new)) if change.id == name).lines


def test_the_answer_that_speaks_for_the_order_is_told() -> None:
    (change,) = changed(("met_by: no", "met_by: yes"))
    assert set(change.lines) == {
        LineChange("met", "by the answer no", "by the answer yes"),
        LineChange("not met", "by the answer yes", "by the answer no"),
    }


def test_what_is_gone_stands_where_it_stood_and_what_is_new_where_it_stands() -> None:
    found = changed(
        ("    - id: I.B\n      says: No gamma\n", "    - id: I.D\n      says: No delta\n"), ("in: gamma", "in: delta")
    )
    assert [(change.id, change.how) for change in found] == [
        ("I", How.CHANGED),
        ("I.B", How.REMOVED),
        ("I.D", How.ADDED),
    ]
    assert all(line.after == "" for line in found[1].lines)
    assert all(line.before == "" for line in found[2].lines)


def test_a_criterion_under_another_number_was_renumbered() -> None:
    found = changed(("id: I.C", "id: I.D"))
    assert [(change.id, change.was, change.how, change.lines) for change in found if change.id != "I"] == [
        ("I.D", "I.C", How.RENUMBERED, ())
    ]


def test_words_that_stand_twice_tell_nothing_about_numbers() -> None:
    twice = SECTIONS + "    - {id: I.D, says: Something, ask: Is it?}\n"
    again = twice.replace("id: I.C", "id: I.E").replace("id: I.D", "id: I.F")
    found = differences(policy(twice), policy(again))
    assert {change.how for change in found if change.id != "I"} == {How.ADDED, How.REMOVED}


def test_a_pathway_that_a_criterion_rules_out_is_told() -> None:
    after = SECTIONS.replace("ask: Is it?", "ask: Is it?\n      rules_out: b")
    (change,) = differences(policy(SECTIONS, pathway=PATHWAY), policy(after, pathway=PATHWAY))
    assert change.lines == (LineChange("counts", "", "only if it is not met on the pathway b"),)


def test_orders_pathways_and_the_head_are_told() -> None:
    after = policy(SECTIONS, orders=f"{ENTRY}\n- {{codes: another-order, sections: []}}", pathway=PATHWAY)
    found = {change.id: change for change in differences(BEFORE, replace(after, title="Other", notes=("New.",)))}
    assert found["the head"].lines == (LineChange("title", "Test fusion", "Other"), LineChange("notes", "", "New."))
    assert LineChange("codes", "", "10002") in found["orders another-order"].lines
    assert LineChange("asks", "", "Which?") in found["pathway"].lines
    assert LineChange("likely when", "", f"condition in: alpha{COUNTED}") in found["pathway b"].lines


def test_what_one_course_has_to_fulfill_is_told_with_its_clause() -> None:
    therapy = "procedure: {in: alpha, all: {count: at least 6, gap: at most 4 weeks}}"
    before = policy(f"I: {{says: s, ask: q, met_when: {{{therapy}}}}}")
    after = policy(f"I: {{says: s, ask: q, met_when: {{{therapy.replace('6', '8')}}}}}")
    ((change,),) = (each.lines for each in differences(before, after))
    assert "all: (count: at least 6, gap: at most 4 weeks)" in change.before
    assert "all: (count: at least 8, gap: at most 4 weeks)" in change.after
