"""Adaptive questioning: after the answers so far, the next screen. Pure, like the evaluator.

A session is a mapping from `linkId` to the value of the answer, which starts empty and grows screen by screen. Nothing
else is kept between two screens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coverage_policies.format.model import APPLIES, PATHWAY, SIDE, Criterion, Policy
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.bearing import asked_about, asking_only, bearing, without_failed
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.evaluator import ANSWERS_VALID, evaluate
from coverage_policies.judging.items import Results, is_open, items_left
from coverage_policies.judging.order_matching import OrderMatch
from coverage_policies.judging.questions import open_questions
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.orders import Anchor, Order
from fhir_mappings.record import PatientRecord

_BEFORE_CRITERIA = (APPLIES, PATHWAY, SIDE)


@dataclass(frozen=True, slots=True)
class Screen:
    """What a session shows next, and where it stands.

    `question` is the next item, with the parts that belong on one screen; None if nothing is left to ask. `items_left`
    counts the screens that are still to come, this one included: at least, on the shortest way to `supported`, and at
    most, by what is known now: the answer for the side, or for a pathway that it rules out, may open other questions.
    So may a decisive "no" where data contradict each other. `is_settled` is whether the outcome cannot get better,
    whatever is answered; what is then asked no longer decides. Where the chart contradicts itself, it is settled only
    by what is ruled out, since correcting the chart can make it better. `without_effect` are the open questions of the
    determination that are not asked because no answer settles them: data contradict each other or were not read, or
    the order has no code.
    """

    determination: Determination
    question: Question | None
    items_left: tuple[int, int]
    is_settled: bool
    without_effect: tuple[Question, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Return the outcome after the answers so far."""
        return self.determination.outcome


def next_screen(
    policy: Policy,
    order: Order,
    other_orders: Sequence[Order],
    record: PatientRecord,
    anchor: Anchor,
    answers: Mapping[str, str],
    *,
    answers_valid: CalendarPeriod = ANSWERS_VALID,
    ignore_code_dates: bool = False,
    match: OrderMatch | None = None,
) -> Screen:
    """Return the next screen of a session in which these answers were given.

    `answers` are by `linkId`: `yes`, `no`, the code of a choice, or empty for "don't know". They count as a completed
    QuestionnaireResponse about this order would. What was answered, in whatever way, is not asked again. The other
    arguments are those of `evaluate`.
    """
    found = evaluate(
        policy,
        order,
        other_orders,
        record,
        anchor,
        answers_valid=answers_valid,
        ignore_code_dates=ignore_code_dates,
        match=match,
        given=answers,
    )
    return screen(policy, found, answers)


def screen(policy: Policy, found: Determination, answers: Mapping[str, str]) -> Screen:
    """Return the next screen after the determination to which the answers of a session led.

    The order is that of the questions of a determination. Left out is what was answered, and what is moot: no answer
    to it, with any answers to the others, changes the outcome. If the order is ruled out, the rest is asked as if what
    failed did not count.
    """
    names = found.sections
    is_ruled_out = found.outcome in RULED_OUT
    runs: dict[str | None, Results] = {
        pathway: without_failed(policy, names, results) if is_ruled_out else results
        for pathway, results in found.runs.items()
    }
    bears = {pathway: bearing(policy, names, results) for pathway, results in runs.items()}
    asked = asked_about(policy, answers)
    to_ask = {pathway: asking_only(policy, names, results, bears[pathway] - asked) for pathway, results in runs.items()}
    first = [each for each in found.questions if each.id in (APPLIES, PATHWAY)]
    questions = [*first, *open_questions(policy, names, to_ask)]
    questions = [each for each in questions if each.id not in _BEFORE_CRITERIA or each.id not in answers]
    before = sum(each.id in _BEFORE_CRITERIA for each in questions)
    matter = frozenset(_BEFORE_CRITERIA).union(asked, *bears.values())
    least = min((_least(policy, names, results) for results in to_ask.values()), default=0)
    return Screen(
        determination=found,
        question=next(iter(questions), None),
        items_left=(max(before + least, min(1, len(questions))), len(questions)),
        is_settled=is_ruled_out or (found.is_settled and not any(bears.values())),
        without_effect=tuple(
            each for each in found.questions if matter.isdisjoint(part.id for part in (each, *each.parts))
        ),
    )


def _least(policy: Policy, names: Sequence[str], results: Results) -> int:
    """Return how many items there are at least, if what follows from other criteria is met with those."""
    roots = [policy.sections[name].root for name in names]
    with_others = {
        child.id: replace(results[child.id], counted=None)
        for root in roots
        for group in root.walk()
        if group.required is not None and any(_follows(child, results) for child in group.children)
        for child in group.children
    }
    return items_left(roots, {**results, **with_others})[0]


def _follows(c: Criterion, results: Results) -> bool:
    return bool(c.needs) and not c.ask and is_open(results[c.id])
