"""How many items are left, and how many requirements are documented."""

import pytest

from coverage_policies.judging.determination import Determination
from tests.support.policy_fakes import answers, judge, policy

LEAVES = "{id: I.A, says: a, ask: q}, {id: I.B, says: b, ask: q}, {id: I.C, says: c, ask: q}"
TWO_ITEMS = (
    "{id: I.B, says: b, all: [{id: I.B.1, says: x, ask: q}, "
    "{id: I.B.2, says: y, all: [{id: I.B.2.1, says: z, ask: q}]}]}"
)
PARTS = "{id: I.A.one, says: a, ask: q}, {id: I.A.two, says: b, ask: q}"


def left(sections: str, said: dict[str, str] | None = None, pathway: str = "") -> tuple[int, int]:
    return judge(policy(sections, pathway=pathway), answers(said or {})).items_left


def counts(sections: str, said: dict[str, str] | None = None, pathway: str = "") -> tuple[int, int]:
    found = judge(policy(sections, pathway=pathway), answers(said or {}))
    return found.documented, found.required


def test_every_open_criterion_of_a_section_is_left() -> None:
    assert left(f"I: {{says: s, all: [{LEAVES}]}}") == (3, 3)
    assert left(f"I: {{says: s, all: [{LEAVES}]}}", {"I.B": "yes"}) == (2, 2)


def test_a_section_without_parts_is_one_item_and_settled_none() -> None:
    assert left("I: {says: s, ask: q}") == (1, 1)
    assert left("I: {says: s, ask: q}", {"I": "yes"}) == (0, 0)
    assert left("I: {says: s, ask: q}", {"I": "no"}) == (0, 0)


def test_alternatives_count_their_shortest_and_their_longest_way() -> None:
    assert left(f"I: {{says: s, any: [{{id: I.A, says: a, ask: q}}, {TWO_ITEMS}]}}") == (1, 2)


def test_an_alternative_that_failed_is_no_way() -> None:
    assert left(f"I: {{says: s, any: [{{id: I.A, says: a, ask: q}}, {TWO_ITEMS}]}}", {"I.A": "no"}) == (2, 2)


def test_of_a_number_of_criteria_only_the_missing_ones_are_left() -> None:
    two = f"I: {{says: s, at_least: 2, of: [{LEAVES}]}}"
    assert (left(two), left(two, {"I.A": "yes"}), left(two, {"I.A": "no"})) == ((2, 2), (1, 1), (2, 2))


def test_an_alternative_that_leaves_the_decision_to_a_human_is_no_way_to_supported() -> None:
    reviewed = "{id: I.A, says: a, ask: q, if_met: case-review}"
    assert left(f"I: {{says: s, any: [{reviewed}, {TWO_ITEMS}]}}") == (2, 2)
    assert left(f"I: {{says: s, any: [{reviewed}]}}") == (1, 1)


def test_what_cannot_be_asked_is_no_way_and_no_item() -> None:
    follows = "{id: I.A, says: a, needs: II}"
    assert left(f"I: {{says: s, any: [{follows}, {{id: I.B, says: b, ask: q}}]}}\nII: {{says: t, ask: q}}") == (1, 1)
    assert left(f"I: {{says: s, all: [{follows}, {{id: I.B, says: b, ask: q}}]}}\nII: {{says: t, ask: q}}") == (1, 1)


@pytest.mark.parametrize("group", ["all:", "any:", "at_least: 2, of:"])
def test_the_parts_of_a_criterion_are_one_item(group: str) -> None:
    assert left(f"I: {{says: s, all: [{{id: I.A, says: a, {group} [{PARTS}]}}, {{id: I.B, says: b, ask: q}}]}}") == (
        2,
        2,
    )


@pytest.mark.parametrize("reviewed", ["if_met: case-review", "if_not_met: case-review"])
def test_a_group_of_which_the_plan_reviews_a_part_is_not_asked_whole(reviewed: str) -> None:
    parts = PARTS.replace("{id: I.A.two, says: b, ask: q}", f"{{id: I.A.two, says: b, ask: q, {reviewed}}}")
    found = judge(policy(f"I: {{says: s, all: [{{id: I.A, says: a, any: [{parts}]}}]}}"))
    assert [(each.id, each.parts) for each in found.questions] == [("I.A.one", ()), ("I.A.two", ())]


def test_the_parts_of_a_section_are_items() -> None:
    parts = "{id: I.one, says: a, ask: q}, {id: I.two, says: b, ask: q}"
    assert left(f"I: {{says: s, all: [{parts}]}}") == (2, 2)
    assert counts(f"I: {{says: s, all: [{parts}]}}", {"I.one": "yes"}) == (1, 2)


def test_groups_below_a_group_are_items_of_their_own_unless_they_are_parts() -> None:
    groups = "{id: I.A.1, says: a, any: [{id: I.A.1.1, says: x, ask: q}]}, {id: I.A.2, says: b, ask: q}"
    assert left(f"I: {{says: s, all: [{{id: I.A, says: a, all: [{groups}]}}]}}") == (2, 2)
    parts = groups.replace("I.A.1.1", "I.A.1.one")
    assert left(f"I: {{says: s, all: [{{id: I.A, says: a, all: [{parts}]}}]}}") == (1, 1)


def test_a_whole_that_contradicts_its_parts_is_one_item() -> None:
    whole = f"I: {{says: s, all: [{TWO_ITEMS.replace('all: [', 'all: [{id: I.B.0, says: w, ask: q}, ', 1)}]}}"
    assert left(whole) == (3, 3)
    assert left(whole, {"I.B": "yes", "I.B.1": "no"}) == (1, 1)


PATHWAY = "ask: Which\nchoices:\n  a: {says: First}\n  b: {says: Second}"
ON_EACH = """
I:
  says: s
  all:
    - {id: I.A, says: a, for: a, ask: q}
    - {id: I.B, says: b, for: b, ask: q}
    - {id: I.C, says: c, for: b, ask: q}
"""


def test_the_criteria_of_a_pathway_are_items_of_their_own() -> None:
    two = "{id: I.B.1, says: x, ask: q}, {id: I.B.2, says: y, ask: q}"
    of_b = f"I: {{says: s, all: [{{id: I.B, says: b, for: b, all: [{two}]}}]}}"
    assert left(of_b, {"pathway": "b"}, PATHWAY) == (2, 2)


def test_while_the_pathway_is_open_what_remains_after_it_is_left() -> None:
    assert left(ON_EACH, pathway=PATHWAY) == (1, 2)
    assert left(ON_EACH, {"pathway": "b"}, PATHWAY) == (2, 2)


def test_the_requirements_of_the_only_pathway_are_counted_and_none_where_pathways_differ() -> None:
    assert counts(ON_EACH, {"pathway": "b", "I.B": "yes"}, PATHWAY) == (1, 2)
    assert counts(ON_EACH, pathway=PATHWAY) == (0, 0)


def test_the_only_alternative_that_counts_has_requirements_of_its_own() -> None:
    of_b = f"{{id: I.B, says: b, for: b, all: [{LEAVES.replace('I.', 'I.B.')}]}}"
    of_each = f"I: {{says: s, any: [{{id: I.A, says: a, for: a, ask: q}}, {of_b}]}}"
    assert counts(of_each, {"pathway": "b", "I.B.A": "yes"}, PATHWAY) == (1, 3)


def test_pathways_that_require_the_same_share_the_count() -> None:
    assert counts(f"I: {{says: s, all: [{LEAVES}]}}", {"I.A": "yes"}, PATHWAY) == (1, 3)


def test_a_requirement_is_documented_only_if_it_is_met() -> None:
    three = f"I: {{says: s, all: [{LEAVES}]}}"
    assert counts(three, {"I.A": "yes", "I.B": "no"}) == (1, 3)
    assert counts(three, {"I.A": "yes", "I.B": "yes", "I.C": "yes"}) == (3, 3)


def test_alternatives_are_one_requirement() -> None:
    assert counts(f"I: {{says: s, any: [{LEAVES}]}}") == (0, 1)
    assert counts(f"I: {{says: s, any: [{LEAVES}]}}", {"I.B": "yes"}) == (1, 1)


def test_the_parts_of_a_criterion_are_one_requirement() -> None:
    parts = f"I: {{says: s, all: [{{id: I.A, says: a, all: [{PARTS}]}}, {{id: I.B, says: b, ask: q}}]}}"
    assert counts(parts, {"I.A.one": "yes"}) == (0, 2)
    assert counts(parts, {"I.A.one": "yes", "I.A.two": "yes"}) == (1, 2)


def test_a_criterion_that_was_answered_whole_documents_all_below_it() -> None:
    assert counts(f"I: {{says: s, all: [{TWO_ITEMS}]}}", {"I.B": "yes"}) == (2, 2)


@pytest.mark.parametrize("other", ["role: advisory, ask: q", "needs: II"])
def test_what_does_not_count_and_what_follows_from_others_is_no_requirement(other: str) -> None:
    sections = f"I: {{says: s, all: [{{id: I.A, says: a, {other}}}, {{id: I.B, says: b, ask: q}}]}}"
    assert counts(f"{sections}\nII: {{says: t, ask: q}}") == (0, 1)


def test_both_counts_stand_in_the_json_and_only_where_there_is_something_to_count() -> None:
    found = judge(policy(f"I: {{says: s, all: [{LEAVES}]}}"), answers({"I.A": "yes"})).as_json()
    assert (found["items_left"], found["requirements"]) == (
        {"least": 2, "most": 2},
        {"documented": 1, "required": 3},
    )
    settled = judge(policy("I: {says: s, ask: q}"), answers({"I": "yes"})).as_json()
    assert "items_left" not in settled
    open_pathway: Determination = judge(policy(ON_EACH, pathway=PATHWAY))
    assert "requirements" not in open_pathway.as_json()
