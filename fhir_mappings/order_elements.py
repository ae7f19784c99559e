"""The parts of a draft order: its concepts, their words, and what its references lead to, within limits."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from fhir_mappings.bundle import contained_by_id
from fhir_mappings.codings import CPT, HCPCS, codings, items
from fhir_mappings.fhir_json import Json, Resource, canonical
from fhir_mappings.order_text import MAX_PHRASE_LENGTH
from fhir_mappings.short_texts import Kept

COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
"""The extension by which a payer answers an order (Da Vinci CRD). It says nothing of what is ordered."""
CODE_ELEMENTS = {
    "ServiceRequest": "code",
    "DeviceRequest": "codeCodeableConcept",
    "MedicationRequest": "medicationCodeableConcept",
}
"""The kinds of orders, each with the element that has the code of what is ordered."""
PRODUCTS = {"codeReference": "Device", "medicationReference": "Medication"}
"""The elements by which an order references what is ordered instead of having a code, with the type of each target."""

Resolve: TypeAlias = Callable[[Json], Resource | None]
"""A function that returns the target of a Reference from the draft orders or the chart; None if it is in neither."""

MAX_ORDER_LENGTH = 20_000
"""How many characters of the phrases of an order are read."""
_PHRASE_COST = 50
"""The characters that take as long to read as a phrase of none."""


class Lookup:
    """Finds what the references of one order lead to, and bounds how many of its words are read.

    `is_too_long` is whether some words that may state something were not read.
    """

    def __init__(self, resolve: Resolve) -> None:
        self.is_too_long = False
        self._resolve = resolve
        self._characters_left = MAX_ORDER_LENGTH
        self._contained: dict[int, tuple[Resource, Mapping[str, Resource]]] = {}

    def has_room(self, text: str) -> bool:
        """Return whether a phrase is within what is read of an order, and count it."""
        self._characters_left -= min(len(text), MAX_PHRASE_LENGTH) + _PHRASE_COST
        return self._characters_left >= 0

    def may_read(self, text: str) -> bool:
        """Return whether a phrase that may state something has room, and remember one that has none."""
        self.is_too_long = not self.has_room(text) or self.is_too_long
        return not self.is_too_long

    def target(self, resource: Resource, reference: Json) -> Resource | None:
        """Return the target of a Reference in a resource; None if there is none."""
        if not isinstance(reference, Mapping):
            return None
        target = reference.get("reference")
        if not isinstance(target, str) or not target.startswith("#"):
            return self._resolve(reference)
        if id(resource) not in self._contained:
            self._contained[id(resource)] = resource, contained_by_id(resource)
        return self._contained[id(resource)][1].get(target[1:])

    def targets(self, resource: Resource, references: Iterable[Json]) -> Iterable[Resource]:
        """Return the targets of several References, each once."""
        found = (self.target(resource, reference) for reference in references)
        return {id(target): target for target in found if target is not None}.values()


def code_concepts(resource: Resource, lookup: Lookup) -> Iterator[Resource]:
    for name in CODE_ELEMENTS.values():
        yield from items(resource.get(name))
    for target in products(resource, lookup):
        yield from items(target.get("type" if target.get("resourceType") == "Device" else "code"))


def is_missing(resource: Resource, reference: Json, lookup: Lookup) -> bool:
    """Return whether a Reference is to another resource, outside its own, that is not at hand."""
    named = reference.get("reference") if isinstance(reference, Mapping) else None
    is_outside = isinstance(named, str) and not named.startswith("#")
    return is_outside and lookup.target(resource, reference) is None


def products(resource: Resource, lookup: Lookup) -> Iterator[Resource]:
    """Yield the ordered Device or Medication if the order references it as a resource."""
    for name, kind in PRODUCTS.items():
        target = lookup.target(resource, resource.get(name))
        if target is not None and target.get("resourceType") == kind:
            yield target


def texts(concept: Json) -> tuple[str, ...]:
    """Return the text of a concept and the labels of its codes, each once."""
    return _words(concept)[0]


def own_words(concept: Json) -> tuple[str, ...]:
    """Return the text of a concept without the labels of billing codes, which are definitions."""
    return _words(concept)[1]


def _words(concept: Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all words of a concept, and its own; what is ordered is called the same in many charts."""
    if concept is None:
        return _NO_WORDS
    return _WORDS.of(canonical(concept), None, lambda: _read_words(concept))


_NO_WORDS: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
_WORDS: Kept[tuple[tuple[str, ...], tuple[str, ...]]] = Kept()


def _read_words(concept: Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found: list[str] = []
    for one in items(concept):
        if isinstance(one.get("text"), str):
            found.append(one["text"])
        found += [coding.display for coding in codings(one) if coding.display]
    labels = {_folded(coding.display) for coding in codings(concept) if coding.system in (CPT, HCPCS)}
    every = tuple(dict.fromkeys(found))
    return every, tuple(text for text in every if _folded(text) not in labels)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def devices(resource: Resource, lookup: Lookup) -> Iterator[Resource]:
    references = [resource.get("codeReference"), *items(resource.get("supportingInfo"))]
    for target in lookup.targets(resource, references):
        if target.get("resourceType") == "Device":
            yield target
        elif target.get("resourceType") == "DeviceRequest":
            yield {"type": target.get("codeCodeableConcept")}
            device = lookup.target(target, target.get("codeReference"))
            if device is not None:
                yield device


def device_names(device: Resource) -> list[str]:
    found = list(own_words(device.get("type")))
    found += given_names(device)
    found += [device[name] for name in ("modelNumber", "manufacturer") if isinstance(device.get(name), str)]
    return found


def given_names(device: Resource) -> list[str]:
    return [each["name"] for each in items(device.get("deviceName")) if isinstance(each.get("name"), str)]


def people(resource: Resource, element: str, lookup: Lookup) -> Iterator[Resource]:
    """Yield the roles, specialties, and qualifications of those that an element of an order references."""
    for target in lookup.targets(resource, items(resource.get(element))):
        yield from (*items(target.get("code")), *items(target.get("specialty")))
        yield from (code for held in items(target.get("qualification")) for code in items(held.get("code")))


def without_coverage_information(order: Resource) -> Resource:
    """Return an order without what payers have answered to it: no words of the order, nor true of a changed one."""
    stated = order.get("extension")
    if not isinstance(stated, list):
        return order
    kept = [each for each in stated if not (isinstance(each, Mapping) and each.get("url") == COVERAGE_INFORMATION)]
    if len(kept) == len(stated):
        return order
    rest = {name: value for name, value in order.items() if name != "extension"}
    return {**rest, "extension": kept} if kept else rest
