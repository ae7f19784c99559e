"""`observation`: a score or measurement on record, and whether its value, or a change of it, satisfies a limit."""

from dataclasses import dataclass

from coverage_policies.format.amount_phrases import VALUE, value_limit
from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseCheck,
    ClauseResult,
    Context,
    Operator,
    arguments,
    as_list,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import SPAN, span
from coverage_policies.format.searches import Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from coverage_policies.operators.observation_readings import SHOWN, Selection
from coverage_policies.operators.observation_value import OCCASIONS, ValueCheck
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
        newest = sorted(found, key=lambda o: (o.evidence.date, o.reference), reverse=True)[:SHOWN]
        return ClauseResult(Truth.YES, Reason.PRESENT, tuple(o.evidence for o in newest))

    def _fits(self, observation: Observation, ctx: Context) -> bool:
        return observation.number is not None and done_in_time(observation.when, self.within, ctx) is Truth.YES


def _parse(arguments: Arguments, sets: ValueSets) -> ClauseCheck:
    codes, within = value_set(arguments["in"], sets), arguments.get("within")
    look_back = span(within) if within else None
    if "value" not in arguments:
        for name in arguments.keys() - {"in", "within"}:
            raise ValueError(f"`{name}` needs a `value` to decide by, such as `value: at most 88 %`")
        return ObservationCheck(codes, look_back)
    states = tuple(value_set(name, sets) for name in as_list(arguments.get("states", ())))
    without = tuple(value_set(name, sets) for name in as_list(arguments.get("without", ())))
    preferred = value_set(arguments["outranked_by"], sets) if "outranked_by" in arguments else None
    read = [codes, *states, *without, *((preferred,) if preferred else ())]
    return ValueCheck(
        Selection(codes, look_back, states, without),
        value_limit(arguments["value"]),
        arguments["value"],
        arguments.get("occasion", DEFAULTS["occasion"]),
        None,
        None,
        None,
        preferred,
        (observation_search({code for each in read for code in each.codes(LOINC)}),),
    )


DEFAULTS = {"occasion": "latest"}
"""The arguments that apply if a document leaves them out."""

OPERATOR = Operator(
    name="observation",
    says="A final score or measurement of the value set is on record, with a number and a day. With a `value`, it has "
    "to satisfy this limit.",
    schema=arguments(
        ["in"],
        value=phrase(VALUE, "at most 88 %"),
        occasion={"enum": list(OCCASIONS)},
        within=phrase(SPAN, "6 months"),
        states=NAMES,
        without=NAMES,
        outranked_by=NAMES,
        **{"in": NAMES},
    ),
    example="""
clause: {observation: {in: function-scale, value: at most 6}}
facts:
  - observation: {code: loinc 91147-9, value: 6, at: 2026-02-01}
holds: yes
""",
    parse=_parse,
    resource_types=("Observation",),
    reads_names=True,
    defaults=DEFAULTS,
)
