"""Strong Kleene logic for groups: the status of a group some of whose parts are unknown."""

from collections.abc import Sequence

from coverage_policies.format.terms import Status


def roll_up(statuses: Sequence[Status], required: int | None) -> Status:
    """Return `met` if enough parts are met, `not-met` if too few still could be, `unknown` in between.

    `required` is how many must be met; None asks for all of them, 1 for any. A group of which nothing counts is
    unknown.
    """
    if not statuses:
        return Status.UNKNOWN
    needed = len(statuses) if required is None else required
    met = statuses.count(Status.MET)
    if met >= needed:
        return Status.MET
    return Status.NOT_MET if met + statuses.count(Status.UNKNOWN) < needed else Status.UNKNOWN
