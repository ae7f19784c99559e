"""When a question is moot, and that hiding it changes no outcome."""

import random
from typing import Any

import pytest

from coverage_policies.questionnaires.enabling import enabled
from coverage_policies.questionnaires.items import form_items
from tests.support.forms import by_link, flat, structured
from tests.support.policy_fakes import answers, judge, policy

ITEMS = form_items(structured())
ANY = """
I:
  says: s
  any:
    - {{id: I.A, says: a, ask: Is it a, {first}}}
    - {{id: I.B, says: b, ask: Is it b}}
"""


def on(**given: Any) -> set[str]:
    """The questions that some answers leave enabled; `I_A` stands for `I.A`."""
    return set(enabled(ITEMS, {name.replace("_", "."): answer for name, answer in given.items()}))


def test_without_an_answer_everything_is_enabled() -> None:
    assert on() == by_link({"item": ITEMS}).keys()


def test_parts_are_hidden_once_their_group_is_answered_whole() -> None:
    assert "I.B.one" in on(I_C_1=True)
    assert "I.B.one" not in on(I_B=True)
    assert "I.B.one" not in on(I_B=False)


def test_the_help_of_a_hidden_question_is_hidden_with_it() -> None:
    assert "I.B.one/help" not in on(I_B=True)


def test_later_alternatives_are_hidden_by_an_earlier_one_in_favor() -> None:
    assert {"I.C.2", "I.C.3", "I.C.4"} & on(I_C_1=True) == set()
    assert {"I.C.2", "I.C.3", "I.C.4"} <= on(I_C_1=False)


def test_an_earlier_alternative_stays_so_that_two_cannot_hide_each_other() -> None:
    assert "I.C.1" in on(I_C_1=True, I_C_2=True)


def test_an_alternative_that_data_may_contradict_hides_no_other() -> None:
    assert "I.C.4" in on(I_C_3=True)


@pytest.mark.parametrize(
    ("first", "is_hidden"),
    [
        ("met_by: yes", True),
        ("if_met: case-review", False),
        ("if_not_met: case-review", False),
        ("role: advisory", False),
        ("not_met_when: {condition: {in: alpha}}", False),
    ],
)
def test_only_an_alternative_that_always_meets_its_group_hides_others(first: str, is_hidden: bool) -> None:
    form = form_items(policy(ANY.format(first=first)))
    assert ("I.B" not in enabled(form, {"I.A": True})) is is_hidden


def test_the_answer_in_favor_of_an_alternative_may_be_no() -> None:
    form = form_items(policy(ANY.format(first="met_by: no")))
    assert "I.B" in enabled(form, {"I.A": True})
    assert "I.B" not in enabled(form, {"I.A": False})


def test_an_alternative_of_one_pathway_hides_none_of_all() -> None:
    pathway = "ask: Which\nchoices:\n  one: {says: One}\n  two: {says: Two}"
    form = form_items(policy(ANY.format(first="for: one"), pathway=pathway))
    assert "I.B" in enabled(form, {"I.A": True})


def test_what_another_criterion_needs_is_asked_whatever_its_own_group_is() -> None:
    needing = policy(ANY.format(first="met_by: yes") + "II:\n  says: s\n  needs: I.B\n")
    assert "I.B" in enabled(form_items(needing), {"I.A": True})


def test_the_criteria_of_other_pathways_are_hidden() -> None:
    assert "I.D" in on(pathway="cancer")
    assert "I.D" not in on(pathway="other")


def test_a_criterion_is_hidden_on_the_pathway_that_does_not_ask_it() -> None:
    assert "I.E" in on(pathway="cancer")
    assert "I.E" not in on(pathway="other")


def test_nothing_is_asked_once_the_policy_does_not_apply() -> None:
    assert on(applies=False) == {"applies"}
    assert "I.A" in on(applies=True)


def filled(form: list[dict[str, Any]], chance: random.Random, *, whole: bool) -> dict[str, bool | str]:
    """Random answers to the questions of a form that the answers before them leave enabled."""
    said: dict[str, bool | str] = {"applies": True}
    groups = {item["linkId"].removesuffix("/parts") for item in flat(form) if item["linkId"].endswith("/parts")}
    for item in flat(form):
        link = item["linkId"]
        if link in enabled(form, said) and (whole or link not in groups) and chance.random() < 0.8:
            if item["type"] == "boolean":
                said[link] = chance.random() < 0.7
            elif link == "pathway":
                said[link] = chance.choice(item["answerOption"])["valueCoding"]["code"]
    return said


def spoken(said: dict[str, bool | str]) -> dict[str, str]:
    return {link: word if isinstance(word, str) else ("yes" if word else "no") for link, word in said.items()}


@pytest.mark.parametrize("seed", range(60))
def test_an_answer_to_a_hidden_alternative_or_pathway_changes_no_outcome(seed: int) -> None:
    by, chance = structured(), random.Random(seed)
    form = form_items(by)
    said = filled(form, chance, whole=False)
    shown = set(enabled(form, said))
    hidden = {
        item["linkId"]: chance.random() < 0.5
        for item in flat(form)
        if item["type"] == "boolean" and item["linkId"] not in shown and item["linkId"] not in ("I.B", "I.E")
    }
    outcome = judge(by, answers(spoken(said))).outcome
    assert judge(by, answers(spoken(said | hidden))).outcome is outcome


@pytest.mark.parametrize("whole", [True, False])
def test_parts_that_agree_with_the_answer_for_the_whole_change_no_outcome(whole: bool) -> None:
    by = structured()
    parts = {"I.B.one": whole, "I.B.two": whole, "I.B.three": not whole}
    said = {"I.B": whole, "I.A": True, "I.C.1": True, "pathway": "other", "applies": True, "I.H": True}
    assert judge(by, answers(spoken(said | parts))).outcome is judge(by, answers(spoken(said))).outcome


@pytest.mark.parametrize("seed", range(60))
def test_no_question_that_is_still_asked_is_hidden_by_the_answers_that_count(seed: int) -> None:
    by, chance = structured(), random.Random(seed)
    form = form_items(by)
    said = filled(form, chance, whole=True)
    found = judge(by, answers(spoken(said)))
    shown = set(enabled(form, said))
    asked = {each.id for question in found.questions for each in (question.parts or (question,))}
    assert asked <= shown
