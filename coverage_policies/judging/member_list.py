"""The members of a payer, from a CSV file: who has which plan from when to when."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from coverage_policies.format.problems import Problem
from coverage_policies.format.strict_csv import iso_day, read_csv
from coverage_policies.judging.payer_terms import Standing

MEMBER_COLUMNS = ("member_id", "active_from", "active_to", "plan")


@dataclass(frozen=True, slots=True)
class Membership:
    """A plan of a member, by its name or number (empty if not stated), and its first and last day (None: no end)."""

    since: date
    until: date | None = None
    plan: str = ""


class MemberList:
    """The memberships of every member id. Immutable, so threads may share it."""

    def __init__(self, memberships: Iterable[tuple[str, Membership]]) -> None:
        by_id: dict[str, list[Membership]] = {}
        known: dict[Membership, Membership] = {}
        for member_id, membership in memberships:
            by_id.setdefault(member_id, []).append(known.setdefault(membership, membership))
        # Most members share their days and plan with many others: equal tuples are kept once.
        same: dict[tuple[Membership, ...], tuple[Membership, ...]] = {}
        self._by_id: Mapping[str, tuple[Membership, ...]] = {
            member_id: same.setdefault(tuple(found), tuple(found)) for member_id, found in by_id.items()
        }

    def standing(self, member_ids: Collection[str], plans: Collection[str], on: date) -> Standing:
        """Return whether a member has a plan on a day; both days of a membership count.

        Ids and plans compare exactly, without white space around them. Several ids are those of one member. Only a
        member with several plans on that day is ambiguous, unless `plans` names exactly one of them: classes of a
        Coverage are groups as well as plans, so other values do not contradict the only plan of a member.
        """
        ids = {each.strip() for each in member_ids}
        found = [membership for member_id in ids for membership in self._by_id.get(member_id, ())]
        if not found:
            return Standing.NO_MEMBER
        active = [each for each in found if each.since <= on and (each.until is None or on <= each.until)]
        if not active:
            return Standing.NOT_ACTIVE
        held = {each.plan for each in active if each.plan}
        named = held.intersection(plan.strip() for plan in plans)
        return Standing.ACTIVE if len(held) <= 1 or len(named) == 1 else Standing.AMBIGUOUS


def read_members(path: Path, problems: list[Problem]) -> MemberList:
    """Return the members of a file; what is wrong with it goes to `problems`, which quote nothing of it.

    A file without members is a mistake: an export that failed would deny everybody coverage. Raise OSError if the file
    cannot be read.
    """
    already = len(problems)
    found: list[tuple[str, Membership]] = []

    def row(cells: Mapping[str, str], _line: int) -> None:
        member_id, since, until, plan = (cells[column].strip() for column in MEMBER_COLUMNS)
        if not (member_id and since):
            raise ValueError("member_id and active_from must not be empty")
        membership = Membership(iso_day(since), iso_day(until) if until else None, plan)
        if membership.until is not None and membership.until < membership.since:
            raise ValueError("active_to is before active_from; write the last day, or leave it empty if there is none")
        found.append((member_id, membership))

    read_csv(path, [MEMBER_COLUMNS], f"the header must be {','.join(MEMBER_COLUMNS)}", row, problems)
    if not found and len(problems) == already:
        what = "the file has no members; add them, or leave `members` out of the plan rules if none are looked up"
        problems.append(Problem(str(path), 1, what))
    return MemberList(found)
