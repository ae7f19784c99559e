"""The drugs that an order gives for its procedure."""

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.order_drugs import LOCAL_ANESTHETIC, drugs_named, drugs_of_detail, drugs_of_product
from tests.support.fhir_builders import codes_of, concept
from tests.support.terms import TERMS

OPIOID, STEROID = "404642006", "116566001"
MORPHINE, FENTANYL, BUPIVACAINE, LIDOCAINE = "7052", "4337", "1815", "6387"
METHYLPREDNISOLONE, BACLOFEN, ZICONOTIDE = "6902", "1292", "68503"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Intrathecal morphine 0.5 mg", [MORPHINE]),
        ("Morphine with bupivacaine", [MORPHINE, BUPIVACAINE]),
        ("Depo-Medrol 80 mg", [METHYLPREDNISOLONE]),
        ("Lumbar injection \N{EN DASH} methylprednisolone", [METHYLPREDNISOLONE]),
        ("Lioresal", [BACLOFEN]),
        ("New pump, opioid plus bupivacaine", [OPIOID, BUPIVACAINE]),
        ("Narcotic infusion", [OPIOID]),
        ("Epidural steroid injection", [STEROID]),
        ("corticosteroids", [STEROID]),
        ("LESI L4-L5", [STEROID]),
        ("local anesthetic", [LOCAL_ANESTHETIC]),
        ("nonsteroidal", []),
        ("non-steroid", []),
        ("Opioid-naive patient", []),
        ("opioid sparing", []),
        ("Intrathecal injection", []),
        ("New pump, morphine, after successful trial", [MORPHINE]),
        ("Pump, ziconotide, after a trial of morphine", [ZICONOTIDE]),
        ("no morphine", []),
        ("morphine or hydromorphone", []),
    ],
)
def test_a_drug_is_named_by_ingredient_brand_or_class(text, codes):
    assert codes_of(drugs_named(text, TERMS)) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Lidocaine 1 % for the skin", []),
        ("Lidocaine 1 %, 5 mL, for the skin", []),
        ("Skin wheal, lidocaine", []),
        ("Infiltration with lidocaine, epidural bupivacaine 0.25 %", [BUPIVACAINE]),
        ("Morphine with lidocaine for the skin", [MORPHINE]),
        ("Morphine 0.5 mg; lidocaine for the skin", [MORPHINE]),
        ("Lidocaine for the skin. Bupivacaine 0.25 %", [BUPIVACAINE]),
        ("Morphine, skin infiltration with lidocaine", [MORPHINE]),
        ("Fentanyl 50 mcg and midazolam for sedation", []),
        ("Sedation with fentanyl", []),
        ("Fentanyl IV", []),
        ("Moderate sedation, intrathecal morphine", [MORPHINE]),
        ("Morphine by mouth", []),
        ("Wean morphine", []),
        ("Intrathecal morphine, hold aspirin", [MORPHINE]),
    ],
)
def test_a_drug_that_is_given_beside_the_procedure_does_not_count(text, codes):
    assert codes_of(drugs_named(text, TERMS)) == codes


def test_a_coded_detail_is_told_by_its_words():
    assert codes_of(drugs_of_detail(concept(LIDOCAINE, RXNORM), [], TERMS)) == [LIDOCAINE]
    assert codes_of(drugs_of_detail(concept(LIDOCAINE, RXNORM), ["for the skin"], TERMS)) == []
    assert codes_of(drugs_of_detail(concept(MORPHINE, RXNORM), ["for the skin"], TERMS)) == [MORPHINE]
    assert codes_of(drugs_of_detail(concept(FENTANYL, RXNORM), ["for sedation"], TERMS)) == []


def test_a_product_is_what_it_is_called_whatever_else_its_label_says():
    assert codes_of(drugs_of_product(concept("892582", RXNORM), ["morphine sulfate oral tablet"], TERMS)) == [
        "892582",
        MORPHINE,
    ]
