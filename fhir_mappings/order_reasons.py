"""The reasons that an order gives, and its remarks, which may hint at one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from fhir_mappings.codings import Coding, codings, has_code, items
from fhir_mappings.diagnoses import Diagnosis, read_diagnosis
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.modifiers import modified_elements
from fhir_mappings.notes import note_texts
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase

MAX_REMARKS_LENGTH = 20_000
"""How many characters of remarks are read."""


@dataclass(frozen=True, slots=True)
class OrderReason:
    """One reason. `states_purpose` is True if its words say what the order is for, such as the trial of a pump."""

    diagnosis: Diagnosis
    states_purpose: bool


@dataclass(frozen=True)
class OrderReasons:
    """The reasons of an order: coded, in words, or referenced.

    `has_unread` is True if a reference leads to nothing that could be read as a diagnosis. `remarks` are the notes and
    other words of the order.
    """

    given: tuple[OrderReason, ...] = ()
    has_unread: bool = False
    remarks: tuple[str, ...] = ()

    @cached_property
    def in_remarks(self) -> tuple[Coding, ...]:
        """The remarks as a concept that many value sets are asked for."""
        return tuple([Coding("", "", remark) for remark in self.remarks])

    def has_unknown(self, is_listed: Callable[[Coding], bool]) -> bool:
        """Return whether a reason is not understood, so that it may be any; `is_listed` tells which codes are known."""
        return self.has_unread or any(
            not each.states_purpose and not each.diagnosis.is_understood(is_listed) for each in self.given
        )


def read_reasons(resource: Resource, target: Callable[[Json], Resource | None], terms: OrderTerms) -> OrderReasons:
    """Read the reasons of an order; `target` returns what a reference leads to. A refuted diagnosis is none."""
    given = [_reason(read_diagnosis(concept), terms) for concept in items(resource.get("reasonCode"))]
    has_unread = False
    for reference in items(resource.get("reasonReference")):
        display = reference.get("display")
        words = display if isinstance(display, str) else ""
        condition = target(reference)
        if condition is None or condition.get("resourceType") != "Condition" or any(modified_elements(condition)):
            has_unread = True
            given += [_reason(read_diagnosis(None, words), terms)] if words else []
        elif not has_code(condition.get("verificationStatus"), "refuted", "entered-in-error"):
            given.append(_reason(read_diagnosis(condition.get("code"), words), terms))
    return OrderReasons(tuple(given), has_unread, tuple(_bounded(_remarks(resource))))


def _reason(diagnosis: Diagnosis, terms: OrderTerms) -> OrderReason:
    of_reason = terms.read_in("reason")
    return OrderReason(diagnosis, any(read_phrase(text, terms, of_reason) for text in diagnosis.words))


def _remarks(resource: Resource) -> Iterator[str]:
    yield from note_texts(resource)
    for concept in (*items(resource.get("orderDetail")), *items(resource.get("code"))):
        yield concept.get("text", "")
        yield from (coding.display for coding in codings(concept))


def _bounded(texts: Iterator[str]) -> Iterator[str]:
    left = MAX_REMARKS_LENGTH
    for text in texts:
        if isinstance(text, str) and text and left > 0:
            yield text[:left]
            left -= len(text)
