"""The drug of a MedicationRequest, MedicationDispense, or MedicationStatement: by its codes, and by its words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhir_mappings.codings import SNOMED, CodeMatcher, Coding, Match, codings, concept_text, items
from fhir_mappings.daily_amount import Strength
from fhir_mappings.drug_contents import LabelContents, contents_of_label
from fhir_mappings.drug_ingredients import Contents, contents_of_code, named_as
from fhir_mappings.drug_labels import has_strength, label_words, only_milligrams
from fhir_mappings.drug_names import ingredients_named, substances_of_product
from fhir_mappings.fhir_json import Json, Resource, canonical
from fhir_mappings.modifiers import modifier_in
from fhir_mappings.nsaids import NsaidProduct, nsaid_product
from fhir_mappings.opioids import ingredient_of
from fhir_mappings.opioids.names import names_an_opioid
from fhir_mappings.opioids.quantities import AmountKind
from fhir_mappings.record import PatientRecord
from fhir_mappings.short_texts import Kept

_OPIOIDS = Coding(SNOMED, "404642006", "Opioids")
"""The class of what is an opioid by its words, whether or not they tell which."""


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug in a chart.

    `codes` are the sender's and the ingredients that they stand for. `named` is what its words name: ingredients, and
    the class of opioids. `product` is what words contain that are a product's label, known whole and with a strength,
    nothing if words or codes differ. `contents` are the names of what it contains by a code or by a label that is
    known whole; for a pain medication of `drug_names.csv`, a label with a strength is its `product` instead. `possible`
    are the names that other words mention. `is_identified` is whether it is surely known what the drug is.
    `product_code` is the NSAID product of a code; `labels` are all words.
    """

    codes: tuple[Coding, ...]
    named: tuple[Coding, ...]
    product: tuple[Coding, ...]
    contents: tuple[Coding, ...]
    possible: tuple[Coding, ...]
    is_identified: bool
    is_contradictory: bool
    product_code: NsaidProduct | None
    labels: tuple[str, ...]

    @property
    def strength(self) -> Strength | None:
        """Return the strength of its product, else the only one in milligrams that its label states."""
        if self.product_code:
            per = {"MG": AmountKind.UNITS, "MG/ML": AmountKind.MILLILITERS}.get(self.product_code.unit)
            return Strength(self.product_code.strength, per) if per else None
        found = {only_milligrams(label_words(label)) for label in self.labels} - {None} if self.product else set()
        milligrams = found.pop() if len(found) == 1 else None
        return Strength(milligrams, AmountKind.UNITS) if milligrams else None

    @property
    def label(self) -> str:
        """Return the first of its words, else the name of its product, else an empty string."""
        return next(iter(self.labels), self.product_code.name if self.product_code else "")

    def match(self, codes: CodeMatcher) -> Match | None:
        """Return the match with a value set; it decides only by a code or by words that are a drug's label."""
        if found := codes(self.codes) or (self.contents and codes(self.contents)) or None:
            return Match(found.label, found.decides and not self.is_contradictory)
        if found := codes(self.product):
            return found
        found = codes((*self.named, *self.possible))
        return Match(found.label, False) if found else None

    @property
    def known_as(self) -> tuple[Coding, ...]:
        """Return everything that it certainly is, by codes and names; nothing if they contradict each other."""
        return () if self.is_contradictory else (*self.codes, *self.product, *self.contents)

    def is_known_by_name_only(self, codes: CodeMatcher) -> bool:
        """Return whether only a name within its words, and no code or label of a product, is in the value set."""
        return not any(map(codes, (self.codes, self.contents, self.product)))


def ordered_drug(concepts: Sequence[Json]) -> Drug:
    """Return the drug of a draft order, by the concepts of what it orders."""
    return _drug(concepts, "")


def drug_of(record: PatientRecord, resource: Resource) -> Drug:
    """Return the drug of a resource, by its concept, its reference, or the ingredients of the Medication."""
    return record.cached_of("drug", resource, lambda: _drug_of(record, resource))


_BY_CONCEPT: Kept[Drug] = Kept()


def _drug_of(record: PatientRecord, resource: Resource) -> Drug:
    if resource.get("medicationReference"):
        return _drug(list(_concepts(record, resource)), _reference_display(resource))
    concept = resource.get("medicationCodeableConcept")
    return _BY_CONCEPT.of(canonical(concept), None, lambda: _drug([concept], ""))


def _drug(concepts: Sequence[Json], display: str) -> Drug:
    sent = tuple(coding for concept in concepts for coding in codings(concept))
    labels = tuple(dict.fromkeys(label for concept in concepts for label in _labels(concept)))
    if display:
        labels = (*labels, display)
    nsaids = [product for coding in sent if (product := nsaid_product(coding))]
    meant = {opioid for coding in sent if (opioid := ingredient_of(coding))} | {each.ingredient for each in nsaids}
    written = [set(substances_of_product(label)) for label in labels if has_strength(label_words(label))]
    stated = [_codes_of(found) for found in (meant, *written) if found]
    is_contradictory = bool(stated) and not set.intersection(*stated)
    labeled = () if is_contradictory else tuple(dict.fromkeys(coding for found in written for coding in found))
    words = " / ".join(labels)
    named = ingredients_named(words)
    if names_an_opioid(words):
        named = (*named, _OPIOIDS)
    read = [contents_of_label(label) for label in labels]
    coded = [] if meant else [contents for coding in sent if (contents := contents_of_code(coding))]
    names = [coding for found in coded for ingredient in found.ingredients for coding in named_as(ingredient)]
    names += [coding for found in read for coding in found.certain if not ingredients_named(coding.code)]
    return Drug(
        codes=(*sent, *sorted(meant, key=_code)),
        named=named,
        product=labeled,
        contents=tuple(dict.fromkeys(names)),
        possible=tuple(dict.fromkeys(coding for found in read for coding in found.possible)),
        is_identified=bool(meant or coded) or any(found.is_identified for found in read),
        is_contradictory=is_contradictory or _differ(coded, read),
        product_code=next(iter(nsaids), None),
        labels=labels,
    )


def _differ(coded: Iterable[Contents], read: Iterable[LabelContents]) -> bool:
    """Return whether a code and a label surely name different drugs."""
    by_code = [{name for ingredient in each.ingredients for name in named_as(ingredient)} for each in coded]
    by_label = [set(each.certain) for each in read if each.is_identified]
    return any(one.isdisjoint(other) for one in by_code for other in by_label)


def _code(coding: Coding) -> str:
    return coding.code


def _codes_of(found: set[Coding]) -> set[str]:
    return {coding.code for coding in found}


def _concepts(record: PatientRecord, resource: Resource) -> Iterator[Json]:
    yield resource.get("medicationCodeableConcept")
    product = record.resolve(resource.get("medicationReference"), within=resource)
    if product is not None and not modifier_in(product):
        yield product.get("code")
        yield from (part.get("itemCodeableConcept") for part in items(product.get("ingredient")))


def _labels(concept: Json) -> Iterator[str]:
    yield from (label for label in (concept_text(concept), *(c.display for c in codings(concept))) if label)


def _reference_display(resource: Resource) -> str:
    reference = resource.get("medicationReference")
    display = reference.get("display") if isinstance(reference, Mapping) else None
    return display if isinstance(display, str) else ""
