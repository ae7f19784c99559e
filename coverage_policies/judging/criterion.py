"""One criterion and one chart: the results of its clauses, and what a clinician attested."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct
from msgspec.structs import replace

from coverage_policies.format.model import Clause, Criterion
from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.terms import Reason, Status
from fhir_mappings.answers import Answer
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth, any_of

_NUMBER = re.compile(r"(?<!\w)\d+(?:\.\d+)?")
_PRECEDENCE = (
    Reason.CONFLICT,
    Reason.DATA_UNAVAILABLE,
    Reason.UNCONVERTIBLE,
    Reason.VALUE_OUT_OF_RANGE,
    Reason.COUNT_OUT_OF_RANGE,
    Reason.DATE_OUT_OF_RANGE,
    Reason.INVALID_ATTRIBUTE,
    Reason.PRESENT,
    Reason.MISSING,
    Reason.NOT_FOUND,
    Reason.NONE_RECORDED,
)
"""The reasons a criterion may be open, the one that helps most to close it first."""


class CriterionStatus(Struct, frozen=True):
    """A status with its reason, the evidence, lines of arithmetic, and a one-line value for the card.

    `needs_side` is whether it is open because the order does not state its side, `may_fail` whether data that were not
    read may contradict it: then neither other data nor an answer make it met.
    """

    status: Status
    reason: Reason | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    headline: str = ""
    needs_side: bool = False
    may_fail: bool = False


def evaluate_clauses(clauses: Sequence[Clause], ctx: Context) -> tuple[ClauseResult, ...]:
    """Return the result of each clause."""
    return tuple([clause.check.evaluate(ctx) for clause in clauses]) if clauses else ()


def any_holds(clauses: Sequence[Clause], ctx: Context) -> Truth:
    """Return whether any of the clauses holds; NO for none at all."""
    return any_of([result.holds for result in evaluate_clauses(clauses, ctx)])


def judge(criterion: Criterion, ctx: Context) -> CriterionStatus:
    """Return what the data say: only a `met_when` that holds is met, only a `not_met_when` that holds is not met.

    Both together are a conflict, neither is unknown. So is what would be met if data that may contradict it were not
    read. `show` adds evidence and decides nothing.
    """
    shown = evaluate_clauses(criterion.show, ctx)
    if not (criterion.met_when or criterion.not_met_when):
        return _to_be_asked(criterion, shown, ctx)
    met, not_met = evaluate_clauses(criterion.met_when, ctx), evaluate_clauses(criterion.not_met_when, ctx)
    for_it = [each for each in met if each.holds is Truth.YES]
    against = [each for each in not_met if each.holds is Truth.YES]
    if for_it and against:
        both = (*for_it, *against)
        return CriterionStatus(Status.UNKNOWN, Reason.CONFLICT, _evidence((*both, *shown)), _notes(both))
    may_fail = _may_fail(criterion.not_met_when, not_met, ctx)
    if for_it and may_fail:
        evidence = _evidence((*for_it, *not_met, *shown))
        return CriterionStatus(Status.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence, _notes(for_it), may_fail=True)
    if for_it:
        return CriterionStatus(Status.MET, None, _evidence((*for_it, *shown)), _notes(for_it))
    if against:
        evidence, finding = _evidence((*against, *shown)), _finding(criterion, not_met)
        return CriterionStatus(Status.NOT_MET, against[0].reason, evidence, _notes(against), finding)
    asked = met + not_met
    return CriterionStatus(
        Status.UNKNOWN,
        _why_open(
            _reasons(criterion.met_when, met, ctx),
            not_met,
            _reasons(criterion.show, shown, ctx),
        ),
        _evidence(asked + shown),
        _notes(asked),
        needs_side=True in [each.needs_side for each in asked],
        may_fail=may_fail,
    )


_NOTHING_SAID = CriterionStatus(Status.UNKNOWN, Reason.NOT_FOUND)


def _to_be_asked(criterion: Criterion, shown: Sequence[ClauseResult], ctx: Context) -> CriterionStatus:
    """Return the status of a criterion that no data can settle, as half of them are: unknown, with what is shown."""
    if not shown:
        return _NOTHING_SAID
    reason = _why_open(frozenset(), (), _reasons(criterion.show, shown, ctx))
    return CriterionStatus(Status.UNKNOWN, reason, _evidence(shown))


def _finding(criterion: Criterion, not_met: Iterable[ClauseResult]) -> str:
    """Return the finding of the first clause that holds against the order, and the limit of a value that fails it.

    The limit is that of the `met_when` about the same value sets, as what the policy asks for; without one, that of the
    clause itself. It is left out where the sentence of the criterion, which stands beside the finding, has its numbers.
    """
    against = zip(criterion.not_met_when, not_met, strict=True)
    clause, result = next((clause, result) for clause, result in against if result.holds is Truth.YES)
    if not (clause.limit and result.headline):
        return result.headline
    asked = (each.limit for each in criterion.met_when if each.arguments.get("in") == clause.arguments.get("in"))
    limit = next(filter(None, asked), "")
    if _numbers(limit or clause.limit) <= _numbers(criterion.says_when_not_met):
        return result.headline
    return f"{result.headline}; policy: {limit}" if limit else f"{result.headline} is {clause.limit}"


def _numbers(text: str) -> Set[str]:
    return frozenset(_NUMBER.findall(text))


def _may_fail(clauses: Sequence[Clause], results: Sequence[ClauseResult], ctx: Context) -> bool:
    """Return whether a clause is open while data that may decide it were not read completely."""
    for clause, result in zip(clauses, results, strict=True):
        if (
            result.holds is Truth.UNKNOWN
            and ctx.record.availability(*clause.deciding_kinds) is Availability.UNAVAILABLE
        ):
            return True
    return False


def _why_open(met: Set[Reason], not_met: Iterable[ClauseResult], shown: Set[Reason]) -> Reason:
    reasons = set(met)
    if Reason.DATA_UNAVAILABLE in shown:
        reasons.add(Reason.DATA_UNAVAILABLE)
    for each in not_met:
        if each.reason is Reason.NOT_FOUND:
            reasons.add(Reason.NONE_RECORDED)
        elif each.holds is Truth.UNKNOWN:
            reasons.add(each.reason)
    for reason in _PRECEDENCE:
        if reason in reasons:
            return reason
    return Reason.NOT_FOUND


def _reasons(clauses: Iterable[Clause], results: Iterable[ClauseResult], ctx: Context) -> Set[Reason]:
    """Return the reasons of clauses that ask for evidence; what nobody was asked for is merely not found."""
    return {
        Reason.NOT_FOUND if result.reason is Reason.DATA_UNAVAILABLE and _is_unasked(clause, ctx) else result.reason
        for clause, result in zip(clauses, results, strict=True)
    }


def _is_unasked(clause: Clause, ctx: Context) -> bool:
    """Return whether the data that a clause lacks are only of types that nobody was asked for."""
    asked = clause.kinds - ctx.record.unasked
    return asked != clause.kinds and ctx.record.availability(*asked) is not Availability.UNAVAILABLE


def with_answer(judged: CriterionStatus, criterion: Criterion, answers: Mapping[str, Answer]) -> CriterionStatus:
    """Return the status after an attestation.

    It outranks missing data; contradicting data make a conflict, and where such data were not read, the criterion stays
    unknown.
    """
    answer = answers.get(criterion.id)
    if answer is None or answer.value not in ("yes", "no"):
        return judged
    said = Status.MET if answer.value == criterion.met_by else Status.NOT_MET
    if judged.status is said:
        return replace(judged, evidence=(*judged.evidence, answer.evidence))
    if judged.may_fail and said is Status.MET:
        return replace(judged, reason=Reason.DATA_UNAVAILABLE, evidence=(answer.evidence, *judged.evidence))
    if judged.status is Status.UNKNOWN and judged.reason is not Reason.CONFLICT:
        return CriterionStatus(said, Reason.ATTESTED, (answer.evidence, *judged.evidence), judged.notes)
    return CriterionStatus(Status.UNKNOWN, Reason.CONFLICT, (*judged.evidence, answer.evidence), judged.notes)


def with_shown(judged: CriterionStatus, shown: tuple[Evidence, ...]) -> CriterionStatus:
    """Return an open status with what was answered elsewhere beside it; any other unchanged."""
    if not shown or judged.status is not Status.UNKNOWN:
        return judged
    return replace(judged, evidence=(*judged.evidence, *shown))


def _evidence(found: Sequence[ClauseResult]) -> tuple[Evidence, ...]:
    items = [item for result in found for item in result.evidence]
    return tuple(dict.fromkeys(items) if len(items) > 1 else items)


def _notes(found: Sequence[ClauseResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([note for result in found for note in result.notes]))
