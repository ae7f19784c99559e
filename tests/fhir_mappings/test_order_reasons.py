"""The reasons of an order: coded, in words, referenced, or not to be read."""

import pytest

from fhir_mappings.codings import ICD10CM
from fhir_mappings.order_reasons import MAX_REMARKS_LENGTH, read_reasons
from tests.support.fhir_builders import concept, condition, resource, status_of
from tests.support.terms import TERMS

CANCER = concept("C79.51", ICD10CM)


def read(known=None, **members):
    return read_reasons(
        resource("ServiceRequest", **members), lambda reference: (known or {}).get(reference.get("reference")), TERMS
    )


def codes(reasons):
    return [coding.code for each in reasons.given for coding in each.diagnosis.coded]


def is_unknown(reasons):
    return reasons.has_unknown(lambda _: False)


def test_every_reason_is_read_by_itself():
    found = read(reasonCode=[CANCER, {"text": "Gout"}])
    assert codes(found) == ["C79.51"]
    assert [each.diagnosis.words for each in found.given] == [(), ("Gout",)]


def test_an_order_without_a_reason_has_none_that_is_not_understood():
    found = read()
    assert (found.given, is_unknown(found)) == ((), False)


def test_a_referenced_condition_and_the_display_of_its_reference_are_a_reason():
    given = [{"reference": "Condition/c", "display": "Bone pain"}]
    found = read({"Condition/c": condition(code=CANCER)}, reasonReference=given)
    assert (codes(found), is_unknown(found)) == (["C79.51"], False)
    assert found.given[0].diagnosis.words == ("Bone pain",)


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_a_condition_that_was_refuted_is_no_reason(verification):
    found = read(
        {"Condition/c": condition(code=CANCER, verificationStatus=status_of(verification))},
        reasonReference=[{"reference": "Condition/c"}],
    )
    assert (found.given, is_unknown(found)) == ((), False)


@pytest.mark.parametrize(
    "target",
    [
        None,
        resource("Observation", code=CANCER),
        condition(code=CANCER, modifierExtension=[{"url": "http://example.org/uncertain"}]),
        condition(code=CANCER, implicitRules="http://example.org/rules"),
    ],
)
def test_a_reference_that_leads_to_no_condition_that_can_be_read_leaves_the_reason_open(target):
    found = read({"Condition/c": target}, reasonReference=[{"reference": "Condition/c"}])
    assert (found.given, is_unknown(found)) == ((), True)


def test_the_display_of_a_reference_that_leads_nowhere_is_read_all_the_same():
    found = read(reasonReference=[{"reference": "Condition/c", "display": "Cancer pain"}])
    assert ([each.diagnosis.words for each in found.given], is_unknown(found)) == ([("Cancer pain",)], True)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (CANCER, False),
        ({"text": "Low back pain"}, False),
        ({"text": "Intrathecal pump trial"}, False),
        ({"text": "As discussed on the phone"}, True),
        (concept("masked"), True),
        (concept("R69", ICD10CM), True),
    ],
)
def test_a_reason_is_understood_as_a_diagnosis_or_as_a_purpose(reason, expected):
    assert is_unknown(read(reasonCode=[reason])) is expected


def test_notes_details_and_the_words_of_the_code_are_remarks():
    found = read(note=[{"text": "a"}], orderDetail=[{"text": "b"}], code={**concept("1", display="c"), "text": "d"})
    assert found.remarks == ("a", "b", "d", "c")


@pytest.mark.parametrize("note", ["a", [{"text": 5}], [{}], None])
def test_a_note_without_words_is_no_remark(note):
    assert read(note=note).remarks == ()


def test_remarks_are_read_up_to_a_length():
    found = read(note=[{"text": "a" * MAX_REMARKS_LENGTH}, {"text": "b"}])
    assert [len(each) for each in found.remarks] == [MAX_REMARKS_LENGTH]
