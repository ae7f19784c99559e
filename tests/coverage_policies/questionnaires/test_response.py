"""The draft of a response: what a determination settles, and nothing that is open; read back it changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from coverage_policies.authoring.cases import Case, judged, load_cases
from coverage_policies.format.library import load_library
from coverage_policies.format.model import CODE, Policy
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.determination import Determination
from coverage_policies.questionnaires.enabling import enabled
from coverage_policies.questionnaires.items import form_items
from coverage_policies.questionnaires.response import draft_response
from tests.support.forms import BASE, by_link, given, structured
from tests.support.policy_fakes import answers, condition, judge, order, policy, procedure

AUTHORED = datetime(2026, 3, 2, 9, tzinfo=UTC)
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
TWO = """
I:
  says: s
  all:
    - {id: I.A, says: a, met_when: {condition: {in: alpha}}, not_met_when: {condition: {in: beta}}, ask: Is it alpha}
    - {id: I.B, says: b, not_met_when: {condition: {in: gamma}}, ask: Is it gamma, met_by: no}
"""


def draft(by: Policy, found: Determination, **more: Any) -> dict[str, Any]:
    response = draft_response(by, found, BASE, patient="Patient/p", authored=AUTHORED, **more)
    QuestionnaireResponse.model_validate(response)
    return response


def test_what_the_chart_settles_is_answered_and_what_is_open_is_not() -> None:
    by = policy(TWO)
    assert given(draft(by, judge(by, condition("alpha")))) == {"I.A": True}


@pytest.mark.parametrize(
    ("code", "answered"), [("alpha", {"I.A": True}), ("beta", {"I.A": False}), ("gamma", {"I.B": True})]
)
def test_an_answer_is_the_one_that_says_what_the_chart_says(code: str, answered: dict[str, bool]) -> None:
    by = policy(TWO)
    assert given(draft(by, judge(by, condition(code)))) == answered


def test_a_conflict_stays_open() -> None:
    by = policy(TWO)
    assert given(draft(by, judge(by, condition("alpha"), condition("beta")))) == {}


def test_an_answer_has_its_origin_and_the_resource_behind_it() -> None:
    by = policy(TWO)
    (answer,) = by_link(draft(by, judge(by, condition("alpha"))))["I.A"]["answer"]
    origin, evidence = answer["extension"]
    assert origin == {
        "url": f"{DTR}/information-origin",
        "extension": [{"url": "source", "valueCode": "auto-server"}],
    }
    assert evidence["url"] == "urn:cds-coverage-policies:answer-evidence"
    assert evidence["valueReference"]["reference"] == "Condition/alpha-1"
    assert "2025-01-01" in evidence["valueReference"]["display"]


def test_the_head_names_the_form_the_patient_and_the_order() -> None:
    by = policy(TWO)
    response = draft(by, judge(by))
    assert response["questionnaire"] == f"{BASE}/fhir/Questionnaire/CP.TEST|2025-01.1"
    assert (response["status"], response["subject"]) == ("in-progress", {"reference": "Patient/p"})
    assert response["authored"] == "2026-03-02T09:00:00+00:00"
    context, use = response["extension"]
    assert context == {"url": f"{DTR}/qr-context", "valueReference": {"reference": "ServiceRequest/order-1"}}
    assert use["valueCodeableConcept"]["coding"][0]["code"] == "withorder"
    assert not response.keys() & {"basedOn", "author", "meta", "item"}


def test_with_a_coverage_it_claims_the_profile_of_dtr() -> None:
    by = policy(TWO)
    response = draft(by, judge(by), coverage="Coverage/c")
    assert response["meta"] == {"profile": [f"{DTR}/dtr-questionnaireresponse"]}
    assert response["extension"][0] == {"url": f"{DTR}/qr-coverage", "valueReference": {"reference": "Coverage/c"}}


def test_answers_are_in_the_groups_of_the_form() -> None:
    by = policy(TWO)
    (section,) = draft(by, judge(by, condition("alpha")))["item"]
    assert (section["linkId"], [item["linkId"] for item in section["item"]]) == ("I", ["I.A"])


def test_a_group_answered_whole_has_the_evidence_of_its_parts_and_hides_them() -> None:
    whole = policy(
        """
        I:
          says: s
          all:
            - id: I.A
              says: Both
              ask: Are both so
              all:
                - {id: I.A.one, says: One, met_when: {condition: {in: alpha}}, ask: One}
                - {id: I.A.two, says: Two, met_when: {condition: {in: beta}}, ask: Two}
        """
    )
    response = draft(whole, judge(whole, condition("alpha"), condition("beta")))
    assert given(response) == {"I.A": True}
    (answer,) = by_link(response)["I.A"]["answer"]
    behind = [each["valueReference"]["reference"] for each in answer["extension"][1:]]
    assert behind == ["Condition/alpha-1", "Condition/beta-1"]


def test_the_side_is_that_of_the_order() -> None:
    by = structured()
    sided = order(bodySite=[{"text": "left"}])
    said = answers({"applies": "yes"})
    (answer,) = by_link(draft(by, judge(by, said, of=sided)))["side"]["answer"]
    assert answer["valueCoding"]["code"] == "left"
    assert answer["extension"][1]["valueReference"]["reference"] == "ServiceRequest/order-1"


def test_the_pathway_that_was_answered_is_kept_and_one_that_is_open_is_not() -> None:
    by = structured()
    chosen = judge(by, answers({"applies": "yes", "pathway": "cancer"}))
    still_open = judge(by, answers({"applies": "yes"}))
    assert given(draft(by, chosen))["pathway"] == "cancer"
    assert "pathway" not in given(draft(by, still_open))


def test_a_presumed_pathway_is_left_to_the_clinician() -> None:
    pathway = """
    ask: Which
    choices:
      one: {says: One, presume_when: {condition: {in: alpha}}}
      two: {says: Two, exclude_when: {condition: {in: beta}}, presume_when: {condition: {in: gamma}}}
    """
    by = policy("I: {says: s, ask: Is it so}", pathway=pathway)
    found = judge(by, condition("alpha"))
    assert found.presumed is not None
    assert "pathway" not in given(draft(by, found))


def test_what_is_also_judged_as_of_an_earlier_day_is_left_open() -> None:
    by = policy(
        """
        I:
          says: s
          all:
            - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: Is it alpha}
            - {id: I.B, says: b, needs: I.A, on_date_of: trial, ask: Was it}
        """
    )
    assert "I.A" not in given(draft(by, judge(by, condition("alpha"), procedure("trial"))))


LIBRARY = load_library().policies


def seen(found: Determination) -> list[Any]:
    """What a determination says, without the evidence."""
    return [
        (found.outcome, found.section, found.side, found.pathway, found.presumed, found.items_left),
        [(each.id, each.status, each.reason, each.counted) for each in found.criteria],
        [(each.id, [part.id for part in each.parts]) for each in found.questions],
    ]


def completed(response: dict[str, Any]) -> dict[str, Any]:
    return response | {"id": "draft", "status": "completed", "author": {"reference": "Practitioner/dr"}}


def drafted(case: Case, by: Policy, found: Determination) -> dict[str, Any]:
    return draft_response(
        by,
        found,
        BASE,
        patient=case.order["subject"]["reference"],
        authored=datetime.combine(case.today, time(), ZoneInfo("America/New_York")),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_reading_the_draft_of_a_case_back_changes_nothing(name: str) -> None:
    """But for a chart of which nothing could be read: with the draft, something is."""
    by = LIBRARY[name]
    for case in load_cases(by):
        plain = replace(case, suggests=())
        found = judged(plain, by)
        if found.outcome is not Outcome.NOT_EVALUATED:
            response = drafted(case, by, found)
            again = judged(replace(plain, chart=(*case.chart, completed(response))), by)
            assert seen(again) == seen(found), case.name


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_every_question_of_a_case_is_open_in_its_draft_and_not_hidden(name: str) -> None:
    """What a card asks, the form asks in the same words; a criterion without a question is asked by its parts."""
    by = LIBRARY[name]
    form = form_items(by)
    items = by_link({"item": form})
    for case in load_cases(by):
        found = judged(replace(case, suggests=()), by)
        response = drafted(case, by, found)
        QuestionnaireResponse.model_validate(response)
        said = given(response)
        shown = set(enabled(form, said))
        for each in (each for question in found.questions for each in (question.parts or (question,))):
            if each.id in by.index and not by.index[each.id].ask:
                continue
            assert each.id in shown - said.keys(), case.name
            if each.id != CODE:
                assert items[each.id]["type"] == each.type.value, case.name
                assert each.text in items[each.id]["text"].split(" / "), case.name
