"""Suggested changes to an order: state another value of an attribute, and leave no word that contradicts it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mappings.codings import CPT, HCPCS, codings
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_elements import CODE_ELEMENTS
from fhir_mappings.order_terms import AttributeTerms, OrderTerms, Reading
from fhir_mappings.order_text import read_phrase, without_history

_CLAUSE = re.compile(r"([,;()\n]|\.(?=\s|$)|\s[-–—]\s)")
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
_EMPTY = re.compile(r"\(\s*\)")
_TWICE = re.compile(r"\s*([,;])(?:\s*[,;])+")
_LOOSE_END = re.compile(
    r"^(?:or|and|versus|vs)\b|\b(?:or|and|versus|vs|not|no|without|than|instead|rather)$", re.IGNORECASE
)
_DANGLING = re.compile(
    r"(?:(?:^|\s)(?:by|via|with|through|using|from|of|for|in|on|to|a|an|the)\b){1,4}$", re.IGNORECASE
)
"""What is left of `by a paddle lead` at the end of a phrase."""
_DEVICE, _DRUG = "DeviceRequest", "MedicationRequest"
_DETAILS = {"ServiceRequest": "orderDetail", _DEVICE: "parameter", _DRUG: "reasonCode"}
"""Where an order of each kind states what its code does not."""
_CONCEPTS = ("category", "bodySite", "reasonCode", "orderDetail")
_REFERENCES = ("reasonReference", "supportingInfo")
_NOT_WORDS = ("contained", "id", "identifier", "meta")
_ADDRESSES = ("reference", "system")
"""The members that are names of resources and of code systems, whatever words occur in them."""
_MAX_LENGTH = 100_000
_STRING_COST = 50
"""The characters that take as long to read as a string of none."""


def restated(order: Resource, terms: OrderTerms, attribute: str, value: str) -> Resource | None:
    """Return a copy of a ServiceRequest whose words state this value of an attribute, and no other.

    The value must have a phrase that states it.

    Words that state another value are taken out, wherever they stand, together with a coding that means it; what is
    said of the past stays. Everything else stays exactly as received. Return None where that cannot be done: for
    another resource, for a code that means another value, for words in a place that is not edited, and for an order
    with more words than are read.
    """
    return with_value(order, terms, attribute, value) if order.get("resourceType") == "ServiceRequest" else None


def with_value(order: Resource, terms: OrderTerms, attribute: str, value: str) -> Resource | None:
    """Return a copy of an order of any kind that states this value of an attribute, or none if it is empty.

    As `restated`; a DeviceRequest states it in a parameter. A MedicationRequest has no place for details, so its
    reasons state it, if the attribute is read in them.
    """
    kind = str(order.get("resourceType"))
    edited = without_others(order, terms, attribute, value)
    if edited is None or not value:
        return edited
    if kind == _DRUG and "reason" not in terms.attributes[attribute].places:
        return None
    edit, details = _Edit(terms, terms.attributes[attribute], value), edited.get(_DETAILS[kind]) or []
    details = details if isinstance(details, list) else [details]
    if any(edit.states(text) for detail in details for text in _strings(detail)):
        return edited
    stating = {"text": edit.attribute.values[value].phrase}
    details = [*details, {"valueCodeableConcept": stating} if kind == _DEVICE else stating]
    found = {**dict.fromkeys(order), **edited, _DETAILS[kind]: details}
    return {name: element for name, element in found.items() if element is not None}


def without_others(order: Resource, terms: OrderTerms, attribute: str, value: str) -> Resource | None:
    """Return a copy of an order without the words of other values of an attribute; of all, if the value is empty.

    Return None where that cannot be done, as for `restated`.
    """
    kind = str(order.get("resourceType"))
    if kind not in _DETAILS or sum(len(text) + _STRING_COST for text in _words(order)) > _MAX_LENGTH:
        return None
    edit = _Edit(terms, terms.attributes[attribute], value)
    of_code = CODE_ELEMENTS[kind]
    code = edit.concept(order.get(of_code))
    if code is None:
        return None
    changed: dict[str, Any] = {**order, of_code: code}
    for name in _CONCEPTS:
        changed[name] = edit.each(order.get(name), edit.concept)
    for name in _REFERENCES:
        changed[name] = edit.each(order.get(name), edit.reference)
    changed["note"] = edit.each(order.get("note"), edit.note)
    changed["parameter"] = edit.each(order.get("parameter"), edit.parameter)
    changed["patientInstruction"] = edit.narrated(order.get("patientInstruction"))
    if any(map(edit.contradicts, _strings(order.get("text")))):
        changed["text"] = None
    found = {name: element for name, element in changed.items() if element is not None}
    return None if any(map(edit.contradicts, _words(found))) else found


@dataclass(frozen=True, slots=True)
class _Edit:
    """Takes the words of other values of an attribute out of the elements of an order; None: nothing is left."""

    terms: OrderTerms
    attribute: AttributeTerms
    value: str

    def contradicts(self, text: str) -> bool:
        """Return whether a text states another value now, or may."""
        now = without_history(text)
        found = self._read(now)
        is_clear = all(each.value == self.value and each.is_stated for each in found)
        others = self.attribute.others
        return not is_clear or (others is not None and bool(others.search(self._without_own_words(now))))

    def _without_own_words(self, text: str) -> str:
        """Return a text with the words of the value blanked, which are no words for one that is not listed."""
        own = self.attribute.values.get(self.value)
        for start, end in tuple(own.find(text)) if own is not None else ():
            text = text[:start] + " " * (end - start) + text[end:]
        return text

    def states(self, text: str) -> bool:
        """Return whether a text states the value."""
        return any(each.is_stated and each.value == self.value for each in self._read(text))

    def _read(self, text: str) -> tuple[Reading, ...]:
        return read_phrase(text, self.terms, (self.attribute.name,))

    def each(self, element: Json, edited: Callable[[Resource], Resource | None]) -> Json:
        """Return a list, or what stands in place of one, with its objects edited; None if none of them is left."""
        if not isinstance(element, list):
            return edited(element) if isinstance(element, Mapping) else element
        kept = [edited(item) if isinstance(item, Mapping) else item for item in element]
        return [item for item in kept if item is not None] or None

    def concept(self, concept: Json) -> Json:
        """Return a CodeableConcept without the words, and without the codings that mean another value.

        The codes of billing systems do not say how a procedure is done, so only their labels are edited. Any other code
        without a label goes with a text of which nothing is left, since it means the same.
        """
        if not isinstance(concept, Mapping):
            return None
        changed = {**concept}
        if isinstance(concept.get("text"), str) and self.contradicts(concept["text"]):
            changed["text"] = self._shortened(concept["text"])
        if isinstance(concept.get("coding"), list):
            kept = [kept for each in concept["coding"] if (kept := self._coding(each)) is not None]
            if changed.get("text") is None and "text" in concept:
                kept = [each for each in kept if _is_labeled(each) or _is_of_billing(each)]
            changed["coding"] = kept or None
        found = {name: element for name, element in changed.items() if element is not None}
        return found if "text" in found or "coding" in found else None

    def _coding(self, coding: Json) -> Json:
        if not (isinstance(coding, Mapping) and isinstance(coding.get("display"), str)):
            return coding
        if not self.contradicts(coding["display"]):
            return coding
        return self.reference(coding) if _is_of_billing(coding) else None

    def reference(self, reference: Resource) -> Resource:
        """Return a Reference or a Coding with the words taken out of its display."""
        display = reference.get("display")
        if not isinstance(display, str) or not self.contradicts(display):
            return reference
        kept = self._shortened(display)
        rest = {name: element for name, element in reference.items() if name != "display"}
        return {**reference, "display": kept} if kept else rest

    def note(self, note: Resource) -> Resource | None:
        """Return an Annotation without the sentences that contradict; None if none is left."""
        text = self.narrated(note.get("text"))
        return None if text is None else {**note, "text": text}

    def parameter(self, parameter: Json) -> Json:
        """Return a parameter of a device with its concept edited; None if nothing of the concept is left."""
        if not isinstance(parameter, Mapping) or "valueCodeableConcept" not in parameter:
            return parameter
        concept = self.concept(parameter["valueCodeableConcept"])
        return None if concept is None else {**parameter, "valueCodeableConcept": concept}

    def narrated(self, text: Json) -> Json:
        """Return prose without the sentences that contradict; None if none is left."""
        if not isinstance(text, str) or not self.contradicts(text):
            return text
        return " ".join(each for each in _SENTENCE.split(text) if each and not self.contradicts(each)) or None

    def _shortened(self, text: str) -> str | None:
        """Return a phrase without the clauses that contradict, or with only the words taken out of them."""
        kept = ""
        for part in _CLAUSE.split(text):
            if self.contradicts(part):
                rest = _DANGLING.sub("", " ".join(self.attribute.without_others(part, self.value).split()))
                part = f" {rest}" if rest and not self.contradicts(rest) and not _LOOSE_END.search(rest) else ""
            kept += part
        tidy = _TWICE.sub(r"\1", _EMPTY.sub("", " ".join(kept.split())))
        return tidy.strip(" ,;-–—") or None


def _is_of_billing(coding: Json) -> bool:
    return any(each.system in (CPT, HCPCS) for each in codings(coding))


def _is_labeled(coding: Json) -> bool:
    return not isinstance(coding, Mapping) or isinstance(coding.get("display"), str)


def _words(order: Resource) -> Iterator[str]:
    """Yield every string of an order that may say something of it."""
    return (text for name, element in order.items() if name not in _NOT_WORDS for text in _strings(element))


def _strings(element: Json) -> Iterator[str]:
    """Yield every string in an element, however deep."""
    if isinstance(element, str):
        yield element
    elif isinstance(element, Mapping):
        for name, each in element.items():
            if name not in _ADDRESSES:
                yield from _strings(each)
    elif isinstance(element, list):
        for each in element:
            yield from _strings(each)
