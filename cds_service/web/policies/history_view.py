"""The history of a policy: its revisions with the days on which they apply, what replaced what, and the editions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest

from coverage_policies.format.editions import Edition
from coverage_policies.format.model import Policy
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.policy_selection import in_force_on

_BY_MONTHS = "by the months of the revisions"
_DAY = timedelta(days=1)
_Days = tuple[date, date | None]
"""The first and the last day of a range; the last one is None where it goes on."""


@dataclass(frozen=True, slots=True)
class Month:
    """A revision, by its month. `policy` is None if it is known and the reader has no page of it.

    `days` says in words when it applies by itself, and `why` what decides that. `replaces` and `replaced_by` are the
    revisions before and after it, empty if none is known. `is_in_force` is whether it judges orders of today, and
    `is_substitute` whether it does so in place of one that is not installed.
    """

    revision: str
    policy: Policy | None
    days: str
    why: str
    replaces: str
    replaced_by: str
    is_in_force: bool
    is_substitute: bool = False

    @property
    def editions(self) -> Sequence[Edition]:
        """Return the editions in the lock, the newest first; none if it is not installed or has no lock."""
        return self.policy.editions[::-1] if self.policy else ()


def months(readable: Sequence[Policy], installed: Sequence[Policy], rules: PlanRules, today: date) -> tuple[Month, ...]:
    """Return every revision of a policy that is known from those that are readable, the newest first.

    `installed` are all its installed revisions, of which one is in force, whether or not it is readable.
    """
    by_month = {policy.revision: policy for policy in readable}
    known = sorted({month for policy in readable for month in policy.history} | set(by_month))
    in_force = in_force_on(installed, today, rules)
    names = {policy.revision for policy in in_force.policies} if in_force.available else set()
    is_ruled = any(each.policy == policy.full_name for each in rules.effective for policy in installed)
    judged = _days_judged(installed, rules) if is_ruled else None
    found = []
    for i, revision in enumerate(known):
        policy = by_month.get(revision)
        following = known[i + 1] if i + 1 < len(known) else ""
        if judged is not None:
            days, why = _by_rules(revision, policy, judged, rules)
        elif policy and policy.effective:
            days, why = _in_words([(policy.effective, policy.until)]), "stated by the owner"
        else:
            days, why = f"from {revision}" + (f" until {following}" if following else ""), _BY_MONTHS
        found.append(
            Month(
                revision=revision,
                policy=policy,
                days=days,
                why=why,
                replaces=known[i - 1] if i else "",
                replaced_by=following,
                is_in_force=revision in names,
                is_substitute=revision in names and in_force.is_substitute,
            )
        )
    return tuple(reversed(found))


def _by_rules(
    revision: str, policy: Policy | None, judged: Mapping[str, Sequence[_Days]], rules: PlanRules
) -> tuple[str, str]:
    """Return the days of a revision, and why, where the plan rules state the days of some revision of the policy."""
    if policy is None:
        return f"from {revision}", _BY_MONTHS
    sources = dict.fromkeys(each.source for each in rules.effective if each.policy == policy.full_name)
    why = f"plan rules: {'; '.join(sources)}" if sources else f"{_BY_MONTHS} and the plan rules"
    return _in_words(judged.get(revision, ())), why


def _days_judged(installed: Sequence[Policy], rules: PlanRules) -> Mapping[str, Sequence[_Days]]:
    """Return the days on which each installed revision alone is in force, by its month.

    What is in force changes on the first day of the month of a revision, and where an entry of the plan rules begins or
    has ended, and on no other day.
    """
    names = {policy.full_name for policy in installed}
    months_known = {month for policy in installed for month in (policy.revision, *policy.history)}
    stated = [each for each in rules.effective if each.policy in names]
    starts = {date.fromisoformat(f"{month}-01") for month in months_known} | {each.since for each in stated}
    starts |= {each.until + _DAY for each in stated if each.until and each.until < date.max}
    found: dict[str, list[_Days]] = {}
    in_order = sorted(starts)
    for since, following in zip_longest(in_order, in_order[1:]):
        in_force = in_force_on(installed, since, rules)
        if in_force.available and not in_force.is_substitute:
            days = found.setdefault(in_force.policies[0].revision, [])
            goes_on = bool(days) and days[-1][1] == since - _DAY
            days.append((days.pop()[0] if goes_on else since, following - _DAY if following else None))
    return found


def _in_words(days: Sequence[_Days]) -> str:
    return "; ".join(f"{since} to {until}" if until else f"from {since}" for since, until in days) or "on no day"
