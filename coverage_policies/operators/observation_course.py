"""Whether measured values satisfy a limit on several days, or throughout a time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from coverage_policies.format.phrases import DurationThreshold, NumberThreshold
from coverage_policies.format.terms import Reason
from coverage_policies.operators.observation_readings import Reading, may_be_last
from coverage_policies.operators.observation_value import Finding, finding
from fhir_mappings.amounts import Amount
from fhir_mappings.dates import DateInterval
from fhir_mappings.truth import Truth, agreed, any_of

_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OnSeveralDays:
    """Whether the values of enough days satisfy the limit, each of those days `apart` from the one before.

    Every value of a day has to, or with `is_any` one of them.
    """

    count: NumberThreshold
    apart: DurationThreshold | None
    is_any: bool

    def __call__(self, readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
        by_day: dict[date, list[Reading]] = {}
        loose = [each for each in readings if each.day is None]
        for each in readings:
            if each.day is not None:
                by_day.setdefault(each.day, []).append(each)
        passed = {day: self._passes(same_day, limit) for day, same_day in sorted(by_day.items())}
        certain = self._number([day for day, holds in passed.items() if holds is Truth.YES])
        possible = self._number([day for day, holds in passed.items() if holds is not Truth.NO])
        if not self.is_any:
            certain -= sum(each.lies_in(limit) is not Truth.YES for each in loose)
        possible += sum(each.lies_in(limit) is not Truth.NO for each in loose)
        if self.count.holds(max(certain, 0)) and (is_complete or self.is_any):
            holds = Truth.YES
        else:
            holds = Truth.UNKNOWN if self.count.holds(possible) or not is_complete else Truth.NO
        telling = sorted(readings, key=lambda each: each.lies_in(limit) is Truth.NO)
        if holds is Truth.NO:
            return Finding(holds, Reason.COUNT_OUT_OF_RANGE, telling)
        return finding(holds, telling, limit, is_complete)

    def _passes(self, same_day: Sequence[Reading], limit: Amount) -> Truth:
        if self.is_any:
            return any_of(each.counts & each.lies_in(limit) for each in same_day)
        holds = agreed(each.lies_in(limit) for each in same_day)
        is_certain = any(each.counts is Truth.YES for each in same_day)
        return Truth.UNKNOWN if holds is Truth.YES and not is_certain else holds

    def _number(self, days: Sequence[date]) -> int:
        """Return how many days there are, or with `apart`, how many of them are that far from the one before."""
        if self.apart is None:
            return len(days)
        count, last = 0, None
        for day in days:
            if last is None or self.apart.holds(DateInterval(last, last), day) is Truth.YES:
                count, last = count + 1, day
        return count


@dataclass(frozen=True, slots=True)
class Sustained:
    """Whether two values that far apart satisfy the limit, and none between them fails or cannot be understood.

    The later of the two is the latest value, or with `is_any` any one.
    """

    lasting: DurationThreshold
    is_any: bool

    def __call__(self, readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
        passed = sorted(
            (each for each in readings if each.counts is Truth.YES and each.lies_in(limit) is Truth.YES),
            key=lambda each: each.begin,
        )
        last = may_be_last(readings)
        latest = agreed(each.lies_in(limit) for each in last)
        telling = sorted(readings, key=lambda each: each.lies_in(limit) is not Truth.YES)
        ends = passed if self.is_any else passed[-1:] if latest is Truth.YES else []
        if is_complete and self._reaches(passed, ends, readings, limit):
            return Finding(Truth.YES, Reason.VALUE_OUT_OF_RANGE, telling)
        if is_complete and latest is Truth.NO and not self.is_any:
            return Finding(Truth.NO, Reason.VALUE_OUT_OF_RANGE, last)
        if is_complete and self._is_too_short(readings, limit):
            return Finding(Truth.NO, Reason.DATE_OUT_OF_RANGE, telling)
        return finding(Truth.UNKNOWN, telling, limit, is_complete)

    def _reaches(
        self, passed: Sequence[Reading], ends: Sequence[Reading], readings: Sequence[Reading], limit: Amount
    ) -> bool:
        """Return whether one of the ends is far enough from the first value after the last break before it."""
        breaks = sorted((each.begin, each.end) for each in readings if each.lies_in(limit) is not Truth.YES)
        until = _FIRST
        position = 0
        begins = [each.begin for each in passed]
        for end in sorted(ends, key=lambda each: each.end):
            while position < len(breaks) and breaks[position][0] <= end.end:
                until = max(until, breaks[position][1])
                position += 1
            since = passed[first] if (first := bisect_right(begins, until)) < len(passed) else None
            if since and self._lies_far_enough(since.observation.when, end.observation.when):
                return True
        return False

    def _lies_far_enough(self, since: DateInterval | None, until: DateInterval | None) -> bool:
        if since is None or until is None:
            return False
        return self.lasting.holds(since, until.earliest) is Truth.YES

    def _is_too_short(self, readings: Sequence[Reading], limit: Amount) -> bool:
        """Return whether even the first and the last value that may satisfy the limit are not far enough apart."""
        when = [each.observation.when for each in readings if each.lies_in(limit) is not Truth.NO]
        known = [each for each in when if each is not None]
        if len(known) < len(when):
            return False
        if len(known) < 2:
            return True
        return self.lasting.holds(min(known, key=_earliest), max(each.latest for each in known)) is Truth.NO


def _earliest(when: DateInterval) -> date:
    return when.earliest
