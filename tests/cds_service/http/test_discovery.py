"""The discovery document."""

import re

import pytest

from tests.support.hook_fakes import Service, WatchingAssessor, call
from tests.support.json_values import values

TOKENS = {"{{context.patientId}}", "{{context.userId}}", "{{context.encounterId}}"}


@pytest.mark.requirement("7.1", "7.57")
def test_discovery_answers_json_with_services(service: Service) -> None:
    response = service.client.get("/cds-services")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert [found["id"] for found in response.json["services"]] == ["coverage-order-select", "coverage-order-sign"]


@pytest.mark.requirement("7.2", "7.5")
def test_every_service_says_what_it_is_and_nothing_is_empty(service: Service) -> None:
    document = service.client.get("/cds-services").json
    for found in document["services"]:
        assert {"hook", "id", "title", "description"} <= found.keys()
    assert not [value for value in values(document) if value in (None, "", [], {})]


@pytest.mark.requirement("7.19")
def test_a_version_is_that_of_semantic_versions_if_there_is_one(service: Service) -> None:
    for found in service.client.get("/cds-services").json["services"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", found.get("version", "1.0.0"))
        assert found.get("hookVersion", "1.0") == "1.0"


@pytest.mark.requirement("7.3")
def test_every_service_is_reached_under_its_id(service: Service) -> None:
    for found in service.client.get("/cds-services").json["services"]:
        request = call(hook=found["hook"])
        request["context"]["selections"] = []
        request["context"]["draftOrders"]["entry"] = []
        assert service.post(request, found["id"]).status_code == 200


@pytest.mark.requirement("7.4", "7.6", "7.7", "7.8")
def test_prefetch_asks_for_patient_coverage_and_what_most_orders_need_in_plain_tokens(service: Service) -> None:
    prefetch = service.client.get("/cds-services").json["services"][0]["prefetch"]
    assert prefetch == {
        "conditions": "Condition?patient={{context.patientId}}",
        "procedures": "Procedure?patient={{context.patientId}}",
        "observations": "Observation?patient={{context.patientId}}&code=http://loinc.org|72514-3",
        "patient": "Patient/{{context.patientId}}",
        "coverage": "Coverage?patient={{context.patientId}}",
    }
    for template in prefetch.values():
        assert set(re.findall(r"\{\{.*?\}\}", template)) <= TOKENS


def test_usage_names_the_searches_that_are_not_in_prefetch(service: Service) -> None:
    usage = service.client.get("/cds-services").json["services"][0]["usageRequirements"]
    assert "imagingStudies (ImagingStudy?patient={{context.patientId}})" in usage
    assert "procedures" not in usage


def test_services_without_policies_still_ask_for_patient_and_coverage() -> None:
    prefetch = Service(WatchingAssessor()).client.get("/cds-services").json["services"][0]["prefetch"]
    assert set(prefetch) == {"patient", "coverage"}


def test_the_members_of_a_service_keep_their_order(service: Service) -> None:
    text = service.client.get("/cds-services").text
    members = ["hook", "id", "title", "description", "usageRequirements", "prefetch"]
    assert sorted(members, key=lambda name: text.index(f'"{name}"')) == members


def test_a_trailing_slash_is_no_error(service: Service) -> None:
    assert service.client.get("/cds-services/").status_code == 200
