"""What a draft order states: in its details, body site, code, reason, devices, performers, and notes."""

from collections.abc import Iterable, Iterator

from fhir_mappings.code_systems import NUCC
from fhir_mappings.codings import codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import MODIFIERS, QUALIFIERS
from fhir_mappings.order_elements import Lookup, code_concepts, device_names, devices, own_words, texts
from fhir_mappings.order_text import ATTRIBUTES, OF_A_REASON, Attribute, Reading, is_heart_monitor, read_phrase

_NUCC_GROUPS = {"physician": ("207", "208"), "not-physician": ("363", "367")}
"""Prefixes of provider taxonomy codes: physicians, and physician assistants with advanced practice nurses."""
_OF_THE_CODE: tuple[Attribute, ...] = (
    *("approach", "side", "guidance", "purpose", "occasion", "indication", "device", "route", "request"),
)
"""What the words of the ordered procedure or product may state."""


def readings(resource: Resource, lookup: Lookup) -> Iterator[Reading]:
    """Yield what each part of an order states or hints at, as far as its words are read."""
    for detail in items(resource.get("orderDetail")):
        yield from _readings_in(lookup, own_words(detail))
        yield from _modifier_readings(detail)
    for site in items(resource.get("bodySite")):
        yield from (Reading("side", QUALIFIERS[c.code], True) for c in codings(site) if c.code in QUALIFIERS)
        yield from _modifier_readings(site)
        yield from _readings_in(lookup, texts(site), ("side",))
    for concept in items(resource.get("reasonCode")):
        yield from _readings_in(lookup, texts(concept), OF_A_REASON)
    for reference in items(resource.get("reasonReference")):
        if isinstance(reference.get("display"), str):
            yield from _readings_in(lookup, [reference["display"]], OF_A_REASON)
    for concept in code_concepts(resource, lookup):
        yield from _readings_in(lookup, own_words(concept), _OF_THE_CODE)
        yield from _modifier_readings(concept)
    for device in devices(resource, lookup):
        names = device_names(device)
        if not any(is_heart_monitor(name) for name in names):
            yield from _readings_in(lookup, names, ("implant", "approach"))
    if resource.get("resourceType") == "DeviceRequest":
        yield from _readings_in(lookup, own_words(resource.get("codeCodeableConcept")), ("implant",))
    yield from _performer(resource, lookup)
    for note in items(resource.get("note")):
        if isinstance(note.get("text"), str) and lookup.has_room(note["text"]):
            yield from (Reading(r.attribute, r.value, is_stated=False) for r in read_phrase(note["text"]))


def _modifier_readings(concept: Json) -> Iterator[Reading]:
    """Yield the side that the modifiers of billing codes name."""
    for coding in codings(concept):
        yield from (Reading("side", MODIFIERS[each], is_stated=True) for each in coding.modifiers if each in MODIFIERS)


def _performer(resource: Resource, lookup: Lookup) -> Iterator[Reading]:
    """Yield who performs the order: by the requested type, or by the role, specialty, and qualification of a person."""
    concepts = list(items(resource.get("performerType")))
    for target in lookup.targets(resource, items(resource.get("performer"))):
        concepts += [*items(target.get("code")), *items(target.get("specialty"))]
        concepts += [code for held in items(target.get("qualification")) for code in items(held.get("code"))]
    for concept in concepts:
        taxonomy = [coding.code for coding in codings(concept) if coding.system == NUCC]
        for value, groups in _NUCC_GROUPS.items():
            yield from (Reading("performer", value, True) for code in taxonomy if code.startswith(groups))
        yield from _readings_in(lookup, texts(concept), ("performer",))


def _readings_in(
    lookup: Lookup, texts: Iterable[str], attributes: tuple[Attribute, ...] = ATTRIBUTES
) -> Iterator[Reading]:
    for text in texts:
        if lookup.may_read(text):
            yield from read_phrase(text, attributes)
