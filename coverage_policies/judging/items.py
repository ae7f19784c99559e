"""Count the items of a determination: what is still to be answered, and which requirements are documented."""

from collections.abc import Mapping, Sequence

from coverage_policies.format.model import Criterion
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult

Results = Mapping[str, CriterionResult]
"""The results of the criteria on one pathway, by id."""


def is_open(result: CriterionResult) -> bool:
    """Return whether an answer could settle it: unknown, and not because a human decides or another pathway counts."""
    return result.status is Status.UNKNOWN and result.counted is Status.UNKNOWN


def is_contradicted_whole(c: Criterion, results: Results) -> bool:
    """Return whether an answer to a whole criterion contradicts its parts, so that it is asked whole again."""
    return results[c.id].reason is Reason.CONFLICT and all(
        results[each.id].reason is not Reason.CONFLICT for each in c.children
    )


def items_left(roots: Sequence[Criterion], results: Results) -> tuple[int, int]:
    """Return how many items must be answered until every section is met, on the shortest and the longest way.

    An alternative that leaves the decision to a human, or that cannot be asked, is no way if there is another.
    """
    counts = [_left(root, results) for root in roots]
    return sum(least for least, _ in counts), sum(most for _, most in counts)


def _left(c: Criterion, results: Results) -> tuple[int, int]:
    if not is_open(results[c.id]):
        return 0, 0
    if not c.children:
        return (1, 1) if c.ask else (0, 0)
    below = [(child, _left(child, results)) for child in c.children]
    if is_contradicted_whole(c, results) or (c.is_one_item and any(most for _, (_, most) in below)):
        return 1, 1
    if c.required is None:
        return sum(least for _, (least, _) in below), sum(most for _, (_, most) in below)
    missing = c.required - sum(results[child.id].counted is Status.MET for child in c.children)
    asked = [(child, count) for child, count in below if count[1]]
    ways = [count for child, count in asked if not child.case_review_if_met]
    ways = ways if len(ways) >= missing else [count for _, count in asked]
    least, most = sorted(way[0] for way in ways), sorted((way[1] for way in ways), reverse=True)
    return sum(least[:missing]), sum(most[:missing])


def requirements(roots: Sequence[Criterion], results: Results) -> tuple[int, int]:
    """Return how many requirements of these sections are met, and how many there are.

    Alternatives are one requirement, and so is an item. What follows from other criteria is none.
    """
    counts = [_required(root, results) for root in roots]
    return sum(met for met, _ in counts), sum(count for _, count in counts)


def _required(c: Criterion, results: Results) -> tuple[int, int]:
    if results[c.id].counted is None or (c.needs and not c.ask):
        return 0, 0
    is_met = results[c.id].counted is Status.MET
    counted = [child for child in c.children if results[child.id].counted is not None]
    if c.is_one_item or (c.required is not None and len(counted) > 1):
        return int(is_met), 1
    met = count = 0
    for child in counted:
        met_below, below = _required(child, results)
        met += met_below
        count += below
    return (count if is_met else met), count
