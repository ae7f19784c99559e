"""What a suggestion changes in an order, as written in a document: a value of an attribute."""

from dataclasses import dataclass, field
from typing import Protocol

from coverage_policies.format.schema_errors import not_a_value, unknown
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_edit import restated
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.orders import Order


class OrderChange(Protocol):
    """One change of an order; as a string, what is written in the document."""

    @property
    def argument(self) -> str:
        """Return the argument of `order` that reads what is changed."""

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order with the change and nothing that contradicts it; None if that cannot be done."""

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order, read again, says what the change wants, and nothing else."""


@dataclass(frozen=True, slots=True)
class StateValue:
    """State a value of an attribute."""

    argument: str
    value: str
    terms: OrderTerms = field(compare=False, repr=False)

    def applied_to(self, order: Resource) -> Resource | None:
        """Return a copy of an order whose words state the value, and no other."""
        return restated(order, self.terms, self.argument, self.value)

    def is_made_in(self, order: Order) -> bool:
        """Return whether an order states the value, and no other."""
        return order.stated.get(self.argument) == frozenset({self.value})

    def __str__(self) -> str:
        return f"{self.argument}: {self.value}"


def order_change(name: str, value: str, sets: ValueSets) -> OrderChange:
    """Return the change that a document writes as `name: value`. Raises ValueError for one that there is not."""
    attributes = sets.order_terms.attributes
    if name not in attributes:
        raise ValueError(unknown("suggest", [name], ["says", *attributes]))
    if value not in attributes[name].values:
        raise ValueError(not_a_value(name, value, list(attributes[name].values)))
    if not attributes[name].values[value].phrase:
        raise ValueError(
            f"{name} {value} has no wording in order_terms/{name}.csv, so no order can be made to state it"
        )
    return StateValue(name, value, sets.order_terms)
