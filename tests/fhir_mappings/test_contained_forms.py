"""The canonical of a response whose form is contained in it, as that of an adaptive form is."""

from typing import Any

import pytest

from fhir_mappings.answers import answer_forms, contained_form, questionnaire_of
from tests.support.fhir_builders import record, resource

OURS = "https://plans.example/fhir/Questionnaire/CP.MP.126|2025-04.2"


def form(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "id": "form", "status": "active", "derivedFrom": [OURS], **more}


def response(*contained: Any, questionnaire: Any = "#form", **more: Any) -> dict[str, Any]:
    return {"contained": list(contained), "questionnaire": questionnaire, **more}


@pytest.mark.parametrize("named", [OURS, "https://plans.example/fhir/Questionnaire/CP.MP.126", ""])
def test_a_form_that_is_not_contained_has_its_own_canonical(named: str) -> None:
    assert questionnaire_of(response(form(id="other"), questionnaire=named)) == named


@pytest.mark.parametrize("named", [None, 5, ["#form"], {"reference": "#form"}])
def test_what_is_no_canonical_names_none(named: Any) -> None:
    assert questionnaire_of(response(form(), questionnaire=named)) == ""


def test_a_contained_form_has_the_canonical_that_it_is_derived_from() -> None:
    assert questionnaire_of(response(form(url="https://other.example/Questionnaire/x", version="1"))) == OURS


def test_some_servers_write_the_id_as_it_stands_in_the_reference() -> None:
    assert questionnaire_of(response(form(id="#form"))) == OURS


@pytest.mark.parametrize("derived", [None, [], "", OURS, [None], [5], {"reference": OURS}])
def test_a_contained_form_that_is_derived_from_none_has_its_own_canonical(derived: Any) -> None:
    mine = form(derivedFrom=derived, url="https://plans.example/Questionnaire/CP.MP.126", version="2025-04.2")
    assert questionnaire_of(response(mine)) == "https://plans.example/Questionnaire/CP.MP.126|2025-04.2"
    assert questionnaire_of(response({**mine, "version": 5})) == "https://plans.example/Questionnaire/CP.MP.126"


@pytest.mark.parametrize(
    "contained",
    [
        [],
        [form(id="other")],
        [form(), form()],
        [form(), {"resourceType": "Practitioner", "id": "form"}],
        [form(resourceType="QuestionnaireResponse")],
        [form(derivedFrom=None)],
        [form(derivedFrom=None, url="")],
        [5, None],
    ],
)
def test_a_reference_to_no_form_or_to_several_is_the_canonical_of_none(contained: list[Any]) -> None:
    assert questionnaire_of(response(*contained)) == "#form"


def test_of_two_contained_forms_the_one_that_is_named_is_answered() -> None:
    other = form(id="other", derivedFrom=["https://plans.example/fhir/Questionnaire/CP.MP.166|2019-08.1"])
    sent = response(other, form())
    assert questionnaire_of(sent) == OURS
    assert contained_form(sent) is sent["contained"][1]


def test_an_answer_form_has_the_canonical_of_its_contained_form() -> None:
    (found,) = answer_forms(
        record(
            resource(
                "QuestionnaireResponse",
                id="x",
                status="completed",
                author={"reference": "Practitioner/dr"},
                authored="2026-02-01T10:00:00-05:00",
                item=[{"linkId": "II.E", "answer": [{"valueBoolean": True}]}],
                **response(form()),
            )
        )
    )
    assert found.questionnaire == OURS
    assert found.given == (("II.E", "yes"),)
