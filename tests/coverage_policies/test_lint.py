"""What is told of texts that load and still say something else than they seem to."""

from coverage_fakes import ENTRY, SETS, policy, row

from coverage_policies.library import Library
from coverage_policies.lint import lint
from coverage_policies.model import Policy
from coverage_policies.value_sets import ValueSet
from fhir_mappings.codings import CPT

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
        "test.yaml:1: no criterion is `for: b`; the pathway changes nothing"
    ]


def test_pathways_that_criteria_are_for_are_not_told() -> None:
    assert told(policy("I: {says: s, ask: q, for: [a, b]}", pathway=PATHWAY)) == []


def test_a_code_that_two_entries_select_is_told() -> None:
    again = dict(SETS) | {"again": ValueSet("again", [row(CPT, "10001"), row(CPT, "10009")])}
    by = policy(LEAF, orders=f"{ENTRY}\n- {{codes: again, sections: [I]}}", sets=again)
    assert told(by) == ["test.yaml:1: 10001 (Label of 10001) is selected by the-order and by again; keep one"]


def test_a_value_set_under_two_entries_is_no_double_selection() -> None:
    assert told(policy(LEAF, orders=f"{ENTRY}\n{ENTRY}")) == []


def test_every_text_of_the_library_is_looked_at() -> None:
    unreached = policy(f"{LEAF}\nII: {{says: t, ask: q}}")
    assert len(told(unreached, policy(LEAF), unreached)) == 2
