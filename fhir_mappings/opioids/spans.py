"""Treatments as spans of days, and which of them follow each other at one dose. Days are ordinals."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from fhir_mappings.opioids.acute import PAIRED_WITHIN_DAYS, is_for_days, is_short
from fhir_mappings.opioids.endings import Ending
from fhir_mappings.opioids.nearby import with_nearby
from fhir_mappings.opioids.prescriptions import DAYS_WITHOUT_END, Prescription
from fhir_mappings.opioids.treatments import Treatment

FOREVER = date.max.toordinal()

OVERLAP_DAYS = 7
"""How long before the end of the last supply a refill, or a later regimen of the same drug, may begin."""


class Span(Struct, eq=False):
    """When a treatment begins, when its last supply ends (FOREVER if it goes on), and what is found out about its end.

    `track` is the same for what follows each other at one dose. `until` is the last day of the upper bound,
    `certain_until` of the lower one. `kept_until` is the last day on which a stopped order is certain to have been in
    force because another one went on from there.
    """

    treatment: Treatment
    members: tuple[Prescription, ...]
    """The prescriptions of the treatment."""
    lead: Prescription
    """Its order, else its first dispense or report."""
    drug: tuple[str, str]
    signature: tuple[object, ...]
    first: int
    first_at_latest: int
    supplied: int
    supplied_at_most: int
    ending: Ending
    """What its orders say about their end: nothing while one of them goes on."""
    is_dispense: bool
    is_acute: bool
    refilled_from: int
    """The first day on which the same dose may begin as a refill: any if another order goes on with it."""
    track: int = 0
    until: int = FOREVER
    certain_until: int = FOREVER
    kept_until: int = 0
    is_brief: bool = False
    """Whether there were only a few days of this dose, not followed by more of it."""
    is_aside: bool = False
    """Whether it is a few days of a drug beside a regimen of the same drug that goes on at one dose."""
    _prescribers: frozenset[str] | None = None

    @property
    def may_take_over(self) -> bool:
        """Return whether it is a regimen that is certain to have been begun."""
        return self.lead.was_begun and not self.is_acute

    @property
    def last_day(self) -> int:
        """Return its last possible day by its own records."""
        return max(one.last_day for one in self.members).toordinal()

    @property
    def stopped_on(self) -> int:
        """Return the last day on which its order can have been stopped, which is not before its last dispense."""
        return max(
            one.last_day if one.kind == "MedicationRequest" else one.start.latest for one in self.members
        ).toordinal()

    def days(self) -> tuple[int, int]:
        """Return the first and the last day of its supply."""
        return self.first, self.supplied_at_most

    def end(self, day: int) -> None:
        """Record that it was over after this day."""
        if day < self.until:
            self.until = day

    @property
    def prescribers(self) -> frozenset[str]:
        """Return who prescribed its order or first dispense, read when first asked."""
        if self._prescribers is None:
            self._prescribers = self.lead.prescribers()
        return self._prescribers

    def begins_about_when(self, other: "Span") -> bool:
        """Return whether two treatments begin within days of each other."""
        return abs(self.first_at_latest - other.first_at_latest) <= PAIRED_WITHIN_DAYS


_FIRST = (Ending.STOPPED, Ending.SWITCHED, Ending.REORDERED, Ending.DUPLICATE, Ending.RECORD, Ending.MISTAKE)


def _ending(treatment: Treatment) -> Ending:
    said = {one.ending for one in treatment.prescriptions if one.kind == "MedicationRequest"}
    if Ending.NONE in said or not said:
        return Ending.NONE
    return min(said, key=_FIRST.index)


def span_of(treatment: Treatment) -> Span:
    """Return the span of a treatment, with an open end."""
    lead, supply = treatment.leading, treatment.supply
    start = lead.start
    first = start.earliest.toordinal()
    supplied = supply.earliest.toordinal() if supply else FOREVER
    ending = _ending(treatment)
    refilled_from = (supplied if supplied != FOREVER else first + DAYS_WITHOUT_END - 1) - OVERLAP_DAYS
    return Span(
        treatment,
        treatment.prescriptions,
        lead,
        lead.medication.drug,
        lead.signature,
        first,
        start.latest.toordinal(),
        supplied,
        supply.latest.toordinal() if supply else FOREVER,
        ending,
        treatment.is_dispense,
        treatment.is_acute,
        0 if ending is Ending.DUPLICATE or ending is Ending.REORDERED else refilled_from,
    )


def by_drug(found: Iterable[Span]) -> list[list[Span]]:
    """Return the spans of each ingredient and release form."""
    families: dict[tuple[str, str], list[Span]] = {}
    for span in found:
        families.setdefault(span.drug, []).append(span)
    return list(families.values())


def number_tracks(family: Sequence[Span]) -> None:
    """Set the tracks: end what is followed by the same dose with it, so that early refills do not double a dose.

    What begins more than a week before the last supply ends may be a second prescription, and adds up. An order that
    was a mistake follows nothing.
    """
    tracks_of: dict[tuple[object, ...], list[Span]] = {}
    for number, span in enumerate(family):
        span.track = number
        if span.is_acute or span.ending is Ending.MISTAKE:
            continue
        tracks = tracks_of.setdefault((span.lead.dose.ratios[1], span.lead.reported), [])
        first, is_dispense, is_duplicate = span.first, span.is_dispense, span.ending is Ending.DUPLICATE
        for position, last in enumerate(tracks):
            if (
                first >= last.refilled_from
                or is_duplicate
                or (is_dispense is not last.is_dispense and _is_dispense_of(span, last))
            ):
                span.track = last.track
                if not is_duplicate:
                    last.end(span.first_at_latest - 1)
                    tracks[position] = span
                break
        else:
            tracks.append(span)


def mark_brief(family: Sequence[Span]) -> None:
    """Find what is only a few days of a dose, and which of that stands beside a regimen of the drug."""
    longer = [span for span in family if not is_for_days(span.treatment)]
    if len(longer) == len(family):
        return
    tracks = {span.track for span in longer}
    for span in family:
        span.is_brief = span.track not in tracks
    for span, near in with_nearby(family, Span.days, _may_be_aside):
        span.is_aside = (
            len({other.track for other in near} | {span.track}) == 2
            and any(other.first_at_latest < span.first for other in near)
            and any(other.supplied > span.supplied_at_most for other in near)
        )


def _may_be_aside(span: Span) -> bool:
    return not span.is_acute and is_short(span.treatment)


def _is_dispense_of(span: Span, other: Span) -> bool:
    """Return whether an order and a dispense of one dose have one prescriber and begin within days of each other."""
    return span.begins_about_when(other) and not span.prescribers.isdisjoint(other.prescribers)
