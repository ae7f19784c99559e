"""Procedures on a time axis, each with the pain before and after it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from cds_service.web.sandbox.picture import (
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Mark,
    Path,
    Picture,
    Table,
    Text,
    axes,
    days_shown,
    middle,
    today_line,
    uncertainty,
)
from cds_service.web.sandbox.timeline_limits import ReliefAsked
from cds_service.web.svg_plot import LinearScale, TimeScale, line_path
from fhir_mappings.dates import DateInterval
from fhir_mappings.observations import Observation, observations
from fhir_mappings.pain_relief import reliefs
from fhir_mappings.procedures import Progress, procedures
from fhir_mappings.record import PatientRecord

_BOTTOM = 190
_HEIGHT = 250
_ASIDE = 10
"""How far before and after a procedure its scores stand: hours are too short for an axis of months."""
_LETTER = 6.5
"""About how wide a letter is."""
TOP_SCORE = 10
"""The scale of the picture; a score of another scale stands at its share of it."""


@dataclass(frozen=True, slots=True)
class Score:
    """One pain score. `share` is it on the scale of the picture, from 0 to 10."""

    reference: str
    printed: str
    when: DateInterval
    share: float
    moment: str


@dataclass(frozen=True, slots=True)
class Treated:
    """One procedure with the pain scores around it.

    `scores` are the scores behind its relief, `8 → 2 of 10`, and `relief` is that in percent; `problem` is why it is
    not known. Each is empty if there is nothing to say.
    """

    reference: str
    label: str
    when: DateInterval
    side: str
    scores: str
    relief: str
    problem: str
    before: tuple[Score, ...] = ()
    after: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True)
class PainFacts:
    """The procedures, and the scores that stand for themselves; both oldest first. `asks` are the words of policies."""

    treated: tuple[Treated, ...]
    others: tuple[Score, ...]
    asks: tuple[str, ...] = ()


def pain_facts(record: PatientRecord, asked: Sequence[ReliefAsked]) -> PainFacts:
    """Return the procedures for which policies ask for relief, with the relief as the service's own reading has it."""
    scores: dict[str, Observation] = {}
    treated: dict[str, Treated] = {}
    asks: list[str] = []
    for each in asked:
        check = each.check
        scores |= {score.reference: score for score in observations(record, check.scale.match)}
        on_record = procedures(record, check.after.match)
        if on_record and each.asks:
            asks.append(f"{each.policy} asks for {each.asks} relief.")
        for relief in reliefs(record, on_record, check.scale.match, check.window):
            done = relief.procedure
            if done.start is None or done.reference in treated:
                continue
            around = [scores[item.reference] for item in relief.evidence if item.reference in scores]
            begin = done.start.instant
            treated[done.reference] = Treated(
                done.reference,
                done.label,
                done.start,
                done.side or "",
                relief.scores,
                relief.printed,
                relief.problem,
                _scores(s for s in around if begin and s.begin and s.begin <= begin),
                _scores(s for s in around if begin and s.begin and s.begin > begin),
            )
        for other in on_record:
            if other.progress is not Progress.DONE and other.start is not None:
                side, problem = other.side or "", f"the procedure is {other.progress.value}"
                unsure = Treated(other.reference, other.label, other.start, side, "", "", problem)
                treated.setdefault(other.reference, unsure)
    used = {score.reference for each in treated.values() for score in (*each.before, *each.after)}
    alone = _scores(score for name, score in scores.items() if name not in used)
    in_order = sorted(treated.values(), key=lambda each: (each.when.earliest, each.reference))
    return PainFacts(tuple(each for each in in_order if each.when.earliest <= record.today), alone, tuple(asks))


def _scores(found: Iterable[Observation]) -> tuple[Score, ...]:
    """Return scores with a day, a number, and a known scale, oldest first."""
    shown = [
        Score(
            each.reference,
            each.evidence.value or f"{each.number:f}",
            each.when,
            TOP_SCORE * float((each.number - each.scale[0]) / (each.scale[1] - each.scale[0])),
            each.begin.strftime("%H:%M") if each.begin else "",
        )
        for each in found
        if each.when is not None and each.number is not None and each.scale and each.scale[0] < each.scale[1]
    ]
    return tuple(sorted(shown, key=lambda each: (each.when.earliest, each.moment, each.reference)))


def pain_picture(facts: PainFacts, today: date) -> Picture:
    """Return the picture: a line down for each procedure, its scores before and after it, and what that is in percent.

    The scores of no procedure stand alone.
    """
    days = [*(each.when.earliest for each in facts.treated), *(each.when.earliest for each in facts.others)]
    time = TimeScale(*days_shown(days, today), LEFT, RIGHT)
    values = LinearScale(0, TOP_SCORE, _BOTTOM, TOP)
    grid, labels = axes(time, values, "pain, 0 to 10")
    today_path, today_text = today_line(time, today, _BOTTOM)
    paths, texts, marks = [*grid, today_path], [*labels, today_text], list[Mark]()
    for score in (each for each in facts.others if _is_shown(each.when, time)):
        x, y = time.middle_of(middle(score.when)), values.at(score.share)
        paths += uncertainty(score.when, time, y)
        marks.append(Mark("score", x, y, f"Pain {score.printed}, {score.when}", score.reference))
    rows = [float("-inf")] * 2
    for each in (done for done in facts.treated if _is_shown(done.when, time)):
        x = time.middle_of(middle(each.when))
        paths.append(Path("procedure", line_path([(x, TOP), (x, _BOTTOM)])))
        paths += uncertainty(each.when, time, _BOTTOM)
        marks.append(Mark("procedure", x, _BOTTOM, _title(each), each.reference, "diamond"))
        marks += _around(each, x, values)
        if each.before:
            start = x - _ASIDE, values.at(each.before[-1].share)
            paths += [Path("relief", line_path([start, (x + _ASIDE, values.at(s.share))])) for s in each.after]
        texts.append(_label(each, x, rows))
    return Picture(
        "pain",
        "Procedures, and pain before and after" if facts.treated else "Pain scores",
        _says(facts),
        _HEIGHT,
        Table(
            ("Day", "Procedure", "Side", "Pain before", "Pain after", "Relief"),
            tuple(_row(each) for each in reversed(facts.treated))
            + tuple((str(s.when), "Pain score", "", s.printed, "", "") for s in reversed(facts.others)),
        ),
        tuple(paths),
        tuple(marks),
        texts=tuple(texts),
        legend={"procedure": "procedure", "before": "pain before", "after": "pain after", "score": "other pain score"},
    )


def _is_shown(when: DateInterval, time: TimeScale) -> bool:
    return time.first <= when.latest and when.earliest <= time.last


def _around(each: Treated, x: float, values: LinearScale) -> list[Mark]:
    before = [
        Mark("before", x - _ASIDE, values.at(s.share), f"Before: {s.printed}, {s.when} {s.moment}", s.reference, "ring")
        for s in each.before
    ]
    after = [
        Mark("after", x + _ASIDE, values.at(s.share), f"After: {s.printed}, {s.when} {s.moment}", s.reference)
        for s in each.after
    ]
    return [*before, *after]


def _title(each: Treated) -> str:
    found = f"{each.relief} relief" if each.relief else each.problem
    return ", ".join(filter(None, (each.label, each.side, str(each.when), each.scores, found)))


def _label(each: Treated, x: float, rows: list[float]) -> Text:
    """Return the label below the axis, on the first row that has room for it, of which it takes that room.

    It says the side, and the relief or that it is not known.
    """
    words = " ".join(filter(None, (each.side, f"{each.relief} relief" if each.relief else "relief unknown")))
    half = len(words) * _LETTER / 2
    left = min(max(x - half, 0), WIDTH - 2 * half)
    row = next((number for number, end in enumerate(rows) if end < left), len(rows) - 1)
    rows[row] = left + 2 * half
    return Text(left + half, _BOTTOM + 36 + 15 * row, words, "middle", "value")


def _row(each: Treated) -> tuple[str, ...]:
    before, after = (", ".join(score.printed for score in scores) for scores in (each.before, each.after))
    return str(each.when), each.label, each.side, before, after, each.relief or each.problem


def _says(facts: PainFacts) -> str:
    if not facts.treated:
        return f"{len(facts.others)} pain {'score' if len(facts.others) == 1 else 'scores'}, around no procedure."
    count = f"{len(facts.treated)} {'procedure' if len(facts.treated) == 1 else 'procedures'}"
    measured = sum(1 for each in facts.treated if each.relief)
    return " ".join((f"{count}, {measured} with pain scores before and after.", *facts.asks))
