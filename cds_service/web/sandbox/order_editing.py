"""Change a draft order by the fields of its form, and check that the service reads what was set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import partial

from cds_service.web.sandbox.order_form import KEEP, OrderForm, drug_written, order_forms, read_draft, reason_written
from coverage_policies.format.library import Library
from fhir_mappings.codings import Coding
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import QUALIFIERS, Side
from fhir_mappings.order_edit import with_value
from fhir_mappings.order_elements import without_coverage_information
from fhir_mappings.order_statements import (
    SIDE,
    notes_of,
    with_detail,
    with_drug,
    with_notes,
    with_planned_day,
    with_reason,
    with_side,
)
from fhir_mappings.orders import Order

LONGEST_TEXT = 4_000
"""How many characters of a text field are taken over."""
_BY_JSON = "Other words of the order say something else. Change them below, by the details or as JSON."


class EditError(ValueError):
    """A change of an order that cannot be made; the message says why, in words for the page."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Changes draft orders: `library` has the policies and the words of orders, `zone` the local days."""

    library: Library
    zone: tzinfo

    def read(self, order: Resource) -> Order:
        """Read an order as the service does."""
        return read_draft(order, (), self.library.order_terms, self.zone)

    def with_fields(
        self, orders: Sequence[Resource], fields: Mapping[str, str]
    ) -> tuple[tuple[Resource, ...], tuple[str, ...]]:
        """Return the orders with the changed fields, and what could not be changed, in words.

        The fields of the order at position 0 are named `o0.side`, `o0.drug`, `o0.day`, `o0.note.0`, and so on. A field
        that is missing, or shows what the order states already, changes nothing.
        """
        found, problems = list(orders), []
        for form in order_forms(orders, self.library, self.zone):
            for change in self._changes(form, fields):
                try:
                    found[form.place] = change(found[form.place])
                except EditError as error:
                    problems.append(f"{form.label}: {error}")
        return tuple(found), tuple(problems)

    def _changes(self, form: OrderForm, fields: Mapping[str, str]) -> list[Callable[[Resource], Resource]]:
        """Return the changes of the fields that differ from the form."""
        found: list[Callable[[Resource], Resource]] = []

        def differs(name: str, shown: str) -> str | None:
            given = fields.get(f"o{form.place}.{name}")
            if given is None or _lines(given)[:LONGEST_TEXT] == _lines(shown):
                return None
            return _lines(given)[:LONGEST_TEXT]

        for choice in form.choices:
            value = differs(choice.name, choice.value)
            if value is not None and value != KEEP:
                found.append(partial(self.stating, attribute=choice.name, value=value))
        if form.has_drug and (drug := differs("drug", form.drug)) is not None:
            wanted = drug_written(drug.strip(), form) if drug.strip() else None
            found.append(partial(self.giving, drug=wanted))
        if (day := differs("day", form.day)) is not None:
            found.append(partial(self.planned, day=day.strip()))
        notes = [differs(f"note.{i}", text) for i, text in enumerate(form.notes)]
        if any(each is not None for each in notes):
            found.append(partial(self.noted, notes=notes))
        return found

    def stating(self, order: Resource, attribute: str, value: str) -> Resource:
        """Return an order that states a value of an attribute, or none if it is empty. Raise EditError."""
        terms = self.library.order_terms
        known = terms.attributes.get(attribute)
        if known is None or (value and (value not in known.values or not known.values[value].phrase)):
            raise EditError(f"There is no such value of {attribute if known else 'an order'}.")
        plain = without_coverage_information(order)
        if attribute == SIDE:
            changed = with_side(plain, terms, _side(value))
        else:
            changed = with_value(plain, terms, attribute, value)
        wanted = frozenset({value} if value else ())
        if changed is None or self.read(changed).stated.get(attribute, frozenset()) != wanted:
            raise EditError(f"{attribute.capitalize()} cannot be changed. {_BY_JSON}")
        return changed

    def giving(self, order: Resource, drug: Coding | None) -> Resource:
        """Return an order with this drug and no other. Raise EditError."""
        changed = with_drug(without_coverage_information(order), self.library.order_terms, drug)
        if changed is None:
            raise EditError(f"The drug cannot be changed. {_BY_JSON}")
        given = self.read(changed).drugs
        if drug is None and given:
            raise EditError(f"The drug cannot be removed. {_BY_JSON}")
        if drug is not None and drug.code and (drug.system, drug.code) not in {(e.system, e.code) for e in given}:
            raise EditError(f"The drug cannot be changed. {_BY_JSON}")
        return changed

    def planned(self, order: Resource, day: str) -> Resource:
        """Return an order planned for a day, YYYY-MM-DD, or without a plan if it is empty. Raise EditError."""
        try:
            wanted = date.fromisoformat(day) if day else None
        except ValueError:
            raise EditError("The planned day is not a date; write it like 2026-03-16.") from None
        return with_planned_day(without_coverage_information(order), wanted)

    def noted(self, order: Resource, notes: Sequence[str | None]) -> Resource:
        """Return an order with the texts of its notes changed; None leaves one as it is."""
        given = notes_of(order)
        texts = [
            (given[i] if i < len(given) else "") if text is None else text.strip() and text
            for i, text in enumerate(notes)
        ]
        return with_notes(without_coverage_information(order), texts)

    def because(self, order: Resource, written: str) -> Resource:
        """Return an order with another reason. Raise EditError if nothing is written."""
        words = " ".join(written[:LONGEST_TEXT].split())
        if not words:
            raise EditError("Choose a reason, or write one.")
        return with_reason(without_coverage_information(order), reason_written(words, self.library))

    def detailed(self, order: Resource, written: str) -> Resource:
        """Return an order with another detail in words. Raise EditError if nothing is written."""
        words = " ".join(written[:LONGEST_TEXT].split())
        changed = with_detail(without_coverage_information(order), words) if words else None
        if changed is None:
            raise EditError("Write what the order should say.")
        return changed


def _side(value: str) -> Side | None:
    return next((side for side in QUALIFIERS.values() if side == value), None)


def _lines(text: str) -> str:
    """Return a text as browsers send it back: with plain line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
