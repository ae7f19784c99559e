"""Find what a payer states of the codes of an order: a row of its terms, and an authorization on file."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TypeVar

from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization, PayerTerms
from fhir_mappings.codings import Coding
from fhir_mappings.orders import Order

NOTHING_STATED = CodeTerms()
_T = TypeVar("_T")


def row_of(terms: PayerTerms, codes: Iterable[Coding], on: date) -> CodeTerms:
    """Return what the payer states of the codes of one order, the most specific code first.

    A billing code outranks the others: if the first code has a row, that row alone holds. Where rows of other codes
    differ, coverage and authorization are `conditional`, and no amount is stated. A row that expired before the day
    states nothing.
    """
    found = [(n, row) for n, each in enumerate(codes) if (row := terms.codes.get((each.system, each.code)))]
    rows = [(n, row) for n, row in found if row.expires is None or row.expires >= on]
    if not rows:
        return NOTHING_STATED
    first = rows[0][1]
    if rows[0][0] == 0 or all(row == first for _, row in rows):
        return first
    return CodeTerms(
        authorization=_agreed([row.authorization for _, row in rows], Authorization.CONDITIONAL),
        covered=_agreed([row.covered for _, row in rows], Covered.CONDITIONAL),
        expires=min((row.expires for _, row in rows if row.expires), default=None),
    )


def _agreed(stated: Sequence[_T], otherwise: _T) -> _T:
    return stated[0] if len(set(stated)) == 1 else otherwise


def authorization_on_file(
    terms: PayerTerms, member_ids: Collection[str], codes: Iterable[Coding], on: date
) -> GrantedAuthorization | None:
    """Return the authorization granted to a member for one of these codes that is good on a day, its last included.

    Of several, return the one that is good the longest.
    """
    found = [
        granted
        for code in codes
        for member in member_ids
        if (granted := terms.granted.get((member, code.system, code.code)))
        and (granted.until is None or granted.until >= on)
    ]
    return max(found, key=lambda each: (each.until or date.max, each.number), default=None)


def service_days(order: Order, today: date) -> tuple[date, date]:
    """Return the first and the last day on which an order may be performed: its planned date, else today.

    The day on which an order was written does not count: it is performed now or later. Nor do the days before today of
    a month or a year that is not over. A time near midnight is on two days if its own zone and ours differ.
    """
    planned = order.planned
    if planned is None:
        return today, today
    days = {planned.earliest, planned.latest}
    if planned.instant is not None and planned.instant.utcoffset():
        days.add(planned.instant.date())
    first, last = min(days), max(days)
    is_partial = planned.earliest < planned.latest
    return today if is_partial and first <= today <= last else first, last


def is_within(terms: CodeTerms, days: tuple[date, date]) -> bool:
    """Return whether all days of a service lie in the period that the payer allows, its first and last day included."""
    first, last = days
    return (terms.since is None or terms.since <= first) and (terms.until is None or last <= terms.until)
