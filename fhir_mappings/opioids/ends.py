"""Until when each treatment may have been taken: silence ends none.

A regimen goes on at its dose after its last supply until a record ends it: a stop, a denial, or another regimen that is
stated to replace it. `takeovers` has the regimens that end others by the time at which they begin. Days are ordinals.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate

from fhir_mappings.opioids.denials import Denial, applies
from fhir_mappings.opioids.endings import Ending
from fhir_mappings.opioids.nearby import with_nearby
from fhir_mappings.opioids.spans import Span, by_drug, mark_brief, number_tracks, span_of
from fhir_mappings.opioids.table import Product
from fhir_mappings.opioids.takeovers import Tracks, by_track, end_taken_over, taken_beside
from fhir_mappings.opioids.treatments import Treatment

SUCCESSOR_DAYS = 30
"""How far from the end of an order its successor begins, if the order says that it has one."""


def spans(treatments: Iterable[Treatment], denials: Sequence[Denial], look_back_first: date) -> tuple[Span, ...]:
    """Return each treatment with its end, in the order of their beginnings."""
    found = sorted(map(span_of, treatments), key=lambda span: (span.first, span.lead.reference))
    families = by_drug(found)
    for span in found:
        _end_by_its_own_record(span)
    for family in families:
        number_tracks(family)
        mark_brief(family)
        _end_dispenses_of_stopped(family)
    _end_denied(found, denials)
    later = [span for span in found if span.may_take_over]
    tracks = by_track(later)
    _end_duplicates(found)
    for span in found:
        _end_for_successor(span, later, tracks)
    _end_replaced(found, later)
    _end_replaced_in_words(found, later)
    end_taken_over(families, later, tracks)
    _end_what_is_long_past(found, later, look_back_first.toordinal())
    return tuple(found)


def _end_by_its_own_record(span: Span) -> None:
    """End acute courses when they are used up, reports when they say so, and orders that were stopped or mistakes."""
    if span.is_acute:
        span.end(span.supplied_at_most)
    elif all(one.kind == "MedicationStatement" for one in span.members):
        span.end(span.last_day)
    elif span.ending is Ending.STOPPED or span.ending is Ending.MISTAKE:
        span.end(span.stopped_on)


def _end_dispenses_of_stopped(family: Sequence[Span]) -> None:
    """End the dispenses of a product with the order of it that was stopped after them."""
    stopped: dict[Product | None, list[int]] = {}
    for span in family:
        if span.ending is Ending.STOPPED and not span.is_acute:
            insort(stopped.setdefault(span.lead.medication.product, []), span.stopped_on)
    for span in family:
        if span.is_dispense and (days := stopped.get(span.lead.medication.product)):
            later = bisect_left(days, span.first_at_latest)
            if later < len(days):
                span.end(days[later])
                span.certain_until = min(span.certain_until, span.first_at_latest)


def _end_denied(found: Iterable[Span], denials: Sequence[Denial]) -> None:
    for span in found:
        for denial in denials:
            if all(applies(denial, one) for one in span.members):
                span.certain_until = min(span.certain_until, denial.since.toordinal() - 1)
                if denial.over is not None:
                    span.end(denial.over.toordinal())


def _end_duplicates(found: Iterable[Span]) -> None:
    """End a duplicate with its record, if what it duplicates is on record: the same ingredient, about that time."""
    by_ingredient: dict[str, list[Span]] = {}
    for span in found:
        by_ingredient.setdefault(span.drug[0], []).append(span)
    for spans_ in by_ingredient.values():
        for span, nearby in with_nearby(spans_, Span.days, lambda span: span.ending is Ending.DUPLICATE):
            if nearby:
                span.end(span.last_day)


def _end_for_successor(span: Span, later: Sequence[Span], tracks: Tracks) -> None:
    """End an order whose reason says that another one goes on, with the last one on record that may be it.

    The one that corrects a mistake does not show that the mistake was in force until then.
    """
    if span.ending not in (Ending.REORDERED, Ending.SWITCHED, Ending.MISTAKE):
        return
    earliest = max(span.first, span.last_day - SUCCESSOR_DAYS) if span.lead.is_change_dated else span.first
    begun = bisect_left(later, earliest, key=_first), bisect_right(later, span.last_day + SUCCESSOR_DAYS, key=_first)
    for other in reversed(later[slice(*begun)]):
        if other is span:
            continue
        if other.first <= span.first_at_latest and other.ending is not Ending.NONE:
            continue  # Of orders written on one day, the one in force is the successor.
        if other.drug == span.drug:
            span.end(other.first_at_latest - 1)
            if span.ending is not Ending.MISTAKE:
                span.kept_until = other.first - 1
            return
        if span.ending is Ending.SWITCHED and not taken_beside(other, tracks)(span):
            span.end(other.first_at_latest - 1)
            return


def _first(span: Span) -> int:
    return span.first


def _end_replaced(found: Sequence[Span], later: Sequence[Span]) -> None:
    """End each treatment with the order that names it as replaced by reference."""
    by_reference = {one.reference: span for span in found for one in span.members}
    for other in later:
        for one in other.members:
            span = by_reference.get(one.replaces)
            if span is not None and span is not other and span.first <= other.first:
                span.end(other.first_at_latest - 1)
                span.certain_until = min(span.certain_until, other.first - 1)
                span.kept_until = max(span.kept_until, other.first - 1)


def _end_replaced_in_words(found: Sequence[Span], later: Sequence[Span]) -> None:
    """End each treatment with the orders after it that name its drug as replaced in words."""
    in_words = [other for other in later if other.lead.replaces_words]
    by_name: dict[tuple[str, bool], list[Span]] = {}
    for span in found if in_words else ():
        if (product := span.lead.medication.product) is not None:
            by_name.setdefault((product.ingredient, product.release == "extended"), []).append(span)
    for (ingredient, is_extended), replaced in by_name.items():
        naming = [other for other in in_words if _names(other.lead.replaces_words, ingredient, is_extended=is_extended)]
        # The last of the possible first days of an order may be after those of the orders that follow it.
        days = [other.first_at_latest for other in naming]
        earliest = list(accumulate(reversed(days), min))[::-1]
        for span in replaced:
            after = bisect_right(naming, span.first, key=_first)
            if after < len(naming):
                span.end(earliest[after] - 1)
                span.certain_until = min(span.certain_until, naming[after].first - 1)
                span.kept_until = max(span.kept_until, naming[-1].first - 1)


_EXTENDED = re.compile(r"\b(?:er|xr|sr|cr|la|extended|long)\b")
_IMMEDIATE = re.compile(r"\b(?:ir|immediate|short)\b")


def _names(words: str, ingredient: str, *, is_extended: bool) -> bool:
    """Return whether words name an ingredient, and no other release form of it."""
    return ingredient in words and not (_IMMEDIATE if is_extended else _EXTENDED).search(words)


def _end_what_is_long_past(found: Sequence[Span], later: Sequence[Span], look_back_first: int) -> None:
    """End what had no supply in the look-back, with the first regimen on record after it."""
    for span in found:
        last = max(one.can_be_filled_until for one in span.members).toordinal()
        if last < look_back_first:
            after = bisect_right(later, last, key=_first)
            if after < len(later):
                span.end(later[after].first_at_latest - 1)
