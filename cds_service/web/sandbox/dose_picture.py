"""The daily dose of opioids as a band from what was certainly to what may have been taken, with what a policy asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction

from cds_service.web.sandbox.picture import (
    LEFT,
    RIGHT,
    TOP,
    Bar,
    Path,
    Picture,
    Table,
    Text,
    axes,
    drawable,
    today_line,
)
from cds_service.web.sandbox.timeline_limits import ReductionAsked
from cds_service.web.svg_plot import LinearScale, TimeScale, area_path, line_path, round_above, stepped
from coverage_policies.operators.opioid_reduction import printed
from fhir_mappings.dates import later, parse
from fhir_mappings.opioids import Baseline, DailyDose, DrugLine, Reduction, daily_doses, opioid_reduction
from fhir_mappings.record import PatientRecord

_BOTTOM = 210
_BARS_FROM = 261
_BAR_STEP = 26
_MOST_ROWS = 10
_LINE = 12
_LOWEST_TOP = 20
"""Where the axis ends at least, in MME a day: a picture of an unknown dose must not look like one of hardly any."""
_HALF = Decimal(50)


@dataclass(frozen=True, slots=True)
class DoseFacts:
    """The reduction as a policy's clause reads it, the dose of each day, and what the policy asks for."""

    reduction: Reduction
    daily: tuple[DailyDose, ...]
    asked: ReductionAsked


def dose_facts(record: PatientRecord, asked: ReductionAsked) -> DoseFacts | None:
    """Return the doses of the look-back of a clause until today; None if the chart has no opioid in it."""
    periods = asked.check.periods
    reduction = opioid_reduction(record, record.today, periods)
    if not any(line.counted for line in reduction.lines):
        return None
    return DoseFacts(reduction, daily_doses(record, record.today, periods.look_back), asked)


def target_of(facts: DoseFacts) -> Fraction | None:
    """Return the dose that the policy asks for: the share that is left of the lowest baseline.

    None unless every baseline is known and above zero, as for `Reduction.reduced_by`.
    """
    lows = [Fraction(each.dose.low) for each in facts.reduction.baselines]
    if facts.reduction.problem or not lows or not all(lows):
        return None
    return min(lows) * (1 - Fraction(facts.asked.check.by) / 100)


def dose_picture(facts: DoseFacts, today: date, zone: tzinfo) -> Picture:
    """Return the picture: the band of each day, the baselines, what is left of them by the policy, and the drugs below.

    Without an upper bound the band goes up to the end of the axis and is drawn as open.
    """
    first = later(today, -facts.asked.check.periods.look_back)
    time = TimeScale(first, later(today, 6), LEFT, RIGHT)
    values = LinearScale(0, round_above(_highest(facts)), _BOTTOM, TOP)
    grid, labels = axes(time, values, "MME a day")
    today_path, today_text = today_line(time, today, _BOTTOM)
    bars = _bars(facts.reduction.lines, time, today, zone)
    return Picture(
        "opioids",
        "Opioids a day",
        _says(facts),
        max((each.y for each in bars), default=_BARS_FROM) + _BAR_STEP / 2,
        Table(
            ("Drug", "From", "To", "Dose", "Counts"),
            tuple(
                (
                    line.label,
                    line.start,
                    line.end or "no end recorded",
                    printed(line.dose),
                    line.problem or ("yes" if line.counted else "no"),
                )
                for line in facts.reduction.lines
            ),
        ),
        (*grid, *_band(facts.daily, time, values), *_baseline_paths(facts, time, values), today_path),
        bars=tuple(bars),
        texts=(*labels, today_text, *_texts(facts, time, values)),
        legend=_legend(facts.daily),
    )


def _legend(daily: Sequence[DailyDose]) -> dict[str, str]:
    """Return the kinds of areas that there are, in words."""
    found = {
        "certain": ("certainly taken", any(each.dose.low for each in daily)),
        "possible": (
            "may have been taken",
            any(each.dose.high is not None and each.dose.high > each.dose.low for each in daily),
        ),
        "unbounded": ("no upper limit known", any(each.dose.high is None for each in daily)),
    }
    return {kind: words for kind, (words, is_there) in found.items() if is_there}


def _highest(facts: DoseFacts) -> float:
    lines = (line.dose for line in facts.reduction.lines if line.counted)
    doses = [*(each.dose for each in facts.daily), *(each.dose for each in facts.reduction.baselines), *lines]
    known = [drawable(end) for dose in doses for end in (dose.low, dose.high) if end is not None]
    return max(1.12 * max(known, default=0.0), _LOWEST_TOP)


def _band(daily: Sequence[DailyDose], time: TimeScale, values: LinearScale) -> list[Path]:
    """Return the area of what was certainly taken, that of what may have been, and where that is open to the top."""
    lower = [(time.at(each.first), values.at(drawable(each.dose.low))) for each in daily]
    paths = []
    for each in daily:
        low = values.at(drawable(each.dose.low))
        high = values.last if each.dose.high is None else drawable(each.dose.high)
        left, right, top = time.at(each.first), time.after(each.last), values.at(high)
        if top < low:
            kind = "unbounded" if each.dose.high is None else "possible"
            title = f"{printed(each.dose)}, {each.first} to {each.last}"
            paths.append(Path(kind, area_path([(left, top), (right, top)], [(left, low), (right, low)]), title))
            if each.dose.high is not None:
                paths.append(Path("upper", line_path([(left, top), (right, top)])))
    if daily:
        end = time.after(daily[-1].last)
        corners = [*stepped(lower), (end, lower[-1][1])]
        floor = [(lower[0][0], values.start), (end, values.start)]
        paths += [Path("certain", area_path(corners, floor)), Path("lower", line_path(corners))]
    return paths


def _baseline_paths(facts: DoseFacts, time: TimeScale, values: LinearScale) -> list[Path]:
    paths = []
    for each in _known(facts.reduction.baselines):
        y = values.at(drawable(each.dose.low))
        title = f"Highest {each.days}-day mean: {printed(each.dose)}, {each.first} to {each.last}"
        paths.append(Path("baseline", line_path([(time.at(each.first), y), (time.after(each.last), y)]), title))
    target = target_of(facts)
    if target is not None:
        y = values.at(drawable(target))
        paths.append(Path("limit", line_path([(LEFT, y), (RIGHT, y)]), target_words(facts, target)))
    return paths


def _texts(facts: DoseFacts, time: TimeScale, values: LinearScale) -> list[Text]:
    texts = []
    for low, same in _by_dose(_known(facts.reduction.baselines)).items():
        days = " and ".join(f"{each.days}-day" for each in same)
        x = max(time.at(min(each.first for each in same)), LEFT + 4)
        words = f"highest {days} {'means' if len(same) > 1 else 'mean'}: {_number(low)}"
        is_late = x > (LEFT + RIGHT) / 2
        texts.append(
            Text(RIGHT - 4 if is_late else x, values.at(drawable(low)) - 6, words, "end" if is_late else "start")
        )
    target = target_of(facts)
    if target is not None:
        y = values.at(drawable(target)) - 5
        texts.append(Text(LEFT + 4, y, target_words(facts, target), kind="limit-label"))
    now = facts.reduction.current
    y = values.at(drawable(now.low)) - 6
    is_free = all(abs(y - each.y) > _LINE for each in texts if each.anchor == "end")
    words = f"now: {printed(now).removesuffix(' MME/day')}"
    texts.append(Text(RIGHT - 12, y if is_free else y + 2 * _LINE, words, "end", "now"))
    return texts


def _known(baselines: Sequence[Baseline]) -> list[Baseline]:
    """Return the baselines that were certainly above zero."""
    return [each for each in baselines if each.dose.low]


def _by_dose(baselines: Sequence[Baseline]) -> dict[Decimal, list[Baseline]]:
    found: dict[Decimal, list[Baseline]] = {}
    for each in baselines:
        found.setdefault(round(each.dose.low, 1), []).append(each)
    return found


def target_words(facts: DoseFacts, target: Fraction) -> str:
    """Return what the target is in words: `half of the lowest baseline: 60 (CP.MP.173)`."""
    by = facts.asked.check.by
    share = "half" if by == _HALF else f"{_number(100 - by)}%"
    several = len(_by_dose(facts.reduction.baselines)) > 1
    return f"{share} of the {'lowest ' if several else ''}baseline: {_number(target)} ({facts.asked.policy})"


def _number(value: Decimal | Fraction) -> str:
    return f"{round(drawable(value), 1):g}"


def _bars(lines: Sequence[DrugLine], time: TimeScale, today: date, zone: tzinfo) -> list[Bar]:
    """Return the bars of the drugs that count, the same drug and dose on one row; the latest rows if there are many."""
    rows: dict[str, list[DrugLine]] = {}
    for line in lines:
        if line.counted:
            rows.setdefault(f"{line.label[:50]}: {printed(line.dose)}", []).append(line)
    shown = list(rows.items())[-_MOST_ROWS:]
    return [
        _bar(line, _BARS_FROM + _BAR_STEP * row, words if first else "", time, today, zone)
        for row, (words, same) in enumerate(shown)
        for first, line in zip([True, *[False] * len(same)], same, strict=False)
    ]


def _bar(line: DrugLine, y: float, words: str, time: TimeScale, today: date, zone: tzinfo) -> Bar:
    """Return the bar of a drug; it goes on until today if no record says when it ended."""
    start, end = _day(line.start, zone), _day(line.end, zone)
    left = time.start if start is None else time.at(start)
    right = time.after(end if end is not None and end <= today else today - timedelta(days=1))
    days = f"{line.start or 'no start recorded'} to {line.end or 'no end recorded'}"
    title = f"{line.label}: {line.problem or printed(line.dose)}, {days}"
    return Bar(left, y, max(right - left, 2), words, title, line.reference, "bar" if line.end else "open-bar")


def _day(written: str, zone: tzinfo) -> date | None:
    """Return the first day of a displayed date; None if it is open or there is none."""
    found = parse(written, zone)
    return found.earliest if found else None


def _says(facts: DoseFacts) -> str:
    reduction, asked = facts.reduction, facts.asked
    said = [f"{asked.policy} asks for a reduction of {asked.asks}."]
    said += [
        f"Highest {each.days}-day mean {printed(each.dose)} ({each.first} to {each.last})."
        for each in reduction.baselines
    ]
    said.append(f"Now {printed(reduction.current)} ({reduction.current_first} to {reduction.current_last}).")
    if reduction.last_recorded:
        said.append(f"No opioid recorded since {reduction.last_recorded}, and no record says that it was stopped.")
    if reduction.problem:
        said.append(f"The reduction cannot be told: {reduction.problem}.")
    return " ".join(said)
