"""Planned care: activities of active care plans, and active orders (CarePlan, ServiceRequest)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fhir_mappings.codings import CodeMatcher, Coding, codings, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.procedures import subjects_of
from fhir_mappings.record import Evidence, PatientRecord

_NO_PLAN = ("proposal", "option")
_ACTIVITY_OVER = ("completed", "cancelled", "stopped", "entered-in-error")


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing that is planned. `since` is its latest stated day, on which it was written or is to begin.

    `until` is its stated end; both are None if not stated. `about` are the body sites, reasons, and words that say
    what it is for, each with its codes and words.
    """

    evidence: Evidence
    since: DateInterval | None
    until: DateInterval | None
    about: tuple[tuple[Coding, ...], ...]


def plans(record: PatientRecord, codes: CodeMatcher) -> tuple[Plan, ...]:
    """Return the activities of active care plans and the active orders with one of these codes."""
    return record.cached(("plans", codes), lambda: (*_care_plans(record, codes), *_orders(record, codes)))


def _care_plans(record: PatientRecord, codes: CodeMatcher) -> Iterator[Plan]:
    for plan in record.of_type("CarePlan"):
        if plan.get("status") != "active" or plan.get("intent") in _NO_PLAN:
            continue
        details = [detail for activity in items(plan.get("activity")) for detail in items(activity.get("detail"))]
        going_on = [d for d in details if d.get("status") not in _ACTIVITY_OVER and d.get("doNotPerform") is not True]
        for holder, element in (*((detail, "code") for detail in going_on), (plan, "category")):
            match = codes(codings(holder.get(element)))
            elements = ("status", "intent", "activity", "category", "period", "created", "subject")
            if match and match.decides and record.is_usable(plan, *elements):
                period = parse_period(plan.get("period"), record.zone)
                scheduled = parse_period(holder.get("scheduledPeriod"), record.zone)
                since = _latest([record.when(plan.get("created")), period[0], scheduled[0]])
                about = subjects_of(record, holder, element)
                yield _plan(record, plan, match.label, since, scheduled[1] or period[1], about)
                break


def _orders(record: PatientRecord, codes: CodeMatcher) -> Iterator[Plan]:
    for order in record.of_type("ServiceRequest"):
        match = codes(codings(order.get("code")))
        elements = ("code", "status", "intent", "authoredOn", "occurrence", "doNotPerform", "bodySite", "subject")
        if match and match.decides and _is_active(order) and record.is_usable(order, *elements):
            period = parse_period(order.get("occurrencePeriod"), record.zone)
            timing = order.get("occurrenceTiming")
            repeat = timing.get("repeat") if isinstance(timing, dict) else None
            bounds = parse_period(repeat.get("boundsPeriod") if isinstance(repeat, dict) else None, record.zone)
            days = (order.get("authoredOn"), order.get("occurrenceDateTime"))
            since = _latest([*map(record.when, days), period[0], bounds[0]])
            about = subjects_of(record, order, "code")
            yield _plan(record, order, match.label, since, period[1] or bounds[1], about)


def _is_active(order: Resource) -> bool:
    return (
        order.get("status") == "active"
        and order.get("intent") not in _NO_PLAN
        and order.get("doNotPerform") is not True
    )


def _plan(
    record: PatientRecord,
    resource: Resource,
    label: str,
    since: DateInterval | None,
    until: DateInterval | None,
    about: tuple[tuple[Coding, ...], ...],
) -> Plan:
    return Plan(Evidence(record.reference(resource), label, str(since or "")), since, until, about)


def _latest(days: Iterable[DateInterval | None]) -> DateInterval | None:
    return max((day for day in days if day), key=lambda day: day.latest, default=None)
