"""Codes of FHIR concepts, read leniently."""

import pytest

from fhir_mappings.codings import (
    CPT,
    HCPCS,
    codings,
    codings_and_text,
    concept_text,
    has_code,
    items,
)
from tests.support.fhir_builders import SYSTEM, coding, concept


def test_every_coding_of_a_concept_is_read_in_order():
    given = {"coding": [{"system": "a", "code": "1", "display": "One"}, {"system": "b", "code": "2"}]}
    assert codings(given) == (coding("1", "a", "One"), coding("2", "b"))


def test_a_list_of_concepts_gives_the_codings_of_all():
    assert codings([concept("1"), concept("2")]) == (coding("1"), coding("2"))


def test_a_bare_coding_is_read():
    assert codings({"system": SYSTEM, "code": "1"}) == (coding("1"),)


def test_a_lone_coding_where_a_list_belongs_is_read():
    assert codings({"coding": {"system": SYSTEM, "code": "1"}}) == (coding("1"),)


def test_a_code_without_a_system_is_kept_without_one():
    assert codings({"coding": [{"code": "1"}]}) == (coding("1", ""),)


def test_a_system_that_is_no_text_counts_as_none():
    assert codings({"coding": [{"code": "1", "system": 5, "display": ["x"]}]}) == (coding("1", ""),)


def test_blanks_around_code_and_system_are_dropped():
    assert codings({"coding": [{"system": f" {SYSTEM} ", "code": " 1 "}]}) == (coding("1"),)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "M79.7",
        5,
        True,
        [],
        {},
        {"coding": []},
        {"coding": None},
        {"coding": [{}]},
        {"coding": [None, "x", 5]},
        {"coding": [[{"code": "1"}]]},
        {"coding": "1"},
        {"coding": [{"code": 5}]},
        {"coding": [{"code": {}}]},
        {"coding": [{"code": "  "}]},
        {"coding": [{"display": "One"}]},
        {"text": "One"},
        [[concept("1")]],
    ],
)
def test_what_holds_no_code_gives_none(value):
    assert codings(value) == ()


def test_a_code_has_its_usual_system_and_form():
    assert codings(concept("e0783", "https://bluebutton.cms.gov/resources/codesystem/hcpcs")) == (
        coding("E0783", HCPCS),
    )
    assert codings(concept("27279", HCPCS)) == (coding("27279", CPT),)


def test_the_modifiers_of_a_code_are_kept_and_make_no_other_code_of_it():
    (found,) = codings(concept("27279-RT", CPT))
    assert found == coding("27279", CPT)
    assert found.modifiers == ("RT",)


def test_an_unknown_system_stays_as_it_is():
    assert codings(concept("1", "urn:oid:1.2.3")) == (coding("1", "urn:oid:1.2.3"),)


@pytest.mark.parametrize(("codes", "expected"), [(("a", "known"), True), (("a", "b"), False), ((), False)])
def test_a_concept_has_a_code_whatever_its_system(codes, expected):
    assert has_code(concept(), *codes) is expected


def test_a_concept_has_any_of_its_codes():
    assert has_code({"coding": [{"code": "x"}, {"code": "known"}]}, "known")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"text": " Back pain ", "coding": [{"code": "1", "display": "Pain"}]}, "Back pain"),
        ({"text": " ", "coding": [{"code": "1"}, {"code": "2", "display": "Pain"}]}, "Pain"),
        ([{"coding": [{"code": "1"}]}, {"text": "Second"}], "Second"),
        ({"text": 5}, ""),
        ({"coding": [{"display": "no code"}]}, ""),
        ("Back pain", ""),
        (None, ""),
    ],
)
def test_the_words_of_a_concept_are_its_text_else_its_first_display(value, words):
    assert concept_text(value) == words


def test_a_named_concept_carries_its_words_as_one_more_coding():
    assert codings_and_text({**concept(), "text": "Back pain"}) == (coding("known"), coding("", "", "Back pain"))


def test_a_concept_without_words_is_named_by_its_codes_alone():
    assert codings_and_text(concept()) == (coding("known"),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"a": 1}, [{"a": 1}]), ([{"a": 1}, None, "x", [{"b": 1}]], [{"a": 1}]), ("x", []), (None, []), (5, [])],
)
def test_only_objects_are_items_and_a_lone_one_counts(value, expected):
    assert list(items(value)) == expected
