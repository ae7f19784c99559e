"""Pain relief after a procedure, from the pain scores around it.

The baseline is the last score within a window before the procedure; every score within a window after it is compared
with the baseline. The result is an interval from the least relief, which is what certainly lasted, to the greatest.
Only scores of the same code and unit are compared, in exact arithmetic, and only those that may be about the treated
site. If the procedure or a score around it has no time of day, the relief is unknown.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal, TypeAlias

from fhir_mappings.codings import CodeMatcher, Coding
from fhir_mappings.laterality import UNCLEAR
from fhir_mappings.measured_places import place_of
from fhir_mappings.observations import Observation, observations
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth

Edge: TypeAlias = Literal["start", "end"]
"""Where the window after a procedure begins. A catheter trial is scored while it lasts, from its start."""

Sites: TypeAlias = tuple[tuple[Coding, ...], ...]
"""The body sites of a score, each with its codes and words."""

MAX_PROCEDURES = 100
"""The most procedures to measure; the work grows with their number times that of the scores."""
MAX_SCORES = 500
"""The most pain scores in one window, or on the following days."""
_SLACK = timedelta(days=1)
"""The largest difference between a local day and the same time in UTC; a score over a longer time has no moment."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Relief:
    """The relief after one procedure in percent of the score before it, negative if pain increased.

    `least` and `most` are None if the relief is unknown; `problem` then says why. `scores` are the scores behind it, as
    `8 → 2 of 10`, empty if they are of several scales. `later` is the relief by each score
    of the following days, None for a score that cannot be read.
    """

    procedure: Procedure
    least: Fraction | None
    most: Fraction | None
    problem: str
    evidence: tuple[Evidence, ...]
    later: tuple[Fraction | None, ...] = ()
    scores: str = ""

    @property
    def printed(self) -> str:
        """Return the relief with at most two decimals, rounded down: `74.99%`, or `12.5 to 80%`."""
        if self.least is None or self.most is None:
            return ""
        cut = (Decimal(floor(end * 100)) / 100 for end in (self.least, self.most))
        ends = dict.fromkeys(f"{end.normalize():f}" for end in cut)
        return f"{' to '.join(ends)}%"


@dataclass(frozen=True, slots=True)
class Window:
    """Which scores count: how long before, how long after the start or end, on how many following days, and where.

    `includes` returns whether body sites are the treated region: YES, NO for another one, UNKNOWN if they do not tell.
    Without it, the sites of all scores around a procedure have to be the same. `is_region` returns whether a concept is
    a part of the body that the policy tells apart: such a part in the name of a score is a site of it. Without
    `includes`, a score of such a part is not compared with one that states no site.
    """

    before: timedelta
    after: timedelta
    counted_from: Edge = "end"
    following_days: int = 0
    includes: Callable[[Sites], Truth] | None = None
    is_region: Callable[[tuple[Coding, ...]], bool] | None = None


class _Scores:
    """Pain scores by time, so that a window finds its scores without a look at all others."""

    def __init__(self, scores: Sequence[Observation]) -> None:
        self.all = scores
        self._timed = sorted((score.begin, i) for i, score in enumerate(scores) if score.begin and _is_short(score))
        self._others = [i for i, score in enumerate(scores) if not _is_short(score)]

    def around(self, first: datetime, last: datetime, zone: tzinfo) -> list[Observation]:
        """Return the scores that may have been taken from `first` to `last`, in their order."""
        begin = bisect_left(self._timed, (first - _SLACK, -1))
        end = bisect_right(self._timed, (last, len(self.all)))
        days = first.astimezone(zone).date(), last.astimezone(zone).date()
        others = [i for i in self._others if _may_lie_on(self.all[i], *days)]
        timed = [i for _, i in self._timed[begin:end] if _ends_after(self.all[i], first)]
        return [self.all[i] for i in sorted([*others, *timed])]

    def on_days(self, first: date, last: date) -> list[Observation]:
        """Return the dated scores that may have been taken on these days."""
        return [score for score in self.all if score.when is not None and _may_lie_on(score, first, last)]


def _is_short(score: Observation) -> bool:
    """Return whether a score has a time of day: one moment, or a time of at most a day."""
    return score.begin is not None and score.end is not None and score.end - score.begin <= _SLACK


def _ends_after(score: Observation, moment: datetime) -> bool:
    return score.end is not None and score.end >= moment


def reliefs(
    record: PatientRecord, done: Iterable[Procedure], scales: CodeMatcher, window: Window
) -> tuple[Relief, ...]:
    """Return the relief after each completed procedure, in order of time; procedures without a time come last."""
    completed = [each for each in done if each.progress is Progress.DONE]
    if len(completed) > MAX_PROCEDURES:
        return tuple(_not_measurable(each, "there are too many procedures") for each in completed)
    scores = _Scores(observations(record, scales))
    found = [_relief(each, scores, window, record) for each in completed]
    return tuple(sorted(found, key=_in_time))


def _in_time(relief: Relief) -> tuple[date, datetime, str]:
    start = relief.procedure.start
    if start is None:
        return date.max, _LAST, relief.procedure.reference
    return start.earliest, start.instant or _LAST, relief.procedure.reference


def _relief(done: Procedure, scores: _Scores, window: Window, record: PatientRecord) -> Relief:
    begin = done.start.instant if done.start else None
    edge = done.end if done.end and window.counted_from == "end" else done.start
    end = edge.instant if edge else None
    if begin is None or end is None or edge is None:
        return _not_measurable(done, "the time of day of the procedure is not recorded")
    if not (_has_room(begin, window) and _has_room(end, window)):
        return _not_measurable(done, "the date of the procedure is out of range")
    by_scale: dict[str, list[Observation]] = {}
    around = scores.around(begin - window.before, end + window.after, record.zone)
    days = edge.latest + timedelta(days=1), edge.latest + timedelta(days=window.following_days)
    following = scores.on_days(*days) if window.following_days else []
    if max(len(around), len(following)) > MAX_SCORES:
        return _not_measurable(done, "there are too many pain scores around it")
    for score in around:
        place = _is_of(score, done, window, record)
        if place is Truth.NO:
            continue
        if place is Truth.UNKNOWN:
            return _not_measurable(done, "the body site of a pain score around it is not known", score.evidence)
        if score.number is None or not _is_short(score):
            return _not_measurable(done, "a pain score around it has no time of day or cannot be read", score.evidence)
        when = _place_in_time(score, begin, end, window)
        if when is Truth.UNKNOWN:
            return _not_measurable(done, "a pain score covers the time before and after it", score.evidence)
        if when is Truth.YES:
            by_scale.setdefault(_scale(score), []).append(score)
    if not _are_of_one_site([score for on_scale in by_scale.values() for score in on_scale], window, record):
        return _not_measurable(done, "the pain scores around it are of different body sites")
    found = [
        relief
        for scale, on_scale in by_scale.items()
        if (relief := _on_one_scale(done, on_scale, begin, _also_on(scale, following, done, window, record)))
    ]
    if not found:
        return _not_measurable(done, "no pain scores on one scale before and after it")
    if any(each.least is None for each in found):
        return next(each for each in found if each.least is None)
    worst = min(found, key=lambda relief: relief.least or 0)
    best = max(found, key=lambda relief: relief.most or 0)
    evidence = tuple(dict.fromkeys(item for each in (worst, best) for item in each.evidence))
    later = tuple(score for each in found for score in each.later)
    return Relief(done, worst.least, best.most, "", evidence, later, worst.scores if worst is best else "")


def _is_of(score: Observation, done: Procedure, window: Window, record: PatientRecord) -> Truth:
    """Return whether a score is about the pain that was treated: at its site, and not on the other side."""
    side = place_of(record, score).side
    if {side, done.side} == {"left", "right"}:
        return Truth.NO
    is_of_site = window.includes(_sites(score, window, record)) if window.includes else Truth.YES
    return is_of_site & Truth.UNKNOWN if UNCLEAR in (side, score.side) else is_of_site


def _sites(score: Observation, window: Window, record: PatientRecord) -> Sites:
    """Return the sites of a score, with its name if that names one."""
    place = place_of(record, score)
    return (*place.sites, place.name) if window.is_region and window.is_region(place.name) else place.sites


def _are_of_one_site(scores: Iterable[Observation], window: Window, record: PatientRecord) -> bool:
    """Return whether scores may be of one site: the same in all that state one, and no other region if some do not."""
    if window.includes:
        return True
    sites = {_sites(score, window, record) for score in scores}
    stated = sites - {()}
    is_told_apart = window.is_region and any(window.is_region(site) for each in stated for site in each)
    return len(stated) <= 1 and not (is_told_apart and () in sites)


def _place_in_time(score: Observation, begin: datetime, end: datetime, window: Window) -> Truth:
    """Return whether a score was taken within the windows before `begin` and after `end`; UNKNOWN if only in part."""
    if score.begin is None or score.end is None:
        return Truth.UNKNOWN
    if (begin - window.before <= score.begin and score.end <= begin) or (
        end < score.begin and score.end <= end + window.after
    ):
        return Truth.YES
    is_outside = score.end < begin - window.before or score.begin > end + window.after
    is_during = begin < score.begin and score.end <= end
    return Truth.NO if is_outside or is_during else Truth.UNKNOWN


def _also_on(
    scale: str, following: list[Observation], done: Procedure, window: Window, record: PatientRecord
) -> list[Observation]:
    """Return the scores of the following days on one scale, without those of another site."""
    return [s for s in following if _scale(s) == scale and _is_of(s, done, window, record) is not Truth.NO]


def _not_measurable(done: Procedure, problem: str, *evidence: Evidence) -> Relief:
    return Relief(done, None, None, problem, (done.evidence, *evidence))


def _scale(score: Observation) -> str:
    return f"{score.code} {score.unit}"


def _on_one_scale(
    done: Procedure, around: list[Observation], begin: datetime, following: list[Observation]
) -> Relief | None:
    earlier = [s for s in around if _end(s) <= begin]
    after = [s for s in around if _end(s) > begin]
    if not earlier or not after:
        return None
    latest = max(_end(s) for s in earlier)
    baseline = max((s for s in earlier if _end(s) == latest), key=lambda s: s.number or 0)
    lowest = min(s.number or 0 for s in earlier if _end(s) == latest)
    worst = max(after, key=lambda s: s.number or 0)
    best = min(after, key=lambda s: s.number or 0)
    if lowest != baseline.number:
        return _not_measurable(
            done, "two pain scores at the same time before it differ", baseline.evidence, worst.evidence
        )
    if not baseline.number or baseline.number < 0:
        return _not_measurable(done, "there was no pain before it", baseline.evidence, worst.evidence)
    if best.number is None or best.number < 0:
        return _not_measurable(done, "a pain score after it is below zero", baseline.evidence, best.evidence)
    base = Fraction(baseline.number)

    def relief(score: Observation) -> Fraction | None:
        return None if score.number is None else (base - Fraction(score.number)) / base * 100

    shown = (baseline, worst, best, *following)
    evidence = tuple(dict.fromkeys((done.evidence, *(score.evidence for score in shown))))
    later = tuple(relief(score) if _is_dated(score) else None for score in following)
    return Relief(done, relief(worst), relief(best), "", evidence, later, _printed_scores(baseline, best, worst))


def _printed_scores(before: Observation, best: Observation, worst: Observation) -> str:
    """Return the score before and those after: `8 → 2 of 10`, or `8 → 2 to 7 of 10`."""
    after = " to ".join(dict.fromkeys(f"{score.number:f}" for score in (best, worst)))
    scale = f" of {before.top:f}" if before.top is not None else ""
    return f"{before.number:f} → {after}{scale}"


def _is_dated(score: Observation) -> bool:
    return score.when is not None and score.when.earliest == score.when.latest


def _may_lie_on(score: Observation, first: date, last: date) -> bool:
    """Return whether a score may have been taken on these local days; a score without a date may have been."""
    return score.when is None or (score.when.latest >= first and score.when.earliest <= last)


def _end(score: Observation) -> datetime:
    if score.end is None:
        raise ValueError("every score in the window has a time of day")
    return score.end


def _has_room(moment: datetime, window: Window) -> bool:
    """Return whether the window around a moment lies within the calendar, which ends with the year 9999."""
    widest = max(window.before, window.after, timedelta(days=window.following_days + 1)) + _SLACK
    return _FIRST + widest < moment < _LAST - widest
