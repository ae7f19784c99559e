"""What is told of texts that load and still say something else than they seem to."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from coverage_policies.authoring.lint import effective_gaps, lint, remarks
from coverage_policies.format.library import BUILT_IN, Library, load_library
from coverage_policies.format.model import Policy
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.judging.plan_rules import Effective
from fhir_mappings.codings import CPT, SNOMED
from tests.support.policy_fakes import ENTRY, SETS, policy, row

LEAF = "I: {says: s, ask: q}"
PATHWAY = "ask: Which\nchoices:\n  a: {says: A}\n  b: {says: B}"


def told(*policies: Policy) -> list[str]:
    library = Library({f"{i}": each for i, each in enumerate(policies)}, {})
    return [str(problem) for problem in lint(library)]


def test_a_text_that_says_what_it_seems_to_is_not_told() -> None:
    assert told(policy(LEAF)) == []


def test_a_section_that_no_order_reaches_is_told_with_its_line() -> None:
    assert told(policy(f"{LEAF}\nII: {{says: t, ask: q}}")) == [
        "test.yaml:12: no order reaches section II; name it under `orders`"
    ]


def test_a_section_that_another_needs_is_reached() -> None:
    assert told(policy("I: {says: s, needs: II.A}\nII: {says: t, all: [{id: II.A, says: a, ask: q}]}")) == []


def test_a_section_is_reached_through_any_entry() -> None:
    entries = f"{ENTRY}\n- {{codes: another-order, sections: [II]}}"
    assert told(policy(f"{LEAF}\nII: {{says: t, ask: q}}", orders=entries)) == []


def test_a_pathway_that_no_criterion_is_for_is_told() -> None:
    assert told(policy("I: {says: s, ask: q, for: a}", pathway=PATHWAY)) == [
        "test.yaml:14: no criterion is `for: b`; the pathway changes nothing"
    ]


def test_pathways_that_criteria_are_for_are_not_told() -> None:
    assert told(policy("I: {says: s, ask: q, for: [a, b]}", pathway=PATHWAY)) == []


def test_a_code_that_two_entries_select_is_told() -> None:
    again = dict(SETS) | {"again": ValueSet("again", [row(CPT, "10001"), row(CPT, "10009")])}
    by = policy(LEAF, orders=f"{ENTRY}\n- {{codes: again, sections: [I]}}", sets=again)
    assert told(by) == ["test.yaml:10: 10001 (Label of 10001) is selected by the-order and by again; keep one"]


def test_a_value_set_under_two_entries_is_no_double_selection() -> None:
    assert told(policy(LEAF, orders=f"{ENTRY}\n{ENTRY}")) == []


def test_every_text_of_the_library_is_looked_at() -> None:
    unreached = policy(f"{LEAF}\nII: {{says: t, ask: q}}")
    assert len(told(unreached, policy(LEAF), unreached)) == 2


# --- criteria that nothing settles, or that never count --------------------------------------------------------------

ASKING = dict(SETS) | {"hints": ValueSet("hints", [row(SNOMED, "h", asks=True)])}


def told_of_the_document(by: Policy) -> list[str]:
    """What lint says of a policy, and not of these value sets, whose codes are invented."""
    return [str(problem) for problem in lint(Library({by.full_name: by}, ASKING)) if problem.file == by.source]


@pytest.mark.parametrize("key", ["met_when", "not_met_when"])
def test_a_clause_whose_codes_all_only_ask_never_holds(key: str) -> None:
    by = policy(f"I: {{says: s, {key}: {{condition: {{in: hints}}}}, ask: q}}", sets=ASKING)
    assert told_of_the_document(by) == [
        f"test.yaml:11: I: {key}: every code of hints only asks, so it never holds; write it under `show`"
    ]


@pytest.mark.parametrize(
    "clause",
    [
        "met_when: {condition: {in: [hints, alpha]}}",
        "show: {condition: {in: hints}}",
        "met_when: {order: {side: left}}",
    ],
)
def test_a_clause_in_which_something_can_decide_is_not_told(clause: str) -> None:
    by = policy(f"I: {{says: s, {clause}, ask: q}}", sets=ASKING)
    assert told_of_the_document(by) == []


@pytest.mark.parametrize(
    ("key", "arguments", "is_told"),
    [
        ("met_when", "lasting: at least 12 weeks", True),
        ("not_met_when", "lasting: at least 12 weeks", True),
        ("show", "lasting: at least 12 weeks", False),
        ("met_when", "lasting: at least 12 weeks, gap: at most 4 weeks", False),
        ("met_when", "all: {lasting: at least 12 weeks, gap: at most 4 weeks}", False),
        ("met_when", "within: 12 months", False),
    ],
)
def test_two_visits_far_apart_are_no_course(key: str, arguments: str, is_told: bool) -> None:
    by = policy(f"I: {{says: s, {key}: {{procedure: {{in: alpha, {arguments}}}}}, ask: q}}")
    said = f"test.yaml:11: I: {key}: two visits months apart would be a course; add `gap: at most 4 weeks` to `lasting`"
    assert told(by) == ([said] if is_told else [])


def test_a_criterion_for_a_pathway_inside_of_another_never_counts() -> None:
    sections = """\
    I:
      says: s
      for: a
      all:
        - {id: I.A, says: x, ask: q, for: b}
        - {id: I.B, says: y, ask: q, for: [a, b]}
        - {id: I.C, says: z, ask: q}
    """
    assert told(policy(sections, pathway=PATHWAY)) == [
        "test.yaml:20: I.A: it is for b inside of what is for a; it never counts"
    ]


@pytest.mark.parametrize(("key", "is_told"), [("role: advisory", True), ("if_not_met: case-review", True), ("", False)])
def test_an_override_reason_that_no_card_offers_is_told(key: str, is_told: bool) -> None:
    more = f", {key}" if key else ""
    own = policy(f"I: {{says: s, all: [{{id: I.A, says: s, ask: q, override: Needed{more}}}]}}")
    said = "I.A: override: it never keeps an order from coverage; leave it out"
    assert any(said in each for each in told(own)) is is_told


def test_a_suggestion_about_what_no_clause_reads_is_told() -> None:
    suggest = "suggest: {says: Lateral, approach: lateral-transarticular}"
    wrong = policy(f"I: {{says: s, met_when: {{order: {{guidance: ct}}}}, ask: q, {suggest}}}")
    right = policy(f"I: {{says: s, not_met_when: {{order: {{approach: posterior}}}}, ask: q, {suggest}}}")
    assert told(wrong) == [
        "test.yaml:11: I: suggest: no clause here reads the order's approach; suggest what a clause looks for"
    ]
    assert told(right) == []


# --- dates -----------------------------------------------------------------------------------------------------------


def ending(until: date) -> Policy:
    sets = dict(SETS) | {"the-order": ValueSet("the-order", [row(CPT, "10001", until=until)])}
    return policy(LEAF, sets=sets)


def test_an_entry_whose_codes_ended_before_the_text_is_told() -> None:
    assert told(ending(date(2024, 12, 31))) == [
        "test.yaml:9: no code of the-order is valid from 2025-01 on; leave the entry out"
    ]
    assert told(ending(date(2025, 1, 1))) == []


def test_a_history_that_leaves_out_an_earlier_text_that_is_held_is_told() -> None:
    newer = replace(policy(LEAF), history=("2023-06",))
    older = replace(newer, revision="2022-06", source="older.yaml", history=())
    assert told(newer, older) == ["test.yaml:1: `history` leaves out 2022-06, which is installed (older.yaml); add it"]
    assert told(replace(newer, history=("2023-06", "2022-06")), older) == []
    assert told(replace(newer, history=()), older) == []
    assert told(newer, replace(older, name="ANOTHER")) == []


def test_days_between_two_effective_texts_on_which_none_stands_are_told() -> None:
    rules = [
        Effective("P@2025-01", date(2025, 3, 1), None, "plan"),
        Effective("P@2022-06", date(2022, 7, 1), date(2025, 1, 31), "plan"),
        Effective("Q@2025-01", date(2026, 1, 1), None, "plan"),
    ]
    assert list(effective_gaps(rules)) == [
        "no revision of P is in force from 2025-02-01 to 2025-02-28; "
        "let P@2022-06 end or P@2025-01 begin on another day"
    ]
    rules[1] = Effective("P@2022-06", date(2022, 7, 1), date(2025, 2, 28), "plan")
    assert list(effective_gaps(rules)) == []
    rules[1] = Effective("P@2022-06", date(2022, 7, 1), None, "plan")
    assert list(effective_gaps(rules)) == []


# --- what spoils no answer -------------------------------------------------------------------------------------------


def test_a_value_set_of_an_own_folder_that_no_text_names_is_told() -> None:
    sets = dict(SETS) | {name: ValueSet(name, [], f"{name}.csv") for name in ("used", "as-of", "spare")}
    sets |= {"ours": ValueSet("ours", [], str(BUILT_IN / "value_sets" / "ours.csv"))}
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, show: {condition: {in: [alpha, used]}}, ask: q}\n"
        "    - {id: I.B, says: b, needs: I.A, on_date_of: as-of}",
        sets=sets,
    )
    own = {name: each for name, each in sets.items() if name not in SETS}
    assert [str(problem) for problem in remarks(Library({by.full_name: by}, own))] == [
        "spare.csv:1: no policy uses this value set; name it in one, or remove the file"
    ]


def test_cases_beside_no_text_are_told(tmp_path: Path) -> None:
    for name in ("2025-01.cases.yaml", "2025-02.cases.yaml"):
        (tmp_path / name).write_text("[]", encoding="utf-8")
    by = replace(policy(LEAF), source=str(tmp_path / "2025-01.yaml"))
    assert [str(problem) for problem in remarks(Library({by.full_name: by}, {}))] == [
        f"{tmp_path / '2025-02.cases.yaml'}:1: these cases have no policy document; name the file after one"
    ]


def test_what_ships_with_the_service_is_in_order() -> None:
    held = load_library()
    assert [str(problem) for problem in (*lint(held), *remarks(held))] == []
