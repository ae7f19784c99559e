"""Modifiers that no reading knows: what carries one may mean something else, even the opposite (FHIR R4, 2.4.0.1)."""

from collections.abc import Iterator

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource, canonical

MODIFIERS = ("modifierExtension", "implicitRules")
"""The elements that modify what they stand in."""
_WRITTEN = tuple(name.encode() for name in MODIFIERS)
"""Where these bytes are nowhere in a resource, nothing in it has a modifier."""


def modified_elements(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield each element of a resource with a modifier in it, and the modifier; the element is empty for all of them.

    Contained resources do not count: their modifiers are their own.
    """
    for modifier in MODIFIERS:
        if resource.get(modifier):
            yield "", modifier
    for element, value in resource.items():
        if element not in ("contained", *MODIFIERS) and isinstance(value, dict | list) and _has_modifier(value):
            yield element, "modifierExtension"


def modifier_in(resource: Resource) -> str:
    """Return a modifier anywhere in a resource or in one that it contains; empty if there is none."""
    written = canonical(resource)
    if not any(name in written for name in _WRITTEN):
        return ""
    resources = (resource, *items(resource.get("contained")))
    return next((modifier for each in resources for _, modifier in modified_elements(each)), "")


def _has_modifier(value: Json) -> bool:
    unread = [value]
    while unread:
        part = unread.pop()
        if isinstance(part, dict):
            if part.get("modifierExtension"):
                return True
            unread.extend(part.values())
        elif isinstance(part, list):
            unread.extend(part)
    return False
