"""Answers: whose count, what they say, and which of several."""

from itertools import permutations

import pytest

from fhir_mappings.answers import answer_forms, newest
from tests.support.fhir_builders import record, resource

OURS = "https://plans.example/Questionnaire/CP.MP.126|2025-04"
DOCTOR = {"reference": "Practitioner/dr"}


def item(value, link="II.E", **more):
    given = {"valueBoolean": value} if isinstance(value, bool) else value
    return {"linkId": link, "answer": [given], **more}


def response(value=True, name="x", items=None, **members):
    made = {
        "status": "completed",
        "questionnaire": OURS,
        "author": DOCTOR,
        "authored": "2026-02-01T10:00:00-05:00",
        "item": [item(value)] if items is None else items,
        **members,
    }
    return resource("QuestionnaireResponse", id=name, **made)


def read(*given):
    return {link: answer.value for link, answer in newest(answer_forms(record(*given))).items()}


def said(value):
    return read(response(value)).get("II.E")


@pytest.mark.parametrize(("value", "word"), [(True, "yes"), (False, "no")])
def test_a_boolean_answers_yes_or_no(value, word):
    assert said(value) == word


@pytest.mark.parametrize("status", ["completed", "amended"])
def test_a_completed_or_amended_response_counts(status):
    assert read(response(status=status)) == {"II.E": "yes"}


@pytest.mark.parametrize("status", ["in-progress", "entered-in-error", "stopped", "other", None, 5, ["completed"]])
def test_any_other_response_does_not_count(status):
    assert read(response(status=status)) == {}


@pytest.mark.parametrize(
    "author",
    [
        {"reference": "Practitioner/dr"},
        {"reference": "PractitionerRole/dr"},
        {"reference": "Practitioner/dr/_history/2"},
        {"reference": "https://ehr.example/fhir/Practitioner/dr"},
        {"type": "Practitioner", "identifier": {"value": "1"}},
        {"type": "PractitionerRole", "display": "Dr"},
        {"type": "Practitioner", "reference": "urn:uuid:unknown"},
    ],
)
def test_a_practitioner_attests(author):
    assert read(response(author=author)) == {"II.E": "yes"}


@pytest.mark.parametrize(
    "author",
    [
        {"reference": "Patient/p"},
        {"reference": "RelatedPerson/r"},
        {"reference": "Device/d"},
        {"reference": "Organization/Practitioner"},
        {"reference": "Patient/p", "type": "Practitioner"},
        {"reference": "https://ehr.example/Practitioner/Patient/p"},
        {"type": "Patient"},
        {"reference": "urn:uuid:unknown"},
        {"reference": "#gone"},
        {"display": "Dr"},
        {},
        None,
        "Practitioner/dr",
        [],
    ],
)
def test_no_other_author_attests(author):
    assert read(response(author=author)) == {}


def test_an_author_is_known_by_what_the_reference_points_at():
    doctor = ("urn:uuid:dr", {"resourceType": "Practitioner", "id": "dr"})
    assert read(doctor, response(author={"reference": "urn:uuid:dr"})) == {"II.E": "yes"}


def test_a_contained_practitioner_attests():
    contained = [{"resourceType": "Practitioner", "id": "dr"}]
    assert read(response(author={"reference": "#dr"}, contained=contained)) == {"II.E": "yes"}


def test_a_patient_behind_a_full_url_does_not_attest_whatever_type_is_given():
    patient = ("urn:uuid:p", {"resourceType": "Patient", "id": "p"})
    assert read(patient, response(author={"reference": "urn:uuid:p", "type": "Practitioner"})) == {}


@pytest.mark.parametrize(
    ("authored", "counts"),
    [
        ("2026-03-02T12:00:00-05:00", True),
        ("2026-03-02T12:00:01-05:00", False),
        ("2026-03-02", True),
        ("2026-03-03", False),
        ("2019-12-01", True),
        ("2026-02", False),
        ("2026-02-01T10:00:00", False),
        ("then", False),
        (None, False),
        (5, False),
    ],
)
def test_an_answer_has_a_day_that_is_not_after_the_chart_was_read(authored, counts):
    assert bool(read(response(authored=authored))) is counts


def origin(*author):
    parts = [{"url": "source", "valueCode": "manual"}, {"url": "author", "extension": list(author)}]
    return [{"url": "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin", "extension": parts}]


BY_DOCTOR = {"url": "practitioner", "valueReference": DOCTOR}
BY_PATIENT = {"url": "practitioner", "valueReference": {"reference": "Patient/p"}}


def test_in_a_form_of_another_author_only_answers_whose_origin_names_a_practitioner_count():
    items = [
        item({"valueBoolean": True, "extension": origin(BY_DOCTOR)}, "II.A"),
        item({"valueBoolean": True, "extension": origin(BY_PATIENT)}, "II.B"),
        item({"valueBoolean": True, "extension": origin()}, "II.C"),
        item(True, "II.D"),
    ]
    assert read(response(items=items, author={"reference": "Device/app"})) == {"II.A": "yes"}


def test_what_a_form_is_about_is_what_it_is_based_on_and_its_context():
    context = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/qr-context"
    about = {"reference": "ServiceRequest/b"}
    extension = [{"url": context, "valueReference": about}, {"url": "urn:else", "valueReference": {"reference": "x"}}]
    given = response(basedOn=[{"reference": "ServiceRequest/a"}], extension=extension)
    (form,) = answer_forms(record(given))
    assert form.about == ({"reference": "ServiceRequest/a"}, about)


@pytest.mark.parametrize(("questionnaire", "read_as"), [(OURS, OURS), (None, "")])
def test_the_questionnaire_of_a_form_is_its_canonical(questionnaire, read_as):
    (form,) = answer_forms(record(response(questionnaire=questionnaire)))
    assert form.questionnaire == read_as


@pytest.mark.parametrize("questionnaire", [5, {"reference": "Questionnaire/1"}])
def test_a_form_whose_questionnaire_cannot_be_read_does_not_count(questionnaire):
    assert read(response(questionnaire=questionnaire)) == {}


def test_an_answer_about_another_patient_does_not_count():
    assert read(response(subject={"reference": "Patient/other"})) == {}


OLD, NEW = "2026-01-01T10:00:00-05:00", "2026-02-01T10:00:00-05:00"


def in_any_order(*given):
    return {tuple(sorted(read(*order).items())) for order in permutations(given)}


def test_the_newest_answer_stands():
    given = response(True, "a", authored=NEW), response(False, "b", authored=OLD)
    assert in_any_order(*given) == {(("II.E", "yes"),)}


def test_the_newest_is_found_across_time_zones():
    given = (
        response(True, "a", authored="2026-02-01T10:00:00+02:00"),
        response(False, "b", authored="2026-02-01T09:00:00Z"),
    )
    assert in_any_order(*given) == {(("II.E", "no"),)}


def test_the_newest_answer_is_found_for_each_question():
    given = (
        response(items=[item(True, "a"), item(True, "b")], name="1", authored=OLD),
        response(items=[item(False, "b")], name="2", authored=NEW),
    )
    assert in_any_order(*given) == {(("a", "yes"), ("b", "no"))}


def test_not_knowing_withdraws_an_older_answer():
    unsure = {"valueCoding": {"code": "asked-unknown", "display": "Don't know"}}
    given = response(unsure, "a", authored=NEW), response(True, "b", authored=OLD)
    assert in_any_order(*given) == {(("II.E", ""),)}


def test_an_older_doubt_withdraws_nothing():
    unsure = {"valueString": "unknown"}
    given = response(True, "a", authored=NEW), response(unsure, "b", authored=OLD)
    assert in_any_order(*given) == {(("II.E", "yes"),)}


def test_two_different_answers_of_one_moment_withdraw_each_other():
    given = response(True, "a"), response(False, "b"), response(True, "c")
    assert in_any_order(*given) == {(("II.E", ""),)}


def test_two_equal_answers_of_one_moment_stand():
    assert in_any_order(response(True, "a"), response(True, "b")) == {(("II.E", "yes"),)}


def test_a_newer_answer_ends_a_contradiction():
    given = response(True, "a", authored=OLD), response(False, "b", authored=OLD), response(False, "c", authored=NEW)
    assert in_any_order(*given) == {(("II.E", "no"),)}


def test_one_question_answered_twice_in_one_response_is_withdrawn():
    assert read(response(items=[item(True), item(False)])) == {"II.E": ""}


def test_several_answers_that_differ_are_withdrawn():
    both = {"linkId": "II.E", "answer": [{"valueBoolean": True}, {"valueBoolean": False}]}
    assert read(response(items=[both])) == {"II.E": ""}


def test_items_within_items_are_read():
    nested = {"linkId": "II", "item": [{"linkId": "group", "item": [item(True)]}]}
    assert read(response(items=[nested])) == {"II.E": "yes"}


def test_items_within_answers_are_read():
    nested = {"linkId": "II", "answer": [{"valueBoolean": False, "item": [item(True)]}]}
    assert read(response(items=[nested])) == {"II": "no", "II.E": "yes"}


@pytest.mark.parametrize("items", [[{"linkId": "II.E"}], [{"linkId": "II.E", "answer": []}], []])
def test_a_question_without_an_answer_has_none(items):
    assert read(response(items=items)) == {}


def chosen(**coding):
    return {"valueCoding": coding}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (chosen(system="http://snomed.info/sct", code="373066001"), "yes"),
        (chosen(system="http://snomed.info/sct", code="373067005"), "no"),
        (chosen(system="http://snomed.info/sct", code="261665006"), ""),
        (chosen(system="http://loinc.org", code="LA33-6"), "yes"),
        (chosen(system="http://loinc.org", code="LA32-8"), "no"),
        (chosen(system="http://loinc.org", code="LA12688-0"), ""),
        (chosen(system="http://terminology.hl7.org/CodeSystem/v2-0136", code="Y"), "yes"),
        (chosen(system="http://terminology.hl7.org/CodeSystem/v2-0136", code="N"), "no"),
        (chosen(system="http://terminology.hl7.org/CodeSystem/v3-NullFlavor", code="ASKU"), ""),
        (chosen(system="http://terminology.hl7.org/CodeSystem/v3-NullFlavor", code="UNK"), ""),
        (chosen(system="urn:local", code="1", display="Yes"), "yes"),
        (chosen(system="urn:local", code="0", display="No"), "no"),
        (chosen(display="Yes"), "yes"),
        (chosen(code="dont-know"), ""),
        (chosen(code="cancer", display="Cancer pain"), "cancer"),
        ({"valueString": " YES "}, "yes"),
        ({"valueString": "No"}, "no"),
        ({"valueString": "don’t know"}, ""),
        ({"valueString": "not sure"}, ""),
        ({"valueString": "Yes, on the left"}, "Yes, on the left"),
        ({"valueString": "nothing of the kind"}, "nothing of the kind"),
        ({"valueInteger": 1}, ""),
        ({"valueDecimal": 1}, ""),
        ({"valueDate": "2026-01-01"}, ""),
        ({}, ""),
    ],
)
def test_coded_and_written_answers_are_understood(value, word):
    assert said(value) == word


def test_a_fault_in_an_element_in_use_sets_the_response_aside():
    chart = record(response(items=[item(True), {"linkId": 5, "answer": "x"}]))
    assert (answer_forms(chart), list(chart.quarantined)) == ((), ["QuestionnaireResponse/x"])


def test_a_fault_elsewhere_changes_nothing():
    assert read(response(encounter="x")) == {"II.E": "yes"}


@pytest.mark.parametrize(("value", "shown"), [(True, "yes"), ({"valueString": "unknown"}, "not known")])
def test_the_evidence_is_the_response_with_its_day_and_answer(value, shown):
    found = newest(answer_forms(record(response(value))))["II.E"].evidence
    assert (found.reference, found.date, found.value) == ("QuestionnaireResponse/x", "2026-02-01", shown)
