"""`finding`: the latest result of a test at a physical examination."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
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
from coverage_policies.format.searches import EXAMS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from coverage_policies.operators.procedure_filter import SCHEMAS, Belonging, belonging, on_each_side
from coverage_policies.operators.region import OTHER_REGION, REGION_SCHEMAS, Region, region
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.exam_findings import ExamFinding, TestResult, exam_findings
from fhir_mappings.procedures import Progress
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class FindingCheck:
    """Whether the latest result of a test of the set, in the span before the anchor date, is the one asked for."""

    codes: ValueSet
    belonging: Belonging
    within: CalendarPeriod
    result: TestResult
    region: Region

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for the findings of examinations."""
        return (EXAMS,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES or NO by the latest day with a result; UNKNOWN if a result there is unclear or contradicts it."""
        on_record = exam_findings(ctx.record, self.codes.match)
        tests = [each.test for each in on_record]
        return on_each_side(self.belonging, tests, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[ExamFinding], belonging: Belonging, ctx: Context) -> ClauseResult:
        sides = belonging.of([each.test for each in on_record], ctx)
        fits = [
            (each, is_ours & self.region.includes(each.sites) & done_in_time(each.test.end, self.within, ctx))
            for each, is_ours in zip(on_record, sides, strict=True)
        ]
        found = [(each, fit) for each, fit in fits if fit is not Truth.NO]
        if not found:
            return nothing_found(ctx.record, "Observation")
        newest = max(_last_day(each) for each, _ in found)
        latest = [(each, fit) for each, fit in found if _last_day(each) == newest]
        evidence = tuple(each.test.evidence for each, _ in latest)
        results = {each.result for each, _ in latest}
        is_certain = all(fit is Truth.YES and each.test.progress is Progress.DONE for each, fit in latest)
        if not is_certain or len(results) > 1 or TestResult.UNCLEAR in results:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, evidence)
        return ClauseResult(Truth.of(results == {self.result}), Reason.PRESENT, evidence)


def _last_day(finding: ExamFinding) -> date:
    """Return the latest day on which a test may have been done."""
    return finding.test.end.latest if finding.test.end else date.max


def _parse(arguments: Arguments, sets: ValueSets) -> FindingCheck:
    return FindingCheck(
        value_set(arguments["in"], sets),
        belonging(arguments),
        span(arguments["within"]),
        TestResult(arguments["result"]),
        region(arguments, sets),
    )


OPERATOR = Operator(
    name="finding",
    says="The latest result of a test of the value set at an examination, in the span before the anchor date, is "
    "plainly `positive` or `negative`: by code, as a boolean, or in one word. A test is known by its code or its name. "
    "`side: same` requires the side of the order; `or not stated` also takes a test without a side. With a `region`, a "
    "test at an `other_region` of the body does not count, and one at neither cannot tell.",
    schema=arguments(
        ["in", "result", "within"],
        **{
            "in": NAMES,
            "result": {"enum": [TestResult.POSITIVE.value, TestResult.NEGATIVE.value]},
            "within": phrase(SPAN, "6 months"),
            "side": SCHEMAS["side"],
            **REGION_SCHEMAS,
        },
    ),
    example="""
clause: {finding: {in: faber-test, result: positive, within: 6 months}}
facts:
  - finding: {name: FABER test, result: positive, at: 2026-02-10}
holds: yes
""",
    parse=_parse,
    resource_types=("Observation",),
    reads_names=True,
    defaults={"other_region": OTHER_REGION},
)
