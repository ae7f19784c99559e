"""The product that a prescription names, by code, reference, or ingredients."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from fhir_mappings.codings import RXNORM, Coding, codings, concept_text, items
from fhir_mappings.drug_ingredients import contents_of_code
from fhir_mappings.fhir_json import Json, Resource, canonical
from fhir_mappings.known_drugs import is_known_non_opioid, names_a_partner
from fhir_mappings.modifiers import modifier_in
from fhir_mappings.nsaids import nsaid_product
from fhir_mappings.opioids.names import is_opioid, names_an_opioid
from fhir_mappings.opioids.product_names import product_named
from fhir_mappings.opioids.quantities import AmountKind, UnconvertibleError, amount
from fhir_mappings.opioids.table import Product, ingredient_of, products
from fhir_mappings.record import PatientRecord
from fhir_mappings.short_texts import Kept


@dataclass(frozen=True)
class OpioidMedication:
    """A medication that is or may be an opioid. `product` is None if it is unknown; `problem` then says why."""

    label: str
    product: Product | None
    problem: str = ""

    @cached_property
    def drug(self) -> tuple[str, str]:
        """Return what all prescriptions of the same drug share: ingredient and release form, else the label."""
        if self.product is None:
            return "", self.label.casefold()
        return self.product.ingredient_rxcui, self.product.release

    @cached_property
    def content(self) -> tuple[object, ...]:
        """Return what products with the same content share: the drug, and how much of it is in a unit."""
        product = self.product
        if product is None or product.strength is None:
            return *self.drug, product.unit if product else "", None
        # The parts of a fraction are compared faster than the fraction.
        return *self.drug, product.unit, product.strength.as_integer_ratio()


def medication_of(record: PatientRecord, resource: Resource) -> OpioidMedication | None:
    """Return the medication of a request, dispense, statement, or administration; None if it is known to be no opioid.

    What is not understood counts as possible. A medication is known to be no opioid by an RxNorm code outside the
    table, or by words that are a known drug's, unless any of its codes or words are an opioid's.
    """
    concept, reference = resource.get("medicationCodeableConcept"), resource.get("medicationReference")
    if not reference:
        return _BY_CONCEPT.of(canonical(concept), None, lambda: _medication(record, concept, None, None))
    return _medication(record, concept, reference, record.resolve(reference, resource))


_BY_CONCEPT: Kept[OpioidMedication | None] = Kept()


def _medication(
    record: PatientRecord, concept: Json, reference: Json, target: Resource | None
) -> OpioidMedication | None:
    """Return the medication of a concept, and of a reference with its target; the record is asked about that only."""
    codes = list(codings(concept))
    words = [concept_text(concept)]
    if isinstance(reference, Mapping) and isinstance(reference.get("display"), str):
        words.append(reference["display"])
    parts = list(items(target.get("ingredient"))) if target else []
    if target:
        codes.extend(codings(target.get("code")))
        words.append(concept_text(target.get("code")))
    inside = [coding for part in parts for coding in codings(part.get("itemCodeableConcept"))]
    words.append(" / ".join(concept_text(part.get("itemCodeableConcept")) for part in parts))
    labels = [text for text in (*words, *(coding.display for coding in codes)) if text]
    label = labels[0] if labels else ""
    labels = labels or [code.display for coding in codes if (code := ingredient_of(coding))]
    if target is not None and (modifier := modifier_in(target)):
        return OpioidMedication(label, None, f"Medication.{modifier}: it may change what the product is")
    if not is_opioid([*codes, *inside], " / ".join(words)):
        if any(map(_is_rxnorm, codes)) or any(map(is_known_non_opioid, labels)):
            return None
        if not label:
            return OpioidMedication("medication without a name", None, "medication: what it is cannot be told")
        return OpioidMedication(label, None, "medication: not a drug that is known, so it may be an opioid")
    if target is not None and not record.is_usable(target, "code", "ingredient", "form"):
        return OpioidMedication(label, None, record.quarantined[record.reference(target)])
    try:
        product = _coded(codes, labels) or _compounded(target, parts) or _named(labels, codes)
    except UnconvertibleError as error:
        return OpioidMedication(label, None, str(error))
    if product is None:
        return OpioidMedication(label or "opioid", None, "medication: an opioid of which the product is not known")
    return OpioidMedication(label or product.name, product)


def _is_rxnorm(coding: Coding) -> bool:
    """Return whether a code is an RXCUI; the table has every opioid among them as of its date."""
    return coding.system == RXNORM and coding.code.isdecimal()


def _product(codes: list[Coding]) -> Product | None:
    found = [products()[coding.code] for coding in codes if coding.system == RXNORM and coding.code in products()]
    if len({(one.ingredient_rxcui, one.strength, one.unit, one.release, one.factor) for one in found}) > 1:
        raise UnconvertibleError("medication: the codes name different products")
    return found[0] if found else None


_CODE_AND_WORDS_DIFFER = "medication: the code and the words name different products"


def _coded(codes: list[Coding], labels: list[str]) -> Product | None:
    """Return the product of the codes; None if they name none. Its labels must not be of another product."""
    product = _product(codes)
    if product is None:
        return None
    if any(_names_another(label, product) for label in labels):
        raise UnconvertibleError(_CODE_AND_WORDS_DIFFER)
    return product


def _names_another(label: str, product: Product) -> bool:
    """Return whether a label is understood as another product: of another drug, or of another strength.

    Labels often leave out the release form, and those of a combination an ingredient.
    """
    named = product_named(label)
    if named is None:
        is_other_drug = is_known_non_opioid(label) and (product.single or not names_a_partner(label))
        return is_other_drug and not names_an_opioid(label)
    if named.ingredient_rxcui != product.ingredient_rxcui:
        return True
    return named.strength is not None and named.unit == product.unit and named.strength != product.strength


def _is_known_non_opioid_code(coding: Coding) -> bool:
    """Return whether a code is of a product of which the ingredients are known, none of them an opioid."""
    contents, nsaid = contents_of_code(coding), nsaid_product(coding)
    names = [*(contents.ingredients if contents else ()), *([nsaid.name] if nsaid else ())]
    return bool(names) and ingredient_of(coding) is None and not any(map(names_an_opioid, names))


def _named(labels: list[str], codes: list[Coding]) -> Product | None:
    """Return the product that the labels name; None if none of them is understood.

    A label of an ingredient alone counts only if no other label and no other RxNorm code may name a combination.
    """
    read = [product_named(label) for label in labels]
    found = [product for product in read if product is not None and product.strength is not None]
    if len({(one.ingredient_rxcui, one.strength, one.release) for one in found}) > 1:
        raise UnconvertibleError("medication: its names are of different products")
    if found and any(map(_is_known_non_opioid_code, codes)):
        raise UnconvertibleError(_CODE_AND_WORDS_DIFFER)
    if found:
        return found[0]
    alone = {product.ingredient_rxcui if product is not None else "" for product in read}
    coded = {coding.code for coding in codes if _is_rxnorm(coding)}
    return read[0] if read and len(alone) == 1 and coded <= alone else None


def _oral_factor(ingredient_rxcui: str) -> Fraction | None:
    """Return the factor of an opioid by mouth, which is the same for all its oral products; None if there is none."""
    for one in products().values():
        if one.ingredient_rxcui == ingredient_rxcui and one.route == "oral" and one.factor is not None:
            return one.factor
    return None


def _compounded(target: Resource | None, parts: list[Mapping[str, object]]) -> Product | None:
    """Return a product described by its ingredients: one oral opioid of stated strength."""
    opioids = [part for part in parts if any(ingredient_of(c) for c in codings(part.get("itemCodeableConcept")))]
    if target is None or not opioids:
        return None
    form = concept_text(target.get("form"))
    if len(opioids) > 1 or not re.search(r"tablet|capsule|oral", form, re.IGNORECASE):
        raise UnconvertibleError("Medication.ingredient: not a single oral opioid")
    ingredient = next(
        found for coding in codings(opioids[0].get("itemCodeableConcept")) if (found := ingredient_of(coding))
    )
    strength, unit = _strength(opioids[0].get("strength"))
    factor = _oral_factor(ingredient.code)
    name = ingredient.display
    return Product(ingredient.code, name, name, strength, unit, form.title(), "oral", factor, len(parts) == 1)


def _strength(ratio: object) -> tuple[Fraction, str]:
    if not isinstance(ratio, Mapping):
        raise UnconvertibleError("Medication.ingredient.strength is missing")
    mass = amount(ratio.get("numerator"), "Medication.ingredient.strength.numerator")
    per = amount(ratio.get("denominator"), "Medication.ingredient.strength.denominator")
    unit = {AmountKind.UNITS: "MG", AmountKind.BARE: "MG", AmountKind.MILLILITERS: "MG/ML"}.get(per.kind)
    if mass.kind is not AmountKind.MILLIGRAMS or unit is None or not mass.value or not per.value:
        raise UnconvertibleError("Medication.ingredient.strength is not a mass per unit")
    return mass.value / per.value, unit
