"""`observation`: a score or measurement on record, and whether its value, or a change of it, satisfies a limit."""

from dataclasses import dataclass, replace

from coverage_policies.format.amount_phrases import CHANGE, VALUE, change_limit, value_limit
from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseCheck,
    ClauseResult,
    Context,
    Operator,
    arguments,
    as_list,
    names,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import (
    COUNT,
    DURATION,
    SPAN,
    Comparison,
    DurationThreshold,
    count,
    duration,
    span,
)
from coverage_policies.format.searches import Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from coverage_policies.operators.observation_change import FROM, ChangeCheck
from coverage_policies.operators.observation_course import OnSeveralDays, Sustained
from coverage_policies.operators.observation_readings import SHOWN, Reading, Selection, evidence
from coverage_policies.operators.observation_value import OCCASIONS, Rule, ValueCheck
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.observations import Observation, observations
from fhir_mappings.record import Availability
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


@dataclass(frozen=True, slots=True)
class OutrankedCheck:
    """A clause that decides nothing where a measurement of a preferred kind could decide in its place."""

    check: ValueCheck | ChangeCheck
    preferred: Selection

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches of the clause, which are for both kinds."""
        return self.check.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return NO where there is a preferred measurement, UNKNOWN where there may be one, else what the clause is."""
        found, _ = self.preferred.readings(ctx, None)
        deciding = [each for each in found if each.counts is Truth.YES and _has_unit(each)]
        if deciding:
            return ClauseResult(Truth.NO, Reason.PRESENT, evidence(deciding))
        result = self.check.evaluate(ctx)
        if result.holds is not Truth.YES:
            return result
        if ctx.record.availability("Observation") is not Availability.COMPLETE:
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, result.evidence)
        if found:
            shown = tuple(dict.fromkeys((*evidence(found), *result.evidence)))[:SHOWN]
            return ClauseResult(Truth.UNKNOWN, found[0].problem, shown)
        return result


def _has_unit(reading: Reading) -> bool:
    amount = reading.observation.amount
    return amount is not None and bool(amount.unit)


def _parse(arguments: Arguments, sets: ValueSets) -> ClauseCheck:
    codes, within = value_set(arguments["in"], sets), arguments.get("within")
    look_back = span(within) if within else None
    if "value" in arguments and "change" in arguments:
        raise ValueError("`value` and `change` are two clauses; write a criterion with a part for each")
    if "value" not in arguments and "change" not in arguments:
        for name in sorted(arguments.keys() - {"in", "within"}):
            raise ValueError(f"`{name}` needs a `value` to decide by, such as `value: at most 88 %`")
        return ObservationCheck(codes, look_back)
    states = tuple(value_set(name, sets) for name in as_list(arguments.get("states", ())))
    without = tuple(value_set(name, sets) for name in as_list(arguments.get("without", ())))
    selection = Selection(codes, look_back, states, without)
    preferred = value_set(arguments["outranked_by"], sets) if "outranked_by" in arguments else None
    panels = value_set(arguments.get("panels", PANELS), sets)
    searched = [codes, panels, *states, *without, *([preferred] if preferred else ())]
    searches = (observation_search({code for each in searched for code in each.codes(LOINC)}),)
    check = _change(arguments, selection, searches) if "change" in arguments else _value(arguments, selection, searches)
    return OutrankedCheck(check, replace(selection, codes=preferred)) if preferred else check


def _change(arguments: Arguments, selection: Selection, searches: tuple[Search, ...]) -> ChangeCheck:
    for name in ("occasion", "count", "apart", "sustained"):
        if name in arguments:
            raise ValueError(f"`{name}` is for a `value`; a change is that from one value to the latest")
    if "from" not in arguments:
        raise ValueError(f"`change` needs the value that it is `from`: {', '.join(FROM)}")
    return ChangeCheck(selection, change_limit(arguments["change"]), arguments["from"], searches)


def _value(arguments: Arguments, selection: Selection, searches: tuple[Search, ...]) -> ValueCheck:
    if "from" in arguments:
        raise ValueError("`from` is for a `change`, such as `change: fell by at least 5 %`")
    return ValueCheck(selection, value_limit(arguments["value"]), _rule(arguments), searches)


def _rule(arguments: Arguments) -> Rule:
    """Return the rule for which values have to satisfy the limit."""
    occasion = arguments.get("occasion", "latest")
    if "apart" in arguments and "count" not in arguments:
        raise ValueError("`apart` is the time between several days; it needs `count: at least 2`")
    if "count" not in arguments and "sustained" not in arguments:
        return OCCASIONS[occasion]
    if "count" in arguments and "sustained" in arguments:
        raise ValueError("`count` and `sustained` are two clauses; write a criterion with a part for each")
    if occasion in ("lowest", "highest") or ("count" in arguments and arguments.get("occasion") == "latest"):
        raise ValueError(f"`occasion: {occasion}` asks about one value; leave it out, or write `occasion: any`")
    if "sustained" in arguments:
        return Sustained(_provable(duration(arguments["sustained"]), "sustained"), occasion == "any")
    apart = arguments.get("apart")
    number = count(arguments["count"])
    if number.comparison not in (Comparison.AT_LEAST, Comparison.OVER):
        raise ValueError("`count` is written like 'at least 2': one more measurement may always be missing")
    return OnSeveralDays(number, _provable(duration(apart), "apart") if apart else None, occasion == "any")


def _provable(threshold: DurationThreshold, name: str) -> DurationThreshold:
    if threshold.comparison.is_upper_bound:
        raise ValueError(f"`{name}` is written like 'at least 3 months': another measurement may always be missing")
    return threshold


PANELS = "measurement-panels"
"""The panels that are searched if a document names none."""

OPERATOR = Operator(
    name="observation",
    says="A final score or measurement of the value set is on record, with a number and a day. With a `value`, a "
    "limit in a UCUM unit, it decides: the `occasion` says which value has to satisfy it, the latest (unless "
    "stated), the lowest, the highest, or any one; or `count`, that many separate days, each `apart` from the "
    "one before; or `sustained`, the latest value and another one that much earlier, and all between. With a "
    "`change`, the fall or rise to the latest value decides, `from` the first, the previous, the highest, or "
    "the lowest one `within` the time: in percent of that, or in a unit (for values in percent, in percentage "
    "points). `states` have to be recorded with the measurement, by its code, its method, a component or "
    "another member of its panel, or words: where one is not, the measurement may count. Those of `without` "
    "must not be. Where a measurement of `outranked_by` could decide in the same time and state, the clause "
    "does not hold. Nothing is decided where a value that is unread, undated, not final, without a unit, in "
    "one that does not convert, or in conflict with another of the same moment could change it. `panels` are "
    "those that hold the values or states as components, unless they are among `measurement-panels`.",
    schema=arguments(
        ["in"],
        value=phrase(VALUE, "at most 88 %"),
        occasion={"enum": list(OCCASIONS)},
        count=phrase(COUNT, "at least 2"),
        apart=phrase(DURATION, "at least 90 days"),
        sustained=phrase(DURATION, "at least 3 months"),
        change=phrase(CHANGE, "fell by at least 5 %"),
        within=phrase(SPAN, "6 months"),
        states=names("the name of a value set, or a list of which all have to be recorded"),
        without=names("the name of a value set, or a list of which none may be recorded"),
        outranked_by=NAMES,
        panels=NAMES,
        **{"in": NAMES, "from": {"enum": list(FROM)}},
    ),
    example="""
clause: {observation: {in: body-size, value: at least 35 kg/m2, within: 6 months}}
facts:
  - observation: {code: loinc 39156-5, value: 36.2, unit: kg/m2, at: 2026-02-01}
holds: yes
""",
    parse=_parse,
    resource_types=("Observation",),
    plain_words=("states", "without"),
)
