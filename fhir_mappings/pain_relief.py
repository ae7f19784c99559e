"""How much of the pain a procedure took away, from the scores around it.

Before is the last score within a window before the procedure, after is every score within a window after it; the
least relief counts. Only scores of the same code and unit are compared, exactly. A score or a procedure without a
time of day cannot be placed, and then nothing can be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from fhir_mappings.codings import CodeTest
from fhir_mappings.observations import Observation, observations
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Evidence, PatientRecord


@dataclass(frozen=True, slots=True)
class Relief:
    """The relief after one procedure: percent of the score before it, negative where pain rose.

    `percent` is None where it cannot be told; `problem` then says why.
    """

    procedure: Procedure
    percent: Fraction | None
    problem: str
    evidence: tuple[Evidence, ...]

    @property
    def printed(self) -> str:
        """The relief with two decimals at most, cut and never rounded up: `74.99 %`."""
        if self.percent is None:
            return ""
        cut = Fraction(int(self.percent * 100), 100)
        return f"{float(cut):g} %"


def reliefs(
    record: PatientRecord,
    done: Iterable[Procedure],
    scales: CodeTest,
    *,
    before: timedelta,
    after: timedelta,
) -> tuple[Relief, ...]:
    """The relief after each procedure that was completed, in order of time; those without a time come last."""
    scores = observations(record, scales)
    found = [_relief(each, scores, before, after) for each in done if each.progress is Progress.DONE]
    return tuple(sorted(found, key=lambda relief: (str(relief.procedure.start or "~"), relief.procedure.reference)))


def _relief(done: Procedure, scores: tuple[Observation, ...], before: timedelta, after: timedelta) -> Relief:
    begin = done.start.instant if done.start else None
    end = done.end.instant if done.end else begin
    if begin is None or end is None:
        return Relief(done, None, "the time of day of the procedure is not recorded", (done.evidence,))
    by_scale: dict[str, list[Observation]] = {}
    for score in scores:
        if _may_lie_in(score, begin - before, end + after):
            if score.number is None or score.when is None or score.when.instant is None:
                return Relief(
                    done, None, "a pain score around it cannot be placed or read", (done.evidence, score.evidence)
                )
            if begin - before <= score.when.instant <= begin or end < score.when.instant <= end + after:
                by_scale.setdefault(f"{score.code} {score.unit}", []).append(score)
    found = [relief for scale in by_scale.values() if (relief := _on_one_scale(done, scale, begin))]
    if not found:
        return Relief(done, None, "no pain scores on one scale before and after it", (done.evidence,))
    return min(found, key=lambda relief: relief.percent if relief.percent is not None else Fraction(-(10**9)))


def _on_one_scale(done: Procedure, scores: list[Observation], begin: datetime) -> Relief | None:
    earlier = [s for s in scores if _instant(s) <= begin]
    later = [s for s in scores if _instant(s) > begin]
    if not earlier or not later:
        return None
    latest = max(_instant(s) for s in earlier)
    baseline = max((s for s in earlier if _instant(s) == latest), key=lambda s: s.number or 0)
    lowest = min(s.number or 0 for s in earlier if _instant(s) == latest)
    worst = max(later, key=lambda s: s.number or 0)
    evidence = (done.evidence, baseline.evidence, worst.evidence)
    if lowest != baseline.number:
        return Relief(done, None, "two scores at the same time before it differ", evidence)
    if not baseline.number or baseline.number < 0:
        return Relief(done, None, "there was no pain before it", evidence)
    base, rest = Fraction(baseline.number), Fraction(worst.number or 0)
    return Relief(done, (base - rest) / base * 100, "", evidence)


def _instant(score: Observation) -> datetime:
    if score.when is None or score.when.instant is None:
        raise ValueError("a score without a time of day has no place among these")
    return score.when.instant


def _may_lie_in(score: Observation, first: datetime, last: datetime) -> bool:
    """Whether a score may have been taken in a window; one without a date may have been taken at any time."""
    if score.when is None:
        return True
    if score.when.instant is not None:
        return first <= score.when.instant <= last
    slack = timedelta(days=1)
    return score.when.earliest <= (last + slack).date() and score.when.latest >= (first - slack).date()
