"""`procedure`: something that was done, when, over how long, how often, and how long ago."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

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
    AGO,
    COUNT,
    DURATION,
    SPAN,
    DurationThreshold,
    count,
    duration,
    span,
)
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.base import goes_on, in_time
from coverage_policies.operators.course import ALL, GAP, CourseCheck, refuse_beside_all, terms
from coverage_policies.operators.occasions import ProcedureOccasions
from coverage_policies.operators.procedure_counts import CountCheck, SinceCheck, unprovable
from coverage_policies.operators.procedure_filter import (
    SCHEMAS,
    Belonging,
    belonging,
    none_at_hand,
    on_each_side,
)
from coverage_policies.operators.region import OTHER_REGION, REGION_SCHEMAS, Region, region
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class ProcedureCheck:
    """Whether something of the set was done by the anchor date, recently enough, or from first to last long enough."""

    occasions: ProcedureOccasions
    belonging: Belonging
    within: CalendarPeriod | None
    lasting: DurationThreshold | None
    in_progress_within: CalendarPeriod
    region: Region

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for procedures."""
        return self.occasions.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for one completed or in progress, UNKNOWN for one of unclear status, date, or side."""
        on_record = self.occasions.begun(ctx)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        possible = [(p, fits) for p, fits in zip(on_record, belongs, strict=True) if fits is not Truth.NO]
        if not possible:
            return none_at_hand(on_record, belongs, whose, ctx, "Procedure")
        found = [p for p, _ in possible]
        done = [p for p, fits in possible if p.progress is not Progress.UNCLEAR and self._counts(p, fits)]
        if self.lasting is not None:
            return self._lasting(ctx, self.lasting, found, done)
        fitting = [p for p in done if self._fits(p, ctx) is Truth.YES]
        if fitting:
            return ClauseResult(Truth.YES, Reason.PRESENT, tuple(p.evidence for p in fitting))
        evidence = tuple(p.evidence for p in found)
        if ctx.record.availability("Procedure") is Availability.UNAVAILABLE:
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
        certain = all(p.progress is not Progress.UNCLEAR and self._fits(p, ctx) is Truth.NO for p in found)
        reason = Reason.DATE_OUT_OF_RANGE if done else Reason.INVALID_ATTRIBUTE
        return ClauseResult(Truth.NO if certain else Truth.UNKNOWN, reason, evidence)

    def _counts(self, done: Procedure, belongs: Truth) -> bool:
        return belongs & self.region.is_not_elsewhere(done.about) is Truth.YES

    def _fits(self, done: Procedure, ctx: Context) -> Truth:
        if done.progress is Progress.UNDER_WAY:
            # A procedure in progress may have begun after the day in question, and one of long ago was never closed.
            had_begun = not ctx.is_looking_back or in_time(done.start, None, ctx.anchor) is Truth.YES
            is_now = goes_on(done, self.in_progress_within, ctx.anchor)
            return is_now if had_begun else Truth.UNKNOWN
        if self.within is None and done.end is None:
            return Truth.UNKNOWN if ctx.is_looking_back else Truth.YES
        return in_time(done.end, self.within, ctx.anchor)

    def _lasting(
        self, ctx: Context, lasting: DurationThreshold, found: list[Procedure], done: list[Procedure]
    ) -> ClauseResult:
        """Return YES if first and last visit are that far apart; a gap between them is for the reader to see."""
        evidence = tuple(p.evidence for p in found)
        dated = [(p.start, p.end) for p in done if p.start and p.end]
        if dated:
            first = DateInterval(min(start.earliest for start, _ in dated), min(start.latest for start, _ in dated))
            last = min(max(end.earliest for _, end in dated), ctx.anchor)
            if lasting.holds(first, last) is Truth.YES:
                return ClauseResult(Truth.YES, Reason.PRESENT, evidence)
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, evidence)


def _parse(arguments: Arguments, sets: ValueSets) -> ProcedureCheck | CountCheck | SinceCheck | CourseCheck:
    occasions = ProcedureOccasions(value_set(arguments["in"], sets))
    asked = [name for name in ("lasting", "count", "first", "last") if name in arguments]
    pause = arguments.get("longest_pause", "")
    if pause and asked not in (["count"], ["first"]):
        raise ValueError("`longest_pause` is between the procedures of one course; it needs `count` or `first`")
    whose = belonging(arguments, pause)
    if "all" in arguments:
        refuse_beside_all(arguments, (*asked, "gap", "within", "apart", "in_progress_within"))
        return CourseCheck(occasions, whose, terms(arguments["all"]), region(arguments, sets))
    if asked in (["count"], ["first"], ["last"]):
        for name in ("in_progress_within", *REGION_SCHEMAS):
            if name in arguments:
                raise ValueError(f"`{name}` and `{asked[0]}` are separate questions; give each its own clause")
    asked_also = (["within"] if "within" in arguments and asked != ["count"] else []) + asked
    if len(asked_also) > 1:
        raise ValueError(_separate(asked_also))
    if "apart" in arguments and asked != ["count"]:
        raise ValueError("`apart` is the time between that many days; it needs `count`")
    if "gap" in arguments and asked != ["lasting"]:
        raise ValueError("`gap` is the longest between two procedures of one course; it needs `lasting`")
    within = span(arguments["within"]) if "within" in arguments else None
    if asked == ["count"]:
        number, apart = count(arguments["count"]), duration(arguments["apart"]) if "apart" in arguments else None
        if apart is not None and number.comparison.is_upper_bound:
            raise ValueError(f"`apart` is the time between that many days; it needs a `count` unlike '{number}'")
        return CountCheck(occasions, whose, within, number, apart)
    if asked == ["first"]:
        return SinceCheck(occasions, whose, "first", duration(arguments["first"]))
    if asked == ["last"]:
        return SinceCheck(occasions, whose, "last", _provable(arguments, "last", is_short=True))
    lasting = _provable(arguments, "lasting", is_short=False) if asked else None
    if lasting is not None and "gap" in arguments:
        if "in_progress_within" in arguments:
            raise ValueError("`in_progress_within` is about a procedure alone, not about a course with a `gap`")
        return CourseCheck(occasions, whose, terms(arguments), region(arguments, sets))
    in_progress_within = span(arguments.get("in_progress_within", DEFAULTS["in_progress_within"]))
    return ProcedureCheck(occasions, whose, within, lasting, in_progress_within, region(arguments, sets))


def _separate(asked: Sequence[str]) -> str:
    """Return how to ask two things, of one course if they can be asked of one."""
    said = f"`{asked[0]}` and `{asked[1]}` are separate questions; give each its own clause"
    if not {*asked} <= {"within", "lasting", "count"}:
        return said
    return f"{said}, or ask them of one course: `all: {{{asked[0]}: …, {asked[1]}: …, gap: at most 4 weeks}}`"


def _provable(arguments: Arguments, name: str, *, is_short: bool) -> DurationThreshold:
    """Return a duration that records can prove: a visit not on record would make it longer, and the last one later."""
    threshold = duration(arguments[name])
    if threshold.comparison.is_upper_bound is not is_short:
        raise ValueError(unprovable(name, threshold, arguments[name]))
    return threshold


DEFAULTS = {"in_progress_within": "12 months", "other_region": OTHER_REGION}
"""The arguments that apply if a document leaves them out."""

OPERATOR = Operator(
    name="procedure",
    says="A procedure of the value set was done by the anchor date. `within: 3 months` requires one that recent; "
    "`lasting: at least 4 weeks` that much time from the first to the last, with `gap: at most 4 weeks` in one "
    "course without a longer gap. `count: at least 4` counts days, with `apart: under 2 weeks` from the first of "
    "them to the last; `count: at most 3` holds if everything was read and even what may count does not exceed "
    "it. `all: {lasting: at least 12 weeks, count: at least 6, gap: at most 4 weeks, within: 12 months}` is true "
    "of one course: a run of procedures without a longer gap, of which what lies within the time is judged. "
    "`first: at least 2 weeks ago` and `last: under 2 months ago` ask how long ago that one was. `side: same` "
    "counts procedures on the side of the order, `purpose` those that are diagnostic or therapeutic; `or not "
    "stated` also counts those that do not say. With `longest_pause: 12 months`, `count` and `first` are about "
    "the current course of treatment: what came before a longer pause, in procedures for any purpose, does not "
    "count. A procedure in progress counts if it began `in_progress_within` that time before the anchor date, or "
    "if its stated end is to come. One for an `other_region` of the body and not for the `region`, by its site, "
    "reason, or words, cannot tell.",
    schema=arguments(
        ["in"],
        **{
            "in": NAMES,
            "within": phrase(SPAN, "3 months"),
            "lasting": phrase(DURATION, "at least 4 weeks"),
            "gap": GAP,
            "all": ALL,
            "count": phrase(COUNT, "at least 4"),
            "apart": phrase(DURATION, "under 2 weeks"),
            "first": phrase(AGO, "at least 2 weeks ago"),
            "last": phrase(AGO, "under 2 months ago"),
            "in_progress_within": phrase(SPAN, "12 months"),
            **SCHEMAS,
            **REGION_SCHEMAS,
        },
    ),
    example="""
clause: {procedure: {in: psychotherapy, within: 3 months}}
facts:
  - procedure: {code: cpt 90834, at: 2026-02-10}
holds: yes
""",
    parse=_parse,
    resource_types=("Procedure",),
    defaults=DEFAULTS,
)
