"""Names in the labels of drugs."""

from fractions import Fraction

import pytest

from fhir_mappings.drug_labels import Names, has_strength, label_words, only_milligrams, strengths

NAMES = Names(["alpha", "beta", "alpha plus gamma", "vitamin b12"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alpha", ("alpha",)),
        ("ALPHA-BETA and alphabet", ("alpha", "beta")),
        ("vitamin B-12", ("vitamin b 12",)),
        ("alpha, alpha", ("alpha", "alpha")),
        ("alphas", ()),
        ("", ()),
        ("\u0430lpha", ()),
    ],
)
def test_a_name_is_found_by_its_whole_words(text, found):
    assert NAMES.within(text) == found


def test_the_longest_name_counts():
    assert NAMES.within("alpha gamma beta") == ("alpha gamma", "beta")


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("Alpha 10 mg tablet", ("alpha",)),
        ("alpha/beta HCl ER 10-20 MG CAP", ("alpha", "beta")),
        ("24 HR alpha 0.5 MG Extended Release Oral Tablet [Beta]", ("alpha", "beta")),
        ("alpha 10 mg for sleep", ()),
        ("alpha-", ()),
        ("alpha w/", ()),
        ("alpha 3", ()),
        ("alpha 3 mg", ("alpha",)),
        ("tablet", ()),
    ],
)
def test_a_whole_label_has_names_and_nothing_that_may_be_one(label, found):
    assert NAMES.whole(label) == found


def test_a_label_may_have_the_words_of_its_kind():
    assert NAMES.whole("Allergy to alpha") == ()
    assert NAMES.whole("Allergy to alpha", frozenset(["allergy", "to"])) == ("alpha",)


@pytest.mark.parametrize(
    ("label", "stated", "count"),
    [
        ("alpha 10 mg", True, 1),
        ("alpha 1 %", True, 1),
        ("alpha-beta 10-20 mg", True, 2),
        ("alpha 160 mg/5 mL", True, 1),
        ("alpha 24 hr", False, 0),
        ("alpha 500", False, 1),
        ("alpha", False, 0),
        ("alpha 25 \u00b5g/h", False, 0),
        ("", False, 0),
    ],
)
def test_a_strength_is_a_number_that_is_no_volume_and_no_time(label, stated, count):
    assert (has_strength(label_words(label)), strengths(label_words(label))) == (stated, count)


@pytest.mark.parametrize(
    ("label", "milligrams"),
    [
        ("alpha 7.5 mg tablet", Fraction(15, 2)),
        ("alpha 1,000 mg tablet", 1000),
        ("24 hr alpha 100 mg", 100),
        ("alpha-beta 10-20 mg", None),
        ("alpha 160 mg/5 mL", None),
        ("alpha 1 %", None),
        ("alpha 25 \u00b5g", None),
        ("alpha 1.2.3 mg", None),
        ("alpha", None),
    ],
)
def test_the_only_strength_of_a_tablet_is_in_its_label(label, milligrams):
    assert only_milligrams(label_words(label)) == milligrams
