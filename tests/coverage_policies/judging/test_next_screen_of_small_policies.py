"""What holds for every session under random small policies, for which every way to answer can be tried."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.determination import Question
from coverage_policies.judging.next_screen import Screen, next_screen
from fhir_mappings.orders import Anchor
from tests.support.policy_fakes import ANCHOR, chart, condition, order, policy

pytestmark = pytest.mark.slow

DONT_KNOW, YES, NO = "", "yes", "no"
MOST_LEAVES = 4
PLACE = list(Outcome).index  # the worst outcome first
OF_CHART: tuple[dict[str, Any], ...] = (
    {"met_when": {"condition": {"in": "beta"}}},  # which the chart has
    {"not_met_when": {"condition": {"in": "beta"}}},
    {"met_when": {"condition": {"in": "beta"}}, "not_met_when": {"condition": {"in": "beta"}}},
)
CHART = chart(condition("beta"))
NAMES = ("ABC", "123", "abc")


@st.composite
def criteria(draw: st.DrawFn, name: str, depth: int = 0) -> dict[str, Any]:
    """A criterion and what is below it."""
    found: dict[str, Any] = {"id": name, "says": name}
    if depth and (depth == len(NAMES) or draw(st.booleans())):
        found["ask"] = "q"
        found |= draw(st.sampled_from([{}, {}, {"met_by": False}]))
        found |= draw(st.sampled_from([{}, {}, {}, *OF_CHART]))
    else:
        letters = NAMES[depth][: draw(st.integers(2, 3))]
        below = [draw(criteria(f"{name}.{letter}", depth + 1)) for letter in letters]
        kind = draw(st.sampled_from(["all", "any", "at_least"]))
        found |= {"at_least": 2, "of": below} if kind == "at_least" else {kind: below}
    if depth:
        for when in ("if_met", "if_not_met"):
            found |= draw(st.sampled_from([{}, {}, {}, {when: "case-review"}]))
    return found


@st.composite
def small(draw: st.DrawFn) -> "Small":
    """A policy with one section or two, of a few criteria each."""
    sections = {}
    for name in draw(st.sampled_from([["I"], ["I"], ["I", "II"]])):
        root = draw(criteria(name))
        del root["id"]
        when_not_met = st.sampled_from(["criteria-not-met", "not-supported", "case-review"])
        sections[name] = root | {"if_not_met": draw(when_not_met)}
    return Small(sections)


class Small:
    """A policy, and the screens after each set of answers."""

    def __init__(self, sections: Mapping[str, Any]) -> None:
        self.sections = sections
        self._screens: dict[frozenset[tuple[str, str]], Screen] = {}

    @cached_property
    def policy(self) -> Policy | None:
        """The policy; None if the format does not allow it, or there are too many ways to answer it."""
        text = "\n".join(f"{name}: {flow(root)}" for name, root in self.sections.items())
        try:
            found = policy(text, orders=f"- {{codes: the-order, sections: {flow(list(self.sections))}}}")
        except DocumentError:
            return None
        return found if sum(not c.children for c in found.index.values()) <= MOST_LEAVES else None

    def screen(self, answers: Mapping[str, str]) -> Screen:
        key = frozenset(answers.items())
        if key not in self._screens:
            assert self.policy is not None
            self._screens[key] = next_screen(
                self.policy, order(), [], CHART, Anchor(ANCHOR, "planned service date"), answers
            )
        return self._screens[key]

    @cached_property
    def leaves(self) -> list[str]:
        """What the chart leaves open. The rest is on no form, as the chart answers it."""
        results = self.screen({}).determination.runs[None]
        assert self.policy is not None
        return [c.id for c in self.policy.index.values() if not c.children and results[c.id].status is Status.UNKNOWN]

    def outcomes(self, answers: Mapping[str, str]) -> set[Outcome]:
        """The outcomes of every way to go on after these answers, those already given kept."""
        return {self.screen(form).outcome for form in self.forms(answers)}

    def forms(self, answers: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Every way to answer all that is open, with these answers kept."""
        left = [name for name in self.leaves if name not in answers]
        for said in product((DONT_KNOW, YES, NO), repeat=len(left)):
            yield {**answers, **dict(zip(left, said, strict=True))}

    def states(self, said: tuple[str, ...] = (DONT_KNOW, YES, NO)) -> Iterator[tuple[dict[str, str], Screen]]:
        """Every screen that a session can show, with the answers that lead to it."""
        left: list[dict[str, str]] = [{}]
        while left:
            answers = left.pop()
            shown = self.screen(answers)
            yield answers, shown
            left += ways_to_answer(shown, answers, said)

    def longest(self, answers: Mapping[str, str]) -> int:
        """The most screens that a session can show after these answers, if nobody says "don't know"."""
        return max((1 + self.longest(each) for each in ways_to_answer(self.screen(answers), answers)), default=0)

    def shortest(self, answers: Mapping[str, str]) -> float:
        """The fewest screens after which the outcome can be `supported`; infinite if it cannot."""
        shown = self.screen(answers)
        if shown.outcome is Outcome.SUPPORTED:
            return 0
        return min((1 + self.shortest(each) for each in ways_to_answer(shown, answers)), default=math.inf)

    def __repr__(self) -> str:
        return flow(self.sections)


def flow(value: Any) -> str:
    """YAML of a value, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def links(question: Question | None) -> set[str]:
    return {part.id for part in question.parts or (question,)} if question else set()


def ways_to_answer(
    shown: Screen, answers: Mapping[str, str], said: tuple[str, ...] = (YES, NO)
) -> Iterator[dict[str, str]]:
    """The answers after a screen, for each way to answer it; nothing if it has no question."""
    asked = sorted(links(shown.question))
    for each in product(said, repeat=len(asked)) if asked else ():
        yield {**answers, **dict(zip(asked, each, strict=True))}


def known(answers: Mapping[str, str]) -> dict[str, str]:
    return {link: said for link, said in answers.items() if said != DONT_KNOW}


def has_conflict(of: Small) -> bool:
    """Whether the chart contradicts itself, which no answer settles."""
    return any(each.reason is Reason.CONFLICT for each in of.screen({}).determination.criteria)


SMALL = small().filter(lambda each: each.policy is not None)
WITHOUT_CONFLICT = SMALL.filter(lambda each: not has_conflict(each))
REVIEWED_EITHER_WAY = Small(
    {
        "I": {
            "says": "I",
            "any": [
                {"id": "I.A", "says": "I.A", "ask": "q", "if_not_met": "case-review"},
                {
                    "id": "I.B",
                    "says": "I.B",
                    "all": [
                        {"id": "I.B.1", "says": "I.B.1", "ask": "q"},
                        {"id": "I.B.2", "says": "I.B.2", "ask": "q", "if_not_met": "case-review"},
                    ],
                    "if_not_met": "case-review",
                },
            ],
            "if_not_met": "criteria-not-met",
        }
    }
)
"""Once I.A and I.B.2 are denied, the plan reviews the order, whatever is said of I.B.1."""


def policies(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


@policies(25)
@given(of=SMALL)
def test_a_session_ends_with_what_every_full_form_with_its_answers_gives(of: Small) -> None:
    for answers, shown in of.states():
        if shown.question is None or shown.is_settled:
            if shown.outcome in RULED_OUT:
                assert of.outcomes(answers) <= set(RULED_OUT), answers
            else:
                assert of.outcomes(answers) == {shown.outcome}, answers


@policies(25)
@given(of=SMALL)
@example(of=REVIEWED_EITHER_WAY)
def test_what_is_settled_cannot_get_better_and_what_is_not_can_unless_data_contradict_each_other(of: Small) -> None:
    for answers, shown in of.states():
        best = max(map(PLACE, of.outcomes(known(answers))))
        results = shown.determination.runs[None].values()
        if shown.is_settled:
            assert best <= PLACE(shown.outcome), answers
        else:
            assert best > PLACE(shown.outcome) or any(each.reason is Reason.CONFLICT for each in results), answers


@policies(25)
@given(of=WITHOUT_CONFLICT)
def test_a_question_is_asked_if_and_only_if_it_is_not_moot(of: Small) -> None:
    for answers, shown in of.states():
        if shown.is_settled:
            continue
        for link in set(of.leaves) - set(answers):
            is_moot = all(
                len({of.screen({**rest, link: said}).outcome for said in (DONT_KNOW, YES, NO)}) == 1
                for rest in of.forms({**known(answers), link: DONT_KNOW})
            )
            if link in links(shown.question):
                assert not is_moot, (answers, link)
            elif shown.question is None:
                assert is_moot, (answers, link)


@policies(25)
@given(of=SMALL)
def test_nothing_is_asked_twice(of: Small) -> None:
    for answers, shown in of.states():
        assert links(shown.question).isdisjoint(answers)


@policies(25)
@given(of=WITHOUT_CONFLICT)
def test_the_screens_that_are_left_lie_between_the_least_and_the_most(of: Small) -> None:
    for answers, shown in of.states((YES, NO)):
        least, most = shown.items_left
        assert of.longest(answers) <= most, answers
        if not shown.is_settled:
            assert least <= of.shortest(answers), answers
