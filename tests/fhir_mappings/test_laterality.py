"""Sides of the body: by body site, code and words, and whether two are the same."""

import pytest

from fhir_mappings.codings import CPT, HCPCS, ICD10CM, LOINC, SNOMED
from fhir_mappings.laterality import UNCLEAR, same_side, side_of
from fhir_mappings.procedures import procedures
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import KNOWN, concept, procedure, record, resource
from tests.support.terms import TERMS

ONE_KNEE, OTHER_KNEE = concept("M17.11", ICD10CM), concept("M17.12", ICD10CM)
LEFT, RIGHT, BOTH = (concept(code, SNOMED) for code in ("7771000", "24028007", "51440002"))


def with_modifiers(*modifiers):
    coding = [{"system": CPT, "code": "27096"}, *({"system": HCPCS, "code": each} for each in modifiers)]
    return {"coding": coding}


@pytest.mark.parametrize(
    ("members", "side"),
    [
        ({"bodySite": [LEFT]}, "left"),
        ({"bodySite": [RIGHT]}, "right"),
        ({"bodySite": [BOTH]}, "bilateral"),
        ({"bodySite": [LEFT, RIGHT]}, "bilateral"),
        ({"bodySite": [{"text": "Left sacroiliac joint"}]}, "left"),
        ({"bodySite": [{"text": "Sacroiliac joint"}]}, None),
        ({"bodySite": [concept("7771000", "http://example.org")]}, None),
        ({"bodySite": [{"text": "Not the left one"}]}, None),
        ({"bodySite": "left"}, None),
        ({"code": {"text": "Injection, right SI joint"}}, "right"),
        ({"code": {"text": "Injection of both sides"}}, "bilateral"),
        ({"code": concept("M16.12", ICD10CM)}, "left"),
        ({"code": concept("M16.11", ICD10CM)}, "right"),
        ({"code": concept("M16.0", ICD10CM)}, "bilateral"),
        ({"code": concept("M16.10", ICD10CM)}, None),
        ({"code": concept("M17.11", ICD10CM)}, "right"),
        ({"code": concept("M17.12", ICD10CM)}, "left"),
        ({"code": concept("M17.0", ICD10CM)}, "bilateral"),
        ({"code": concept("M17.9", ICD10CM)}, None),
        ({"code": concept("M17.13", ICD10CM)}, None),
        ({"code": concept("S83.211A", ICD10CM)}, "right"),
        ({"code": concept("S83.212A", ICD10CM)}, "left"),
        ({"code": concept("I50.814", ICD10CM)}, None),
        ({"code": {"coding": [each["coding"][0] for each in (ONE_KNEE, OTHER_KNEE)]}}, "bilateral"),
        ({"code": concept("M17.11", ICD10CM, display="Arthritis of the right knee")}, "right"),
        ({"code": concept("M17.11", ICD10CM, display="Arthritis of the left knee")}, UNCLEAR),
        ({"code": concept("M17.11", ICD10CM), "bodySite": [RIGHT]}, "right"),
        ({"code": concept("M17.11", ICD10CM), "bodySite": [LEFT]}, UNCLEAR),
        ({"code": concept("M17.11", ICD10CM), "bodySite": [BOTH]}, UNCLEAR),
        ({"code": concept("26131-3", LOINC)}, "left"),
        ({"code": concept("73521", CPT)}, "bilateral"),
        ({"code": concept("27096", CPT, display="left")}, None),
        ({"code": concept("27096-LT", CPT)}, "left"),
        ({"code": concept("27096 RT 59", CPT)}, "right"),
        ({"code": concept("27096-50", CPT)}, "bilateral"),
        ({"code": concept("27096-59", CPT)}, None),
        ({"code": concept("27096-LT", CPT), "bodySite": [RIGHT]}, UNCLEAR),
        ({"code": concept("27096-50", CPT), "bodySite": [LEFT, RIGHT]}, "bilateral"),
        ({"code": {**concept("27096-LT", CPT), "text": "SI joint injection, left"}}, "left"),
        ({"code": {**concept("27096-LT", CPT), "text": "SI joint injection, right"}}, UNCLEAR),
        ({"code": with_modifiers("LT"), "bodySite": [RIGHT]}, UNCLEAR),
        ({"code": with_modifiers("LT", "RT")}, "bilateral"),
        ({"code": {**with_modifiers("LT", "RT"), "text": "SI joint injection, bilateral"}}, "bilateral"),
        ({"bodySite": [{**LEFT, "text": "Right sacroiliac joint"}]}, UNCLEAR),
        ({"bodySite": [{"text": "Left sacroiliac joint"}, {"text": "Right sacroiliac joint"}]}, "bilateral"),
        ({"bodySite": [{**LEFT, "text": "Right sacroiliac joint"}, RIGHT]}, UNCLEAR),
        ({"code": concept("x", display="Left hip")}, "left"),
        ({"code": {"text": "Left"}, "bodySite": [LEFT]}, "left"),
        ({"code": {"text": "Left"}, "bodySite": [RIGHT]}, UNCLEAR),
        ({"series": [{"laterality": LEFT["coding"][0]}]}, "left"),
        ({"series": [{"bodySite": RIGHT["coding"][0]}]}, "right"),
        ({"series": [{"laterality": LEFT["coding"][0]}, {"laterality": RIGHT["coding"][0]}]}, "bilateral"),
        ({}, None),
    ],
)
def test_the_side_is_read_from_site_code_and_words(members, side):
    assert side_of(resource("Procedure", **members), TERMS, "code") == side


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("left", "left", Truth.YES),
        ("left", "right", Truth.NO),
        ("left", "bilateral", Truth.YES),
        ("left", None, Truth.UNKNOWN),
        ("left", UNCLEAR, Truth.UNKNOWN),
        (None, "left", Truth.UNKNOWN),
        (None, None, Truth.UNKNOWN),
        (None, "bilateral", Truth.YES),
        ("bilateral", "bilateral", Truth.YES),
        ("bilateral", "left", Truth.UNKNOWN),
        ("bilateral", None, Truth.UNKNOWN),
    ],
)
def test_two_sides_are_the_same_another_or_open(ours, theirs, same):
    assert same_side(ours, theirs) is same


# --- side and purpose of a procedure ---------------------------------------------------------------------------------


def only(**members):
    (found,) = procedures(record(procedure(**members)), KNOWN)
    return found


@pytest.mark.parametrize(
    ("members", "purpose"),
    [
        ({"reasonCode": [{"text": "Diagnostic block"}]}, "diagnostic"),
        ({"reasonCode": [{"text": "Therapeutic injection"}]}, "therapeutic"),
        ({"reasonCode": [concept("x", display="Confirmatory block")]}, "diagnostic"),
        ({"code": {**concept(), "text": "Therapeutic sacroiliac injection"}}, "therapeutic"),
        ({"reasonCode": [{"text": "Diagnostic"}, {"text": "Therapeutic"}]}, ""),
        ({"reasonCode": [{"text": "Diagnostic or therapeutic"}]}, ""),
        ({"reasonCode": [{"text": "Diagnostic"}, {"text": "not diagnostic"}]}, ""),
        ({"reasonCode": [{"text": "Post-operative pain"}]}, ""),
        ({"reasonCode": [concept("27096", CPT, display="Therapeutic")]}, ""),
        ({}, ""),
    ],
)
def test_the_purpose_is_what_the_record_plainly_says(members, purpose):
    assert only(**members).purpose == purpose


def test_side_and_purpose_are_shown():
    assert only(bodySite=[LEFT], reasonCode=[{"text": "Diagnostic"}]).evidence.value == "left, diagnostic"
    assert only().evidence.value == ""


def test_a_crooked_body_site_sets_the_procedure_aside():
    found = only(bodySite="left")
    assert (found.side, found.evidence.value) == (None, "set aside")


def test_the_day_is_its_start_else_its_end():
    period = {"start": "2026-01-01", "end": "2026-01-03"}
    assert str(only(at=None, performedPeriod=period).day) == "2026-01-01"
    assert str(only(at=None, performedPeriod={"end": "2026-01-03"}).day) == "2026-01-03"
    assert only(at=None).day is None
