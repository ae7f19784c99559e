"""Findings of an examination: which test, what it showed, when, and on which side."""

import pytest

from fhir_mappings.codings import LOINC, SNOMED
from fhir_mappings.exam_findings import MAX_COMPONENTS, TestResult, exam_findings
from fhir_mappings.laterality import UNCLEAR as UNCLEAR_SIDE
from fhir_mappings.procedures import Progress
from tests.support.fhir_builders import KNOWN, concept, record, resource

POSITIVE, NEGATIVE, UNCLEAR = TestResult.POSITIVE, TestResult.NEGATIVE, TestResult.UNCLEAR


def exam(**members):
    made = {"status": "final", "code": concept(), "effectiveDateTime": "2026-02-01", **members}
    return resource("Observation", **made)


def results(*given):
    return [each.result for each in exam_findings(record(*given), KNOWN)]


def coded(code, system=SNOMED, display=None):
    return {"valueCodeableConcept": {"coding": [{"system": system, "code": code, "display": display or code}]}}


def worded(code, text):
    return {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": code}], "text": text}}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (coded("10828004"), POSITIVE),
        (coded("260385009"), NEGATIVE),
        (coded("LA6576-8", LOINC), POSITIVE),
        (coded("LA6577-6", LOINC), NEGATIVE),
        (coded("LA9633-4", LOINC), POSITIVE),
        (coded("LA9634-2", LOINC), NEGATIVE),
        (coded("17", "urn:local", "Positive"), POSITIVE),
        (coded("17", "urn:local", "Equivocal"), UNCLEAR),
        ({"valueCodeableConcept": {"text": "Negative"}}, NEGATIVE),
        ({"valueString": "Positive"}, POSITIVE),
        ({"valueString": "POS"}, POSITIVE),
        ({"valueString": "+"}, POSITIVE),
        ({"valueString": "neg."}, NEGATIVE),
        ({"valueString": "Positive (right)"}, POSITIVE),
        ({"valueString": "negative bilaterally"}, NEGATIVE),
        ({"valueString": "positive for groin pain"}, UNCLEAR),
        ({"valueString": "not positive"}, UNCLEAR),
        ({"valueString": "positive left, negative right"}, UNCLEAR),
        ({"valueString": ""}, UNCLEAR),
        ({"valueBoolean": True}, POSITIVE),
        ({"valueBoolean": False}, NEGATIVE),
        ({"interpretation": [{"coding": [{"code": "POS"}]}]}, POSITIVE),
        ({"interpretation": [{"coding": [{"code": "NEG"}]}]}, NEGATIVE),
        ({"valueString": "negative", "interpretation": [{"coding": [{"code": "POS"}]}]}, UNCLEAR),
        ({"valueString": "positive", "interpretation": [{"coding": [{"code": "NEG"}]}]}, UNCLEAR),
        ({"valueString": "positive", "interpretation": [{"coding": [{"code": "POS"}]}]}, POSITIVE),
        ({"valueString": "positive", "interpretation": [{"coding": [{"code": "A"}]}]}, POSITIVE),
        (worded("10828004", "Negative"), UNCLEAR),
        (worded("260385009", "positive"), UNCLEAR),
        (worded("10828004", "Positive (right)"), POSITIVE),
        (worded("10828004", "Positive for groin pain"), POSITIVE),
        ({"dataAbsentReason": {"text": "not done"}}, UNCLEAR),
        ({}, UNCLEAR),
    ],
)
def test_a_result_counts_if_it_is_stated_plainly(value, result):
    assert results(exam(**value)) == [result]


def test_codes_that_contradict_each_other_are_unclear():
    both = {"coding": [{"system": SNOMED, "code": "10828004"}, {"system": SNOMED, "code": "260385009"}]}
    assert results(exam(valueCodeableConcept=both)) == [UNCLEAR]


def test_the_components_of_a_panel_are_tests_of_their_own():
    parts = [{"code": concept(), "valueString": "positive"}, {"code": concept("other"), "valueString": "negative"}]
    assert results(exam(code=concept("panel"), component=parts)) == [POSITIVE]


def test_a_panel_without_a_result_of_its_own_is_no_test():
    assert results(exam(component=[{"code": concept(), "valueString": "negative"}])) == [NEGATIVE]


def test_only_so_many_components_are_read():
    parts = [{"code": concept(), "valueString": "positive"}] * (MAX_COMPONENTS + 1)
    assert len(results(exam(code=concept("panel"), component=parts))) == MAX_COMPONENTS


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_mistaken_test_is_left_out(status):
    assert results(exam(status=status, valueString="positive")) == []


def test_a_preliminary_test_is_not_done():
    (finding,) = exam_findings(record(exam(status="preliminary", valueString="positive")), KNOWN)
    assert finding.test.progress is Progress.UNCLEAR


def test_the_evidence_shows_result_and_side():
    site = {"coding": [{"system": SNOMED, "code": "24028007"}]}
    (finding,) = exam_findings(record(exam(valueString="positive", bodySite=site)), KNOWN)
    assert (finding.test.side, finding.test.evidence.value) == ("right", "positive, right")


# --- the side --------------------------------------------------------------------------------------------------------

LEFT, RIGHT, BOTH = (concept(code, SNOMED) for code in ("7771000", "24028007", "51440002"))
LEFT_TEST = {**concept(), "text": "Left FABER test"}


def sides(*given):
    return [each.test.side for each in exam_findings(record(*given), KNOWN)]


def part(name="", value="positive", **members):
    return {"code": {**concept(), **({"text": name} if name else {})}, "valueString": value, **members}


@pytest.mark.parametrize(
    ("value", "side"),
    [
        ({"valueString": "Positive (left)"}, "left"),
        ({"valueString": "positive LT"}, "left"),
        ({"valueString": "negative on the right"}, "right"),
        ({"valueString": "negative bilaterally"}, "bilateral"),
        ({"valueString": "positive left right"}, "bilateral"),
        ({"valueString": "positive"}, None),
        ({"valueString": "positive, reproduces left leg pain"}, None),
        (worded("10828004", "Positive left"), "left"),
        (worded("10828004", "Left"), "left"),
        ({"valueCodeableConcept": {"coding": [*concept("10828004", SNOMED)["coding"], *LEFT["coding"]]}}, "left"),
        ({"interpretation": [{"coding": [{"code": "POS"}], "text": "positive left"}]}, "left"),
        ({"valueString": "positive left", "interpretation": [{"text": "positive right"}]}, UNCLEAR_SIDE),
    ],
)
def test_the_side_is_that_of_the_result(value, side):
    assert sides(exam(**value)) == [side]


@pytest.mark.parametrize(
    ("members", "side"),
    [
        ({"valueString": "positive left", "bodySite": LEFT}, "left"),
        ({"valueString": "positive", "bodySite": LEFT}, "left"),
        ({"valueString": "positive left", "bodySite": BOTH}, "left"),
        ({"valueString": "positive left", "bodySite": RIGHT}, UNCLEAR_SIDE),
        ({"valueString": "positive", "code": LEFT_TEST, "bodySite": RIGHT}, UNCLEAR_SIDE),
        ({"valueString": "positive right", "code": LEFT_TEST}, UNCLEAR_SIDE),
    ],
)
def test_the_sides_of_a_result_and_its_observation_agree_or_are_unclear(members, side):
    assert sides(exam(**members)) == [side]


@pytest.mark.parametrize(
    ("whole", "own", "side"),
    [
        ({}, part("FABER left"), "left"),
        ({}, part(value="positive left"), "left"),
        ({}, part("FABER left", "positive left"), "left"),
        ({}, part("FABER left", "positive right"), UNCLEAR_SIDE),
        ({}, part("FABER"), None),
        ({"bodySite": LEFT}, part("FABER"), "left"),
        ({"bodySite": LEFT}, part("FABER left"), "left"),
        ({"bodySite": RIGHT}, part("FABER left"), UNCLEAR_SIDE),
        ({"bodySite": BOTH}, part("FABER left"), "left"),
        ({"bodySite": BOTH}, part("FABER"), "bilateral"),
    ],
)
def test_a_component_has_a_side_of_its_own(whole, own, side):
    assert sides(exam(code=concept("panel"), component=[own], **whole)) == [side]


def test_the_components_of_one_panel_may_be_of_two_sides():
    both = [part("FABER right"), part("FABER left", "negative")]
    found = exam_findings(record(exam(code=concept("panel"), component=both)), KNOWN)
    assert [each.test.evidence.value for each in found] == ["positive, right", "negative, left"]
