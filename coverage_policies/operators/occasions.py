"""What a clause counts or strings together: procedures, or visits, that were or may have been begun by the anchor date.

Whether a record counts may be uncertain; then its progress is UNCLEAR. Records that no code identifies may be any, and
count as possible.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from coverage_policies.format.operator import Context
from coverage_policies.format.searches import CHARGES, CLAIMS, ENCOUNTERS, PROCEDURES, Search
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.attendance import is_by_specialty, is_in_person
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.procedures import Procedure, Progress, procedures, unidentified_procedures
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth
from fhir_mappings.visits import Visit, recorded_visits, unidentified_visits


class Occasions(Protocol):
    """Records of one sort that a clause is about."""

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for them."""

    @property
    def is_continuous(self) -> bool:
        """Return whether a record of several days is one course of treatment, and not a span with a visit in it."""

    def begun(self, ctx: Context) -> list[Procedure]:
        """Return those that were or may have been begun by the anchor date."""

    def unidentified(self, ctx: Context) -> list[Procedure]:
        """Return the records that may be any, and that were or may have been begun by the anchor date."""


def kinds(occasions: Occasions) -> tuple[str, ...]:
    """Return the resource types that the records are of."""
    return tuple(search.resource_type for search in occasions.searches)


def is_complete(occasions: Occasions, ctx: Context) -> bool:
    """Return whether all records of that sort were read."""
    return ctx.record.availability(*kinds(occasions)) is Availability.COMPLETE


def day_of(occasions: Occasions, done: Procedure) -> DateInterval | None:
    """Return the day on which a record counts: its first, or any of its days if it is not continuous."""
    if occasions.is_continuous or done.start is None or done.end is None:
        return done.day
    return DateInterval(done.start.earliest, max(done.start.latest, done.end.latest))


def begun(found: Iterable[Procedure], ctx: Context) -> list[Procedure]:
    """Return the records of what was or may have been begun by the anchor date.

    One of a day to come, whatever its status, proves nothing.
    """
    started = (each for each in found if each.start is None or each.start.earliest <= ctx.anchor)
    return [replace(each, progress=Progress.UNCLEAR) if _is_to_come(each, ctx) else each for each in started]


def _is_to_come(done: Procedure, ctx: Context) -> bool:
    return done.day is not None and done.day.earliest > ctx.record.today


@dataclass(frozen=True, slots=True)
class ProcedureOccasions:
    """The procedures of a value set."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for procedures."""
        return (PROCEDURES,)

    @property
    def is_continuous(self) -> bool:
        """Return True: a course of therapy is often one procedure with a period."""
        return True

    def begun(self, ctx: Context) -> list[Procedure]:
        """Return those that were or may have been begun by the anchor date."""
        return begun(procedures(ctx.record, self.codes.match), ctx)

    def unidentified(self, ctx: Context) -> list[Procedure]:
        """Return the procedures without a code that is understood, and that the value set does not know either."""
        return _others(begun(unidentified_procedures(ctx.record), ctx), self.begun(ctx))


@dataclass(frozen=True, slots=True)
class VisitOccasions:
    """The visits of a value set, of any kind if there is none, by a specialty, and in person if the clause says so.

    `reaches_back` is how far before the anchor date they are looked for.
    """

    codes: ValueSet | None
    by: ValueSet | None
    in_person: bool
    reaches_back: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for encounters and for what was billed, as far back as the clause looks."""
        encounters = replace(ENCOUNTERS, follows_roles=self.by is not None)
        return tuple(_reaching(each, self.reaches_back) for each in (encounters, CHARGES, CLAIMS))

    @property
    def is_continuous(self) -> bool:
        """Return False: the period of an encounter or of a claim may be that of an account, with a visit in it."""
        return False

    def begun(self, ctx: Context) -> list[Procedure]:
        """Return the visits that are or may be such, and that took place or may have by the anchor date."""
        return begun(self.recorded(ctx), ctx)

    def recorded(self, ctx: Context) -> list[Procedure]:
        """Return the visits of any day that are or may be such."""
        return list(self._fitting(recorded_visits(ctx.record, self.codes.match if self.codes else None), ctx))

    def unidentified(self, ctx: Context) -> list[Procedure]:
        """Return the visits without a code that is understood; none if the clause is about visits of any kind."""
        if self.codes is None:
            return []
        return _others(begun(self._fitting(unidentified_visits(ctx.record), ctx), ctx), self.begun(ctx))

    def _fitting(self, found: Sequence[Visit], ctx: Context) -> Iterator[Procedure]:
        """Yield the visits that are or may be by the specialty and in person; one that only may be is UNCLEAR."""
        by = [is_by_specialty(ctx.record, each, self.by.match) if self.by else Truth.YES for each in found]
        there = self._in_person(found, by, ctx) if self.in_person else [Truth.YES] * len(found)
        for visit, of, is_there in zip(found, by, there, strict=True):
            fits = of & is_there
            if fits is not Truth.NO:
                yield visit.done if fits is Truth.YES else replace(visit.done, progress=Progress.UNCLEAR)

    def _in_person(self, found: Sequence[Visit], by: Sequence[Truth], ctx: Context) -> list[Truth]:
        """Return for each visit whether it was in person; one of a day on which another was not cannot tell.

        EHRs keep a visit by video as an ambulatory one, and its claim says that it was not.
        """
        there = [is_in_person(ctx.record, each) for each in found]
        remote = {
            str(each.done.day)
            for each, of, is_there in zip(found, by, there, strict=True)
            if of is not Truth.NO and is_there is Truth.NO
        }
        return [
            Truth.UNKNOWN if is_there is Truth.YES and str(each.done.day) in remote else is_there
            for each, is_there in zip(found, there, strict=True)
        ]


def _others(found: Iterable[Procedure], known: Iterable[Procedure]) -> list[Procedure]:
    """Return the records that are not among those that are known; of a claim, a day is known as a whole."""
    seen = {(each.reference, each.start, each.end) for each in known}
    return [each for each in found if (each.reference, each.start, each.end) not in seen]


def _reaching(search: Search, back: CalendarPeriod) -> Search:
    """Return a search that looks back at least so far."""
    is_enough = search.look_back is None or plus(date.min, back) <= plus(date.min, search.look_back)
    return search if is_enough else replace(search, look_back=back)
