"""The card extension that names the orders a card is about, as each version of Da Vinci CRD writes it.

CRD 2.2.1 (dev-25, CDSHookServiceResponseExtensionAssociatedResource) has References; the text of CRD 2.0.1 (linking
cards to requests) has another name, and the references as strings.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cards.crd_versions import CrdVersion

_V2_2 = "davinci-crd.associated-resource"
_V2_0 = "davinci-associated-resource"


def associated_orders(orders: Iterable[str], version: CrdVersion) -> dict[str, Any]:
    """Return the extension of a card about these orders, given as `Type/id`."""
    if version is CrdVersion.V2_0:
        return {_V2_0: list(orders)}
    return {_V2_2: [{"reference": order} for order in orders]}


def orders_of(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the orders that a card of either version is about."""
    found = card["extension"]
    return (*found.get(_V2_0, ()), *(each["reference"] for each in found.get(_V2_2, ())))
