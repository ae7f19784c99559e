"""Draft orders: their codes, dates, reasons, drugs, and stated attributes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import TypeAlias

from fhir_mappings.bundle import contained_by_id, reference_of
from fhir_mappings.codings import CPT, HCPCS, RXNORM, Coding, codings, concept_text, items
from fhir_mappings.dates import DateInterval, parse_leniently
from fhir_mappings.drug_names import ingredients_named
from fhir_mappings.encounters import encounter_reference
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import MODIFIERS, QUALIFIERS, Side
from fhir_mappings.modifiers import modifier_in
from fhir_mappings.opioids import ingredient_of
from fhir_mappings.order_reasons import OrderReasons, read_reasons
from fhir_mappings.order_text import (
    ATTRIBUTES,
    MAX_PHRASE_LENGTH,
    Attribute,
    Reading,
    is_heart_monitor,
    is_unambiguous,
    names_an_operation,
    read_phrase,
)
from fhir_mappings.planned_date import planned_date
from fhir_mappings.record import Evidence

Resolve: TypeAlias = Callable[[Json], Resource | None]
"""A function that returns the target of a Reference from the draft orders or the chart; None if it is in neither."""

MAX_ORDER_LENGTH = 20_000
"""How many characters of the phrases of an order are read."""
_PHRASE_COST = 50
"""The characters that take as long to read as a phrase of none."""
_NOT_JUDGED = ("revoked", "entered-in-error", "cancelled")
NUCC = "http://nucc.org/provider-taxonomy"
_NUCC_GROUPS = {"physician": ("207", "208"), "not-physician": ("363", "367")}
"""Prefixes of provider taxonomy codes: physicians, and physician assistants with advanced practice nurses."""
_BILLING_OPTIONS = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The day from which every look-back starts, and in words where it comes from."""

    day: date
    taken_from: str


@dataclass(frozen=True)
class Order:
    """One draft order. `stated` holds the values that it states, `hinted` those that it may mean, both by attribute.

    `words` are the phrases that name an operation, as a last resort for an order without a code. `has_unreadable_date`
    is whether it states a planned date and none that can be read. `obstacle` is why the order cannot be evaluated, such
    as that it is for another patient; empty if it can.
    """

    reference: str
    resource: Resource
    label: str
    codes: tuple[Coding, ...]
    reasons: OrderReasons
    drugs: tuple[Coding, ...]
    stated: Mapping[str, frozenset[str]]
    hinted: Mapping[str, frozenset[str]]
    planned: DateInterval | None
    authored: DateInterval | None
    words: tuple[str, ...] = ()
    has_unreadable_date: bool = False
    encounter: str = ""
    """The reference of the encounter in which the order is written, `Encounter/1`; empty if it is not known."""
    obstacle: str = ""

    @property
    def evidence(self) -> Evidence:
        """Return the order itself, as evidence of what it states."""
        return Evidence(self.reference, self.label, str(self.authored) if self.authored else "")

    @property
    def side(self) -> Side | None:
        """Return the side that the order states; None if it states none, or both left and right separately."""
        stated = self.stated.get("side", frozenset())
        return next((side for side in QUALIFIERS.values() if stated == {side}), None)

    def with_side(self, side: Side) -> "Order":
        """Return the order as if it stated this side and no other."""
        return replace(self, stated={**self.stated, "side": frozenset({side})})

    @property
    def is_judged(self) -> bool:
        """Return whether the order requests an action: not revoked, erroneous, canceled, or `doNotPerform`."""
        return self.resource.get("status") not in _NOT_JUDGED and self.resource.get("doNotPerform") is not True

    def anchor(self, today: date) -> Anchor:
        """Return the planned service date, else the day the order was written, else today.

        A partial date counts as its last day, the conservative choice: a study is recent, and a history of pain is
        short, only if it would be so on every day of the month.
        """
        unread = "; the planned service date is not a date" if self.has_unreadable_date else ""
        for when, words in ((self.planned, "planned service date"), (self.authored, f"date of the order{unread}")):
            if when is not None:
                exact = when.earliest == when.latest
                return Anchor(when.latest, words if exact else f"{words} ({when}, counted by its last day)")
        return Anchor(today, f"today{unread}")


class _Lookup:
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


def read_order(resource: Resource, full_url: str = "", *, zone: tzinfo, resolve: Resolve = lambda _: None) -> Order:
    """Read one draft order, however broken; an element that cannot be read states nothing.

    An order with more words than are read may contradict itself further on, so it only hints.
    """
    lookup = _Lookup(resolve)
    stated: dict[str, set[str]] = {}
    hinted: dict[str, set[str]] = {}
    readings = tuple(_readings(resource, lookup))
    for reading in readings:
        is_stated = reading.is_stated and not lookup.is_too_long
        (stated if is_stated else hinted).setdefault(reading.attribute, set()).add(reading.value)
    planned, has_unreadable_date = planned_date(resource, zone)
    concepts = list(_code_concepts(resource, lookup))
    device_names = [name for product in _products(resource, lookup) for name in _given_names(product)]
    return Order(
        reference=reference_of(resource, full_url),
        resource=resource,
        label=next((text for text in (*map(concept_text, concepts), *device_names) if text), "Order"),
        codes=_codes(resource, concepts, lookup),
        reasons=read_reasons(resource, lambda reference: lookup.target(resource, reference)),
        drugs=_drugs(resource, concepts),
        stated={name: frozenset(values) for name, values in stated.items()},
        hinted={name: frozenset(values) for name, values in hinted.items()},
        planned=planned,
        authored=parse_leniently(resource.get("authoredOn"), zone),
        has_unreadable_date=has_unreadable_date,
        encounter=encounter_reference(resource.get("encounter")),
        obstacle=_obstacle(resource, *_products(resource, lookup)),
        words=tuple(
            text
            for text in (*(t for each in concepts for t in _texts(each)), *device_names)
            if names_an_operation(text)
        ),
    )


def _obstacle(resource: Resource, *products: Resource) -> str:
    """Return that a modifier may change what the order, or the product that it orders, means; empty if none may."""
    modifier = next(filter(None, map(modifier_in, (resource, *products))), "")
    return f"the order has {modifier}, which may change its meaning" if modifier else ""


def _code_concepts(resource: Resource, lookup: _Lookup) -> Iterator[Resource]:
    for name in ("code", "codeCodeableConcept", "medicationCodeableConcept"):
        yield from items(resource.get(name))
    for target in _products(resource, lookup):
        yield from items(target.get("type" if target.get("resourceType") == "Device" else "code"))


def _products(resource: Resource, lookup: _Lookup) -> Iterator[Resource]:
    """Yield the ordered Device or Medication if the order references it as a resource."""
    for name, kind in (("codeReference", "Device"), ("medicationReference", "Medication")):
        target = lookup.target(resource, resource.get(name))
        if target is not None and target.get("resourceType") == kind:
            yield target


def _codes(resource: Resource, concepts: Iterable[Resource], lookup: _Lookup) -> tuple[Coding, ...]:
    found = [coding for concept in concepts for coding in codings(concept)]
    for detail in items(resource.get("orderDetail")):
        found += [coding for coding in codings(detail) if coding.system in (CPT, HCPCS)]
    for holder in (*concepts, resource, *_products(resource, lookup)):
        for extension in items(holder.get("extension")):
            if extension.get("url") == _BILLING_OPTIONS:
                found += codings(extension.get("valueCodeableConcept"))
    return tuple(dict.fromkeys(found))


def _drugs(resource: Resource, concepts: Iterable[Json]) -> tuple[Coding, ...]:
    """Return the drugs of an order. Skip ambiguous details, which may say which drug not to give."""
    details = list(items(resource.get("orderDetail")))
    products = list(concepts) if resource.get("resourceType") == "MedicationRequest" else []
    sources = [*details, *products]
    found = [coding for concept in sources for coding in codings(concept) if coding.system == RXNORM]
    found += [ingredient for coding in found if (ingredient := ingredient_of(coding))]
    words = [text for detail in details for text in _texts(detail) if is_unambiguous(text)]
    words += [text for product in products for text in _texts(product)]
    for text in words:
        found += ingredients_named(text)
    return tuple(dict.fromkeys(found))


def _readings(resource: Resource, lookup: _Lookup) -> Iterator[Reading]:
    for detail in items(resource.get("orderDetail")):
        yield from _readings_in(lookup, _own_words(detail))
        yield from _modifier_readings(detail)
    for site in items(resource.get("bodySite")):
        yield from (Reading("side", QUALIFIERS[c.code], True) for c in codings(site) if c.code in QUALIFIERS)
        yield from _modifier_readings(site)
        yield from _readings_in(lookup, _texts(site), ("side",))
    for concept in items(resource.get("reasonCode")):
        yield from _readings_in(lookup, _texts(concept), ("purpose", "request"))
    for concept in _code_concepts(resource, lookup):
        yield from _readings_in(lookup, _own_words(concept), ("approach", "side", "guidance", "purpose"))
        yield from _modifier_readings(concept)
    for device in _devices(resource, lookup):
        names = _device_names(device)
        if not any(is_heart_monitor(name) for name in names):
            yield from _readings_in(lookup, names, ("implant", "approach"))
    if resource.get("resourceType") == "DeviceRequest":
        yield from _readings_in(lookup, _own_words(resource.get("codeCodeableConcept")), ("implant",))
    yield from _performer(resource, lookup)
    for note in items(resource.get("note")):
        if isinstance(note.get("text"), str) and lookup.has_room(note["text"]):
            yield from (Reading(r.attribute, r.value, is_stated=False) for r in read_phrase(note["text"]))


def _modifier_readings(concept: Json) -> Iterator[Reading]:
    """Yield the side that the modifiers of billing codes name."""
    for coding in codings(concept):
        yield from (Reading("side", MODIFIERS[each], is_stated=True) for each in coding.modifiers if each in MODIFIERS)


def _performer(resource: Resource, lookup: _Lookup) -> Iterator[Reading]:
    """Yield who performs the order: by the requested type, or by the role, specialty, and qualification of a person."""
    concepts = list(items(resource.get("performerType")))
    for target in lookup.targets(resource, items(resource.get("performer"))):
        concepts += [*items(target.get("code")), *items(target.get("specialty"))]
        concepts += [code for held in items(target.get("qualification")) for code in items(held.get("code"))]
    for concept in concepts:
        taxonomy = [coding.code for coding in codings(concept) if coding.system == NUCC]
        for value, groups in _NUCC_GROUPS.items():
            yield from (Reading("performer", value, True) for code in taxonomy if code.startswith(groups))
        yield from _readings_in(lookup, _texts(concept), ("performer",))


def _readings_in(
    lookup: _Lookup, texts: Iterable[str], attributes: tuple[Attribute, ...] = ATTRIBUTES
) -> Iterator[Reading]:
    for text in texts:
        if lookup.may_read(text):
            yield from read_phrase(text, attributes)


def _texts(concept: Json) -> list[str]:
    found = []
    for one in items(concept):
        if isinstance(one.get("text"), str):
            found.append(one["text"])
        found += [coding.display for coding in codings(one) if coding.display]
    return list(dict.fromkeys(found))


def _own_words(concept: Json) -> list[str]:
    """Return the text of a concept without the labels of billing codes, which are definitions."""
    labels = {_folded(coding.display) for coding in codings(concept) if coding.system in (CPT, HCPCS)}
    return [text for text in _texts(concept) if _folded(text) not in labels]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _devices(resource: Resource, lookup: _Lookup) -> Iterator[Resource]:
    references = [resource.get("codeReference"), *items(resource.get("supportingInfo"))]
    for target in lookup.targets(resource, references):
        if target.get("resourceType") == "Device":
            yield target
        elif target.get("resourceType") == "DeviceRequest":
            yield {"type": target.get("codeCodeableConcept")}
            device = lookup.target(target, target.get("codeReference"))
            if device is not None:
                yield device


def _device_names(device: Resource) -> list[str]:
    found = _own_words(device.get("type"))
    found += _given_names(device)
    found += [device[name] for name in ("modelNumber", "manufacturer") if isinstance(device.get(name), str)]
    return found


def _given_names(device: Resource) -> list[str]:
    return [each["name"] for each in items(device.get("deviceName")) if isinstance(each.get("name"), str)]
