"""Collect the open questions in the order in which they are to be asked, the most deciding first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from coverage_policies.format.model import SIDE, Criterion, Policy
from coverage_policies.format.questions import SIDE_QUESTION, all_questions, criterion_question
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult, Question
from coverage_policies.judging.items import Results, is_contradicted_whole, is_open

_CONTRADICTED = (Reason.CONFLICT, Reason.VALUE_OUT_OF_RANGE, Reason.COUNT_OUT_OF_RANGE, Reason.UNCONVERTIBLE)
_SETTLED_BY = {"performer": "performer", "specialty": "performer", "place": "location"}
"""What the arguments of the operator `order` read that is often known only after signing."""
_LAST = 1_000_000
"""The place of a question whose place the author did not set."""


def open_questions(
    policy: Policy, names: Sequence[str], runs: Mapping[str | None, Mapping[str, CriterionResult]]
) -> tuple[Question, ...]:
    """Return what is still to ask in these sections.

    Only unknown criteria that count are asked, and nothing below one that is decided. The parts of a criterion, or
    tests of which some number must be positive, are one question. A question that not every remaining pathway asks
    names its pathway. First comes what the chart contradicts and whose "no" would end it; then the author's order;
    then what else would end it, then the rest, each time what the chart half knows before what it does not. An order
    that must state its side is asked for it before anything else.
    """
    asked: dict[str, Question] = {}
    pathways: dict[str, list[str | None]] = {}
    deciding: set[str] = set()
    for pathway, results in runs.items():
        for name in names:
            root = policy.sections[name].root
            deciding.update(_deciding(root, results))
            for question in _below(root, results):
                asked.setdefault(question.id, question)
                pathways.setdefault(question.id, []).append(pathway)
    says = {choice.name: choice.says for choice in policy.pathway.choices} if policy.pathway else {}
    found = [
        question
        if len(pathways[name]) == len(runs)
        else replace(question, pathway=" or ".join(says[p] for p in pathways[name] if p))
        for name, question in asked.items()
    ]
    found.sort(key=lambda each: _rank(each, policy, is_deciding=each.id in deciding))
    needing_side = [each for results in runs.values() for each in results.values() if each.needs_side and is_open(each)]
    return (*((Question.of(SIDE, SIDE_QUESTION),) if needing_side else ()), *found)


def question_named(policy: Policy, link_id: str) -> Question | None:
    """Return a question of a policy by its `linkId`, without what the chart says; None if it has none."""
    asked = all_questions(policy).get(link_id)
    if asked is None or not asked.text:
        return None
    says = policy.index[link_id].says if link_id in policy.index else ""
    return replace(Question.of(link_id, asked), says=says)


def _below(c: Criterion, results: Results) -> Iterator[Question]:
    result = results[c.id]
    if not is_open(result):
        return
    if is_contradicted_whole(c, results) or (c.ask and not c.children):
        yield _question(c, result)
        return
    below = [question for child in c.children for question in _below(child, results)]
    is_counted = c.required is not None and c.required > 1
    if c.children and c.is_one_item and (len(below) > 1 or (is_counted and below)):
        yield _question(c, result, tuple(below))
    else:
        yield from below


def _question(c: Criterion, result: CriterionResult, below: tuple[Question, ...] = ()) -> Question:
    """Return the question of a criterion, with those below it as parts; parts of parts stand beside them."""
    parts = tuple(part for each in below for part in (each.parts or (each,)))
    reasons = [part.reason for part in parts if part.reason in _CONTRADICTED]
    return replace(
        Question.of(c.id, criterion_question(c)),
        says=c.says,
        reason=next(iter(reasons), result.reason),
        evidence=tuple(dict.fromkeys([*result.evidence, *(item for part in parts for item in part.evidence)])),
        parts=parts,
        settled_by="" if parts else _settled_by(c),
    )


def _settled_by(c: Criterion) -> str:
    """Return what the order must state to settle a criterion either way, if that is its performer or place alone."""
    if not c.met_when or not c.not_met_when:
        return ""
    read = {
        _SETTLED_BY.get(name, "") if clause.operator == "order" else ""
        for clause in (*c.met_when, *c.not_met_when)
        for name in clause.arguments
    }
    return read.pop() if len(read) == 1 else ""


def _deciding(c: Criterion, results: Results) -> Iterator[str]:
    """Yield a criterion of which all above fail if it fails, and those below it for which the same holds."""
    yield c.id
    counted = [child for child in c.children if results[child.id].counted is not None]
    possible = sum(results[child.id].counted is not Status.NOT_MET for child in counted)
    if possible == (len(counted) if c.required is None else c.required):
        for child in counted:
            if is_open(results[child.id]) and not child.case_review_if_not_met:
                yield from _deciding(child, results)


def _rank(question: Question, policy: Policy, *, is_deciding: bool) -> tuple[bool, int, bool, int]:
    is_contradicted = question.reason in _CONTRADICTED
    if is_contradicted:
        known = 0
    elif question.evidence:
        known = 1
    else:
        known = 3 if question.reason is Reason.NONE_RECORDED else 2
    places = [policy.index[each.id].asked for each in (question, *question.parts)]
    place = next((each for each in places if each is not None), _LAST)
    return not (is_contradicted and is_deciding), place, not is_deciding, known
