"""Where on the body something was measured: by its body site, by a location beside it in its panel, and by its name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fhir_mappings.codings import Coding, codings_and_text, has_code, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import RecordedSide, side_of, sites_among
from fhir_mappings.observations import MAX_COMPONENTS, MeasuredIn, Observation
from fhir_mappings.record import PatientRecord

_PAIN_LOCATION = "38204-4"
"""The code of LOINC for the primary location of pain."""
_IS_LOCATION = re.compile(r"\bpain\b.*\b(?:location|site)\b|\b(?:location|site) of (?:the )?pain\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a measurement. `sites` are stated, each with its codes and words; `side` is the side of them all.

    `name` is what the measurement is called, which may name a part of the body too: `Pain score, right knee`.
    """

    sites: tuple[tuple[Coding, ...], ...]
    name: tuple[Coding, ...]
    side: RecordedSide | None


def place_of(record: PatientRecord, measured: Observation) -> Place:
    """Return where something was measured."""
    context = measured.context
    if context is None:
        return Place(measured.sites, (), measured.side)
    return record.cached_of("place of a measurement", context.holder, lambda: _place(record, context))


def _place(record: PatientRecord, context: MeasuredIn) -> Place:
    name = context.holder.get("code")
    stated = [*items(context.resource.get("bodySite")), *_locations(record, context)]
    side = side_of({"bodySite": stated, "code": name}, record.terms, "code")
    return Place(sites_among(stated), codings_and_text(name), side)


def _locations(record: PatientRecord, context: MeasuredIn) -> Iterator[Resource]:
    """Yield the concepts that the components and members of a panel give as the location of pain."""
    for panel in (context.resource, context.panel):
        if panel is not None and ("component" in panel or "hasMember" in panel):
            yield from _locations_in(record, panel)


def _locations_in(record: PatientRecord, panel: Resource) -> tuple[Resource, ...]:
    return record.cached_of("locations in a panel", panel, lambda: tuple(_read_locations(record, panel)))


def _read_locations(record: PatientRecord, panel: Resource) -> Iterator[Resource]:
    members = [record.resolve(each, within=panel) for each in list(items(panel.get("hasMember")))[:MAX_COMPONENTS]]
    for part in (*list(items(panel.get("component")))[:MAX_COMPONENTS], *filter(None, members)):
        if part.get("status") not in ("entered-in-error", "cancelled") and _is_location(part.get("code")):
            yield from items(part.get("valueCodeableConcept"))
            if isinstance(words := part.get("valueString"), str):
                yield {"text": words}


def _is_location(code: Json) -> bool:
    return has_code(code, _PAIN_LOCATION) or any(_IS_LOCATION.search(each.display) for each in codings_and_text(code))
