"""The date for which an order plans its service."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from fhir_mappings.dates import DateInterval, parse_leniently
from fhir_mappings.fhir_json import Json, Resource


def planned_date(resource: Resource, zone: tzinfo) -> tuple[DateInterval | None, bool]:
    """Return the planned date of an order, None without one, and whether it states one and none can be read."""
    stated = [each for each in _stated(resource) if each is not None]
    planned = next((when for each in stated if (when := parse_leniently(each, zone))), None)
    return planned, bool(stated) and planned is None


def _stated(resource: Resource) -> Iterator[Json]:
    """Yield what an order states as its planned date, the one that decides first."""
    yield resource.get("occurrenceDateTime")
    yield _member(resource.get("occurrencePeriod"), "start")
    yield _member(resource.get("occurrencePeriod"), "end")
    timing = resource.get("occurrenceTiming")
    events = _member(timing, "event")
    yield events[0] if isinstance(events, list) and events else events or None
    yield _member(_member(_member(timing, "repeat"), "boundsPeriod"), "start")
    yield _member(_member(resource.get("dispenseRequest"), "validityPeriod"), "start")


def _member(value: Json, name: str) -> Json:
    """Return a member of an object; anything else in its place counts as the member."""
    return value.get(name) if isinstance(value, Mapping) else value
