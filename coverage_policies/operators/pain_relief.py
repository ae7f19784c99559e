"""`pain_relief`: how much of the pain a procedure took away, by scores on one scale around it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from coverage_policies.determination import Reason
from coverage_policies.operators.base import (
    NAMES,
    Arguments,
    Circumstances,
    Finding,
    Holds,
    Operator,
    arguments,
    nothing_found,
    phrase,
    value_set,
)
from coverage_policies.phrases import HOURS, PERCENT, NumberTest, hours, percent
from coverage_policies.searches import PROCEDURES, Search, observations
from coverage_policies.value_sets import ValueSet
from fhir_mappings.codings import LOINC
from fhir_mappings.pain_relief import Relief, reliefs
from fhir_mappings.procedures import Progress, procedures
from fhir_mappings.record import Availability


@dataclass(frozen=True, slots=True)
class PainReliefTest:
    """Whether procedures of a set, on enough separate days, each took away enough of the pain."""

    after: ValueSet
    relief: NumberTest | None
    occasions: int
    scale: ValueSet
    before: timedelta
    until: timedelta

    @property
    def searches(self) -> tuple[Search, ...]:
        """The procedures, and the scores by their codes."""
        return (PROCEDURES, observations(self.scale.codes(LOINC)))

    def find(self, case: Circumstances) -> Finding:
        """Holds with enough days on which every measured procedure passed; days that fail do not undo others."""
        record = case.record
        done = [p for p in procedures(record, self.after.match) if p.start is None or p.start.earliest <= case.anchor]
        if not done:
            return nothing_found(record, "Procedure")
        measured = reliefs(record, done, self.scale.match, before=self.before, after=self.until)
        evidence = tuple(
            item if item.reference != each.procedure.reference else replace(item, value=each.printed or each.problem)
            for each in measured
            for item in each.evidence
        ) or tuple(p.evidence for p in done)
        if self.relief is None:
            is_certain = any(p.progress is Progress.DONE for p in done)
            holds = Holds.YES if is_certain else Holds.CANNOT_TELL
            return Finding(holds, Reason.PRESENT if is_certain else Reason.INVALID_ATTRIBUTE, evidence)
        # A score that was not read might be the one that shows less relief.
        if record.availability("Procedure") is not Availability.COMPLETE:
            return Finding(Holds.CANNOT_TELL, Reason.DATA_UNAVAILABLE, evidence)
        if record.availability("Observation") is not Availability.COMPLETE:
            return Finding(Holds.CANNOT_TELL, Reason.DATA_UNAVAILABLE, evidence)
        days = self._days(measured)
        if sum(passed is True for passed in days) >= self.occasions:
            return Finding(Holds.YES, Reason.PRESENT, evidence)
        failed = any(passed is False for passed in days)
        return Finding(Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE if failed else Reason.MISSING, evidence)

    def _days(self, measured: tuple[Relief, ...]) -> list[bool | None]:
        """Per day of treatment whether it passed: several procedures on one day are one occasion."""
        by_day: dict[str, list[bool | None]] = {}
        for each in measured:
            passed = None if each.percent is None or self.relief is None else self.relief.holds(each.percent)
            by_day.setdefault(str(each.procedure.start or each.procedure.reference), []).append(passed)
        return [False if False in day else None if None in day else True for day in by_day.values()]


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> PainReliefTest:
    relief = arguments.get("relief")
    return PainReliefTest(
        after=value_set(arguments["after"], sets),
        relief=percent(relief) if relief else None,
        occasions=int(arguments.get("occasions", "1")),
        scale=value_set(arguments.get("scale", DEFAULTS["scale"]), sets),
        before=hours(arguments.get("before", DEFAULTS["before"])),
        until=hours(arguments.get("until", DEFAULTS["until"])),
    )


DEFAULTS = {"scale": "pain-severity-0-10", "before": "24 hours", "until": "8 hours", "occasions": "1"}
"""What holds where a document does not say otherwise."""

OPERATOR = Operator(
    name="pain_relief",
    says="After a procedure of the value set the pain fell: from the last score `before` it to the worst score "
    "`until` so long after it, both on one scale with a time of day. `occasions` counts separate days.",
    schema=arguments(
        ["after"],
        after=NAMES,
        relief=phrase(PERCENT, "at least 75 %"),
        occasions=phrase(r"^[1-9]\d*$", "2"),
        scale=NAMES,
        before=phrase(HOURS, "24 hours"),
        until=phrase(HOURS, "24 hours"),
    ),
    example="""
clause: {pain_relief: {after: sij-injection, relief: at least 75 %, occasions: 2}}
facts:
  - injection: {code: cpt 27096, at: 2026-01-05T10:00, pain: {before: 8, after: 2}}
  - injection: {code: cpt 27096, at: 2026-02-02T10:00, pain: {before: 9, after: 2}}
finds: holds
""",
    parse=_parse,
    defaults=DEFAULTS,
)
