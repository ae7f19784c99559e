"""Suggested changes to an order."""

from collections.abc import Mapping

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_text import Attribute, read_phrase

PHRASES: Mapping[Attribute, Mapping[str, str]] = {
    "approach": {"lateral-transarticular": "Lateral transarticular approach"},
}
"""The phrase that states each value to which an order can be changed."""


def restated(order: Resource, attribute: Attribute, value: str) -> Resource:
    """Return a copy of an order whose details state this value of an attribute, and no other.

    One phrase replaces the details about the attribute; everything else stays exactly as received.
    """
    kept = [
        detail
        for detail in items(order.get("orderDetail"))
        if not any(read_phrase(text, (attribute,)) for text in _words(detail))
    ]
    return {**order, "orderDetail": [*kept, {"text": PHRASES[attribute][value]}]}


def _words(detail: Resource) -> list[str]:
    displays = [coding.get("display") for coding in items(detail.get("coding"))]
    return [text for text in (detail.get("text"), *displays) if isinstance(text, str)]
