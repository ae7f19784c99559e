"""Which procedures a clause is about: by the side of the order, what they were for, and the course at hand.

`same` matches records that state the side of the order, or both sides; a record that states none is UNKNOWN. With `or
not stated` such a record matches too, unless the chart names another side: then it may be on either. A record whose
sides contradict each other is UNKNOWN either way. An order that states no side is about the one side that the records
name; if they name two, or the order hints at the other, it has to be asked for its side. An order for both sides is
judged for each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from msgspec import structs

from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseResult,
    Context,
    as_list,
    names,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import SPAN, span
from coverage_policies.format.schema_errors import not_a_value
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.laterality import UNCLEAR, Side
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase
from fhir_mappings.orders import Order
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.truth import Truth, agreed, any_of

SAME = "same"
OR_SILENT = " or not stated"
_SINGLE_SIDES: tuple[Side, ...] = ("left", "right")

SCHEMAS: dict[str, Any] = {
    "side": {"enum": [SAME, f"{SAME}{OR_SILENT}"]},
    "purpose": {"enum": ["diagnostic", "therapeutic", f"diagnostic{OR_SILENT}", f"therapeutic{OR_SILENT}"]},
    "longest_pause": phrase(SPAN, "12 months"),
}
"""The schemas of the arguments."""

USE_SCHEMAS: Mapping[str, Any] = {
    "not_for": NAMES,
    "not_purpose": names("the name of a purpose in `order_terms`, or a list of which none may be stated"),
}
"""The schemas of the arguments for other uses of the same codes."""


@dataclass(frozen=True, slots=True)
class OtherUse:
    """What procedures of the same codes are done for that are not meant: reasons, and purposes in words."""

    reasons: ValueSet | None = None
    purposes: frozenset[str] = frozenset()

    def is_of(self, done: Procedure, terms: OrderTerms) -> Truth:
        """Return whether a procedure was for that; UNKNOWN if its words only hint at it, or its reason only asks."""
        found = [Truth.NO]
        for concept in done.about:
            if self.reasons is not None and (match := self.reasons.match(concept)):
                found.append(Truth.YES if match.decides else Truth.UNKNOWN)
            if self.purposes:
                read = [each for one in concept for each in read_phrase(one.display, terms, ("purpose",))]
                named = [each for each in read if each.value in self.purposes]
                found += [Truth.YES if each.is_stated else Truth.UNKNOWN for each in named]
        return any_of(found)


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a procedure must be for a clause to be about it; empty if it may be anything.

    `longest_pause` is the longest time between two procedures of one course of treatment; None counts all courses.
    """

    side: str = ""
    purpose: str = ""
    longest_pause: CalendarPeriod | None = None
    other_use: OtherUse | None = None

    def of(self, found: Sequence[Procedure], ctx: Context) -> tuple[Truth, ...]:
        """Return for each procedure on record whether the clause is about it."""
        if not (self.side or self.purpose or self.longest_pause or self.other_use):
            return (Truth.YES,) * len(found)
        by_purpose = [self._by_purpose(each, ctx) for each in found]
        of_any_side = _both_hold(by_purpose, self._at_hand(found, [Truth.YES] * len(found), ctx))
        if not self.side:
            return of_any_side
        sides = _sides_named(found, of_any_side)
        by_side = [self._by_side(each, ctx, sides) for each in found]
        return _both_hold(by_purpose, _both_hold(by_side, self._at_hand(found, by_side, ctx)))

    def needs_side(self, found: Sequence[Procedure], ctx: Context) -> bool:
        """Return whether the order must state its side, because the records name two, or not the one it hints at."""
        if not self.side or ctx.order.side is not None:
            return False
        sides = _sides_named(found, replace(self, side="").of(found, ctx))
        return bool(sides) and _side_meant(ctx.order, sides) is None

    def _at_hand(self, found: Sequence[Procedure], fitting: Sequence[Truth], ctx: Context) -> Sequence[Truth]:
        """Return whether each procedure is of the course at hand, to which those of any purpose belong."""
        return (
            _in_course(found, fitting, self.longest_pause, ctx.anchor)
            if self.longest_pause
            else [Truth.YES] * len(found)
        )

    def _by_side(self, done: Procedure, ctx: Context, sides: set[Side]) -> Truth:
        if not self.side or done.side == "bilateral":
            return Truth.YES
        ours = _side_meant(ctx.order, sides)
        if done.side is None:
            return Truth.YES if self.side.endswith(OR_SILENT) and sides <= {ours} else Truth.UNKNOWN
        is_known = done.side != UNCLEAR and ours in _SINGLE_SIDES
        return Truth.of(done.side == ours) if is_known else Truth.UNKNOWN

    def _by_purpose(self, done: Procedure, ctx: Context) -> Truth:
        if self.other_use and (is_other := self.other_use.is_of(done, ctx.record.terms)) is not Truth.NO:
            return ~is_other
        if not self.purpose:
            return Truth.YES
        if not done.purpose:
            return Truth.YES if self.purpose.endswith(OR_SILENT) else Truth.UNKNOWN
        return Truth.of(done.purpose == self.purpose.removesuffix(OR_SILENT))


def _both_hold(one: Sequence[Truth], other: Sequence[Truth]) -> tuple[Truth, ...]:
    return tuple(this & that for this, that in zip(one, other, strict=True))


def _sides_named(found: Sequence[Procedure], fitting: Sequence[Truth]) -> set[Side]:
    return {
        each.side
        for each, fits in zip(found, fitting, strict=True)
        if each.side in _SINGLE_SIDES and fits is not Truth.NO
    }


def _side_meant(order: Order, sides: set[Side]) -> Side | None:
    """Return the side that an order states, else the only one that the records name if it hints at no other."""
    if order.side is not None:
        return order.side
    said = order.stated.get("side", frozenset()) | order.hinted.get("side", frozenset())
    return next(iter(sides)) if len(sides) == 1 and said <= sides else None


def belonging(arguments: Arguments, longest_pause: str = "") -> Belonging:
    """Return what `side` and `purpose` of a clause ask for, and the course of treatment if there is a longest pause."""
    pause = span(longest_pause) if longest_pause else None
    return Belonging(arguments.get("side", ""), arguments.get("purpose", ""), pause)


def other_use(arguments: Arguments, sets: ValueSets) -> OtherUse | None:
    """Return what `not_for` and `not_purpose` of a clause leave out, None if it has neither.

    Raises ValueError for a purpose that the words of orders do not have.
    """
    reasons, purposes = arguments.get("not_for"), as_list(arguments.get("not_purpose", ()))
    known = sets.order_terms.attributes["purpose"].values if purposes else ()
    for each in purposes:
        if each not in known:
            raise ValueError(not_a_value("not_purpose", each, known))
    if not reasons and not purposes:
        return None
    return OtherUse(value_set(reasons, sets) if reasons else None, frozenset(purposes))


def on_each_side(
    whose: Belonging, found: Sequence[Procedure], ctx: Context, judge: Callable[[Belonging, Context], ClauseResult]
) -> ClauseResult:
    """Return the result for the side of the order.

    For an order for both sides, return what holds for each of them; there, a record without a side proves nothing of
    either. Mark a result that is open because the order has to state its side.
    """
    if whose.side and ctx.order.side == "bilateral":
        strict = replace(whose, side=SAME)
        return _both([judge(strict, replace(ctx, order=ctx.order.with_side(side))) for side in _SINGLE_SIDES])
    result = judge(whose, ctx)
    needs_side = result.holds is Truth.UNKNOWN and whose.needs_side(found, ctx)
    return structs.replace(result, needs_side=True) if needs_side else result


def _both(results: Sequence[ClauseResult]) -> ClauseResult:
    holds = agreed(result.holds for result in results)
    evidence = tuple(dict.fromkeys(item for result in results for item in result.evidence))
    alike = next((result for result in results if result.holds is holds), None)
    if alike is None:  # it holds for one side and not for the other
        return ClauseResult(holds, Reason.INVALID_ATTRIBUTE, evidence)
    return structs.replace(alike, evidence=evidence, headline="")


def none_at_hand(
    found: Sequence[Procedure], belongs: Sequence[Truth], whose: Belonging, ctx: Context, *kinds: str
) -> ClauseResult:
    """Return the result for a chart without a record of these types that counts.

    Those of another side or course are shown.
    """
    none = nothing_found(ctx.record, *kinds)
    if not found:
        return none
    ever = replace(whose, longest_pause=None).of(found, ctx)
    of_any_side = replace(whose, side="").of(found, ctx)
    for reason, then in ((Reason.DATE_OUT_OF_RANGE, ever), (Reason.INVALID_ATTRIBUTE, of_any_side)):
        passed_over = zip(found, belongs, then, strict=True)
        shown = tuple(each.evidence for each, now, fits in passed_over if now is Truth.NO and fits is not Truth.NO)
        if shown:
            return structs.replace(none, reason=reason, evidence=shown)
    return none


def _in_course(
    found: Sequence[Procedure], fitting: Sequence[Truth], pause: CalendarPeriod, anchor: date
) -> list[Truth]:
    """Return whether each procedure belongs to the course at hand, which reaches back to the last longer pause."""
    days = [each.day if fits is not Truth.NO else None for each, fits in zip(found, fitting, strict=True)]
    certain = [
        day if fits is Truth.YES and each.progress is Progress.DONE else None
        for day, fits, each in zip(days, fitting, found, strict=True)
    ]
    surely_since = _reaching_back([day for day in certain if day], pause, anchor, is_certain=True)
    maybe_since = _reaching_back([day for day in days if day], pause, anchor, is_certain=False)
    return [_is_since(day, surely_since, maybe_since, pause) for day in days]


def _is_since(day: DateInterval | None, surely: date, maybe: date, pause: CalendarPeriod) -> Truth:
    if day is None:
        return Truth.UNKNOWN
    if plus(day.earliest, pause) >= surely:
        return Truth.YES
    return Truth.NO if plus(day.latest, pause) < maybe else Truth.UNKNOWN


def _reaching_back(days: Sequence[DateInterval], pause: CalendarPeriod, anchor: date, *, is_certain: bool) -> date:
    """Return the first day of the course, going back from the anchor date over every pause that is short enough."""
    since = anchor
    for day in sorted(days, key=lambda day: day.latest, reverse=True):
        near, far = (day.earliest, day.latest) if is_certain else (day.latest, day.earliest)
        if plus(near, pause) >= since:
            since = min(since, far)
    return since
