"""`pain_relief`: how much a procedure reduced pain, by scores on one scale before and after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from functools import partial

from msgspec import structs

from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseResult,
    Context,
    Operator,
    arguments,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import (
    DURATION,
    FOLLOWING_DAYS,
    HOURS,
    PERCENT,
    POSITIVE,
    DurationThreshold,
    NumberThreshold,
    duration,
    following_days,
    hours,
    percent,
)
from coverage_policies.format.searches import PROCEDURES, Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.occasions import ProcedureOccasions
from coverage_policies.operators.procedure_filter import (
    SCHEMAS,
    USE_SCHEMAS,
    Belonging,
    belonging,
    none_at_hand,
    on_each_side,
    other_use,
)
from coverage_policies.operators.region import OTHER_REGION, REGION_SCHEMAS, Region, region
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import DateInterval
from fhir_mappings.pain_relief import Edge, Relief, Window, reliefs
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Availability, Evidence, PatientRecord
from fhir_mappings.truth import Truth, agreed, all_of

_EDGES: Mapping[str, Edge] = {"start": "start", "end": "end"}
_PLACES = {"first": 0, "second": 1, "last": -1}


@dataclass(frozen=True, slots=True)
class Day:
    """One occasion: the relief after each procedure of a day, whether it passes, and the reason if it does not."""

    on: date | None
    reliefs: tuple[Relief, ...]
    passed: Truth
    reason: Reason


@dataclass(frozen=True, slots=True)
class PainReliefCheck:
    """Whether procedures of a set, on enough separate days or on a certain one, each reduced pain enough."""

    after: ValueSet
    belonging: Belonging
    relief: NumberThreshold | None
    occasions: int
    apart: DurationThreshold | None
    occasion: str
    scale: ValueSet
    panels: ValueSet
    window: Window

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for the procedures, and for the scores by their codes and those of their panels."""
        return (PROCEDURES, observation_search((*self.scale.codes(LOINC), *self.panels.codes(LOINC))))

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for enough days on which every measured procedure passed; days that fail do not undo others."""
        on_record = ProcedureOccasions(self.after).begun(ctx)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        record = ctx.record
        each_belongs = whose.of(on_record, ctx)
        belongs = dict(zip(on_record, each_belongs, strict=True))
        done = [p for p in on_record if belongs[p] is not Truth.NO]
        if not done:
            return none_at_hand(on_record, each_belongs, whose, ctx, "Procedure")
        measured = reliefs(record, done, self.scale.match, self.window)
        evidence = _evidence(measured) or tuple(p.evidence for p in done)
        if self.relief is None:
            is_certain = any(p.progress is Progress.DONE and belongs[p] is Truth.YES for p in done)
            holds = Truth.YES if is_certain else Truth.UNKNOWN
            return ClauseResult(holds, Reason.PRESENT if is_certain else Reason.INVALID_ATTRIBUTE, evidence)
        if not _is_all_there(record):
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
        days = _by_day([each for each in measured if belongs[each.procedure] is Truth.YES], self.relief, self.window)
        if self.occasion:
            uncertain = [p.start for p in done if p.progress is not Progress.DONE or belongs[p] is not Truth.YES]
            return self._one(days, uncertain, evidence)
        if self._number(days) >= self.occasions:
            return ClauseResult(Truth.YES, Reason.PRESENT, evidence)
        reasons = {day.reason for day in days if day.passed is not Truth.YES}
        too_near = Reason.DATE_OUT_OF_RANGE if sum(day.passed is Truth.YES for day in days) >= self.occasions else None
        short = Reason.VALUE_OUT_OF_RANGE if Reason.VALUE_OUT_OF_RANGE in reasons else Reason.MISSING
        return ClauseResult(Truth.UNKNOWN, too_near or short, evidence)

    def _one(
        self, days: Sequence[Day], uncertain: Sequence[DateInterval | None], evidence: tuple[Evidence, ...]
    ) -> ClauseResult:
        """Return the result for the first, second, or last day, UNKNOWN if an uncertain procedure could be it."""
        place = _PLACES[self.occasion]
        if not all(day.on for day in days):
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING, evidence)
        if len(days) <= max(place, 0):
            holds, reason = (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE) if uncertain else (Truth.NO, Reason.NOT_FOUND)
            return ClauseResult(holds, reason, evidence)
        day = days[place]
        if any(_may_take_its_place(when, day.on, self.occasion) for when in uncertain):
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, evidence)
        return ClauseResult(day.passed, day.reason, _evidence(day.reliefs), headline=_headline(day))

    def _number(self, days: Sequence[Day]) -> int:
        """Return how many days passed, or with `apart`, how many of them are that far from the one before."""
        passed = [day.on for day in days if day.passed is Truth.YES]
        if self.apart is None:
            return len(passed)
        count, last = 0, None
        for on in passed:
            if on and (last is None or self.apart.holds(DateInterval(last, last), on) is Truth.YES):
                count, last = count + 1, on
        return count


def _is_all_there(record: PatientRecord) -> bool:
    """Return whether nothing is missing: a score that was not read might be the one that shows less relief."""
    return all(record.availability(kind) is Availability.COMPLETE for kind in ("Procedure", "Observation"))


def _may_take_its_place(when: DateInterval | None, on: date | None, occasion: str) -> bool:
    if when is None or on is None:
        return True
    return when.latest >= on if occasion == "last" else when.earliest <= on


def _by_day(measured: Sequence[Relief], threshold: NumberThreshold, window: Window) -> list[Day]:
    """Return the days of treatment in order; several procedures on one day are one occasion."""
    by_day: dict[str, list[Relief]] = {}
    for each in measured:
        by_day.setdefault(str(each.procedure.start or each.procedure.reference), []).append(each)
    return [_day(_without_bills(same_day), threshold, window) for same_day in by_day.values()]


def _without_bills(same_day: Sequence[Relief]) -> tuple[Relief, ...]:
    """Return the reliefs of one day without records that only repeat a measured procedure.

    Such a record has no time of day, or midnight in its place, and does not state the other side: the charge of the
    facility or the physician for the same procedure.
    """
    measured = [each.procedure for each in same_day if each.least is not None]
    return tuple(each for each in same_day if not (_has_no_time(each.procedure) and _repeats(each.procedure, measured)))


def _has_no_time(done: Procedure) -> bool:
    moment = done.start.instant if done.start else None
    return moment is None or moment.time() == time.min


def _repeats(done: Procedure, measured: Iterable[Procedure]) -> bool:
    return any({done.side, each.side} != {"left", "right"} for each in measured)


def _day(reliefs_: tuple[Relief, ...], threshold: NumberThreshold, window: Window) -> Day:
    on = reliefs_[0].procedure.start
    judged = [_judged(each, threshold, window) for each in reliefs_]
    open_because = {why for passed, why in judged if passed is not Truth.YES}
    return Day(
        on.earliest if on and on.earliest == on.latest else None,
        reliefs_,
        all_of(passed for passed, _ in judged),
        Reason.MISSING if open_because == {Reason.MISSING} else Reason.VALUE_OUT_OF_RANGE,
    )


def _judged(relief: Relief, threshold: NumberThreshold, window: Window) -> tuple[Truth, Reason]:
    """Return what holds for both the least and the greatest relief, and for every score of the following days."""
    if relief.least is None or relief.most is None:
        return Truth.UNKNOWN, Reason.MISSING
    passed = agreed(Truth.of(threshold.holds(end)) for end in (relief.least, relief.most))
    if passed is not Truth.YES or not window.following_days:
        return passed, Reason.VALUE_OUT_OF_RANGE
    if not relief.later:
        return Truth.UNKNOWN, Reason.MISSING
    lasted = all(later is not None and threshold.holds(later) for later in relief.later)
    return Truth.YES if lasted else Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE


def _evidence(measured: Sequence[Relief]) -> tuple[Evidence, ...]:
    """Return the procedures with the relief they gave, then the scores."""
    done, scores = [], []
    for each in measured:
        for item in each.evidence:
            if item.reference == each.procedure.reference:
                done.append(_with_relief(item, each))
            else:
                scores.append(item)
    return tuple(dict.fromkeys((*done, *scores)))


def _headline(day: Day) -> str:
    done = day.reliefs[0].procedure.evidence
    return f"{done.label}{f' on {done.date}' if done.date else ''}: {day.reliefs[0].printed} relief"


def _with_relief(item: Evidence, relief: Relief) -> Evidence:
    found = f"{relief.printed} relief" if relief.printed else relief.problem
    return structs.replace(item, value=", ".join(filter(None, (item.value, relief.scores, found))))


def _parse(arguments: Arguments, sets: ValueSets) -> PainReliefCheck:
    where = region(arguments, sets)
    told_apart = where if where != Region() else Region(elsewhere=value_set(DEFAULTS["other_region"], sets))
    relief, apart, occasion = arguments.get("relief"), arguments.get("apart"), arguments.get("occasion", "")
    if occasion and "occasions" in arguments:
        raise ValueError("`occasion` asks about one day and `occasions` about several; give each its own clause")
    if apart and int(arguments.get("occasions", DEFAULTS["occasions"])) < 2:
        raise ValueError("`apart` is the time between several days; it needs `occasions: 2` or more")
    if any(name in arguments for name in ("occasion", "sustained", "longest_pause")) and not relief:
        raise ValueError("`occasion`, `sustained`, and `longest_pause` need a `relief` to ask for")
    whose = belonging(arguments, arguments.get("longest_pause", DEFAULTS["longest_pause"]) if relief else "")
    return PainReliefCheck(
        after=value_set(arguments["after"], sets),
        belonging=replace(whose, other_use=other_use(arguments, sets)),
        relief=percent(relief) if relief else None,
        occasions=int(arguments.get("occasions", DEFAULTS["occasions"])),
        apart=_provable(apart) if apart else None,
        occasion=occasion,
        scale=value_set(arguments.get("scale", DEFAULTS["scale"]), sets),
        panels=value_set(arguments.get("panels", DEFAULTS["panels"]), sets),
        window=Window(
            before=hours(arguments.get("before", DEFAULTS["before"])),
            after=hours(arguments.get("measured_within", DEFAULTS["measured_within"])),
            counted_from=_EDGES[arguments.get("from", DEFAULTS["from"])],
            following_days=following_days(arguments["sustained"]) if "sustained" in arguments else 0,
            includes=where.includes if where != Region() else None,
            is_region=told_apart.is_named,
        ),
    )


def _provable(phrase: str) -> DurationThreshold:
    threshold = duration(phrase)
    if threshold.comparison.is_upper_bound:
        raise ValueError(f"{phrase!r} cannot be asked of days that helped; write it like 'at least 2 weeks'")
    return threshold


DEFAULTS = {
    "scale": "pain-severity-0-10",
    "panels": "pain-score-panel",
    "before": "24 hours",
    "measured_within": "8 hours",
    "from": "end",
    "occasions": "1",
    "longest_pause": "12 months",
    "other_region": OTHER_REGION,
}
"""The arguments that apply if a document leaves them out."""

OPERATOR = Operator(
    name="pain_relief",
    says="Pain fell after a procedure of the value set: from the last score `before` it to the scores "
    "`measured_within` a time after it, counted `from` its end or its start, all on one scale and with a time "
    "of day. Both the least and the greatest relief must pass. `occasions` counts separate days that lie "
    "`apart`, each from the one before; `occasion` asks about the first, second, or last day only. `sustained: "
    "7 following days` requires the same of every score on those days, and at least one score. `side` and "
    "`purpose` work as in `procedure`. A procedure for a reason of `not_for`, or whose words state a `not_purpose`, is "
    "another one and does not count. Only the current course of treatment counts, not what came before "
    "a pause of over `longest_pause`. A score of an `other_region` of the body does not count, and one of neither "
    "that nor the `region` leaves the relief unknown; a score without a body site counts. The site is also read from "
    "the location of the pain in a panel, and from the name of the score. Without a `region` the scores have to be of "
    "one site, and one of an `other_region` is not compared with one without a site.",
    schema=arguments(
        ["after"],
        after=NAMES,
        relief=phrase(PERCENT, "at least 75 %"),
        occasions=phrase(POSITIVE, "2"),
        apart=phrase(DURATION, "at least 2 weeks"),
        occasion={"enum": list(_PLACES)},
        sustained=phrase(FOLLOWING_DAYS, "7 following days"),
        scale=NAMES,
        panels=NAMES,
        before=phrase(HOURS, "24 hours"),
        measured_within=phrase(HOURS, "24 hours"),
        **{"from": {"enum": list(_EDGES)}, **SCHEMAS, **USE_SCHEMAS, **REGION_SCHEMAS},
    ),
    example="""
clause: {pain_relief: {after: sij-injection, relief: at least 75 %, occasions: 2}}
facts:
  - injection: {code: cpt 27096, at: 2026-01-05T10:00, pain: {before: 8, after: 2}}
  - injection: {code: cpt 27096, at: 2026-02-02T10:00, pain: {before: 9, after: 2}}
holds: yes
""",
    parse=_parse,
    resource_types=("Procedure", "Observation"),
    defaults=DEFAULTS,
)
