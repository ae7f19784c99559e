"""State a side, a reason, a drug, a day, or words in a draft order, each in the element where EHRs send it.

Every function returns a copy and leaves whatever it does not change exactly as received. The readings of orders
(`read_order`) read what these functions write.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from fhir_mappings.codings import RXNORM, SNOMED, Coding, codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import QUALIFIERS, Side
from fhir_mappings.order_drugs import drugs_of_detail
from fhir_mappings.order_edit import with_value, without_others
from fhir_mappings.order_elements import CODE_ELEMENTS, texts
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase

SIDE = "side"
_REASONS = ("reasonCode", "reasonReference")
_OCCURRENCES = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")
_SERVICE, _DEVICE, _DRUG = CODE_ELEMENTS


def concept_of(coding: Coding) -> dict[str, Json]:
    """Return a CodeableConcept of a code with its label; of words alone if it has no code."""
    if not coding.code:
        return {"text": coding.display}
    found = {"system": coding.system, "code": coding.code, "display": coding.display}
    return {"coding": [{name: value for name, value in found.items() if value}], "text": coding.display or coding.code}


def with_side(order: Resource, terms: OrderTerms, side: Side | None) -> Resource | None:
    """Return an order with this side as the qualifier of its body site, or without any; None if that cannot be done.

    A device has no body site; its parameter states the side. The side of a reason is not that of the order, and stays.
    """
    rest = {name: value for name, value in order.items() if name not in _REASONS}
    rest |= {"bodySite": _without_qualifiers(order["bodySite"], side)} if "bodySite" in order else {}
    if side is not None and order.get("resourceType") != _SERVICE:
        changed = with_value(rest, terms, SIDE, side)
    else:
        changed = without_others(rest, terms, SIDE, side or "")
    if changed is None:
        return None
    if side is not None and order.get("resourceType") == _SERVICE and not _has_side(changed.get("bodySite"), side):
        code = next(code for code, name in QUALIFIERS.items() if name == side)
        site = concept_of(Coding(SNOMED, code, side.capitalize()))
        changed = {**changed, "bodySite": [*_listed(changed.get("bodySite")), site]}
    return _present({**dict.fromkeys(order), **{name: order[name] for name in _REASONS if name in order}, **changed})


def _has_side(sites: Json, side: Side) -> bool:
    return any(QUALIFIERS.get(each.code) == side for each in codings(_listed(sites)))


def _without_qualifiers(sites: Json, side: Side | None) -> Json:
    """Return body sites without the SNOMED CT qualifiers of other sides, and without those that were nothing else."""
    kept = []
    for site in _listed(sites):
        given = site.get("coding") if isinstance(site, Mapping) else None
        if not isinstance(given, list):
            kept.append(site)
            continue
        rest = [each for each in given if not any(QUALIFIERS.get(c.code, side) != side for c in codings(each))]
        if rest or not given:
            kept.append({**site, "coding": rest} if len(rest) < len(given) else site)
        elif others := {name: value for name, value in site.items() if name != "coding"}:
            kept.append(others)
    return kept or None


def with_reason(order: Resource, reason: Coding) -> Resource:
    """Return an order with another reason, by code or in words."""
    return {**order, "reasonCode": [*_listed(order.get("reasonCode")), concept_of(reason)]}


def without_item(order: Resource, element: str, position: int) -> Resource:
    """Return an order without one item of a list; the order itself if it has no such item."""
    given = _listed(order.get(element))
    if not 0 <= position < len(given):
        return order
    return _present({**order, element: given[:position] + given[position + 1 :] or None})


def with_drug(order: Resource, terms: OrderTerms, drug: Coding | None) -> Resource | None:
    """Return a service for which this drug is given, and no other; None if a detail says more than a drug.

    `drug` is a code of RxNorm or words; None for no drug.
    """
    if order.get("resourceType") != _SERVICE:
        return None
    kept = []
    for detail in _listed(order.get("orderDetail")):
        words = texts(detail)
        if not drugs_of_detail(detail, words, terms) and not any(each.system == RXNORM for each in codings(detail)):
            kept.append(detail)
        elif any(read_phrase(text, terms) for text in words):
            return None
    added = [concept_of(drug)] if drug is not None else []
    return _present({**order, "orderDetail": [*kept, *added] or None})


def with_detail(order: Resource, words: str) -> Resource | None:
    """Return an order with another detail in words; None for a medication, which has none."""
    match order.get("resourceType"):
        case "ServiceRequest":
            return {**order, "orderDetail": [*_listed(order.get("orderDetail")), {"text": words}]}
        case "DeviceRequest":
            return {
                **order,
                "parameter": [*_listed(order.get("parameter")), {"valueCodeableConcept": {"text": words}}],
            }
    return None


def details_element(order: Resource) -> str:
    """Return the element with the details of an order; empty for a medication."""
    return {_SERVICE: "orderDetail", _DEVICE: "parameter"}.get(str(order.get("resourceType")), "")


def with_planned_day(order: Resource, day: date | None) -> Resource:
    """Return an order planned for a day, or without a plan; of a medication, the first day it may be dispensed."""
    if order.get("resourceType") != _DRUG:
        planned = day.isoformat() if day is not None else None
        return _present({**order, **dict.fromkeys(_OCCURRENCES), "occurrenceDateTime": planned})
    given = order.get("dispenseRequest")
    dispensed = dict(given) if isinstance(given, Mapping) else {}
    period = dispensed.pop("validityPeriod", None)
    if day is not None:
        end = {"end": period["end"]} if isinstance(period, Mapping) and "end" in period else {}
        dispensed["validityPeriod"] = {"start": day.isoformat(), **end}
    return _present({**order, **dict.fromkeys(_OCCURRENCES), "dispenseRequest": dispensed or None})


def with_notes(order: Resource, notes: Sequence[str]) -> Resource:
    """Return an order with the texts of its notes replaced by these, one by one; an empty one is left out."""
    given = _listed(order.get("note"))
    found: list[Json] = []
    for i, text in enumerate(notes):
        before = given[i] if i < len(given) else {}
        if text:
            found.append({**before, "text": text} if isinstance(before, Mapping) else {"text": text})
    return _present({**order, "note": [*found, *given[len(notes) :]] or None})


def _listed(element: Json) -> list[Json]:
    """Return the items of a list, or what stands in place of one as its only item."""
    return [] if element is None else list(element) if isinstance(element, list) else [element]


def _present(order: Mapping[str, Any]) -> Resource:
    return {name: value for name, value in order.items() if value is not None}


def notes_of(order: Resource) -> tuple[str, ...]:
    """Return the texts of the notes of an order; empty for a note without one."""
    return tuple(_text(each) for each in _listed(order.get("note")))


def _text(note: Json) -> str:
    text = note.get("text") if isinstance(note, Mapping) else None
    return text if isinstance(text, str) else ""


def words_of(concepts: Iterable[Json]) -> tuple[str, ...]:
    """Return each of several concepts, or of several parameters with concepts, in words: its labels and its codes."""
    found = []
    for each in concepts:
        concept = next(iter(items(each)), {})
        concept = concept.get("valueCodeableConcept", concept)
        coded = [coding.code for coding in codings(concept)]
        found.append(" ".join([*texts(concept)[:1], *(f"({code})" for code in coded[:1])]) or "without words or code")
    return tuple(found)
