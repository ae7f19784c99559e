"""What a suggestion changes in an order, as written in a document: a value, the code, the product, or the quantity."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from coverage_policies.format.schema_errors import not_a_value, unknown
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.amounts import Interval
from fhir_mappings.codings import RXNORM, SYSTEMS, Coding
from fhir_mappings.fhir_json import NumberBoundsError, Resource, bounded_decimal
from fhir_mappings.order_edit import restated
from fhir_mappings.order_replacement import recoded, with_quantity
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.orders import Order

CODE, PRODUCT, QUANTITY = "code", "product", "quantity"


class OrderChange(Protocol):
    """One change of an order; as a string, what is written in the document."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of `order` that read what is changed."""

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order with the change and nothing that contradicts it; None if that cannot be done."""

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order, read again, says what the change wants, and nothing else."""


@dataclass(frozen=True, slots=True)
class StateValue:
    """State a value of an attribute."""

    attribute: str
    value: str
    terms: OrderTerms = field(compare=False, repr=False)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the attribute."""
        return (self.attribute,)

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order whose words state the value, and no other."""
        return restated(order, self.terms, self.attribute, self.value)

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order states the value, and no other."""
        return order.stated.get(self.attribute) == frozenset({self.value})

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value}"


@dataclass(frozen=True, slots=True)
class ReplaceCode:
    """Order another code; with `is_product`, another drug product."""

    coding: Coding
    written: str
    is_product: bool

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return what reads codes, and what a product says: a clause may be about either."""
        return ("code", "drug")

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order with the code and its label in place of its own."""
        is_drug = order.get("resourceType") == "MedicationRequest"
        return recoded(order, self.coding) if is_drug is self.is_product else None

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order has the code."""
        return any((each.system, each.code) == (self.coding.system, self.coding.code) for each in order.codes)

    def __str__(self) -> str:
        return f"{PRODUCT if self.is_product else CODE}: {self.written}"


@dataclass(frozen=True, slots=True)
class SetQuantity:
    """Order another quantity, in the unit of the order."""

    quantity: Decimal

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return what reads quantities, and the days of supply, which are no longer stated."""
        return (QUANTITY,)

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order for the quantity."""
        return with_quantity(order, self.quantity)

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order is for the quantity."""
        wanted = Interval.point(Fraction(self.quantity))
        return [each and each.interval for each in order.amounts(QUANTITY)] == [wanted]

    def __str__(self) -> str:
        return f"{QUANTITY}: {self.quantity}"


def order_change(name: str, written: str, sets: ValueSets) -> OrderChange:
    """Return the change that a document writes as `name: written`. Raises ValueError for one that there is not."""
    if name in (CODE, PRODUCT):
        return _replacement(name, written, sets)
    if name == QUANTITY:
        return SetQuantity(_number(written))
    attributes = sets.order_terms.attributes
    if name not in attributes:
        raise ValueError(unknown("suggest", [name], ["says", CODE, PRODUCT, QUANTITY, *attributes]))
    if written not in attributes[name].values:
        raise ValueError(not_a_value(name, written, list(attributes[name].values)))
    if not attributes[name].values[written].phrase:
        raise ValueError(f"{name} {written} has no wording in order_terms/{name}.csv, so that no order can state it")
    return StateValue(name, written, sets.order_terms)


def _replacement(name: str, written: str, sets: ValueSets) -> ReplaceCode:
    short, _, code = written.partition(" ")
    system = SYSTEMS.get(short)
    if system is None or not code:
        raise ValueError(f"{written!r} is no code; write it like 'hcpcs E1392', with one of {', '.join(SYSTEMS)}")
    if name == PRODUCT and system != RXNORM:
        raise ValueError(f"{written!r} is no drug product; write it like 'rxnorm 861007'")
    label = sets.label(Coding(system, code))
    if not label:
        raise ValueError(f"no value set has {written}; the changed order is judged, so put its code into one")
    return ReplaceCode(Coding(system, code, label), written, name == PRODUCT)


def _number(written: str) -> Decimal:
    try:
        number = bounded_decimal(written)
    except NumberBoundsError:
        number = Decimal(0)
    if number <= 0:
        raise ValueError(f"{written[:40]!r} is no quantity; write it like '4'")
    return number
