"""The criteria that make a determination fail, as a card names them."""

from collections.abc import Iterator, Mapping, Sequence

from coverage_policies.format.terms import Status
from coverage_policies.judging.determination import CriterionResult, Determination


def failed_criteria(determination: Determination) -> tuple[CriterionResult, ...]:
    """Return the criteria that make it fail: not met, like every group above them; the deciding section first.

    A group of alternatives with a sentence of its own (`says_when_not_met`) stands for its parts, and so does a group
    of which no part fails, because it was answered whole.
    """
    failing = determination.failing
    found = _named(tuple(failing.values()), failing)
    return tuple(sorted(found, key=lambda result: result.id.split(".")[0] != determination.section))


def failed_on_some_pathways(determination: Determination) -> tuple[tuple[CriterionResult, tuple[str, ...]], ...]:
    """Return the criteria that make it fail on some remaining pathways and not on all, with those pathways."""
    if not determination.pathways:
        return ()
    by_id = {result.id: result for result in determination.criteria}
    names = {
        result.id: tuple(name for name in determination.pathways if _all_fail_on(name, result, by_id))
        for result in determination.criteria
    }
    failing = [each for each in determination.criteria if 0 < len(names[each.id]) < len(determination.pathways)]
    return tuple((result, names[result.id]) for result in _named(failing, by_id))


def _named(failing: Sequence[CriterionResult], by_id: Mapping[str, CriterionResult]) -> tuple[CriterionResult, ...]:
    """Return the criteria that a card names of those that fail: the lowest, or the group that stands for them."""
    groups = {result.parent for result in failing}
    whole = {each.id for each in by_id.values() if each.has_alternatives and each.says_when_not_met}
    lowest = [result for result in failing if result.id not in groups or result.id in whole]
    if not whole:
        return tuple(lowest)
    return tuple([each for each in lowest if not any(above.id in whole for above in _above(each, by_id))])


def _above(result: CriterionResult, by_id: Mapping[str, CriterionResult]) -> Iterator[CriterionResult]:
    """Yield every group above a criterion, the nearest first."""
    while result.parent:
        result = by_id[result.parent]
        yield result


def _all_fail_on(pathway: str, result: CriterionResult, by_id: Mapping[str, CriterionResult]) -> bool:
    """Return whether a criterion and every group above it are not met on a pathway and count there."""
    statuses = (
        each.on_pathways.get(pathway) if each.on_pathways else each.counted for each in (result, *_above(result, by_id))
    )
    return all(status is Status.NOT_MET for status in statuses)
