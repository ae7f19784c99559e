"""What Da Vinci DTR 2.2.0 demands of every form: what may be in it, and what clients need not support is not."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.forms import BASE, every_revision, flat

FORMS = {name: questionnaire(policy, BASE) for name, policy in every_revision().items()}
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
CORE = "http://hl7.org/fhir/StructureDefinition"
INITIAL = f"{SDC}/sdc-questionnaire-initialExpression"
CLIENTS_SUPPORT = {INITIAL, f"{CORE}/questionnaire-unitOption", f"{CORE}/questionnaire-itemControl"}
"""Extensions of items that the guide has every client support."""

every_form = pytest.mark.parametrize("name", FORMS)


def extensions(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every extension in a form, at any depth."""
    if isinstance(value, dict):
        yield from value.get("extension", ())
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from extensions(child)


def expressions(name: str) -> list[Mapping[str, Any]]:
    """Every Expression in a form, with the url of its extension."""
    return [
        {"of": each["url"], **each["valueExpression"]} for each in extensions(FORMS[name]) if "valueExpression" in each
    ]


@every_form
@pytest.mark.requirement("dtr:oper-14", "dtr:spec-31", "dtr:spec-83")
def test_options_stand_in_the_form_and_are_fewer_than_40(name: str) -> None:
    choices = [item for item in flat(FORMS[name]["item"]) if item["type"] == "choice"]
    assert all(2 <= len(item["answerOption"]) < 40 for item in choices)
    assert "ValueSet" not in json.dumps(FORMS[name])


@every_form
@pytest.mark.requirement("dtr:oper-12")
def test_no_form_references_a_library(name: str) -> None:
    assert not [each for each in extensions(FORMS[name]) if each["url"].endswith("cqf-library")]


@every_form
@pytest.mark.requirement("dtr:sec-4")
def test_nothing_is_hidden_or_read_only(name: str) -> None:
    assert not [item for item in flat(FORMS[name]["item"]) if item.get("readOnly")]
    assert not [each for each in extensions(FORMS[name]) if each["url"].endswith("questionnaire-hidden")]


@every_form
@pytest.mark.requirement("dtr:spec-21")
def test_items_have_only_extensions_that_clients_support(name: str) -> None:
    found = {each["url"] for item in FORMS[name]["item"] for each in extensions(item)}
    assert found <= CLIENTS_SUPPORT
    controls = [each for each in extensions(FORMS[name]["item"]) if each["url"].endswith("questionnaire-itemControl")]
    assert {each["valueCodeableConcept"]["coding"][0]["code"] for each in controls} <= {"help"}


@every_form
@pytest.mark.requirement("dtr:spec-18", "dtr:spec-61")
def test_expressions_read_or_fill_in_and_say_that_they_are_fhirpath(name: str) -> None:
    languages = {f"{CORE}/variable": "application/x-fhir-query", INITIAL: "text/fhirpath"}
    assert all(each["language"] == languages[each["of"]] for each in expressions(name))


@every_form
@pytest.mark.requirement("dtr:sec-3", "dtr:spec-55")
def test_queries_read_observations_of_the_patient_by_code_and_date_alone(name: str) -> None:
    for each in expressions(name):
        if each["of"] == f"{CORE}/variable":
            resource, _, parameters = each["expression"].partition("?")
            names = [pair.partition("=")[0] for pair in parameters.split("&")]
            assert (resource, names[:2]) == ("Observation", ["patient", "code"])
            assert set(names[2:]) <= {"date"}


@pytest.mark.requirement("dtr:spec-54")
def test_a_form_whose_policy_measures_something_reads_it_from_the_ehr() -> None:
    with_logic = {name for name in FORMS if any(each["of"] == INITIAL for each in expressions(name))}
    assert with_logic == {"NCD.100.1@2013-09", "NCD.240.2@2021-09", "NCD.240.4@2008-03"}
    used = {name: json.dumps(FORMS[name]["item"]) for name in with_logic}
    assert all(
        f"%{each['name']}.entry" in used[name] for name in with_logic for each in expressions(name) if "name" in each
    )


@every_form
@pytest.mark.requirement("dtr:spec-51")
def test_a_question_is_yes_or_no_or_a_choice_and_a_measurement_is_filled_in(name: str) -> None:
    for item in flat(FORMS[name]["item"]):
        is_filled_in = any(each["url"] == INITIAL for each in item.get("extension", ()))
        assert item["type"] in ("group", "display", "boolean", "choice") or is_filled_in


@every_form
@pytest.mark.requirement("dtr:spec-164")
def test_no_form_is_larger_than_100_kilobytes(name: str) -> None:
    assert len(json.dumps(FORMS[name])) < 100_000
