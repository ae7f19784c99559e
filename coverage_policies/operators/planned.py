"""`planned`: something planned or in progress: an active care plan, an active order, a procedure in progress."""

from collections.abc import Iterator
from dataclasses import dataclass

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
from coverage_policies.format.searches import CARE_PLANS, ORDERS, PROCEDURES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import goes_on, is_current, nothing_found
from coverage_policies.operators.region import OTHER_REGION, REGION_SCHEMAS, Region, region
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.plans import plans
from fhir_mappings.procedures import Progress, procedures
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth

_KINDS = ("CarePlan", "ServiceRequest", "Procedure")


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """Whether something of the set is planned or in progress for the region, and was planned or begun recently."""

    codes: ValueSet
    within: CalendarPeriod
    region: Region

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for care plans, orders, and procedures."""
        return (CARE_PLANS, ORDERS, PROCEDURES)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a current plan, UNKNOWN for one that is old, undated, or for another part of the body."""
        found = list(self._found(ctx))
        current = tuple(evidence for evidence, is_now, is_here in found if is_now & is_here is Truth.YES)
        if current:
            return ClauseResult(Truth.YES, Reason.PRESENT, current)
        if not found:
            return nothing_found(ctx.record, *_KINDS)
        is_elsewhere = any(is_now is Truth.YES for _, is_now, _ in found)
        reason = Reason.INVALID_ATTRIBUTE if is_elsewhere else Reason.DATE_OUT_OF_RANGE
        return ClauseResult(Truth.UNKNOWN, reason, tuple(evidence for evidence, _, _ in found))

    def _found(self, ctx: Context) -> Iterator[tuple[Evidence, Truth, Truth]]:
        """Yield what is planned or in progress, whether it is current, and whether it is not for elsewhere."""
        for plan in plans(ctx.record, self.codes.match):
            yield (
                plan.evidence,
                is_current(plan.since, plan.until, self.within, ctx.anchor),
                self.region.is_not_elsewhere(plan.about),
            )
        for done in procedures(ctx.record, self.codes.match):
            if done.progress is Progress.UNDER_WAY:
                is_now = goes_on(done, self.within, ctx.anchor)
                yield done.evidence, is_now, self.region.is_not_elsewhere(done.about)


def _parse(arguments: Arguments, sets: ValueSets) -> PlannedCheck:
    within = span(arguments.get("within", DEFAULTS["within"]))
    return PlannedCheck(value_set(arguments["in"], sets), within, region(arguments, sets))


DEFAULTS = {"within": "6 months", "other_region": OTHER_REGION}
"""The arguments that apply if a document leaves them out."""

OPERATOR = Operator(
    name="planned",
    says="Something of the value set is planned or in progress: an activity of an active care plan, an active order, "
    "or a procedure in progress. It was planned or begun `within` that time before the anchor date, or its stated end "
    "is not before it; an older one without an end cannot tell, nor can one for an `other_region` of the body and not "
    "for the `region`, by its body site, reason, or words.",
    schema=arguments(["in"], **{"in": NAMES, "within": phrase(SPAN, "6 months"), **REGION_SCHEMAS}),
    example="""
clause: {planned: {in: psychotherapy}}
facts:
  - plan: {code: cpt 90834, at: 2026-02-10}
holds: yes
""",
    parse=_parse,
    resource_types=_KINDS,
    defaults=DEFAULTS,
)
