"""Observations: scores and measurements with their time (Observation), also as components of a panel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from fhir_mappings.amounts import Amount, printed
from fhir_mappings.codings import CodeMatcher, Coding, codings, codings_and_text, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import RecordedSide, body_sites, side_of
from fhir_mappings.measurements import measurement
from fhir_mappings.record import Evidence, PatientRecord

MAX_COMPONENTS = 200
"""How many components of one observation, and how many members of one panel, are read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement. `code` (`system|code`) identifies the scale.

    `number` is None if there is none that can be read, or if it may not decide. `begin` and `end` are the moments
    between which it was taken, the same for a measurement of one moment; both are None if a time of day is missing.
    `sites` are the body sites it is about, each with its codes and words; `side` is the side that they name. `top` is
    the highest score of the scale, None if the codes do not state it.

    `amount` is what the number lies between, with its unit as it is written; None where `number` may not decide.
    `scale` is the range of the scale, None if the codes do not state it; `is_off_scale` is whether the number is
    outside of it, such as 99 for "unable to answer". `context` is where the rest of what is said of
    the measurement stands.
    """

    reference: str
    label: str
    code: str
    when: DateInterval | None
    number: Decimal | None
    unit: str
    evidence: Evidence
    begin: datetime | None = None
    end: datetime | None = None
    sites: tuple[tuple[Coding, ...], ...] = ()
    side: RecordedSide | None = None
    top: Decimal | None = None
    amount: Amount | None = None
    scale: tuple[Decimal, Decimal] | None = None
    is_off_scale: bool = False
    codes: tuple[Coding, ...] = ()
    context: "MeasuredIn | None" = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class MeasuredIn:
    """Where a measurement stands: its Observation, the component if it is one, and the panel that names it."""

    resource: Resource
    holder: Resource
    panel: Resource | None


def observations(record: PatientRecord, codes: CodeMatcher) -> tuple[Observation, ...]:
    """Return the observations and components with one of these codes.

    Leave out those that are erroneous or canceled, have no value, say why there is none, or lie outside the scale that
    the codes state: none of them is a measurement.
    """
    return record.cached(
        ("observations", codes), lambda: tuple(each for each in measurements(record, codes) if not each.is_off_scale)
    )


def measurements(record: PatientRecord, codes: CodeMatcher) -> tuple[Observation, ...]:
    """Return the observations and components as `observations` does, with those outside their scale.

    Where the scale is in another unit than the number, only a conversion tells whether the number is outside of it.
    """
    return record.cached(("measurements", codes), lambda: tuple(_observations(record, codes)))


def _observations(record: PatientRecord, codes: CodeMatcher) -> Iterator[Observation]:
    panels = panels_of_members(record)
    for resource in record.of_type("Observation"):
        if resource.get("status") in ("entered-in-error", "cancelled"):
            continue
        panel = panels.get(record.reference(resource))
        for holder in (resource, *list(items(resource.get("component")))[:MAX_COMPONENTS]):
            found = _observation(record, MeasuredIn(resource, holder, panel), codes)
            if found:
                yield found


def time_of(
    record: PatientRecord, resource: Resource, panel: Resource | None
) -> tuple[DateInterval | None, datetime | None, datetime | None]:
    """Return the days of an observation and the moments of its begin and end, those of its panel if it has none."""
    has_own = any(name.startswith("effective") for name in resource)
    return _time(record, resource if has_own or panel is None else panel)


def panels_of_members(record: PatientRecord) -> Mapping[str, Resource]:
    """Return the panel of each observation that a panel names as its member, by the reference of the member."""
    return record.cached("panels of observations", lambda: _panels(record))


def _panels(record: PatientRecord) -> Mapping[str, Resource]:
    found: dict[str, Resource] = {}
    for panel in record.of_type("Observation"):
        for member in list(items(panel.get("hasMember")))[:MAX_COMPONENTS]:
            target = record.resolve(member, within=panel)
            if target is not None:
                found.setdefault(record.reference(target), panel)
    return found


def _observation(record: PatientRecord, context: MeasuredIn, codes: CodeMatcher) -> Observation | None:
    """Return what an observation, or a component of it, measured; None for no measurement with these codes."""
    resource, holder = context.resource, context.holder
    known = codings(holder.get("code"))
    if codes(known) is None:
        return None
    match = codes(codings_and_text(holder.get("code")))
    if match is None:
        return None
    measured = measurement(holder)
    if measured is None:
        return None
    number, unit, scale = measured.number, measured.unit, match.scale
    is_off_scale = scale is not None and number is not None and not scale[0] <= number <= scale[1]
    elements = ("code", "status", "effective", "value", "subject", "bodySite")
    usable = record.is_usable(resource, *elements, *(("component",) if holder is not resource else ()))
    final = resource.get("status") in ("final", "amended", "corrected")
    may_decide = usable and final and match.decides
    when, begin, end = time_of(record, resource, context.panel)
    value = f"{number}{unit and ' ' + unit}" if number is not None else printed(measured.amount)
    note = "set aside" if not usable else value if final else f"{value} (not final)".strip()
    reference = record.reference(resource)
    return Observation(
        reference,
        match.label,
        next(f"{each.system}|{each.code}" for each in known if codes([each])),
        when,
        number if may_decide else None,
        unit,
        Evidence(reference, match.label, _printed(when, begin), note),
        begin,
        end,
        body_sites(resource),
        side_of(resource, record.terms),
        scale[1] if scale else None,
        measured.amount if may_decide else None,
        scale,
        is_off_scale,
        known,
        context,
    )


def _printed(when: DateInterval | None, begin: datetime | None) -> str:
    if when is None:
        return ""
    return begin.isoformat(timespec="minutes") if begin else str(when)


def _time(record: PatientRecord, resource: Resource) -> tuple[DateInterval | None, datetime | None, datetime | None]:
    """Return the days of a measurement, open-ended if they are, and the moments of its begin and end."""
    when = record.when(resource.get("effectiveDateTime")) or record.when(resource.get("effectiveInstant"))
    if when is not None:
        return when, when.instant, when.instant
    start, end = parse_period(resource.get("effectivePeriod"), record.zone)
    if start is None and end is None:
        return None, None, None
    days = DateInterval(start.earliest if start else date.min, end.latest if end else date.max)
    if start is None or end is None or start.instant is None or end.instant is None or end.instant < start.instant:
        return days, None, None
    return days, start.instant, end.instant
