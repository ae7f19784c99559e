"""The figures of a page: counted in the database once each, and only when a table or a plot asks for them."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cached_property

from cds_service.records.call_counts import Calls, CardCount, count_calls, count_cards, count_outcomes
from cds_service.records.criterion_counts import CriterionCount, CriterionCounts, count_criteria
from cds_service.records.database import Database
from cds_service.records.report import FeedbackReport, feedback_report
from cds_service.records.selection import Selection, limited
from cds_service.web.insights.filters import Filters
from coverage_policies.format.model import Criterion, Policy

MOST_CALLS = 100_000
"""So many calls are counted on a page, the newest ones: about a second of work."""
MOST_CALLS_WITH_CARDS = 30_000
"""So many calls are searched for cards and their feedback."""
MOST_DETERMINATIONS = 5_000
"""So many determinations are searched for their criteria."""


class Figures:
    """What the records say about the calls that the filters choose; days are those of the zone.

    `policies` are those installed now, by full name: they say which criteria are groups. The properties raise
    UnavailableError if the database fails, and fill `limits`: sentences about what was not counted.
    """

    def __init__(self, database: Database, filters: Filters, zone: tzinfo, policies: Mapping[str, Policy]) -> None:
        self._database = database
        self._policies = policies
        self._zone = zone
        self.filters = filters
        self.periods = filters.periods(zone)
        self.limits: dict[str, None] = {}

    @cached_property
    def calls(self) -> Calls:
        """The calls, and how long they took."""
        return count_calls(self._database, self._newest(MOST_CALLS), self.periods)

    @cached_property
    def outcomes(self) -> Counter[tuple[int, str, str, str]]:
        """The determinations by period, policy, revision, and outcome."""
        return count_outcomes(self._database, self._newest(MOST_CALLS), self.periods)

    @cached_property
    def cards(self) -> tuple[CardCount, ...]:
        """The cards by outcome and indicator."""
        return count_cards(self._database, self._newest(MOST_CALLS_WITH_CARDS))

    @cached_property
    def feedback(self) -> FeedbackReport:
        """The feedback on the cards."""
        return feedback_report(self._database, self._newest(MOST_CALLS_WITH_CARDS))

    @cached_property
    def feedback_by_period(self) -> Mapping[tuple[int, str], int]:
        """The feedback by the period in which its card was shown, and by what it says."""
        starts = [each.start for each in self.periods]
        return Counter((bisect_right(starts, at) - 1, outcome) for at, outcome in self.feedback.given)

    @cached_property
    def criteria(self) -> CriterionCounts:
        """The criteria by status."""
        selection = self._newest(MOST_CALLS)
        found = count_criteria(self._database, selection, self.periods, MOST_DETERMINATIONS)
        if found.is_limited:
            self.limits[f"Only the newest {MOST_DETERMINATIONS:,} determinations are counted here."] = None
        return found

    def single_criteria(self, *, with_asked_groups: bool = False) -> Sequence[CriterionCount]:
        """Return the criteria without groups, which only repeat what decided them; a chosen one whatever it is.

        `with_asked_groups` keeps those that have a question of their own.
        """
        return [
            each
            for each in self.criteria.lines
            if self.filters.criterion
            or (found := self._installed(each)) is None
            or not found.children
            or (with_asked_groups and found.ask)
        ]

    def _installed(self, counted: CriterionCount) -> Criterion | None:
        policy = self._policies.get(f"{counted.policy}@{counted.revision}")
        return policy.index.get(counted.criterion) if policy else None

    def _newest(self, most: int) -> Selection:
        whole = self.filters.selection(self._zone)
        newest = limited(self._database, whole, most)
        if newest.since != whole.since:
            since = newest.since.astimezone(self._zone)
            self.limits[
                f"Only the newest {most:,} calls of these days are counted: from {since:%Y-%m-%d %H:%M} on."
            ] = None
        return newest
