from fractions import Fraction

import pytest

from fhir_mappings.codings import SNOMED, Coding
from fhir_mappings.opioids import ingredient_of
from fhir_mappings.opioids.table import products
from tests.support.opioid_chart import RXNORM


def test_every_opioid_of_cdc_2022_has_its_factor_and_only_these():
    factors = {(one.ingredient, one.factor) for one in products().values() if one.factor is not None}
    assert factors == {
        ("codeine", Fraction("0.15")),
        ("fentanyl", Fraction("2.4")),
        ("hydrocodone", 1),
        ("hydromorphone", 5),
        ("methadone", Fraction("4.7")),
        ("morphine", 1),
        ("oxycodone", Fraction("1.5")),
        ("oxymorphone", 3),
        ("tapentadol", Fraction("0.4")),
        ("tramadol", Fraction("0.2")),
    }


def test_a_factor_belongs_to_oral_products_and_fentanyl_patches_only():
    assert {(one.route, one.unit == "MG/HR") for one in products().values() if one.factor is not None} == {
        ("oral", False),
        ("transdermal", True),
    }


def test_iontophoretic_fentanyl_has_the_form_of_a_patch_but_no_factor():
    iontophoretic = products()["1666831"]
    assert (iontophoretic.form, iontophoretic.factor, iontophoretic.is_patch) == ("Transdermal System", None, False)


def test_two_salts_of_one_opioid_in_a_tablet_are_added():
    assert products()["637540"].strength == Fraction("4.5") + Fraction("0.38")


def test_the_table_holds_every_product_once():
    assert len(products()) == 912


@pytest.mark.parametrize("code", ["1049621", "1049640", "7804"], ids=["product", "brand", "ingredient"])
def test_the_ingredient_of_a_product_a_brand_and_itself_is_the_same(code):
    assert ingredient_of(Coding(RXNORM, code)) == Coding(RXNORM, "7804", "oxycodone")


def test_a_code_of_another_system_has_no_opioid_ingredient():
    assert ingredient_of(Coding(SNOMED, "7804")) is None
