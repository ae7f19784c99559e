"""`reported_mme`: a daily opioid dose that the chart states itself. It is only shown: its factors are not known."""

from dataclasses import dataclass

from coverage_policies.format.operator import Arguments, ClauseResult, Context, Operator, arguments, phrase
from coverage_policies.format.phrases import SPAN, span
from coverage_policies.format.searches import DISPENSES, Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.opioids.reported_mme import AHRQ_PAIN_SUMMARY, reported_mme
from fhir_mappings.truth import Truth

_SHOWN = 3
"""How many are shown, the newest first."""


@dataclass(frozen=True, slots=True)
class ReportedMmeCheck:
    """Whether the chart states a dose in MME per day within a period before the anchor date."""

    within: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for observations of MME, and for dispenses, which may state them too."""
        return (observation_search((f"{AHRQ_PAIN_SUMMARY}|MME",)), DISPENSES)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES with the newest ones if there are any."""
        found = [one for one in reported_mme(ctx.record) if done_in_time(one.when, self.within, ctx) is Truth.YES]
        if not found:
            return nothing_found(ctx.record, "Observation", "MedicationDispense")
        newest = sorted(found, key=lambda one: (one.evidence.date, one.evidence.reference), reverse=True)
        return ClauseResult(Truth.YES, Reason.PRESENT, tuple(one.evidence for one in newest[:_SHOWN]))


def _parse(arguments: Arguments, sets: ValueSets) -> ReportedMmeCheck:  # noqa: ARG001 - no set needed
    return ReportedMmeCheck(span(arguments["within"]))


OPERATOR = Operator(
    name="reported_mme",
    says="The chart states a daily opioid dose in morphine milligram equivalents, computed by an EHR or a prescription "
    "drug monitoring program: an observation, or an extension of a dispense. Its factors are not known.",
    schema=arguments(["within"], within=phrase(SPAN, "12 months")),
    example="""
clause: {reported_mme: {within: 12 months}}
facts:
  - observation: {code: text Morphine milligram equivalents, value: 60, unit: MME/d, at: 2026-02-01}
holds: yes
""",
    parse=_parse,
    resource_types=("Observation", "MedicationDispense"),
)
