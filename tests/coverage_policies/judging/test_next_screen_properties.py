"""What holds for every session, over the shipped policies, the sample orders, and the charts of all case files."""

import random
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coverage_policies.format.model import APPLIES, CODE, PATHWAY, SIDE
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.determination import CriterionResult, Determination, Question
from coverage_policies.judging.next_screen import Screen
from tests.support.sessions import (
    DONT_KNOW,
    NO,
    OPPOSITE,
    YES,
    Situation,
    answers_of,
    case_situations,
    sample_situations,
    session,
    situations_with_empty_chart,
)

BEFORE_CRITERIA = (APPLIES, PATHWAY, SIDE)
EVERY = 7  # of the case files, one in seven, so that it does not take too long
PLACE = list(Outcome).index  # the worst outcome first

pytestmark = pytest.mark.slow


def situations() -> st.SearchStrategy[Situation]:
    """Draw a situation in which anything is asked: a sample order, one with an empty chart, or one of a case file."""
    kinds = (sample_situations(), situations_with_empty_chart(), case_situations()[::EVERY])
    samples, empty, cases = (
        st.sampled_from([each for each in kind if each.screen({}).question is not None]) for kind in kinds
    )
    return samples | empty | cases


def sessions(examples: int = 40) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def dice(seed: int | str) -> random.Random:
    return random.Random(seed)


class Clinician:
    """Answers each question alike however often it is asked.

    `knows` is how often the answer is known, and `lean` how often it then favors the order.
    """

    def __init__(self, seed: int, lean: float, knows: float = 1.0) -> None:
        self.seed, self.lean, self.knows = seed, lean, knows

    def __call__(self, question: Question) -> dict[str, str]:
        return answers_of(question, self.value)

    def value(self, question: Question) -> str:
        chance = dice(f"{self.seed} {question.id}")
        if question.options:
            return chance.choice(question.options).code
        if question.id == APPLIES:
            return YES
        if chance.random() >= self.knows:
            return DONT_KNOW
        return question.met_by if chance.random() < self.lean else OPPOSITE[question.met_by]

    def __repr__(self) -> str:
        return f"Clinician({self.seed}, {self.lean}, {self.knows})"


SITUATIONS = st.deferred(situations)
SEEDS = st.integers(0, 10**6)
LEANS = st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0])
CLINICIANS = st.builds(Clinician, SEEDS, LEANS, st.sampled_from([0.0, 0.9, 1.0]))
WHO_KNOWS_ALL = st.builds(Clinician, SEEDS, LEANS)


def ids(question: Question | None) -> set[str]:
    return {part.id for part in question.parts or (question,)} if question is not None else set()


def given_in(of: Situation, clinician: Clinician, *, until_settled: bool) -> tuple[Screen, dict[str, str]]:
    """The last screen of a session, and its answers."""
    shown = list(session(of, clinician, until_settled=until_settled))
    return shown[-1][0], {link: value for _, said in shown for link, value in said.items()}


def is_turn(shown: Screen, said: Mapping[str, str]) -> bool:
    """Whether an answer decides which data count, so that other questions are open: the side, a pathway ruled out."""
    return SIDE in said or (PATHWAY in said and said[PATHWAY] not in {DONT_KNOW, *shown.determination.pathways})


def full_form(of: Situation, clinician: Clinician) -> dict[str, str]:
    """The answers to everything that is open, given at once after the questions that come before the criteria."""
    answers: dict[str, str] = {}
    while True:
        found = of.determination(answers)
        first = [each for each in found.questions if each.id in BEFORE_CRITERIA and each.id not in answers]
        if not first:
            return answers | {
                link: said for each in found.questions for link, said in clinician(each).items() if link not in answers
            }
        answers |= clinician(first[0])


def depends_on_needed(of: Situation, one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether only one of two forms answers what another criterion needs, which may be asked for itself instead."""
    needed = {below.id for c in of.policy.index.values() for name in c.needs for below in of.policy.index[name].walk()}
    return not needed.isdisjoint(one.keys() ^ other.keys())


def in_another_order(of: Situation, clinician: Clinician, chance: random.Random) -> dict[str, str]:
    """The answers of who takes any open question, until none is left."""
    answers: dict[str, str] = {}
    while True:
        found = of.determination(answers).questions
        first = [each for each in found if each.id in BEFORE_CRITERIA and each.id not in answers]
        left = [part for each in first or found for part in each.parts or (each,) if part.id not in answers]
        if not left:
            return answers
        answers |= clinician(chance.choice(left))


@sessions(25)
@given(of=SITUATIONS, clinician=WHO_KNOWS_ALL, seed=st.integers(0, 1000))
def test_the_same_answers_in_any_order_give_the_same_outcome(of: Situation, clinician: Clinician, seed: int) -> None:
    last, answers = given_in(of, clinician, until_settled=False)
    others = in_another_order(of, clinician, dice(seed))
    if not depends_on_needed(of, others, answers):
        assert of.determination(others).outcome is last.outcome


@sessions()
@given(of=SITUATIONS, clinician=CLINICIANS)
def test_every_session_ends_and_asks_nothing_twice(of: Situation, clinician: Clinician) -> None:
    asked: set[str] = set()
    shown = list(session(of, clinician, until_settled=False))
    for screen, said in shown:
        assert ids(screen.question) == set(said)
        assert asked.isdisjoint(said)
        asked |= set(said)
    last, _ = shown[-1]
    assert (last.question, last.items_left) == (None, (0, 0))


@sessions(25)
@given(of=SITUATIONS, clinician=WHO_KNOWS_ALL)
def test_an_order_that_ends_early_ends_with_what_the_full_form_gives(of: Situation, clinician: Clinician) -> None:
    early, answers = given_in(of, clinician, until_settled=True)
    form = full_form(of, clinician)
    if depends_on_needed(of, form, answers):
        return
    full = of.determination(form)
    if early.outcome in RULED_OUT:  # another section may still make it worse
        assert full.outcome in RULED_OUT
    else:
        assert full.outcome is early.outcome


@sessions()
@given(of=SITUATIONS, clinician=CLINICIANS, another=CLINICIANS)
def test_what_is_settled_never_gets_better(of: Situation, clinician: Clinician, another: Clinician) -> None:
    early, answers = given_in(of, clinician, until_settled=True)
    if early.is_settled:
        found = early
        while found.question is not None:
            answers |= another(found.question)
            found = of.screen(answers)
            assert found.is_settled
            assert PLACE(found.outcome) <= PLACE(early.outcome)


@sessions()
@given(of=SITUATIONS, clinician=CLINICIANS)
def test_at_most_as_many_screens_are_asked_as_are_left(of: Situation, clinician: Clinician) -> None:
    for screen, left in what_is_left(of, clinician, until_settled=False):
        least, most = screen.items_left
        assert least <= most
        assert left <= most


@sessions()
@given(of=SITUATIONS, clinician=st.builds(Clinician, SEEDS, st.sampled_from([0.5, 0.8, 0.95, 1.0])))
def test_at_least_as_many_screens_are_asked_until_supported_as_are_left(of: Situation, clinician: Clinician) -> None:
    if given_in(of, clinician, until_settled=True)[0].outcome is Outcome.SUPPORTED:
        for screen, left in what_is_left(of, clinician, until_settled=True):
            assert screen.items_left[0] <= left


def what_is_left(of: Situation, clinician: Clinician, *, until_settled: bool) -> Iterator[tuple[Screen, int]]:
    """Each screen of a session after its last turn, with the number of screens that are still answered."""
    shown = list(session(of, clinician, until_settled=until_settled))[:-1]
    after_turn = max((i + 1 for i, each in enumerate(shown) if is_turn(*each)), default=0)
    for i, (screen, _) in enumerate(shown[after_turn:], after_turn):
        yield screen, len(shown) - i


# --- moot questions, by trying answers -------------------------------------------------------------------------------


def tipping(of: Situation, found: Determination, name: str, pathway: str | None) -> dict[str, str]:
    """Answers to the other open criteria that leave the outcome to one: of alternatives, one too few are met."""
    results = found.runs[pathway]
    said = {link: of.policy.index[link].met_by for each in found.runs.values() for link in open_leaves(each, of)}
    parents = {child.id: c for c in of.policy.index.values() for child in c.children}
    child = of.policy.index[name]
    while (group := parents.get(child.id)) is not None:
        if group.required is not None:
            others = [each for each in group.children if each is not child and results[each.id].counted is not None]
            wanted = group.required - 1
            met = [each for each in others if results[each.id].counted is Status.MET]
            unmet = [each for each in others if each not in met][max(wanted - len(met), 0) :]
            for each in (below for part in unmet for below in part.walk()):
                if each.id in said:
                    said[each.id] = OPPOSITE[each.met_by]
        child = group
    said.pop(name, None)
    return said


def open_leaves(results: Mapping[str, CriterionResult], of: Situation) -> Iterator[str]:
    for link, result in results.items():
        if result.status is Status.UNKNOWN and result.counted is not None and not of.policy.index[link].children:
            yield link


def outcomes_by_answer(
    of: Situation, answers: Mapping[str, str], found: Determination, name: str
) -> Iterator[set[Outcome]]:
    """For each pathway, the outcomes that the answers to one question lead to, the others answered as in `tipping`."""
    for pathway in found.runs:
        chosen = {PATHWAY: pathway} if pathway is not None and PATHWAY in ids_of(found) else {}
        others = {**answers, **tipping(of, found, name, pathway), **chosen}
        others.pop(name, None)
        yield {of.determination({**others, **said}).outcome for said in ({}, {name: YES}, {name: NO})}


def ids_of(found: Determination) -> set[str]:
    return {each.id for each in found.questions}


@sessions(40)
@given(of=SITUATIONS, clinician=CLINICIANS)
def test_no_question_that_is_asked_is_moot(of: Situation, clinician: Clinician) -> None:
    answers: dict[str, str] = {}
    for shown, said in session(of, clinician):
        for link in ids(shown.question).difference(BEFORE_CRITERIA):
            if not shown.is_settled:
                assert any(len(each) > 1 for each in outcomes_by_answer(of, answers, shown.determination, link)), link
        answers |= said


@sessions(40)
@given(of=SITUATIONS, clinician=CLINICIANS, seed=st.integers(0, 1000))
def test_every_question_that_is_open_and_not_moot_is_asked(of: Situation, clinician: Clinician, seed: int) -> None:
    last, answers = given_in(of, clinician, until_settled=False)
    never = [each for each in last.determination.questions if ids(each).isdisjoint(answers)]
    chance = dice(seed)
    for question in never:
        for link in ids(question) - {CODE}:
            for tried in outcomes_by_answer(of, answers, last.determination, link):
                assert len(tried) == 1, link
            for _ in range(5):
                others = answers | {each: chance.choice([YES, NO, DONT_KNOW]) for each in of.policy.index}
                assert len({of.determination({**others, link: said}).outcome for said in (YES, NO, DONT_KNOW)}) == 1
