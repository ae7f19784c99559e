"""Regimens that take over from others because they begin when the last supply of those ends. Days are ordinals.

A few days of a drug take over from a few days only: twelve tablets of a dentist replace nobody's monthly supply.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

from fhir_mappings.opioids.spans import FOREVER, OVERLAP_DAYS, Span

GAP_DAYS = 30
"""How long after the end of the last supply a later regimen of the same drug may begin to take over from it."""

ROTATION_DAYS = 2
"""How long after it a regimen of another drug or release form may begin."""


class Track:
    """Spans in the order of their beginnings: until when those that began by a day were supplied at most."""

    def __init__(self) -> None:
        self._begun: list[int] = []
        self._supplied: list[int] = []

    def add(self, span: Span) -> None:
        """Add a span that begins no earlier than those before it."""
        self._begun.append(span.first)
        self._supplied.append(max(span.supplied_at_most, self._supplied[-1] if self._supplied else 0))

    def was_supplied(self, begun_by: int, until: int) -> bool:
        """Return whether a span that began by one day was supplied until another."""
        count = bisect_right(self._begun, begun_by)
        return count > 0 and self._supplied[count - 1] >= until


Tracks: TypeAlias = Mapping[tuple[tuple[str, str], int | None], Track]
"""The spans of each drug and track, and of each drug with all its tracks (None)."""


def by_track(found: Iterable[Span]) -> Tracks:
    """Return the spans of each drug, by track and all together; they come in the order of their beginnings.

    Only spans that were supplied for longer than a refill may begin too early count.
    """
    tracks: dict[tuple[tuple[str, str], int | None], Track] = {}
    for span in found:
        if span.supplied_at_most - span.first >= OVERLAP_DAYS:
            for key in ((span.drug, span.track), (span.drug, None)):
                if key not in tracks:
                    tracks[key] = Track()
                tracks[key].add(span)
    return tracks


def end_taken_over(families: Sequence[Sequence[Span]], later: Sequence[Span], tracks: Tracks) -> None:
    """End the regimens of each drug with those of `later` that take over from them; `tracks` are those of `later`."""
    alike = [each for family in families for each in _alike(family)]
    candidates = _Candidates(alike)
    runs = {family[0].drug: _Run(family) for family in families}
    for other in later:
        found = candidates.of(other)
        if not found:
            continue
        ended: dict[tuple[str, str], list[_Alike]] = {}
        was_beside = taken_beside(other, tracks)
        for each in found:
            if (each.one.is_brief or not other.is_brief) and not was_beside(each.one) and each.end_with(other):
                ended.setdefault(each.one.drug, []).append(each)
        for drug, of_drug in ended.items():
            runs[drug].end_with(other, of_drug)
    for each in alike:
        each.close()
    for run in runs.values():
        run.close()


class _Alike:
    """Regimens of one drug that begin and are supplied on the same days, so that the same others take over from them.

    They are judged by one of them: charts repeat a prescription, and a dose is made up of several products.
    """

    def __init__(self, one: Span) -> None:
        self.one = one
        self.members: list[Span] = []
        self._ended_after: dict[int | None, int] = {}
        """The first day after which another one may have ended them, by its track, None if it is of another drug."""

    def end_with(self, other: Span) -> bool:
        """End them with another regimen, and return whether it ends any: what follows at its own dose is a refill."""
        track = other.track if other.drug == self.one.drug else None
        if all(span.track == track for span in self.members):
            return False
        day = other.first_at_latest - 1
        self._ended_after[track] = min(day, self._ended_after.get(track, day))
        return True

    def close(self) -> None:
        """End each with the first that is not of its own track."""
        earliest = sorted(self._ended_after.items(), key=itemgetter(1))[:2]
        for span in self.members if earliest else ():
            for track, day in earliest:
                if track != span.track:
                    _end_after(span, day)
                    break


def _alike(family: Iterable[Span]) -> Iterable[_Alike]:
    """Return the regimens of one drug whose supply ends, those that are alike together."""
    found: dict[tuple[int, int, int, int, bool], _Alike] = {}
    for span in family:
        if not span.is_acute and span.supplied_at_most != FOREVER:
            days = span.first, span.first_at_latest, span.supplied, span.supplied_at_most, span.is_brief
            if days not in found:
                found[days] = _Alike(span)
            found[days].members.append(span)
    return found.values()


def _end_after(span: Span, day: int) -> None:
    # What is left of its supply may be taken along.
    span.end(max(day, span.supplied_at_most))


class _Candidates:
    """The regimens that another one may take over from: of its drug, and of others by the end of their supply."""

    def __init__(self, found: Iterable[_Alike]) -> None:
        self._waiting: dict[tuple[str, str], list[_Alike]] = {}
        """The regimens of a drug of which no refill may have begun yet, those first that are supplied for longest."""
        self._running_out: dict[tuple[str, str], list[_Alike]] = {}
        self._by_end: dict[int, list[_Alike]] = {}
        for each in sorted(found, key=lambda each: -each.one.supplied):
            self._waiting.setdefault(each.one.drug, []).append(each)
            for end in _ends(each.one):
                self._by_end.setdefault(end, []).append(each)

    def of(self, other: Span) -> list[_Alike]:
        """Return those that a regimen may take over from; ask in the order of the beginnings of the regimens."""
        drug, first, first_at_latest = other.drug, other.first, other.first_at_latest
        found = self._of_same_drug(drug, first)
        for end in range(first_at_latest - ROTATION_DAYS, first + 1):
            if end in self._by_end:
                found = found + [each for each in self._by_end[end] if each.one.drug != drug]
        return [
            each
            for each in found
            # The last supply of the regimen ends about when the other one begins.
            if (span := each.one).first_at_latest < first
            and span.supplied - OVERLAP_DAYS <= first
            and first_at_latest <= span.supplied_at_most + GAP_DAYS
        ]

    def _of_same_drug(self, drug: tuple[str, str], first: int) -> list[_Alike]:
        waiting = self._waiting.get(drug, [])
        running_out = self._running_out.get(drug, [])
        while waiting and waiting[-1].one.supplied - OVERLAP_DAYS <= first:
            running_out.append(waiting.pop())
        running_out = [each for each in running_out if first <= each.one.supplied_at_most + GAP_DAYS]
        self._running_out[drug] = running_out
        return running_out


def _ends(span: Span) -> set[int]:
    """Return the days after which a regimen of another drug may begin because the supply of this one has ended."""
    # The supply of a stopped order may have ended on any day, so `supplied` is no end of it.
    return {span.supplied, span.supplied_at_most} if span.supplied > span.first_at_latest else {span.supplied_at_most}


def taken_beside(other: Span, tracks: Tracks) -> Callable[[Span], bool]:
    """Return a test for spans: whether what begins was taken before, along with a span.

    Then it is a refill, or a new dose of a drug that goes on. Of the drug of the span itself, only a dose that was
    taken along is a refill.
    """
    drug, day_before = other.drug, other.first - 1
    of_track, of_drug = tracks.get((drug, other.track)), tracks.get((drug, None))

    def was_beside(span: Span) -> bool:
        track = of_track if span.drug == drug else of_drug
        if track is None or span.supplied_at_most - span.first < OVERLAP_DAYS:
            return False
        begun_by = min(day_before, span.supplied_at_most - OVERLAP_DAYS)
        return track.was_supplied(begun_by, span.first + OVERLAP_DAYS)

    return was_beside


class _Run:
    """The regimens of one drug that were supplied without a gap until a day.

    What ends some of them ends all of them if no supply lasted longer. That is done when the run is complete, so that a
    run of many regimens is not gone through for each of them.
    """

    def __init__(self, family: Sequence[Span]) -> None:
        self._rest = [span for span in reversed(family) if not span.is_acute]
        self._together: list[Span] = []
        self._end = 0
        self._ended_by: list[tuple[int, Span]] = []
        """How many of the run were ended, and the regimen that they were ended with."""

    def end_with(self, other: Span, ended: Iterable[_Alike]) -> None:
        """End what was supplied together with the regimens that `other` ended; call it in the order of the others."""
        while self._rest and self._rest[-1].first < other.first:
            span = self._rest.pop()
            if span.first > self._end + GAP_DAYS:
                self.close()
            self._together.append(span)
            self._end = max(self._end, span.supplied_at_most)
        if any(each.one.supplied_at_most == self._end for each in ended):
            self._ended_by.append((len(self._together), other))

    def close(self) -> None:
        """End what is to be ended, each regimen with the one that ends it first."""
        earliest: Span | None = None
        for position in range(len(self._together), 0, -1):
            while self._ended_by and self._ended_by[-1][0] >= position:
                other = self._ended_by.pop()[1]
                if earliest is None or other.first_at_latest < earliest.first_at_latest:
                    earliest = other
            if earliest is not None:
                _end_after(self._together[position - 1], earliest.first_at_latest - 1)
        self._together = []
