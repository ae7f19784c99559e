"""What a draft order states: in its details, body site, code, reason, devices, performers, and notes."""

from collections.abc import Iterable, Iterator

from fhir_mappings.codings import codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import MODIFIERS, QUALIFIERS
from fhir_mappings.notes import note_texts
from fhir_mappings.order_elements import Lookup, code_concepts, device_names, devices, own_words, people, texts
from fhir_mappings.order_terms import OrderTerms, Reading
from fhir_mappings.order_text import read_phrase


def readings(resource: Resource, lookup: Lookup, terms: OrderTerms) -> Iterator[Reading]:
    """Yield what each part of an order states or hints at, as far as its words are read."""
    part = _Part(lookup, terms)
    for detail in (*items(resource.get("orderDetail")), *_parameters(resource)):
        yield from part.concept(detail, own_words(detail), terms.names)
        yield from _sides(detail)
    for site in items(resource.get("bodySite")):
        yield from (Reading("side", QUALIFIERS[c.code], True) for c in codings(site) if c.code in QUALIFIERS)
        yield from _sides(site)
        yield from part.concept(site, texts(site), terms.read_in("site"))
    for concept in items(resource.get("reasonCode")):
        yield from part.concept(concept, texts(concept), terms.read_in("reason"))
    for reference in items(resource.get("reasonReference")):
        if isinstance(reference.get("display"), str):
            yield from part.words([reference["display"]], terms.read_in("reason"))
    for concept in code_concepts(resource, lookup):
        yield from part.concept(concept, own_words(concept), terms.read_in("code"))
        yield from _sides(concept)
    for device in devices(resource, lookup):
        names = device_names(device)
        yield from part.words(names, terms.read_in("device"), around="\n".join(names))
    if resource.get("resourceType") == "DeviceRequest":
        yield from part.words(own_words(resource.get("codeCodeableConcept")), terms.read_in("device"))
    for concept in (*items(resource.get("performerType")), *people(resource, "performer", lookup)):
        yield from part.concept(concept, texts(concept), terms.read_in("performer"))
    for note in note_texts(resource):
        if lookup.has_room(note):
            yield from (Reading(r.attribute, r.value, is_stated=False) for r in read_phrase(note, terms))


def _parameters(resource: Resource) -> Iterator[Resource]:
    """Yield the parameters of a DeviceRequest that are concepts; it has no details besides."""
    for parameter in items(resource.get("parameter")):
        yield from items(parameter.get("valueCodeableConcept"))


def _sides(concept: Json) -> Iterator[Reading]:
    """Yield the side that the modifiers of billing codes name."""
    for coding in codings(concept):
        yield from (Reading("side", MODIFIERS[each], is_stated=True) for each in coding.modifiers if each in MODIFIERS)


class _Part:
    """Reads the words and codes of one part of an order after the other, as far as there is room."""

    def __init__(self, lookup: Lookup, terms: OrderTerms) -> None:
        self._lookup = lookup
        self._terms = terms

    def concept(self, concept: Json, texts: Iterable[str], attributes: tuple[str, ...]) -> Iterator[Reading]:
        """Yield what the codes of a concept state, and its words state or hint at."""
        yield from self._terms.coded(codings(concept), attributes)
        yield from self.words(texts, attributes)

    def words(self, texts: Iterable[str], attributes: tuple[str, ...], around: str = "") -> Iterator[Reading]:
        """Yield what words state or hint at."""
        for text in texts:
            if self._lookup.may_read(text):
                yield from read_phrase(text, self._terms, attributes, around=around)
