"""Charts in US Core 3.1.1, 6.1.0, and 7.0.0: the differences between the versions change no answer."""

from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json
from tests.support.reviews import review_call

SHOWN = ("sij-all-documented", "sij-fibromyalgia", "trial-not-weaned", "pump-trial-worked")
PROFILES = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/condition-category"
MOMENT = datetime(2026, 3, 2, 15, tzinfo=UTC)
OWN_CATEGORIES = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"


@cache
def assessor() -> Assessor:
    return load_assessor(Settings())


def profiled(resource: dict[str, Any], kind: str, version: str) -> None:
    """Set the profile of a resource; keep the rest of its meta."""
    profile = f"{PROFILES}{resource['resourceType'].lower()}{kind}{version}"
    resource["meta"] = {**resource.get("meta", {}), "profile": [profile]}


def as_3_1_1(resource: dict[str, Any]) -> None:
    """Use one profile for all conditions, with a category that later versions lack, and no version in profiles."""
    profiled(resource, "", "")
    if resource["resourceType"] == "Condition":
        resource["category"] = [{"coding": [{"system": OWN_CATEGORIES, "code": "health-concern"}]}]
    if resource["resourceType"] == "Observation":
        resource.pop("performer", None)


def as_6_1_0(resource: dict[str, Any]) -> None:
    """Use separate profiles for conditions, with additional screening categories, and versions in profiles."""
    profiled(resource, "", "|6.1.0")
    if resource["resourceType"] == "Condition":
        profiled(resource, "-problems-health-concerns", "|6.1.0")
        resource["category"] = [{"coding": [{"system": CATEGORIES, "code": "problem-list-item"}]}]
    if resource["resourceType"] == "MedicationRequest":
        resource["reportedBoolean"] = False


def as_7_0_0(resource: dict[str, Any]) -> None:
    """Use two categories for problems, an asserted date in an extension, and medication adherence."""
    profiled(resource, "", "|7.0.0")
    if resource["resourceType"] == "Condition":
        profiled(resource, "-problems-health-concerns", "|7.0.0")
        tags = "http://hl7.org/fhir/us/core/CodeSystem/us-core-tags"
        listed = {"system": CATEGORIES, "code": "problem-list-item"}
        resource["category"] = [{"coding": [listed]}, {"coding": [{"system": tags, "code": "sdoh"}]}]
        asserted = {"url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": "2026"}
        resource["extension"] = [*resource.get("extension", ()), asserted]
    if resource["resourceType"] == "MedicationRequest":
        asserted = {"url": "dateAsserted", "valueDateTime": "2026-03-01"}
        adherence = {"url": f"{PROFILES}medication-adherence", "extension": [asserted]}
        resource["extension"] = [*resource.get("extension", ()), adherence]


def answered(sample: Sample, chart: Json) -> list[Any]:
    """Return every determination for the orders of a sample under every policy, on this chart."""
    found = []
    for order in sample.orders:
        body = hook_call(
            sample,
            order,
            fhir_server="https://ehr.example.org/fhir",
            token="t",
            today=STORY_DATE,
            new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        )
        evaluation = review_call(
            read_request(body), assessor(), Settings(time_zone="UTC"), chart=chart, clock=lambda: MOMENT
        )
        found += [each.as_json() for each in evaluation.determinations]
    return found


@pytest.mark.requirement("7.35")
@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("shaped", [as_3_1_1, as_6_1_0, as_7_0_0])
def test_the_version_of_us_core_changes_no_answer(name: str, shaped: Any) -> None:
    (sample,) = [each for each in SAMPLES if each.id == name]
    chart = sample.bundle(STORY_DATE)
    other = deepcopy(chart)
    for entry in other["entry"]:
        shaped(entry["resource"])
    assert other != chart
    assert answered(sample, other) == answered(sample, chart) != []
