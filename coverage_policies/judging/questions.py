"""Collect the open questions, the most important first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from coverage_policies.format.model import SIDE, Criterion, Policy
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult, Question

_SIDE_QUESTION = Question(SIDE, "Which side is the order for: left, right, or both?")
_CONTRADICTED = (Reason.CONFLICT, Reason.VALUE_OUT_OF_RANGE, Reason.COUNT_OUT_OF_RANGE, Reason.UNCONVERTIBLE)


def open_questions(
    policy: Policy, names: Sequence[str], runs: Mapping[str | None, Mapping[str, CriterionResult]]
) -> tuple[Question, ...]:
    """Return what is still to ask in these sections.

    Only unknown criteria that count are asked, and nothing below one that is decided. A group of tests of
    which some number must be positive is one question. A question that not every remaining pathway asks names its
    pathway. Contradictions come first, then questions with evidence, then the rest in the order of the document. What
    was searched and not found comes last, since "no" is the likely answer. An order that must state its side is asked
    for it before anything else.
    """
    asked: dict[str, Question] = {}
    pathways: dict[str, list[str | None]] = {}
    for pathway, results in runs.items():
        for name in names:
            for question in _below(policy.sections[name].root, results):
                asked.setdefault(question.id, question)
                pathways.setdefault(question.id, []).append(pathway)
    says = {choice.name: choice.says for choice in policy.pathway.choices} if policy.pathway else {}
    found = [
        question
        if len(pathways[name]) == len(runs)
        else replace(question, pathway=" or ".join(says[p] for p in pathways[name] if p))
        for name, question in asked.items()
    ]
    needs_side = any(each.needs_side and _is_open(each) for results in runs.values() for each in results.values())
    return (*((_SIDE_QUESTION,) if needs_side else ()), *sorted(found, key=_rank))


def _below(c: Criterion, results: Mapping[str, CriterionResult]) -> Iterator[Question]:
    result = results[c.id]
    if not _is_open(result):
        return
    if result.reason is Reason.CONFLICT and all(results[each.id].reason is not Reason.CONFLICT for each in c.children):
        yield Question(c.id, c.ask or c.says, result.reason, result.evidence)
    elif c.required is not None and c.required > 1:
        unknown = tuple(child.says for child in c.children if _is_open(results[child.id]))
        yield Question(c.id, c.ask or c.says, result.reason, result.evidence, parts=unknown)
    elif c.children:
        for child in c.children:
            yield from _below(child, results)
    elif c.ask:
        yield Question(c.id, c.ask, result.reason, result.evidence)


def _is_open(result: CriterionResult) -> bool:
    """Return whether an answer could settle it: unknown, and not because a human decides or another pathway counts."""
    return result.status is Status.UNKNOWN and result.counted is Status.UNKNOWN


def _rank(question: Question) -> int:
    if question.reason in _CONTRADICTED:
        return 0
    if question.evidence:
        return 1
    return 3 if question.reason is Reason.NONE_RECORDED else 2
