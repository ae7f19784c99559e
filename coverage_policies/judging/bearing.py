"""Which open criteria can still change the outcome: what is left of a policy once the moot questions are gone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from enum import IntEnum

from coverage_policies.format.model import Criterion, Policy, Section
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.criterion import CriterionStatus, with_answer
from coverage_policies.judging.determination import CriterionResult
from coverage_policies.judging.items import Results, is_contradicted_whole, is_open
from fhir_mappings.answers import Answer
from fhir_mappings.record import Evidence


class _Level(IntEnum):
    """What a criterion adds to its group, the worst first. A group has the level that enough of its parts reach."""

    FAILS = 0
    OPEN = 1
    REVIEW = 2
    MET = 3


_Range = tuple[_Level, _Level]
"""The worst and the best level that a criterion can still have."""
_STEPS = frozenset((_Level.OPEN, _Level.REVIEW, _Level.MET))
"""The levels that a criterion may reach or miss."""
_LEVEL = {Status.NOT_MET: _Level.FAILS, Status.UNKNOWN: _Level.OPEN, Status.MET: _Level.MET}
_OUTCOMES = list(Outcome)
_UNSIGNED = Evidence("", "")


def bearing(policy: Policy, names: Sequence[str], results: Results) -> Set[str]:
    """Return the open criteria of these sections to which some answer, with some answers to others, matters.

    A criterion matters if the outcome depends on it for at least one way to answer the others. What no answer can
    change does not matter: data that contradict each other, or that were not read. Criteria that another one needs
    matter with it.
    """
    return _Bearing(policy, results).of(names)


class _Bearing:
    def __init__(self, policy: Policy, results: Results) -> None:
        self.policy = policy
        self.results = results
        self.ranges: dict[str, _Range] = {}
        self.found: set[str] = set()

    def of(self, names: Sequence[str]) -> Set[str]:
        sections = [self.policy.sections[name] for name in names if self._counts(self.policy.sections[name].root)]
        best = {section.root.id: max(_outcomes(section, self._range(section.root))) for section in sections}
        for section in sections:
            others = min((best[each.root.id] for each in sections if each is not section), default=len(_OUTCOMES))
            self._follow(section.root, {step for step in _STEPS if _shows(section, step, others)})
        return self.found

    def _counts(self, c: Criterion) -> bool:
        return self.results[c.id].counted is not None

    def _follow(self, c: Criterion, steps: Set[_Level]) -> None:
        """Collect what matters below a criterion of which the outcome depends on whether it reaches these levels."""
        if not steps or not is_open(self.results[c.id]):
            return
        if _is_answered_whole(c, self.results):
            worst, best = self._range(c)
            if any(worst < step <= best for step in steps):
                self.found.add(c.id)
                for name in c.needs:
                    if name in self.results:
                        self._follow(self.policy.index[name], _STEPS)
            return
        below = [child for child in c.children if self._counts(child)]
        needed = len(below) if c.required is None else c.required
        steps = _before_review(c, steps)
        for child in below:
            others = [self._range(each) for each in below if each is not child]
            self._follow(child, {step for step in steps if _is_tipped(others, step, needed)})

    def _range(self, c: Criterion) -> _Range:
        if c.id not in self.ranges:
            self.ranges[c.id] = self._found_range(c)
        return self.ranges[c.id]

    def _found_range(self, c: Criterion) -> _Range:
        result = self.results[c.id]
        if not is_open(result):
            level = _Level.REVIEW if result.is_for_review else _LEVEL[result.status]
            return level, level
        if _is_answered_whole(c, self.results):
            levels = set(_levels(c, result))
        else:
            below = [self._range(child) for child in c.children if self._counts(child)]
            needed = len(below) if c.required is None else c.required
            worst = _of_group((worst for worst, _ in below), needed)
            best = _of_group((best for _, best in below), needed)
            levels = {level for level in _Level if worst <= level <= best}
        levels = {_reviewed(c, level) for level in levels}
        return min(levels), max(levels)


def _is_answered_whole(c: Criterion, results: Results) -> bool:
    return not c.children or is_contradicted_whole(c, results)


def _levels(c: Criterion, result: CriterionResult) -> Iterator[_Level]:
    """Yield the levels that an open criterion can have: as it is, and after each answer."""
    yield _Level.OPEN
    if c.needs:
        yield from (_Level.FAILS, _Level.MET)
    elif c.ask and result.by_data is not None:
        yield from (_LEVEL[_answered(c, result.by_data, said)] for said in ("yes", "no"))


def _answered(c: Criterion, by_data: CriterionStatus, said: str) -> Status:
    return with_answer(by_data, c, {c.id: Answer(said, _UNSIGNED)}).status


def _reviewed(c: Criterion, level: _Level) -> _Level:
    is_reviewed = (level is _Level.MET and c.case_review_if_met) or (level is _Level.FAILS and c.case_review_if_not_met)
    return _Level.REVIEW if is_reviewed else level


def _before_review(c: Criterion, steps: Set[_Level]) -> Set[_Level]:
    """Return the levels that matter of what a criterion is before the plan reviews it.

    A criterion that is reviewed if it is met never counts as met. One that is reviewed if it fails counts as at least
    open, whether it fails or not; whether it fails matters where it matters that it is reviewed.
    """
    found = set(steps)
    if c.case_review_if_met:
        found.discard(_Level.MET)
    if c.case_review_if_not_met:
        found.discard(_Level.OPEN)
        found |= {_Level.OPEN} if _Level.REVIEW in steps else set()
    return found


def _of_group(levels: Iterable[_Level], needed: int) -> _Level:
    """Return the level that as many parts reach as are needed; a group of which nothing counts is open."""
    found = sorted(levels, reverse=True)
    if not found:
        return _Level.OPEN
    return found[needed - 1] if needed <= len(found) else _Level.FAILS


def _is_tipped(others: Sequence[_Range], step: _Level, needed: int) -> bool:
    """Return whether one more part can make the difference: exactly one too few of the others may reach a level."""
    certain = sum(worst >= step for worst, _ in others)
    possible = sum(best >= step for _, best in others)
    return certain < needed <= possible + 1


def _outcomes(section: Section, within: _Range) -> list[int]:
    """Return the places of the outcomes of a section that can have these levels; the worst outcome comes first."""
    worst, best = within
    return [_outcome(section, level) for level in _Level if worst <= level <= best]


def _outcome(section: Section, level: _Level) -> int:
    found = {
        _Level.FAILS: section.if_not_met,
        _Level.OPEN: Outcome.DOCUMENTATION_NEEDED,
        _Level.REVIEW: Outcome.CASE_REVIEW,
        _Level.MET: Outcome.SUPPORTED,
    }
    return _OUTCOMES.index(found[level])


def _shows(section: Section, step: _Level, others: int) -> bool:
    """Return whether a section that reaches a level or misses it changes the worst outcome of all sections."""
    missed, reached = _outcome(section, _Level(step - 1)), _outcome(section, step)
    return missed != reached and min(missed, reached) < others


def without_failed(policy: Policy, names: Sequence[str], results: Results) -> Results:
    """Return the results as if what failed did not count, so that the rest of a failed section can be asked.

    Of a group of which all that count must be met, what failed is left out; of alternatives, the group.
    """
    found = dict(results)
    for name in names:
        _leave_out_failed(policy.sections[name].root, found)
    return found


def _leave_out_failed(c: Criterion, results: dict[str, CriterionResult]) -> None:
    if results[c.id].counted is not Status.NOT_MET:
        return
    counted = [child for child in c.children if results[child.id].counted is not None]
    failed = [child for child in counted if results[child.id].counted is Status.NOT_MET]
    needs_all = c.required is None or c.required >= len(counted)
    if not needs_all or not failed:
        results[c.id] = replace(results[c.id], counted=None)
        return
    for child in failed:
        _leave_out_failed(child, results)
    results[c.id] = replace(results[c.id], status=Status.UNKNOWN, counted=Status.UNKNOWN, reason=None)


def asking_only(policy: Policy, names: Sequence[str], results: Results, wanted: Set[str]) -> Results:
    """Return the results in which no open criterion counts but the wanted ones, and the groups above them."""
    left_out = {
        c.id: replace(results[c.id], counted=None)
        for name in names
        for c in policy.sections[name].root.walk()
        if c.id not in wanted and is_open(results[c.id]) and _is_answered_whole(c, results)
    }
    return {**results, **left_out}


def asked_about(policy: Policy, answers: Mapping[str, str]) -> Set[str]:
    """Return the criteria that were asked in a session: by themselves, or by a group above them."""
    return {below.id for link in answers if link in policy.index for below in policy.index[link].walk()}
