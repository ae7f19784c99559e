"""How much an order asks for, compared with a limit: the amounts of the operator `order`."""

import re
from dataclasses import dataclass
from functools import reduce

from coverage_policies.format.amount_phrases import VALUE, value_limit
from coverage_policies.format.operator import ClauseResult, Context, phrase
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from fhir_mappings.amounts import Amount, Interval, printed
from fhir_mappings.order_amounts import KINDS, as_count, counted, in_unit
from fhir_mappings.truth import Truth
from fhir_mappings.units import unit_named

_EXAMPLES = {
    "quantity": "at most 4",
    "supply": "at most 30 days",
    "refills": "at most 5",
    "dose": "at most 1 mg",
    "frequency": "at most 1 per week",
    "flow": "over 4 L/min",
}
SCHEMAS = {kind: phrase(VALUE, _EXAMPLES[kind]) for kind in KINDS}
"""The arguments by name."""
_LIKE = {"supply": "30 days", "frequency": "1 per week", "flow": "4 L/min"}
"""What an amount that always has a unit is like."""
_COUNTED = re.compile(r"(?P<limit>.*\d) (?P<unit>[a-z][a-z ]{1,30})")


@dataclass(frozen=True, slots=True)
class AmountCheck:
    """Whether the highest amount of one kind that the order states satisfies a limit.

    `counts` is what is counted, in the singular, if the limit is of things without a unit of measurement.
    """

    kind: str
    limit: Amount
    counts: str = ""

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES or NO by the highest amount, UNKNOWN without one, or if what cannot be read may change it."""
        stated = ctx.order.amounts(self.kind)
        if not stated:
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING)
        evidence = (ctx.order.stating(", ".join(map(_shown, stated))),)
        intervals = [self._converted(each) for each in stated]
        highest = reduce(_higher, (each or Interval() for each in intervals))
        holds = highest.lies_in(self.limit.interval)
        if holds is Truth.UNKNOWN:
            reason = Reason.UNCONVERTIBLE if None in intervals else Reason.VALUE_OUT_OF_RANGE
            return ClauseResult(Truth.UNKNOWN, reason, evidence)
        headline = f"{self.kind.capitalize()}: {evidence[0].value}" if holds is Truth.YES else ""
        return ClauseResult(holds, Reason.VALUE_OUT_OF_RANGE, evidence, headline=headline)

    def _converted(self, amount: Amount | None) -> Interval | None:
        """Return an amount in the unit of the limit; None if it is not understood."""
        if amount is None:
            return None
        if self.counts:
            return amount.interval if counted(amount.unit) == self.counts else None
        return in_unit(as_count(amount) if not self.limit.unit else amount, self.limit.unit)


def _shown(amount: Amount | None) -> str:
    """Return an amount in words; a rate as `1 per 6 d`, without a long decimal."""
    if amount is None:
        return "not understood"
    low, high = amount.interval.low, amount.interval.high
    if amount.unit.startswith("/") and low is not None and low == high:
        return f"{low.numerator} per {f'{low.denominator} ' if low.denominator > 1 else ''}{amount.unit[1:]}"
    return printed(amount)


def _higher(one: Interval, other: Interval) -> Interval:
    """Return what the higher of two numbers lies between."""
    lows = [each.low for each in (one, other) if each.low is not None]
    highs = [each.high for each in (one, other) if each.high is not None]
    return Interval(max(lows, default=None), max(highs) if len(highs) == 2 else None)


def amount_check(kind: str, written: str) -> AmountCheck:
    """Return the check of an amount. Raises ValueError for a limit that its kind cannot have."""
    found = _COUNTED.fullmatch(written) if kind in ("quantity", "dose") else None
    if found and not unit_named(found["unit"]):
        return AmountCheck(kind, value_limit(found["limit"]), counted(found["unit"]))
    limit = value_limit(written)
    wanted, given = unit_named(_LIKE.get(kind, "1").split(maxsplit=1)[-1]), unit_named(limit.unit or "1")
    if kind in _LIKE and (wanted is None or given is None or wanted.kind != given.kind):
        raise ValueError(f"{kind}: {written!r} has no unit of it; write it like 'at most {_LIKE[kind]}'")
    if kind == "refills" and limit.unit:
        raise ValueError(f"refills: {written!r} is no number of refills; write it like 'at most 5'")
    return AmountCheck(kind, limit)
