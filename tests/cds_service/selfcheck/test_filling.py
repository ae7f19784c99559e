"""How the self-check fills in an adaptive form."""

from typing import Any

import pytest

from cds_service.selfcheck.filling import ORIGIN, answers_in, filled

AUTHOR = "Practitioner/a"
OPTION = {"valueCoding": {"system": "s", "code": "yes"}}
UNIT = {
    "url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption",
    "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg", "display": "kg"},
}


def response(*asked: dict[str, Any], items: Any = ()) -> dict[str, Any]:
    form = {"resourceType": "Questionnaire", "id": "form", "item": list(asked)}
    found = {"resourceType": "QuestionnaireResponse", "questionnaire": "#form", "contained": [form]}
    return found | ({"item": list(items)} if items else {})


def item(link_id: str, kind: str, **members: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": kind, "text": f"Text of {link_id}", **members}


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (item("1", "boolean"), {"valueBoolean": True}),
        (item("1", "choice", answerOption=[OPTION]), OPTION),
        (item("1", "open-choice"), {"valueString": "Self-check"}),
        (item("1", "text"), {"valueString": "Self-check"}),
        (item("1", "integer"), {"valueInteger": 1}),
        (item("1", "date"), {"valueDate": "2026-01-05"}),
        (
            item("1", "quantity", extension=[UNIT]),
            {"valueQuantity": {"value": 1, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}},
        ),
    ],
)
def test_a_question_gets_an_answer_of_its_type_with_its_author(asked: Any, value: Any) -> None:
    (answer,) = answers_in(filled(response(asked), AUTHOR))["1"]
    ((origin),) = answer.pop("extension")
    assert answer == value
    assert origin["url"] == ORIGIN
    source, author = origin["extension"]
    assert source == {"url": "source", "valueCode": "manual"}
    assert author["extension"][0]["valueReference"] == {"reference": AUTHOR}


@pytest.mark.parametrize("kind", ["display", "group", "attachment", "reference"])
def test_what_is_no_question_of_ours_gets_none(kind: str) -> None:
    assert answers_in(filled(response(item("1", kind)), AUTHOR)) == {}


def test_questions_stay_within_their_group_and_their_question() -> None:
    asked = item("1", "group", item=[item("1.1", "boolean", item=[item("1.1.1", "boolean")])])
    found = filled(response(asked), AUTHOR)
    (group,) = found["item"]
    (question,) = group["item"]
    assert question["answer"][0]["item"][0]["linkId"] == "1.1.1"
    assert "item" not in question
    assert [each["text"] for each in (group, question)] == ["Text of 1", "Text of 1.1"]


def test_an_answer_that_was_given_stays_as_it_is() -> None:
    given = {"linkId": "1", "text": "As it came", "answer": [{"valueBoolean": False}]}
    found = filled(response(item("1", "boolean"), item("2", "boolean"), items=[given]), AUTHOR)
    assert found["item"][0] == given
    assert "2" in answers_in(found)
