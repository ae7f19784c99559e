"""`visit`: something that was done at an encounter, or billed for, recently enough."""

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
from coverage_policies.format.searches import CHARGES, CLAIMS, ENCOUNTERS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.procedures import Progress
from fhir_mappings.truth import Truth
from fhir_mappings.visits import KINDS, visits


@dataclass(frozen=True, slots=True)
class VisitCheck:
    """Whether there was a visit of the set in the span before the anchor date."""

    codes: ValueSet
    within: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for encounters and for what was billed."""
        return (ENCOUNTERS, CHARGES, CLAIMS)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a visit in time by a code that decides, UNKNOWN for one that may be; NO for none."""
        found = [(each, done_in_time(each.end, self.within, ctx)) for each in visits(ctx.record, self.codes.match)]
        attended = tuple(e.evidence for e, fits in found if fits is Truth.YES and e.progress is Progress.DONE)
        if attended:
            return ClauseResult(Truth.YES, Reason.PRESENT, attended)
        possible = tuple(each.evidence for each, fits in found if fits is not Truth.NO)
        if possible:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, possible)
        return nothing_found(ctx.record, *KINDS)


def _parse(arguments: Arguments, sets: ValueSets) -> VisitCheck:
    return VisitCheck(value_set(arguments["in"], sets), span(arguments["within"]))


OPERATOR = Operator(
    name="visit",
    says="A visit of the value set took place in the span before the anchor date: an encounter by its type, service, "
    "or reason, or a service that was billed, whether or not it was paid.",
    schema=arguments(["in", "within"], **{"in": NAMES, "within": phrase(SPAN, "3 months")}),
    example="""
clause: {visit: {in: psychotherapy, within: 3 months}}
facts:
  - visit: {code: cpt 90837, at: 2026-02-10}
holds: yes
""",
    parse=_parse,
    resource_types=KINDS,
    reads_names=True,
)
