"""`observation`: a score or measurement on record. It is only shown: no policy sets a limit on one."""

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
from coverage_policies.format.searches import Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.observations import Observation, observations
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class ObservationCheck:
    """Whether there is a measurement of the set by the anchor date; the newest three are the evidence."""

    codes: ValueSet
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for observations by their codes."""
        return (observation_search(self.codes.codes(LOINC)),)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if one with a number and a day is on record."""
        found = [o for o in observations(ctx.record, self.codes.match) if self._fits(o, ctx)]
        if not found:
            return nothing_found(ctx.record, "Observation")
        newest = sorted(found, key=lambda o: (o.evidence.date, o.reference), reverse=True)[:3]
        return ClauseResult(Truth.YES, Reason.PRESENT, tuple(o.evidence for o in newest))

    def _fits(self, observation: Observation, ctx: Context) -> bool:
        return observation.number is not None and done_in_time(observation.when, self.within, ctx) is Truth.YES


def _parse(arguments: Arguments, sets: ValueSets) -> ObservationCheck:
    within = arguments.get("within")
    return ObservationCheck(value_set(arguments["in"], sets), span(within) if within else None)


OPERATOR = Operator(
    name="observation",
    says="A final score or measurement of the value set is on record, with a number and a day.",
    schema=arguments(["in"], **{"in": NAMES, "within": phrase(SPAN, "6 months")}),
    example="""
clause: {observation: {in: function-scale}}
facts:
  - observation: {code: loinc 91147-9, value: 6, at: 2026-02-01}
holds: yes
""",
    parse=_parse,
    resource_types=("Observation",),
)
