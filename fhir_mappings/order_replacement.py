"""Suggested changes to an order: another code, product, or quantity, and nothing that contradicts it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_mappings.codings import Coding, codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_elements import CODE_ELEMENTS, texts
from fhir_mappings.order_text import MAX_PHRASE_LENGTH

_DRUG = "MedicationRequest"
_OF_THE_PRODUCT = ("dosageInstruction", "substitution")
"""What was written for one product and is not true of another."""
_LEAST_NAME = 4
"""The fewest characters of a label that is looked for in the other words of an order."""
_NOT_WORDS = ("contained", "identifier", "meta")
_QUANTITY_WORDS = r"(?:#|\b(?:dispens\w*|disp|quantity|qty|number|supply|count)\b)\W{0,5}"


def recoded(order: Resource, new: Coding) -> Resource | None:
    """Return a copy of an order with another code or product in place of its own, and the label of that one.

    Modifiers of the old billing code stay. A dosage, and how much is dispensed, were written for the old product and
    are left out. Details that repeat the old code, and the narrative, are left out, too. Return None where that cannot
    be done consistently: for an order without a code of its own, and for one whose other words name the old code.
    """
    element = CODE_ELEMENTS.get(str(order.get("resourceType")), "")
    concept = order.get(element)
    old = codings(concept)
    if not isinstance(concept, Mapping) or not old:
        return None
    modifiers = _modifiers(concept) if new.system in {each.system for each in old} else ""
    coding = {"system": new.system, "code": new.code + modifiers, "display": new.display}
    changed: dict[str, Any] = {**order, element: {"coding": [coding], "text": new.display}}
    if order.get("resourceType") == _DRUG:
        changed |= dict.fromkeys(_OF_THE_PRODUCT)
        changed["dispenseRequest"] = _without(order.get("dispenseRequest"), "quantity", "expectedSupplyDuration")
    names = _names(concept, old, new)
    if isinstance(order.get("orderDetail"), list):
        changed["orderDetail"] = [each for each in order["orderDetail"] if not _repeats(each, old)] or None
    changed["text"] = None
    found = {name: value for name, value in changed.items() if value is not None}
    rest = {name: value for name, value in found.items() if name != element}
    return None if _is_named_in(rest, names) else found


def with_quantity(order: Resource, quantity: Decimal) -> Resource | None:
    """Return a copy of an order for another quantity, in the unit of its own.

    The days of supply were those of the old quantity and are left out, and so is the narrative. Return None for an
    order without a plain quantity, and for one whose words give the old one.
    """
    dispensed = order.get("dispenseRequest")
    is_drug = order.get("resourceType") == _DRUG
    holder = dispensed if is_drug else order
    name = "quantity" if is_drug else "quantityQuantity"
    given = holder.get(name) if isinstance(holder, Mapping) else None
    old = given.get("value") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or isinstance(old, bool) or not isinstance(old, int | Decimal):
        return None
    if given.get("comparator"):
        return None
    new = {**given, "value": int(quantity) if quantity == quantity.to_integral_value() else quantity}
    changed: dict[str, Any] = {**order, "text": None}
    if is_drug and isinstance(dispensed, Mapping):
        changed["dispenseRequest"] = {**(_without(dispensed, "expectedSupplyDuration") or {}), "quantity": new}
    else:
        changed[name] = new
    found = {name: value for name, value in changed.items() if value is not None}
    stated = re.compile(rf"{_QUANTITY_WORDS}{re.escape(f'{Decimal(old).normalize():f}')}(?![\d.])", re.IGNORECASE)
    return None if any(len(text) > MAX_PHRASE_LENGTH or stated.search(text) for text in _words(found)) else found


def _modifiers(concept: Mapping[str, Json]) -> str:
    """Return the modifiers that are written behind the billing code, as they are written: `-RR`."""
    for coding in items(concept.get("coding")):
        system, written = coding.get("system"), coding.get("code")
        if isinstance(system, str) and isinstance(written, str):
            for known in codings(coding):
                if known.modifiers and written.startswith(known.code):
                    return written[len(known.code) :]
    return ""


def _repeats(detail: Json, old: Iterable[Coding]) -> bool:
    """Return whether a detail has one of these codes."""
    known = {(each.system, each.code) for each in old}
    return any((each.system, each.code) in known for each in codings(detail))


def _names(concept: Resource, old: Iterable[Coding], new: Coding) -> set[str]:
    """Return the labels and codes by which other words of the order may name the old code."""
    named = {_folded(each) for each in (*texts(concept), *(each.code for each in old))}
    return {each for each in named if len(each) >= _LEAST_NAME and each != _folded(new.display)}


def _is_named_in(rest: Mapping[str, Json], names: set[str]) -> bool:
    """Return whether words of an order name one of these, or are too long to tell."""
    for text in _words(rest):
        folded = _folded(text)
        if len(text) > MAX_PHRASE_LENGTH or any(name in folded for name in names):
            return True
    return False


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _without(holder: Json, *names: str) -> dict[str, Json] | None:
    """Return an element without some of its members; None if nothing is left."""
    if not isinstance(holder, Mapping):
        return None
    return {name: value for name, value in holder.items() if name not in names} or None


def _words(order: Mapping[str, Json]) -> Iterator[str]:
    """Yield every string of an order that may say something of it."""
    unread: list[Json] = [value for name, value in order.items() if name not in _NOT_WORDS]
    while unread:
        part = unread.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            unread.extend(value for name, value in part.items() if name not in ("system", "reference"))
        elif isinstance(part, list):
            unread.extend(part)
