"""Draft orders: their codes, dates, reasons, drugs, and stated attributes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from fhir_mappings.amounts import Amount
from fhir_mappings.bundle import reference_of
from fhir_mappings.codings import CPT, HCPCS, Coding, codings, concept_text, items
from fhir_mappings.dates import DateInterval, parse_leniently
from fhir_mappings.encounters import encounter_reference
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import QUALIFIERS, Side
from fhir_mappings.modifiers import modifier_in
from fhir_mappings.order_amounts import amounts_of
from fhir_mappings.order_drugs import drugs_named, drugs_of_detail, drugs_of_product, once
from fhir_mappings.order_elements import (
    PRODUCTS,
    Lookup,
    Resolve,
    code_concepts,
    given_names,
    is_missing,
    own_words,
    products,
    texts,
)
from fhir_mappings.order_readings import readings
from fhir_mappings.order_reasons import OrderReasons, read_reasons
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import names_an_operation, without_history
from fhir_mappings.planned_date import planned_date
from fhir_mappings.prescribed_drugs import ordered_drug
from fhir_mappings.record import Evidence

ORDER_KEYS = "urn:cds-coverage-policies:order"
"""The system of the identifiers that the service gives to orders, which have none before they are stored."""

_NOT_JUDGED = ("revoked", "entered-in-error", "cancelled")
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
    has_missing_product: bool = False
    """Whether it orders a device or medication by a reference to a resource that was neither sent nor read."""
    key: str = ""
    """The value of its identifier in the system `ORDER_KEYS`, empty if the service gave it none."""

    def amounts(self, name: str) -> tuple[Amount | None, ...]:
        """Return the amounts of one kind that it states, None for each that cannot be read."""
        return amounts_of(self.resource, name)

    @property
    def evidence(self) -> Evidence:
        """Return the order itself, as evidence of what it is for."""
        return self.stating("")

    def stating(self, value: str) -> Evidence:
        """Return the order itself, as evidence of a value that it states."""
        return Evidence(self.reference, self.label, str(self.authored) if self.authored else "", value)

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


def read_order(
    resource: Resource,
    full_url: str = "",
    *,
    zone: tzinfo,
    terms: OrderTerms,
    resolve: Resolve = lambda _: None,
) -> Order:
    """Read one draft order by the words of `terms`, however broken; an element that cannot be read states nothing.

    An order with more words than are read may contradict itself further on, so it only hints.
    """
    lookup = Lookup(resolve)
    stated: dict[str, set[str]] = {}
    hinted: dict[str, set[str]] = {}
    for reading in tuple(readings(resource, lookup, terms)):
        is_stated = reading.is_stated and not lookup.is_too_long
        (stated if is_stated else hinted).setdefault(reading.attribute, set()).add(reading.value)
    planned, has_unreadable_date = planned_date(resource, zone)
    concepts = list(code_concepts(resource, lookup))
    names = [name for product in products(resource, lookup) for name in given_names(product)]
    return Order(
        reference=reference_of(resource, full_url),
        resource=resource,
        label=next((text for text in (*map(concept_text, concepts), *names) if text), "Order"),
        codes=_codes(resource, concepts, lookup),
        reasons=read_reasons(resource, lambda reference: lookup.target(resource, reference), terms),
        drugs=_drugs(resource, concepts, terms),
        stated={name: frozenset(values) for name, values in stated.items()},
        hinted={name: frozenset(values) for name, values in hinted.items()},
        planned=planned,
        authored=parse_leniently(resource.get("authoredOn"), zone),
        has_unreadable_date=has_unreadable_date,
        encounter=encounter_reference(resource.get("encounter")),
        obstacle=_obstacle(resource, *products(resource, lookup)),
        has_missing_product=any(is_missing(resource, resource.get(name), lookup) for name in PRODUCTS),
        words=tuple(
            text
            for text in map(without_history, (*(t for each in concepts for t in texts(each)), *names))
            if names_an_operation(text)
        ),
    )


def _obstacle(resource: Resource, *products: Resource) -> str:
    """Return that a modifier may change what the order, or the product that it orders, means; empty if none may."""
    modifier = next(filter(None, map(modifier_in, (resource, *products))), "")
    return f"the order has {modifier}, which may change its meaning" if modifier else ""


def _codes(resource: Resource, concepts: Iterable[Resource], lookup: Lookup) -> tuple[Coding, ...]:
    found = [coding for concept in concepts for coding in codings(concept)]
    for detail in items(resource.get("orderDetail")):
        found += [coding for coding in codings(detail) if coding.system in (CPT, HCPCS)]
    for holder in (*concepts, resource, *products(resource, lookup)):
        for extension in items(holder.get("extension")):
            if extension.get("url") == _BILLING_OPTIONS:
                found += codings(extension.get("valueCodeableConcept"))
    if resource.get("resourceType") == "MedicationRequest":
        parts = [
            part.get("itemCodeableConcept")
            for each in products(resource, lookup)
            for part in items(each.get("ingredient"))
        ]
        given = {(coding.system, coding.code) for coding in found}
        contents = ordered_drug([*concepts, *parts]).known_as
        found += [coding for coding in once(contents) if (coding.system, coding.code) not in given]
    return tuple(dict.fromkeys(found))


def _drugs(resource: Resource, concepts: Iterable[Json], terms: OrderTerms) -> tuple[Coding, ...]:
    """Return the drugs of an order: those of its details, and those that name the ordered procedure or product."""
    found: list[Coding] = []
    for detail in items(resource.get("orderDetail")):
        found += drugs_of_detail(detail, texts(detail), terms)
    for concept in concepts:
        if resource.get("resourceType") == "MedicationRequest":
            found += drugs_of_product(concept, texts(concept), terms)
        else:
            found += (drug for text in own_words(concept) for drug in drugs_named(text, terms))
    return once(found)
