"""Regimens added up to a lower and an upper bound of the dose on each day.

All sums run over pieces, which are runs of days with one value, so that the cost of a year depends on its changes only.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm
from typing import NamedTuple

from fhir_mappings.opioids.prescriptions import Prescription
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.regimens import OpioidChart, Regimen

BRIDGED_DAYS = 7
"""The longest gap between fills of one drug, in days, that leftovers may have covered."""


class Piece(NamedTuple):
    """A value on the days from `first` to `last`, both inclusive ordinals; None means no upper bound."""

    first: int
    last: int
    value: Fraction | None


def total(values: Iterable[Fraction]) -> Fraction:
    """Return the sum of the values."""
    return sum(values, Fraction(0))


def highest(values: Iterable[Fraction]) -> Fraction:
    """Return the highest of the values."""
    return max(values)


@dataclass(frozen=True, slots=True)
class Series:
    """The bounds of the dose on the days from `first` to `last`, as running sums, so that any mean is one subtraction.

    The sums are integers in units of 1/`scale` MME: as exact as fractions, and fast.
    """

    first: date
    last: date
    scale: int
    low_sums: tuple[int, ...]
    high_sums: tuple[int, ...]
    unbounded: tuple[int, ...]
    """The number of days without an upper bound, up to each day."""

    def mean(self, first: date, last: date) -> Interval:
        """Return the mean per day from `first` to `last`, both inclusive."""
        begin, end = (first - self.first).days, (last - self.first).days + 1
        return self.as_mean(*self._sums(begin, end), end - begin)

    def moving_sums(self, days: int, first: date, last: date) -> list[tuple[int, int | None]]:
        """Return the lower and upper sum of every window of `days` days between two dates, in units of the sums."""
        begin, end = (first - self.first).days, (last - self.first).days + 1
        return [self._sums(n, n + days) for n in range(begin, end - days + 1)]

    def as_mean(self, low: int, high: int | None, days: int) -> Interval:
        """Return sums over `days` days as a mean in MME per day."""
        unit = self.scale * days
        return Interval(Fraction(low, unit), None if high is None else Fraction(high, unit))

    def _sums(self, begin: int, end: int) -> tuple[int, int | None]:
        low = self.low_sums[end] - self.low_sums[begin]
        if self.unbounded[end] > self.unbounded[begin]:
            return low, None
        return low, self.high_sums[end] - self.high_sums[begin]


def regular_series(chart: OpioidChart, first: date, last: date) -> Series:
    """Return the dose outside the hospital."""
    families: dict[tuple[str, str], list[Regimen]] = {}
    for regimen in chart.regimens:
        families.setdefault(regimen.leading.medication.drug, []).append(regimen)
    low = [piece for family in families.values() for piece in _lower_bound(family)]
    high = [piece for family in families.values() for piece in _upper_bound(family)]
    return _series(low, high, first, last)


def hospital_series(chart: OpioidChart, first: date, last: date) -> Series:
    """Return the dose that hospital orders may have added."""
    return _series([], [piece for one in chart.in_hospital for piece in _high(one, 0)], first, last)


def _series(low: Sequence[Piece], high: Sequence[Piece], first: date, last: date) -> Series:
    lows = _daily(combined(low, total), first, last)
    highs = _daily(combined(high, total), first, last)
    scale = lcm(*{value.denominator for value in lows + highs if value is not None})
    return Series(
        first,
        last,
        scale,
        _running(lows, scale),
        _running(highs, scale),
        tuple(accumulate((int(value is None) for value in highs), initial=0)),
    )


def _running(values: Sequence[Fraction | None], scale: int) -> tuple[int, ...]:
    whole = (0 if value is None else value.numerator * (scale // value.denominator) for value in values)
    return tuple(accumulate(whole, initial=0))


def _daily(pieces: Sequence[Piece], first: date, last: date) -> list[Fraction | None]:
    begin = first.toordinal()
    days: list[Fraction | None] = [Fraction(0)] * ((last - first).days + 1)
    for piece in pieces:
        start, end = max(piece.first - begin, 0), min(piece.last - begin, len(days) - 1)
        if start <= end:
            days[start : end + 1] = [piece.value] * (end - start + 1)
    return days


def combined(pieces: Sequence[Piece], choice: Callable[[Iterable[Fraction]], Fraction]) -> list[Piece]:
    """Return overlapping pieces as separate pieces, combined by `choice` (`total` or `highest`); gaps stay gaps."""
    cuts = sorted({piece.first for piece in pieces} | {piece.last + 1 for piece in pieces})
    result = []
    for first, end in pairwise(cuts):
        values = [piece.value for piece in pieces if piece.first <= first < piece.last + 1]
        if values:
            known = [value for value in values if value is not None]
            result.append(Piece(first, end - 1, choice(known) if len(known) == len(values) else None))
    return result


def _low(one: Prescription) -> list[Piece]:
    if one.upper_bound_only:
        return []
    stretches = [
        Piece(stretch.start.latest.toordinal(), stretch.end.earliest.toordinal(), stretch.dose.low)
        for stretch in one.stretches
        if stretch.dose.low
    ]
    return combined([piece for piece in stretches if piece.first <= piece.last], total)


def _high(one: Prescription, days_left_over: int) -> list[Piece]:
    stretches = [
        Piece(
            stretch.start.earliest.toordinal(),
            min(stretch.end.latest.toordinal() + days_left_over, date.max.toordinal()),
            stretch.dose.high,
        )
        for stretch in one.stretches
    ]
    return combined([piece for piece in stretches if piece.first <= piece.last], total)


def _lower_bound(family: Sequence[Regimen]) -> list[Piece]:
    """Return the lower bound for one drug: renewals count once, and a new prescription may have replaced an older one.

    Two prescriptions of one drug and release form add up only if they began on the same day.
    """
    by_signature: dict[tuple[object, ...], list[Piece]] = {}
    for regimen in family:
        lead = regimen.leading
        pieces = combined([piece for one in regimen.prescriptions for piece in _low(one)], highest)
        end = min((_may_replace(other.leading, lead) for other in family), default=date.max)
        until = end.toordinal() - 1
        cut = [piece._replace(last=min(piece.last, until)) for piece in pieces if piece.first <= until]
        by_signature.setdefault(lead.signature, []).extend(cut)
    return [piece for pieces in by_signature.values() for piece in combined(pieces, highest)]


def _may_replace(other: Prescription, one: Prescription) -> date:
    """Return the day from which `other` may have replaced `one`; `date.max` if it cannot have."""
    renews = other.signature == one.signature and not other.problem
    is_order = other.kind in ("MedicationRequest", "MedicationDispense") and not other.reported
    if other is one or renews or not is_order or other.start.latest <= one.start.earliest:
        return date.max
    return other.start.earliest


def _upper_bound(family: Sequence[Regimen]) -> list[Piece]:
    """Return the upper bound for one drug: all add up except an order and its replacement; short gaps are bridged."""
    left_over = _left_over(family)
    highs = []
    for chain in _chains(family):
        members = [one for regimen in chain for one in regimen.prescriptions]
        highs += combined([piece for one in members for piece in _high(one, left_over.get(id(one), 0))], highest)
    return _bridged(combined(highs, total))


def _left_over(family: Sequence[Regimen]) -> Mapping[int, int]:
    """Return by how many days fills outlast their supply because earlier ones had not run out; leftovers accumulate."""
    found = {}
    by_signature: dict[tuple[object, ...], list[Prescription]] = {}
    for regimen in family:
        for fill in regimen.fills:
            if fill.by_supply:
                by_signature.setdefault(fill.signature, []).append(fill)
    for fills in by_signature.values():
        fills.sort(key=lambda fill: (fill.start.earliest, fill.reference))
        left = 0
        for before, fill in pairwise(fills):
            if before.end.latest == date.max:
                left = 0
                continue
            left = max((before.end.latest - fill.start.earliest).days + 1 + left, 0)
            if left:
                found[id(fill)] = left
    return found


def _chains(family: Sequence[Regimen]) -> list[list[Regimen]]:
    """Return regimens, joined if one says that it replaces the other (priorPrescription)."""
    chains = [[position] for position in range(len(family))]
    position_of = {one.reference: n for n, regimen in enumerate(family) for one in regimen.prescriptions}
    for position, regimen in enumerate(family):
        prior = position_of.get(regimen.leading.replaces)
        if prior is not None and chains[prior] is not chains[position]:
            joined = sorted(chains[prior] + chains[position])
            for member in joined:
                chains[member] = joined
    return [[family[position] for position in chain] for chain in sorted({tuple(chain) for chain in chains})]


def _bridged(pieces: list[Piece]) -> list[Piece]:
    bridges = [
        Piece(before.last + 1, after.first - 1, before.value)
        for before, after in pairwise(pieces)
        if 0 < after.first - before.last - 1 <= BRIDGED_DAYS
    ]
    return pieces + bridges


def overlaps(one: Prescription, first: date, last: date) -> bool:
    """Return whether any of a prescription may have been taken on these days."""
    return any(stretch.start.earliest <= last and stretch.end.latest >= first for stretch in one.stretches)


def window(last: date, days: int) -> tuple[date, date]:
    """Return the first and last day of the `days` days that end on `last`."""
    return last - timedelta(days=days - 1), last
