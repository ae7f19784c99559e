"""`imaging`: a study that was done recently enough, by the day of the examination, and what its report concludes."""

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
from coverage_policies.format.phrases import SPAN, span
from coverage_policies.format.searches import IMAGING_STUDIES, PROCEDURES, REPORTS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from coverage_policies.operators.procedure_filter import SCHEMAS, Belonging, on_each_side
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.imaging import Conclusion, conclusions, imaging
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth

_KINDS = ("DiagnosticReport", "ImagingStudy", "Procedure")


@dataclass(frozen=True, slots=True)
class ImagingCheck:
    """Whether a study of the set was done by the anchor date, and within the span if one is given."""

    codes: ValueSet
    belonging: Belonging
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for reports, studies, and procedures: servers differ in where they keep imaging."""
        return (REPORTS, IMAGING_STUDIES, PROCEDURES)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a final report, an available study, or a completed procedure in time; NO if all are older."""
        on_record = imaging(ctx.record, self.codes.match)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        sides = zip(on_record, whose.of(on_record, ctx), strict=True)
        found = [
            (each, is_ours, done_in_time(each.end, self.within, ctx))
            for each, is_ours in sides
            if is_ours is not Truth.NO
        ]
        if not found:
            return nothing_found(ctx.record, *_KINDS)
        fits = [(each, timely & is_ours) for each, is_ours, timely in found]
        fitting = tuple(each.evidence for each, fit in fits if each.progress is Progress.DONE and fit is Truth.YES)
        if fitting:
            return ClauseResult(Truth.YES, Reason.PRESENT, fitting)
        evidence = tuple(each.evidence for each, _, _ in found)
        if any(fit is Truth.YES for _, fit in fits):
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, evidence)
        if ctx.record.availability(*_KINDS) is Availability.UNAVAILABLE:
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
        if all(fit is Truth.NO for _, fit in fits):
            return ClauseResult(Truth.NO, Reason.DATE_OUT_OF_RANGE, evidence)
        side_is_open = any(timely is not Truth.NO and is_ours is Truth.UNKNOWN for _, is_ours, timely in found)
        reason = Reason.INVALID_ATTRIBUTE if side_is_open else Reason.DATE_OUT_OF_RANGE
        return ClauseResult(Truth.UNKNOWN, reason, evidence)


@dataclass(frozen=True, slots=True)
class ConclusionCheck:
    """Whether the report of a study of the set concludes one of the findings."""

    codes: ValueSet
    belonging: Belonging
    within: CalendarPeriod | None
    findings: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for reports; nothing else concludes."""
        return (REPORTS,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a coded conclusion of a final report in time; UNKNOWN for one in words, which is shown."""
        found = conclusions(ctx.record, self.codes.match, self.findings.match)
        return on_each_side(self.belonging, [each.report for each in found], ctx, partial(self._judge, found))

    def _judge(self, found: Sequence[Conclusion], whose: Belonging, ctx: Context) -> ClauseResult:
        sides = whose.of([each.report for each in found], ctx)
        fits = [
            (each, is_ours & done_in_time(each.report.end, self.within, ctx))
            for each, is_ours in zip(found, sides, strict=True)
        ]
        concluded = tuple(each.evidence for each, fit in fits if each.decides and fit is Truth.YES)
        if concluded:
            return ClauseResult(Truth.YES, Reason.PRESENT, concluded)
        possible = tuple(each.evidence for each, fit in fits if fit is not Truth.NO)
        if possible:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, possible)
        return nothing_found(ctx.record, "DiagnosticReport")


def _parse(arguments: Arguments, sets: ValueSets) -> ImagingCheck | ConclusionCheck:
    codes, belonging = value_set(arguments["in"], sets), Belonging(side=arguments.get("side", ""))
    within = span(arguments["within"]) if "within" in arguments else None
    if "concludes" in arguments:
        return ConclusionCheck(codes, belonging, within, value_set(arguments["concludes"], sets))
    return ImagingCheck(codes, belonging, within)


OPERATOR = Operator(
    name="imaging",
    says="A study of the value set was done: a final report, an available imaging study, or a completed procedure. "
    "`within: 6 months` counts back from the anchor date; six months to the day is within. `side: same` requires the "
    "side of the order; a study of both sides includes it. With `or not stated` a study without a side counts too, "
    "unless another one names the other side. `concludes` holds if the final report has a conclusion code "
    "of a value set; a conclusion in words is shown and cannot tell. A study without a billing code is also known by "
    "its name or its DICOM modality and body site, through rows of the system `study` such as `MR lumbar-spine`.",
    schema=arguments(
        ["in"], **{"in": NAMES, "within": phrase(SPAN, "6 months"), "side": SCHEMAS["side"], "concludes": NAMES}
    ),
    example="""
clause: {imaging: {in: mr-lumbar, within: 6 months}}
facts:
  - imaging: {code: loinc 24968-0, at: 2025-12-01}
holds: yes
""",
    parse=_parse,
    resource_types=_KINDS,
    reads_names=True,
)
