"""The combined dosage instructions of one resource: a dose, or several doses in sequence."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import reduce
from itertools import groupby
from operator import add
from typing import Any, NamedTuple

from fhir_mappings.dates import DateInterval, later
from fhir_mappings.fhir_json import Json, canonical
from fhir_mappings.opioids.content import factor_of
from fhir_mappings.opioids.dosage_words import times_of_day
from fhir_mappings.opioids.dose import supplied_per_day
from fhir_mappings.opioids.instructions import DailyMme, Instruction
from fhir_mappings.opioids.quantities import (
    Interval,
    UnconvertibleError,
    days,
    exactly,
    number,
)
from fhir_mappings.opioids.table import Product
from fhir_mappings.opioids.timing import frequency
from fhir_mappings.record import PatientRecord
from fhir_mappings.short_texts import Kept

NO_DOSE_KNOWN = Interval(Fraction(0), None)


class Step(NamedTuple):
    """A dose in MME per day, the days on which it may have begun, and those on which it may have ended, if stated."""

    dose: Interval
    start: DateInterval
    end: DateInterval | None = None


class Sig(NamedTuple):
    """The dose of a resource over all its `steps`. `problem` says why there is no upper bound."""

    dose: Interval
    steps: tuple[Step, ...]
    problem: str = ""
    may_be_dispensed: bool = False
    """Whether the dispenses may determine the dose instead."""


class StatedSupply(NamedTuple):
    """A dispensed or prescribed quantity and its Duration, as sent; `element` is the element that has both.

    `content` is both as JSON, empty if neither is stated.
    """

    quantity: Json
    duration: Json
    element: str
    content: bytes


def as_stated(quantity: Json, duration: Json, element: str) -> StatedSupply:
    """Return a quantity and its Duration with their content."""
    is_stated = quantity is not None or duration is not None
    return StatedSupply(quantity, duration, element, canonical((quantity, duration)) if is_stated else b"")


NO_SUPPLY = as_stated(None, None, "")


def known_sig(dose: Interval, start: DateInterval) -> Sig:
    """Return a sig of one dose."""
    return Sig(dose, (Step(dose, start),))


def unknown_sig(
    record: PatientRecord,
    instructions: Sequence[Instruction],
    start: DateInterval,
    problem: str,
    *,
    may_be_dispensed: bool = False,
) -> Sig:
    """Return a sig whose dose is unknown, with the times of its steps."""
    placed = known_sig(NO_DOSE_KNOWN, start)
    if instructions:
        placed = _in_sequence(record, instructions, [NO_DOSE_KNOWN] * len(instructions), start)
    return placed._replace(problem=problem, may_be_dispensed=may_be_dispensed)


def read_sig(
    record: PatientRecord,
    instructions: Sequence[Instruction],
    product: Product,
    start: DateInterval,
    supply: StatedSupply,
) -> Sig:
    """Read the dosage instructions of a resource that begins on `start`; fall back to the supply per day."""
    try:
        factor_of(product)
    except UnconvertibleError as error:
        return unknown_sig(record, instructions, start, str(error))
    supplied = _supplied(supply, product)
    alone = supplied if len(instructions) == 1 else None
    found = [one.daily_mme(product, alone) for one in instructions]
    unread = [one for one in found if one.problem] or ([] if found else [DailyMme(None, _NO_INSTRUCTION)])
    if not unread:
        return _in_sequence(record, instructions, [one.mme for one in found if one.mme is not None], start)
    first = next((one for one in unread if one.has_no_factor), unread[0])
    if first.has_no_factor or first.is_contradictory:
        return unknown_sig(record, instructions, start, first.problem)
    if supplied is None:
        return unknown_sig(record, instructions, start, first.problem, may_be_dispensed=True)
    lowest = Fraction(0) if any(one.said.is_as_needed for one in instructions) else supplied.low
    return known_sig(Interval(lowest, supplied.high), start)


_NO_INSTRUCTION = "the dosage instruction is missing"


def last_days(start: DateInterval, length: Interval) -> DateInterval:
    """Return the last days of something that begins on `start` and lasts `length` days."""
    low, high = length.low, length.high
    first = later(start.earliest, low.numerator // low.denominator - 1)
    last = date.max if high is None else later(start.latest, -(-high.numerator // high.denominator) - 1)
    return DateInterval(first, max(first, last))


def _supplied(supply: StatedSupply, product: Product) -> Interval | None:
    if supply.quantity is None or supply.duration is None:
        return None
    return _SUPPLIED.of(supply.content, product, lambda: _read_supplied(supply, product))


_SUPPLIED: Kept[Interval | None] = Kept()


def _read_supplied(supply: StatedSupply, product: Product) -> Interval | None:
    try:
        return supplied_per_day(supply.quantity, supply.duration, product, supply.element)
    except UnconvertibleError:
        return None


def _in_sequence(
    record: PatientRecord, instructions: Sequence[Instruction], doses: Sequence[Interval], start: DateInterval
) -> Sig:
    """Combine instructions: those with the same sequence number, or none, are concurrent; others follow each other.

    Those for different times of the day are concurrent, too, unless one of them has an end. If a step that others
    follow has no end, the time of the later ones is unknown: from there on, the dose may be that of any of them, or of
    all together.
    """
    if len(instructions) == 1:
        return Sig(doses[0], (Step(doses[0], *_bounds(record, instructions[0], start)),))
    with_doses = list(zip(instructions, doses, strict=True))
    if len(set(map(_position, instructions))) == 1 or _make_up_a_day(record, instructions, start):
        return Sig(_sum(doses), tuple(Step(dose, *_bounds(record, one, start)) for one, dose in with_doses))
    with_doses.sort(key=lambda each: _position(each[0]))
    groups = [list(group) for _, group in groupby(with_doses, key=lambda each: _position(each[0]))]
    steps: list[Step] = []
    begin = start
    for position, group in enumerate(groups):
        dose = _sum([dose for _, dose in group])
        first, end = _bounds(record, group[0][0], begin)
        if end is None and position + 1 < len(groups):
            rest = [_sum([dose for _, dose in later]) for later in groups[position:]]
            steps.append(Step(Interval(min(one.low for one in rest), _sum(rest).high), first))
            break
        steps.append(Step(dose, first, end))
        if end is not None:
            begin = DateInterval(_next_day(end.earliest), _next_day(end.latest))
    return Sig(reduce(Interval.hull, (step.dose for step in steps)), tuple(steps))


def _make_up_a_day(record: PatientRecord, instructions: Sequence[Instruction], start: DateInterval) -> bool:
    """Return whether each instruction is for other times of the day than the others, and none has an end."""
    moments = [times_of_day(one.dosage, one.said.words) for one in instructions]
    named = [moment for each in moments for moment in each]
    unbounded = all(_bounds(record, one, start) == (start, None) for one in instructions)
    # Hours of the clock and names such as the morning may be the same time.
    of_one_kind = len({moment[0].isdigit() for moment in named}) == 1
    return unbounded and all(moments) and of_one_kind and len(named) == len(set(named))


def _sum(doses: Sequence[Interval]) -> Interval:
    return reduce(add, doses)


def _position(instruction: Instruction) -> Fraction:
    return number(instruction.dosage.get("sequence")) or Fraction(0)


def _next_day(day: date) -> date:
    return later(day, 1)


def _bounds(
    record: PatientRecord, instruction: Instruction, start: DateInterval
) -> tuple[DateInterval, DateInterval | None]:
    """Return when one instruction begins and ends: by `timing.repeat.bounds[x]`, else by the number of doses.

    A course of a few days in words ends by them; if its bounds say otherwise, on any day between the two. So does one
    with a number of doses that does not fit the end of its period.
    """
    timing, repeat = instruction.timing, instruction.repeat
    first, last = instruction.bounds
    begin = first or start
    if instruction.said.is_single_dose:
        event = timing.get("event")
        begin = (record.when(event[0]) if isinstance(event, list) and event else None) or begin
        return begin, DateInterval(begin.earliest, max(begin.latest, last.latest) if last else begin.latest)
    length = _length(repeat, timing)
    if length is not None:
        by_length = last_days(begin, length)
        if last is None:
            last = by_length
        elif not _same_end(last, by_length):
            last = _between(last, by_length)
    said = instruction.said.days
    in_words = last_days(begin, said) if said is not None else None
    if last is None and repeat.get("boundsDuration") is None and repeat.get("boundsRange") is None:
        return begin, in_words
    if last is None or in_words is None or in_words.latest == date.max or _same_end(last, in_words):
        return begin, last
    return begin, _between(last, in_words)


def _between(one: DateInterval, other: DateInterval) -> DateInterval:
    """Return the days from the earlier to the later of two ends."""
    return DateInterval(min(one.earliest, other.earliest), max(one.latest, other.latest))


def _same_end(stated: DateInterval, in_words: DateInterval) -> bool:
    """Return whether two ends are the same; the day of the last dose is the last of a period or the one before."""
    return stated.earliest <= _next_day(in_words.latest) and in_words.earliest <= stated.latest


def _length(repeat: Mapping[str, Any], timing: Json) -> Interval | None:
    within = repeat.get("boundsRange")
    count = number(repeat.get("count"))
    try:
        if repeat.get("boundsDuration") is not None:
            return exactly(days(repeat["boundsDuration"], "boundsDuration"))
        if isinstance(within, Mapping):
            low = days(within["low"], "boundsRange.low") if within.get("low") is not None else Fraction(0)
            high = days(within["high"], "boundsRange.high") if within.get("high") is not None else None
            return Interval(low, high)
        if count is not None:
            often = frequency(timing).per_day
            most = number(repeat["countMax"]) if repeat.get("countMax") is not None else count
            if often.high and often.low and most is not None:
                return Interval(count / often.high, most / often.low)
    except UnconvertibleError:
        return None
    return None


def stated_start(instructions: Sequence[Instruction]) -> DateInterval | None:
    """Return the earliest `boundsPeriod.start` of the instructions; None if there is none."""
    starts = [first for one in instructions if (first := one.bounds[0]) is not None]
    if len(starts) < 2:
        return starts[0] if starts else None
    return min(starts, key=lambda when: (when.earliest, when.latest))
