"""The fields of a draft order: those that the policies about its code read, with what the order states now.

Which attributes, reasons, and drugs are offered comes from the policies and from the words of orders alone. What is
shown is read by the service's own reading of the order, so a loaded order shows its state.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from coverage_policies.format.library import Library
from coverage_policies.format.model import Clause, Policy
from coverage_policies.format.value_sets import TEXT, UNLESS, Row
from fhir_mappings.bundle import reference_of
from fhir_mappings.code_systems import NAMES
from fhir_mappings.codings import ICD10CM, RXNORM, SNOMED, Coding, codings
from fhir_mappings.diagnoses import first_code_below, is_code, titles
from fhir_mappings.fhir_json import Json, Resource, dumps
from fhir_mappings.order_elements import CODE_ELEMENTS
from fhir_mappings.order_statements import SIDE, details_element, notes_of, words_of
from fhir_mappings.order_terms import AttributeTerms, OrderTerms
from fhir_mappings.orders import Order, read_order
from fhir_mappings.validity import faults

KEEP = "*"
"""The value of a field that cannot show what the order states: nothing is changed."""
MOST_FAULTS = 5
"""How many faults of an order are shown."""
_CODED = re.compile(r"(?:(?P<words>.+?)\s*\()?(?P<code>[A-Za-z0-9.]{3,18})\)?")


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a field, and its words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A field with a list of values. `value` is what the order states: empty for nothing, `KEEP` for several values.

    `states` is what it states or hints at in words, where that is not one of the options.
    """

    name: str
    label: str
    options: tuple[Option, ...]
    value: str
    states: str = ""


@dataclass(frozen=True, slots=True)
class OrderForm:
    """What the page shows of a draft order, and its fields.

    `place` is the position of the order in the case. `reasons` and `details` are in words; `known_reasons` and `drugs`
    are those that the policies know, which the page lists once, with the order at the position `lists_of`. `day` is
    the planned day, empty if the order plans none or not a day, and `planned` then what it states. `faults` are where
    the order breaks FHIR R4.
    """

    place: int
    reference: str
    kind: str
    label: str
    codes: tuple[str, ...]
    policies: tuple[str, ...]
    choices: tuple[Choice, ...]
    reasons: tuple[str, ...]
    known_reasons: tuple[Option, ...]
    lists_of: int
    has_drug: bool
    drug: str
    drugs: tuple[Coding, ...]
    day: str
    planned: str
    details: tuple[str, ...]
    has_details: bool
    notes: tuple[str, ...]
    json: str
    faults: tuple[str, ...]
    resource: Resource

    @property
    def offers(self) -> tuple[tuple[Option, ...], tuple[Coding, ...]]:
        """Return the reasons and the drugs to choose from."""
        return self.known_reasons, self.drugs


def read_draft(order: Resource, beside: Sequence[Resource], terms: OrderTerms, zone: tzinfo) -> Order:
    """Read a draft as the service does; its references lead to the drafts beside it, not to the chart."""
    drafts = {reference_of(each): each for each in beside}

    def resolve(reference: Json) -> Resource | None:
        target = reference.get("reference") if isinstance(reference, Mapping) else None
        return drafts.get(target) if isinstance(target, str) else None

    return read_order(order, zone=zone, terms=terms, resolve=resolve)


def order_forms(orders: Sequence[Resource], library: Library, zone: tzinfo) -> tuple[OrderForm, ...]:
    """Return the form of each draft order."""
    forms: list[OrderForm] = []
    for i, order in enumerate(orders):
        form = _form(i, order, orders, library, zone)
        like = next((each for each in forms if each.offers == form.offers), form)
        forms.append(replace(form, lists_of=like.place))
    return tuple(forms)


def _form(place: int, resource: Resource, beside: Sequence[Resource], library: Library, zone: tzinfo) -> OrderForm:
    order = read_draft(resource, beside, library.order_terms, zone)
    known = _Known.of(library, order)
    day, planned = _day(order)
    element = details_element(resource)
    kind = str(resource.get("resourceType"))
    has_drug = kind == "ServiceRequest" and bool(known.drugs)
    return OrderForm(
        place=place,
        reference=order.reference,
        kind=kind,
        label=order.label,
        codes=tuple(f"{NAMES.get(each.system, each.system)} {each.code}".strip() for each in _own_codes(resource)),
        policies=known.policies,
        choices=tuple(_choices(order, known, library.order_terms)),
        reasons=_reasons(resource),
        known_reasons=tuple({each.value: each for each in _reason_options(known.reasons, library)}.values()),
        lists_of=place,
        has_drug=has_drug,
        drug=_drug(order) if has_drug else "",
        drugs=known.drugs,
        day=day,
        planned=planned,
        details=words_of(_listed(resource.get(element))) if element else (),
        has_details=bool(element),
        notes=notes_of(resource) or ("",),
        json=dumps(resource, indent=2),
        faults=tuple(f"{each.path}: {each.what}" for each in faults(resource)[:MOST_FAULTS]),
        resource=resource,
    )


def _drug(order: Order) -> str:
    """Return the drugs of an order in words: those by RxNorm, else their classes."""
    named = [each for each in order.drugs if each.system == RXNORM] or order.drugs
    return ", ".join(each.display or each.code for each in named)


def _own_codes(order: Resource) -> tuple[Coding, ...]:
    return codings(order.get(CODE_ELEMENTS.get(str(order.get("resourceType")), "code")))


def _reasons(order: Resource) -> tuple[str, ...]:
    return words_of(_listed(order.get("reasonCode")))


def _listed(element: Json) -> list[Json]:
    return [] if element is None else element if isinstance(element, list) else [element]


def _day(order: Order) -> tuple[str, str]:
    """Return the planned day of an order, and in words what it states instead of a day."""
    if order.has_unreadable_date:
        return "", "a date that cannot be read"
    if order.planned is None:
        return "", ""
    if order.planned.earliest == order.planned.latest:
        return order.planned.earliest.isoformat(), ""
    return "", str(order.planned)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the policies about an order read from it: attributes, value sets of reasons, and drugs."""

    policies: tuple[str, ...]
    attributes: tuple[str, ...]
    reasons: tuple[str, ...]
    drugs: tuple[Coding, ...]

    @classmethod
    def of(cls, library: Library, order: Order) -> "_Known":
        attributes: dict[str, None] = {}
        reasons: dict[str, None] = {}
        drugs: dict[str, None] = {}
        names = []
        for policy in (each for revisions in library.revisions_about(order.codes, order.words) for each in revisions):
            clauses = tuple(_clauses(policy, order))
            if clauses or policy.entries(order.codes, None) or policy.named(order.words):
                names.append(policy.full_name)
            for clause in clauses:
                if clause.operator != "order":
                    attributes |= {SIDE: None} if SIDE in clause.arguments else {}
                    continue
                for name, wanted in clause.arguments.items():
                    given = dict.fromkeys([wanted] if isinstance(wanted, str) else wanted)
                    attributes |= {name: None} if name in library.order_terms.attributes else {}
                    reasons |= given if name == "reason" else {}
                    drugs |= given if name == "drug" else {}
        rows = (row for name in drugs for row in library.value_sets[name].rows if row.system == RXNORM)
        known = {row.label: Coding(row.system, row.code, row.label) for row in rows if not row.code.endswith("*")}
        ordered = sorted(attributes, key=lambda name: name != SIDE)
        return cls(tuple(names), tuple(ordered), tuple(reasons), tuple(known[label] for label in sorted(known)))


def _clauses(policy: Policy, order: Order) -> Iterator[Clause]:
    """Yield the clauses by which a policy may judge an order: of its entries, their sections, and the pathways."""
    entries = policy.entries(order.codes, None) or policy.named(order.words)
    for entry in entries:
        yield from entry.clauses
        for name in entry.sections:
            for criterion in policy.sections[name].root.walk():
                yield from criterion.clauses
    if entries and policy.pathway is not None:
        for choice in policy.pathway.choices:
            yield from choice.chosen_when + choice.keep_when + choice.exclude_when + choice.presume_when


def _choices(order: Order, known: _Known, terms: OrderTerms) -> Iterator[Choice]:
    is_medication = order.resource.get("resourceType") == "MedicationRequest"
    for name in known.attributes:
        attribute = terms.attributes[name]
        options = tuple(Option(each.name, each.phrase) for each in attribute.values.values() if each.phrase)
        if options and not (is_medication and "reason" not in attribute.places):
            yield _choice(attribute, options, order)


def _choice(attribute: AttributeTerms, options: tuple[Option, ...], order: Order) -> Choice:
    name = attribute.name
    stated = sorted(order.stated.get(name, ()))
    hinted = sorted(order.hinted.get(name, frozenset()) - set(stated))
    words = {each.value: each.words for each in options}
    label = name.replace("-", " ").capitalize()
    said = [words.get(each, each.replace("-", " ")) for each in stated]
    perhaps = [words.get(each, each.replace("-", " ")) for each in hinted]
    if len(stated) == 1 and stated[0] in words:
        states = f"also hinted at: {', '.join(perhaps)}" if perhaps else ""
        return Choice(name, label, options, stated[0], states)
    if stated:
        return Choice(name, label, options, KEEP, " and ".join(said))
    if perhaps:
        return Choice(name, label, options, "", f"only hinted at: {', '.join(perhaps)}")
    return Choice(name, label, options, "")


def _reason_options(names: Iterable[str], library: Library) -> Iterator[Option]:
    """Yield the reasons that policies know, one per label of a value set: by ICD-10-CM, else by SNOMED CT."""
    for name in names:
        rows = [row for row in library.value_sets[name].rows if row.system not in (TEXT, UNLESS)]
        usual = [row for row in rows if row.system == ICD10CM] or [row for row in rows if row.system == SNOMED]
        coded = {row.label: code for row in reversed(usual) if (code := _own_code(row))}
        for label, code in sorted(coded.items()):
            yield Option(f"{label} ({code})", name.replace("-", " "))


def _own_code(row: Row) -> str:
    """Return the code of a row; of a prefix the first code below it, empty if there is none."""
    if not row.code.endswith("*"):
        return row.code
    return first_code_below(row.code[:-1]) if row.system == ICD10CM else ""


def reason_written(written: str, library: Library) -> Coding:
    """Return the reason that somebody typed or chose: `Radiculopathy (M54.16)`, `M54.16`, or words alone.

    A code is one of ICD-10-CM, or one of SNOMED CT that a value set has.
    """
    found = _CODED.fullmatch(written)
    words, code = (found["words"] or "", found["code"]) if found else (written, "")
    if is_code(code):
        return Coding(ICD10CM, code.upper(), words or next(iter(titles(code)), ""))
    coding = Coding(SNOMED, code)
    if code and library.value_sets.know(coding):
        return Coding(SNOMED, code, words or library.value_sets.label(coding))
    return Coding("", "", written)


def drug_written(written: str, form: OrderForm) -> Coding:
    """Return the drug that somebody typed or chose: one of the policies by its name or RxNorm code, else words."""
    plain = written.casefold()
    known = next((each for each in form.drugs if plain in (each.display.casefold(), each.code)), None)
    return known or Coding("", "", written)
