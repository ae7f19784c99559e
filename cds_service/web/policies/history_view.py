"""The history of a policy: its revisions with the days on which they apply, what replaced what, and the editions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coverage_policies.format.editions import Edition
from coverage_policies.format.model import Policy
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.policy_selection import in_force_on, stated_days


@dataclass(frozen=True, slots=True)
class Month:
    """A revision, by its month. `policy` is None if it is known and the reader has no page of it.

    `days` says in words when it applies, and `why` where that is stated. `replaces` and `replaced_by` are the revisions
    before and after it, empty if none is known. `is_in_force` is whether it judges orders of today, and `is_substitute`
    whether it does so in place of one that is not installed.
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
    found = []
    for i, revision in enumerate(known):
        policy = by_month.get(revision)
        following = known[i + 1] if i + 1 < len(known) else ""
        stated = stated_days(policy, rules) if policy else []
        days = "; ".join(f"{since} to {until}" if until else f"from {since}" for since, until in stated)
        found.append(
            Month(
                revision=revision,
                policy=policy,
                days=days or (f"from {revision} until {following}" if following else f"from {revision}"),
                why=_why(policy, rules) if stated and policy else "by the months of the revisions",
                replaces=known[i - 1] if i else "",
                replaced_by=following,
                is_in_force=revision in names,
                is_substitute=revision in names and in_force.is_substitute,
            )
        )
    return tuple(reversed(found))


def _why(policy: Policy, rules: PlanRules) -> str:
    sources = dict.fromkeys(each.source for each in rules.effective if each.policy == policy.full_name)
    return f"plan rules: {'; '.join(sources)}" if sources else "stated by the owner"
