"""Regimens that take over from others because they begin when the last supply of those ends. Days are ordinals.

A few days of a drug take over from a few days only: twelve tablets of a dentist replace nobody's monthly supply.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from fhir_mappings.opioids.spans import FOREVER, OVERLAP_DAYS, Span

GAP_DAYS = 30
"""How long after the end of the last supply a later regimen of the same drug may begin to take over from it."""

ROTATION_DAYS = 2
"""How long after it a regimen of another drug or release form may begin."""


class Track:
    """Spans in the order of their beginnings: until when those that began by a day were supplied at most.

    Only spans that were supplied for longer than a refill may begin too early count.
    """

    def __init__(self) -> None:
        self._begun: list[int] = []
        self._supplied: list[int] = []

    def add(self, span: Span) -> None:
        """Add a span that begins no earlier than those before it."""
        if span.supplied_at_most - span.first >= OVERLAP_DAYS:
            self._begun.append(span.first)
            self._supplied.append(max(span.supplied_at_most, self._supplied[-1] if self._supplied else 0))

    def was_supplied(self, begun_by: int, until: int) -> bool:
        """Return whether a span that began by one day was supplied until another."""
        count = bisect_right(self._begun, begun_by)
        return count > 0 and self._supplied[count - 1] >= until


Tracks: TypeAlias = Mapping[tuple[tuple[str, str], int | None], Track]
"""The spans of each drug and track, and of each drug with all its tracks (None)."""


def by_track(found: Iterable[Span]) -> Tracks:
    """Return the spans of each drug, by track and all together; they come in the order of their beginnings."""
    tracks: dict[tuple[tuple[str, str], int | None], Track] = {}
    for span in found:
        for track in (span.track, None):
            tracks.setdefault((span.drug, track), Track()).add(span)
    return tracks


def end_taken_over(families: Iterable[Sequence[Span]], later: Sequence[Span], tracks: Tracks) -> None:
    """End the regimens of each drug with those of `later` that take over from them; `tracks` are those of `later`."""
    for family in families:
        candidates = [span for span in family if not span.treatment.is_acute and span.supplied_at_most != FOREVER]
        for other in later:
            ended = [
                span
                for span in candidates
                if span.first_at_latest < other.first
                and span.supplied - OVERLAP_DAYS <= other.first
                and other.first_at_latest <= span.supplied_at_most + GAP_DAYS
                and (other.drug == span.drug or _is_rotation(other, span))
                and (span.is_brief or not other.is_brief)
                and not was_taken_beside(other, span, tracks)
            ]
            for span in (*ended, *_supplied_together(ended, other, family)):
                # What is left of its supply may be taken along.
                span.end(max(other.first_at_latest - 1, span.supplied_at_most))


def _is_rotation(other: Span, span: Span) -> bool:
    """Return whether a regimen of another drug begins right after the last supply of this one."""
    # The supply of a stopped order may have ended on any day, so `supplied` is no end of it.
    ends = {span.supplied, span.supplied_at_most} if span.supplied > span.first_at_latest else {span.supplied_at_most}
    return any(end <= other.first and other.first_at_latest <= end + ROTATION_DAYS for end in ends)


def was_taken_beside(other: Span, span: Span, tracks: Tracks) -> bool:
    """Return whether what begins was taken before, along with `span`: a refill, or a new dose of a drug that goes on.

    Of the drug of `span` itself, only a dose that was taken along is a refill; what follows at its own dose is one too.
    """
    is_same_drug = other.drug == span.drug
    if is_same_drug and other.track == span.track:
        return True
    track = tracks.get((other.drug, other.track if is_same_drug else None))
    if track is None or span.supplied_at_most - span.first < OVERLAP_DAYS:
        return False
    begun_by = min(other.first - 1, span.supplied_at_most - OVERLAP_DAYS)
    return track.was_supplied(begun_by, span.first + OVERLAP_DAYS)


def _supplied_together(ended: Sequence[Span], other: Span, family: Sequence[Span]) -> list[Span]:
    """Return the regimens of one drug, supplied without a gap until those ended, if no supply of it lasted longer."""
    if not ended:
        return []
    together: list[Span] = []
    end = 0
    for one in family:
        if one.first >= other.first:
            break
        if not one.treatment.is_acute:
            if one.first > end + GAP_DAYS:
                together = []
            together.append(one)
            end = max(end, one.supplied_at_most)
    return together if any(span.supplied_at_most == end for span in ended) else []
