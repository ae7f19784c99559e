"""Moving the dates of a FHIR resource by days, so that an old story happens now."""

import re
from datetime import date, timedelta

from fhir_mappings.fhir_json import Json, Resource

_DATE_ELEMENT = re.compile(
    r"\w*(?:Date|DateTime|Instant|On)|date|start|end|started|issued|authored|created|recorded|sent|received"
    r"|lastUpdated|whenHandedOver|whenPrepared|lastOccurrence"
)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(T.+)?)?)?")


def shifted_resource(resource: Resource, days: int) -> Resource:
    """Return a copy of a resource or Bundle with every date moved by `days`, each with its precision.

    A month becomes the month, and a year the year, of its moved first day; times of day and offsets stay. Invalid dates
    stay. The names of elements tell which ones are dates (FHIR R4).
    """
    moved: Resource = _shifted(resource, days)
    return moved


def _shifted(value: Json, days: int) -> Json:
    if isinstance(value, list):
        return [_shifted(item, days) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: shifted_date(item, days)
        if isinstance(item, str) and _DATE_ELEMENT.fullmatch(name)
        else _shifted(item, days)
        for name, item in value.items()
    }


def shifted_date(text: str, days: int) -> str:
    """Return a FHIR date or dateTime moved by `days`, with its precision; anything else as it is."""
    matched = _DATE.fullmatch(text)
    if not matched:
        return text
    year, month, day, time = matched.groups()
    try:
        moved = date(int(year), int(month or 1), int(day or 1)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return text
    precise = moved.isoformat() if day else moved.isoformat()[: 7 if month else 4]
    return precise + (time or "")
