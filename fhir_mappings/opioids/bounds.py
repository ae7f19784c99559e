"""The least and the most that was taken on each day, as pieces: of all opioids at home, and of hospital orders."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from math import lcm

from fhir_mappings.opioids.endings import Ending
from fhir_mappings.opioids.prescriptions import DAYS_WITHOUT_END, Prescription
from fhir_mappings.opioids.series import Piece, highest, total
from fhir_mappings.opioids.spans import FOREVER, Span, by_drug

DAYS_AFTER_SUPPLY = 30
"""How long after its supply a record makes a dose possible, where it is to be proven that none was higher."""


def common_scale(spans: Iterable[Span], in_hospital: Iterable[Prescription]) -> int:
    """Return the scale at which every dose is a whole number of 1/scale MME, in which all pieces are."""
    found = chain((one for span in spans for one in span.members), in_hospital)
    doses = [stretch.dose for one in found for stretch in one.stretches]
    highs = {dose.high.denominator for dose in doses if dose.high is not None}
    return lcm(*highs, *{dose.low.denominator for dose in doses})


def least(spans: Iterable[Span], scale: int) -> list[Piece]:
    """Return the lower bound: what was supplied, with what may be the same counted once. Acute courses do not count."""
    families = by_drug(span for span in spans if not span.is_acute and not span.is_aside)
    return [piece for family in families for piece in _low(family, scale)]


def most(spans: Iterable[Span], scale: int) -> list[Piece]:
    """Return the upper bound: what was supplied, and goes on until a record ends it."""
    return _high(spans, lambda span: span.until, FOREVER, scale)


def most_on_record(spans: Iterable[Span], scale: int) -> list[Piece]:
    """Return the highest dose that records make possible: the supply of each, and a month more.

    Acute courses do not count. An order without a stated end counts until a record ends it, but for a month only if it
    is so old that it may not be in use any more.
    """
    regimens = (span for span in spans if not span.is_acute)
    return _high(regimens, _possible_until, DAYS_AFTER_SUPPLY, scale)


def hospital(prescriptions: Iterable[Prescription], scale: int) -> list[Piece]:
    """Return the upper bound of hospital orders, none of which goes on at home."""
    return [piece for one in prescriptions for piece in _pieces_high(one, FOREVER, scale)]


# --- upper bound -----------------------------------------------------------------------------------------------------


def _possible_until(span: Span) -> int:
    supplied = span.supplied_at_most
    if supplied == FOREVER and span.lead.is_stale:
        supplied = span.first_at_latest + DAYS_WITHOUT_END - 1
    return min(span.until, supplied + DAYS_AFTER_SUPPLY)


def _high(spans: Iterable[Span], until: Callable[[Span], int], longest_gap: int, scale: int) -> list[Piece]:
    """Return the pieces of all: the highest of what follows each other at one dose, to be added to the others."""
    tracks: dict[tuple[object, int], list[Piece]] = {}
    for span in spans:
        last = until(span)
        pieces = highest([piece for one in span.members for piece in _pieces_high(one, last, scale)])
        tracks.setdefault((span.drug, span.track), []).extend(_going_on(pieces, last, longest_gap))
    return [piece for pieces in tracks.values() for piece in highest(pieces)]


def _pieces_high(one: Prescription, until: int, scale: int) -> list[Piece]:
    found = []
    for stretch in one.stretches:
        first, last = stretch.start.earliest.toordinal(), min(stretch.end.latest.toordinal(), until)
        if first <= last:
            dose = stretch.dose.high
            found.append(Piece(first, last, None if dose is None else _whole(dose, scale)))
    return total(found)


def _whole(dose: Fraction, scale: int) -> int:
    return dose.numerator * (scale // dose.denominator)


def _going_on(pieces: list[Piece], until: int, longest_gap: int) -> list[Piece]:
    """Return the pieces of a treatment with the dose going on between its supplies, and after the last one."""
    gaps = [
        Piece(before.last + 1, min(after.first - 1, before.last + longest_gap), before.value)
        for before, after in pairwise(pieces)
        if before.last + 1 < after.first
    ]
    if pieces and pieces[-1].last < until:
        gaps.append(Piece(pieces[-1].last + 1, until, pieces[-1].value))
    return pieces + gaps


# --- lower bound -----------------------------------------------------------------------------------------------------


def _low(family: Sequence[Span], scale: int) -> list[Piece]:
    """Return the lower bound for one drug: the larger of what was ordered and what was dispensed without an order.

    Renewals of one product and dose count once. A new prescription may have replaced an older one: two of one drug add
    up only if they began on the same day.
    """
    by_signature: dict[tuple[bool, tuple[object, ...]], list[Piece]] = {}
    replacements = _Replacements(family)
    for span in family:
        pieces = highest([piece for one in span.members for piece in _pieces_low(one, span.kept_until, scale)])
        until = min(replacements.day_before(span), span.certain_until, span.until)
        cut = [piece._replace(last=min(piece.last, until)) for piece in pieces if piece.first <= until]
        by_signature.setdefault((span.is_dispense, span.signature), []).extend(cut)
    ordered, dispensed = (
        total([piece for key, pieces in by_signature.items() if key[0] is known for piece in highest(pieces)])
        for known in (False, True)
    )
    return highest(ordered + dispensed)


def _pieces_low(one: Prescription, kept_until: int, scale: int) -> list[Piece]:
    if one.upper_bound_only:
        return []
    found = []
    for stretch in one.stretches:
        if dose := _whole(stretch.dose.low, scale):
            first = stretch.start.latest.toordinal()
            kept = min(stretch.planned.toordinal(), kept_until)
            last = max(stretch.end.earliest.toordinal(), kept)
            if first <= last:
                found.append(Piece(first, last, dose))
    return total(found)


class _Replacements:
    """Which order or dispense of a drug may have replaced an older one.

    Renewals replace nothing; so that a long run of them is not looked through for each of them, it is skipped whole.
    """

    def __init__(self, family: Sequence[Span]) -> None:
        if len(family) == 1:
            family = ()  # nothing replaces itself
        self._found = [span for span in family if not span.lead.reported and span.ending is not Ending.DUPLICATE]
        self._vague = deque(span for span in self._found if span.first != span.first_at_latest)
        self._after_run = list(range(1, len(self._found) + 1))
        """For each, the position after all those that follow it and are renewals of it."""
        for position in range(len(self._found) - 2, -1, -1):
            if _is_renewal(self._found[position], self._found[position + 1]):
                self._after_run[position] = self._after_run[position + 1]

    def day_before(self, span: Span) -> int:
        """Return the last day before the first that may have replaced this one; FOREVER if there is none.

        Ask in the order of the beginnings.
        """
        # They are in the order of their beginnings, so the first that may have replaced it is the earliest.
        if not self._found:
            return FOREVER
        position = bisect_right(self._found, span.first, key=_first)
        while self._vague and self._vague[0].first_at_latest <= span.first:
            self._vague.popleft()
        for vague in self._vague:
            if vague.first > span.first:
                break
            if _may_replace(vague, span):
                return vague.first - 1
        while position < len(self._found):
            other = self._found[position]
            if _may_replace(other, span):
                return other.first - 1
            is_renewal = _is_renewal(span, other)
            position = self._after_run[position] if is_renewal else position + 1
        return FOREVER


def _first(span: Span) -> int:
    return span.first


def _is_renewal(span: Span, other: Span) -> bool:
    return other.signature == span.signature and not other.lead.problem


def _may_replace(other: Span, span: Span) -> bool:
    """Return whether a later order or dispense may have replaced this one. An order's own dispense does not."""
    if other.first_at_latest <= span.first or other is span or _is_renewal(span, other):
        return False
    is_dispense_of = other.is_dispense is not span.is_dispense
    return not (is_dispense_of and other.begins_about_when(span))
