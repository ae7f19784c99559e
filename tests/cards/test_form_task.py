"""The task to complete a form: what profile-taskquestionnaire wants, and what becomes of the form."""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cards.form_task import form_task
from coverage_policies.format.terms import Outcome, PriorAuthorization
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.fhir_json import Resource
from fhir_mappings.validity import faults
from tests.support.determinations import determination

CRD = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
ENCOUNTER = {"reference": "Encounter/e"}
PAYER = Payer("Lakeshore", ("Owner",), identifiers=frozenset({"urn:payers|1", "urn:npi|2"}))
ASKING = determination(Outcome.DOCUMENTATION_NEEDED, questions=(Question("I", "Is it so?"),))


def task(asking: Determination = ASKING, order: Resource | None = None) -> dict[str, Any]:
    ordered = {"encounter": ENCOUNTER} if order is None else order
    return form_task(asking, "https://cds.example.org", ordered, patient="Patient/p", payer=PAYER, day=date(2026, 3, 2))


def named(of: Mapping[str, Any], name: str) -> Any:
    """The value of the one input of this name."""
    (found,) = [each for each in of["input"] if each["type"]["text"] == name]
    return next(value for key, value in found.items() if key.startswith("value"))


def test_it_names_the_form_with_its_version_the_order_the_patient_and_the_encounter() -> None:
    found = task()
    assert (found["status"], found["intent"], found["authoredOn"]) == ("ready", "order", "2026-03-02")
    assert named(found, "questionnaire") == "https://cds.example.org/fhir/Questionnaire/CP.TEST|2025-01.1"
    assert (found["basedOn"], found["for"]) == ([{"reference": "ServiceRequest/1"}], {"reference": "Patient/p"})
    assert found["encounter"] == ENCOUNTER
    assert faults(found) == ()


def test_an_order_without_an_encounter_gives_a_task_without() -> None:
    found = task(order={})
    assert "encounter" not in found
    assert faults(found) == ()


def test_the_payer_requests_it() -> None:
    found = task()
    assert found["requester"] == {"reference": "#payer"}
    (organization,) = found["contained"]
    assert (organization["id"], organization["name"]) == ("payer", "Lakeshore")
    assert organization["identifier"] == [{"system": "urn:npi", "value": "2"}, {"system": "urn:payers", "value": "1"}]


def test_a_form_for_a_prior_authorization_goes_with_it() -> None:
    found = task(determination(Outcome.DOCUMENTATION_NEEDED, prior_authorization=PriorAuthorization.REQUIRED))
    assert found["reasonCode"]["coding"] == [{"system": CRD, "code": "reason-prior-auth"}]
    assert named(found, "afterCompletion")["coding"][0]["code"] == "prior-auth-include"


@pytest.mark.parametrize("said", [None, PriorAuthorization.NOT_REQUIRED])
def test_any_other_form_stays_in_the_chart_until_the_order_is_signed_again(said: PriorAuthorization | None) -> None:
    found = task(determination(Outcome.DOCUMENTATION_NEEDED, prior_authorization=said))
    assert "coding" not in found["reasonCode"]
    assert named(found, "afterCompletion") == {"text": "Keep it in the chart, and sign the order again."}


@pytest.mark.requirement("crd:resp-62")
@pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")
def test_it_has_what_the_profile_of_crd_2_0_1_requires_and_only_codes_that_it_has() -> None:
    folder = Path(os.environ["CDS_IG_DATA"]) / "crd-2.0.1"
    profile = json.loads((folder / "StructureDefinition-profile-taskquestionnaire.json").read_text(encoding="utf-8"))
    elements = {each["id"]: each for each in profile["snapshot"]["element"]}
    required = {name.partition(".")[2] for name, each in elements.items() if name.count(".") == 1 and each["min"]}
    found = task()
    assert {each for each in required if ":" not in each} <= set(found)
    assert {each for each in required if ":" in each} == {"input:afterCompletion"}
    wanted = elements["Task.input:afterCompletion.type"]["patternCodeableConcept"]["coding"]
    assert [each["type"]["coding"] for each in found["input"] if each["type"]["text"] == "afterCompletion"] == [wanted]
    assert found["status"] == elements["Task.status"]["fixedCode"]
    assert found["intent"] == elements["Task.intent"]["fixedCode"]
    codes = json.loads((folder / "CodeSystem-temp.json").read_text(encoding="utf-8"))
    known = {each["code"] for each in codes["concept"]}
    assert {"after-completion-action", "prior-auth-include", "reason-prior-auth"} <= known
