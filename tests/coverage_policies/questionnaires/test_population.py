"""What a form shows of the chart: measurements as they are on record, and no answer."""

import pytest

from coverage_policies.format.library import load_library
from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.forms import BASE, by_link, every_revision, flat

OBESITY = questionnaire(load_library().policies["NCD.100.1@2013-09"], BASE)
SHOWN = by_link(OBESITY)["B.bmi/body-mass-index"]
INITIAL = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression"


def test_the_values_that_a_criterion_measures_follow_its_question() -> None:
    group = by_link(OBESITY)["B"]
    assert [item["linkId"] for item in group["item"]][:2] == ["B.bmi", "B.bmi/body-mass-index"]
    assert (SHOWN["type"], SHOWN["repeats"]) == ("quantity", True)
    assert SHOWN["text"] == "Body mass index on record within 12 months (kg/m2)"


def test_they_have_the_unit_of_the_policy() -> None:
    unit, _ = SHOWN["extension"]
    assert unit["url"] == "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"
    assert unit["valueCoding"]["system"] == "http://unitsofmeasure.org"
    assert unit["valueCoding"]["code"] == "kg/m2"


def test_they_are_read_by_patient_code_and_date() -> None:
    (variable,) = [each for each in OBESITY["extension"] if each["url"].endswith("/variable")]
    expression = variable["valueExpression"]
    assert expression["language"] == "application/x-fhir-query"
    assert expression["expression"].startswith("Observation?patient={{%patient.id}}&code=")
    assert "http://loinc.org|39156-5" in expression["expression"]
    assert expression["expression"].endswith("&date=ge{{today() - 12 months}}")


def test_the_form_asks_for_the_patient_of_the_launch_only_where_it_reads_the_chart() -> None:
    def contexts(name: str) -> list[str]:
        form = questionnaire(load_library().policies[name], BASE)
        found = [each for each in form["extension"] if each["url"].endswith("/sdc-questionnaire-launchContext")]
        return [each["extension"][0]["valueCoding"]["code"] for each in found]

    assert contexts("NCD.100.1@2013-09") == ["patient"]
    assert contexts("CP.MP.126@2025-04") == []


def test_the_expression_gives_the_values_of_the_variable() -> None:
    (variable,) = [each for each in OBESITY["extension"] if each["url"].endswith("/variable")]
    _, initial = SHOWN["extension"]
    assert initial["url"] == INITIAL
    assert initial["valueExpression"]["language"] == "text/fhirpath"
    assert initial["valueExpression"]["expression"].startswith(f"%{variable['valueExpression']['name']}.entry.resource")


@pytest.mark.parametrize("name", ["I.A.1.1", "oxygen-saturation"])
def test_a_value_that_counts_only_under_conditions_is_not_shown(name: str) -> None:
    form = questionnaire(load_library().policies["NCD.240.2@2021-09"], BASE)
    assert not [
        link for link in by_link(form) if link.startswith(f"{name}/") and not link.endswith(("/help", "/parts"))
    ]


@pytest.mark.parametrize("name", every_revision())
def test_no_question_of_a_criterion_is_answered_by_an_expression(name: str) -> None:
    policy = every_revision()[name]
    for item in flat(questionnaire(policy, BASE)["item"]):
        if any(each["url"] == INITIAL for each in item.get("extension", ())):
            assert item["linkId"] not in policy.index
