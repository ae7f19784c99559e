"""Drug ingredients by their names."""

import pytest

from fhir_mappings.codings import RXNORM, Coding
from fhir_mappings.drug_names import drug_name, ingredients_named
from tests.support.fhir_builders import codes_of


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Intrathecal morphine", ["7052"]),
        ("MORPHINE sulfate", ["7052"]),
        ("hydromorphone 2 mg", ["3423"]),
        ("morphine/bupivacaine", ["7052", "1815"]),
        ("bupivacaine with morphine", ["1815", "7052"]),
        ("Morphine, morphine", ["7052"]),
        ("apomorphine", []),
        ("dihydrocodeine", []),
        ("morphines", []),
        ("ziconotide", ["68503"]),
        ("", []),
    ],
)
def test_an_ingredient_is_known_by_its_whole_name(text, codes):
    assert codes_of(ingredients_named(text)) == codes


def test_an_ingredient_is_an_rxnorm_code_with_its_name():
    assert ingredients_named("Baclofen") == (Coding(RXNORM, "1292", "baclofen"),)


def test_a_drug_has_the_senders_name_else_that_of_its_ingredient() -> None:
    assert drug_name(Coding(RXNORM, "7052", "Morphine sulfate")) == "Morphine sulfate"
    assert drug_name(Coding(RXNORM, "7052")) == "Morphine"
    assert drug_name(Coding(RXNORM, "1")) == ""
    assert drug_name(Coding("http://snomed.info/sct", "7052")) == ""
