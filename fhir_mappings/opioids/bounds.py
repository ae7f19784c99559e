"""The least and the most that was taken on each day, as pieces: of all opioids at home, and of hospital orders."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from fhir_mappings.opioids.acute import begins_about_when
from fhir_mappings.opioids.endings import Ending
from fhir_mappings.opioids.prescriptions import DAYS_WITHOUT_END, Prescription
from fhir_mappings.opioids.series import Piece, highest, total
from fhir_mappings.opioids.spans import FOREVER, Span, by_drug

DAYS_AFTER_SUPPLY = 30
"""How long after its supply a record makes a dose possible, where it is to be proven that none was higher."""


def least(spans: Iterable[Span]) -> list[Piece]:
    """Return the lower bound: what was supplied, with what may be the same counted once. Acute courses do not count."""
    families = by_drug(span for span in spans if not span.treatment.is_acute and not span.is_aside)
    return [piece for family in families for piece in _low(family)]


def most(spans: Iterable[Span]) -> list[Piece]:
    """Return the upper bound: what was supplied, and goes on until a record ends it."""
    return _high(spans, lambda span: span.until, FOREVER)


def most_on_record(spans: Iterable[Span]) -> list[Piece]:
    """Return the highest dose that records make possible: the supply of each, and a month more.

    Acute courses do not count. An order without a stated end counts until a record ends it, but for a month only if it
    is so old that it may not be in use any more.
    """
    regimens = (span for span in spans if not span.treatment.is_acute)
    return _high(regimens, _possible_until, DAYS_AFTER_SUPPLY)


def hospital(prescriptions: Iterable[Prescription]) -> list[Piece]:
    """Return the upper bound of hospital orders, none of which goes on at home."""
    return [piece for one in prescriptions for piece in _pieces_high(one, FOREVER)]


# --- upper bound -----------------------------------------------------------------------------------------------------


def _possible_until(span: Span) -> int:
    supplied = span.supplied_at_most
    if supplied == FOREVER and span.lead.is_stale:
        supplied = span.first_at_latest + DAYS_WITHOUT_END - 1
    return min(span.until, supplied + DAYS_AFTER_SUPPLY)


def _high(spans: Iterable[Span], until: Callable[[Span], int], longest_gap: int) -> list[Piece]:
    """Return the pieces of all: the highest of what follows each other at one dose, to be added to the others."""
    tracks: dict[tuple[object, int], list[Piece]] = {}
    for span in spans:
        last = until(span)
        pieces = highest([piece for one in span.members for piece in _pieces_high(one, last)])
        tracks.setdefault((span.drug, span.track), []).extend(_going_on(pieces, last, longest_gap))
    return [piece for pieces in tracks.values() for piece in highest(pieces)]


def _pieces_high(one: Prescription, until: int) -> list[Piece]:
    stretches = [
        Piece(stretch.start.earliest.toordinal(), min(stretch.end.latest.toordinal(), until), stretch.dose.high)
        for stretch in one.stretches
    ]
    return total([piece for piece in stretches if piece.first <= piece.last])


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


def _low(family: Sequence[Span]) -> list[Piece]:
    """Return the lower bound for one drug: the larger of what was ordered and what was dispensed without an order."""
    ordered, dispensed = (
        total(_low_by_signature([span for span in family if span.treatment.is_dispense is is_dispense], family))
        for is_dispense in (False, True)
    )
    return highest(ordered + dispensed)


def _low_by_signature(spans: Sequence[Span], family: Sequence[Span]) -> list[Piece]:
    """Return the pieces of each product and dose, in which renewals count once.

    A new prescription may have replaced an older one: two of one drug add up only if they began on the same day.
    """
    by_signature: dict[tuple[object, ...], list[Piece]] = {}
    for span in spans:
        pieces = highest([piece for one in span.members for piece in _pieces_low(one, span.kept_until)])
        # The family is in the order of the beginnings: the first that may replace it is the earliest.
        until = next((other.first - 1 for other in family if _may_replace(other, span)), FOREVER)
        until = min(until, span.certain_until, span.until)
        cut = [piece._replace(last=min(piece.last, until)) for piece in pieces if piece.first <= until]
        by_signature.setdefault(span.signature, []).extend(cut)
    return [piece for pieces in by_signature.values() for piece in highest(pieces)]


def _pieces_low(one: Prescription, kept_until: int) -> list[Piece]:
    if one.upper_bound_only:
        return []
    stretches = [
        Piece(
            stretch.start.latest.toordinal(),
            max(stretch.end.earliest.toordinal(), min(stretch.planned.toordinal(), kept_until)),
            stretch.dose.low,
        )
        for stretch in one.stretches
        if stretch.dose.low
    ]
    return total([piece for piece in stretches if piece.first <= piece.last])


def _may_replace(other: Span, span: Span) -> bool:
    """Return whether a later order or dispense may have replaced this one. An order's own dispense does not."""
    if other.first_at_latest <= span.first or other is span or other.lead.reported:
        return False
    if other.ending is Ending.DUPLICATE:
        return False
    if other.signature == span.signature and not other.lead.problem:
        return False
    is_dispense_of = other.treatment.is_dispense is not span.treatment.is_dispense
    return not (is_dispense_of and begins_about_when(other.treatment, span.treatment))
