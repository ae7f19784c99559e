"""Answers to an adaptive form in the chart count exactly as those to the standard form do."""

from typing import Any

import pytest

from coverage_policies.format.terms import Status
from fhir_mappings.fhir_json import Resource
from tests.support.policy_fakes import MET, UNKNOWN, answers, judge, policy

CONTEXT = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/qr-context"
OURS = "https://plan.example/fhir/Questionnaire/CP.TEST"
QUESTIONS = """
I:
  says: Test fusion
  all:
    - {id: I.O, says: The approach is right, about: order, ask: Is the approach right?}
    - {id: I.P, says: The patient is ready, ask: Is the patient ready?}
"""


def form(**more: Any) -> dict[str, Any]:
    found = {"resourceType": "Questionnaire", "id": "form", "status": "active", "derivedFrom": [f"{OURS}|2025-01.1"]}
    return {name: value for name, value in {**found, **more}.items() if value is not None}


def sent(*contained: Any, order: str = "ServiceRequest/order-1") -> Resource:
    about = {"url": CONTEXT, "valueReference": {"reference": order}}
    said = {"I.O": "yes", "I.P": "yes"}
    return answers(said, basedOn=None, extension=[about], contained=list(contained), questionnaire="#form")


def statuses(*contained: Any, **more: Any) -> tuple[Status, Status]:
    found = judge(policy(QUESTIONS), sent(*contained, **more))
    return found.criterion("I.O").status, found.criterion("I.P").status


def test_answers_about_this_order_count() -> None:
    assert statuses(form()) == (MET, MET)


def test_answers_about_another_order_count_for_the_patient_alone() -> None:
    assert statuses(form(), order="ServiceRequest/other") == (UNKNOWN, MET)


@pytest.mark.parametrize(
    "contained",
    [
        pytest.param([form(id="other")], id="another id"),
        pytest.param([form(derivedFrom=None)], id="derived from none"),
        pytest.param([form(), form()], id="two of one id"),
        pytest.param([], id="none"),
        pytest.param([form(derivedFrom=[f"{OURS}|2024-01.1"])], id="another revision"),
        pytest.param([form(derivedFrom=["https://plan.example/fhir/Questionnaire/CP.OTHER|2025-01.1"])], id="another"),
        pytest.param([form(derivedFrom=[OURS])], id="no version"),
    ],
)
def test_a_form_that_is_not_certainly_ours_counts_for_nothing(contained: list[Any]) -> None:
    assert statuses(*contained) == (UNKNOWN, UNKNOWN)
