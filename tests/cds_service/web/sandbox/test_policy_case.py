"""A case of the sandbox becomes a case of the policy, which determines the same of it."""

import html
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from cds_service.sample_ehr.patients import SAMPLES
from cds_service.web.sandbox.policy_case import _Plain
from coverage_policies.authoring.cases import parse_cases, run_case
from coverage_policies.authoring.fact_builder import PATIENT
from coverage_policies.format.library import load_library
from fhir_mappings.fhir_json import dumps
from tests.support.sandbox_pages import Page, Sandbox

LIBRARY = load_library()
_TEXT = re.compile(r'<h4 id="h-policy-case-\d+">([^,]+), [^<]*</h4>.*?<pre[^>]*>(.*?)</pre>', re.DOTALL)


def cases(page: Page) -> list[tuple[str, str]]:
    return [(name, html.unescape(text)) for name, text in _TEXT.findall(page.text)]


@pytest.mark.parametrize("patient", [each.id for each in SAMPLES])
def test_the_first_order_of_every_sample_patient_passes_as_a_case_with_nothing_left_out(
    sandbox: Sandbox, patient: str
) -> None:
    page = sandbox.do(sandbox.start(patient), "policy-case")
    (sample,) = [each for each in SAMPLES if each.id == patient]
    ((name, text),) = cases(page)
    policy = LIBRARY.policies[name]
    (case,) = parse_cases(text, "made.yaml", policy)
    assert run_case(case, policy) == ()
    assert case.expected["outcome"] == sample.orders[0].outcome.value
    assert "Not carried over" not in page.text
    assert "Determined otherwise" not in page.text


def test_a_case_does_not_say_who_the_patient_is(sandbox: Sandbox) -> None:
    ((_, text),) = cases(sandbox.do(sandbox.start("sij-rich-chart"), "policy-case"))
    assert "sij-rich-chart\n" not in text
    assert "Patient/sij-rich-chart" not in text
    assert all("name" not in each for each in yaml.safe_load(text)[0]["fhir"] if each["resourceType"] == "Patient")


def test_answers_become_facts_and_count(sandbox: Sandbox) -> None:
    page = sandbox.start("sij-posterior")
    order = f"ServiceRequest/{page.order['id']}"
    answered = replace(page.case, answers={order: {"CP.MP.126@2025-04": {"II.E": "no"}}})
    page = sandbox.post({"case": answered.dump(), "do": "policy-case"})
    ((name, text),) = cases(page)
    assert yaml.safe_load(text)[0]["facts"] == [{"answers": {"based_on": order, "II.E": "no"}}]
    (case,) = parse_cases(text, "made.yaml", LIBRARY.policies[name])
    assert run_case(case, LIBRARY.policies[name]) == ()


def test_what_a_case_file_cannot_write_is_named(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "add:cpt 27279")
    odd = {**page.order, "note": [{"text": "true"}]}
    page = sandbox.do(page, "json:ServiceRequest/draft-1", o1_json=dumps(odd))
    page = sandbox.do(page, "policy-case")
    assert "ServiceRequest/draft-1: it has a value that a case file cannot write" in page.text


def test_orders_of_no_policy_make_no_case(sandbox: Sandbox) -> None:
    page = sandbox.start()
    order = {**page.order, "code": {"text": "Haircut"}}
    page = sandbox.post({"case": page.case.with_orders(order).dump(), "do": "policy-case"})
    assert cases(page) == []
    assert "No installed policy judges these orders." in page.text


def test_orders_of_another_patient_make_no_case(sandbox: Sandbox) -> None:
    page = sandbox.start()
    order = {**page.order, "subject": {"reference": "Patient/sij-rich-chart"}}
    page = sandbox.post({"case": page.case.with_orders(page.order, {**order, "id": "x"}).dump(), "do": "policy-case"})
    assert page.status == 200
    assert len(cases(page)) == 1


def test_a_case_has_no_name_or_number_of_anybody_wherever_a_chart_writes_one() -> None:
    named: dict[str, Any] = {"display": "Jane Secret"}
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Secret"}
    sex = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F"}
    patient = {
        "resourceType": "Patient",
        "id": "a",
        "gender": "female",
        "birthDate": "1960-05-01",
        "extension": [extension, sex],
        "maritalStatus": {"text": "Secret"},
        "link": [{"other": named}],
    }
    order = {
        "resourceType": "ServiceRequest",
        "id": "b",
        "requester": named,
        "performer": [named],
        "subject": {"reference": "Patient/a", **named},
        "note": [{"authorString": "Secret", "text": "left"}],
    }
    coverage = {"resourceType": "Coverage", "id": "c", "subscriberId": "Secret", "payor": [{"display": "A plan"}]}
    written = list(_Plain("a", "https://ehr.example/fhir").carried([patient, order, coverage], []))
    assert "Secret" not in str(written)
    assert written[0] == {
        "resourceType": "Patient",
        "birthDate": "1960-05-01",
        "gender": "female",
        "extension": [sex],
        "id": PATIENT,
    }
    assert written[2]["payor"] == [{"display": "A plan"}]
