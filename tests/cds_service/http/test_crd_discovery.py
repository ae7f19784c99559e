"""CRD services in the discovery document: their prefetch, versions, and options (CRD 2.2.1, Service Discovery)."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from cards.crd_topics import Topic
from coverage_policies.judging.plan_rules import Payer, PlanRules
from tests.support.crd_calls import CENTENE, IDS, CrdService
from tests.support.json_values import values

HOOKS = ["order-select", "order-sign", "order-dispatch", "appointment-book"]
BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
OPTIONS, VERSIONS = "davinci-crd.configuration-options", "davinci-crd.version"
PLAIN_TOKENS = {"{{context.patientId}}", "{{context.userId}}", "{{context.encounterId}}"}
"""The tokens that CDS Hooks 2.0.1 knows for these hooks."""


def services() -> list[dict[str, Any]]:
    """Everything that discovery lists."""
    found: list[dict[str, Any]] = CrdService().client.get("/cds-services").json["services"]
    return found


def of_version(version: str) -> dict[str, dict[str, Any]]:
    """The services of a version by their hook."""
    return {each["hook"]: each for each in services() if each.get("extension", {}).get(VERSIONS) == [version]}


@BOTH
@pytest.mark.requirement("7.11")
def test_every_primary_hook_and_order_select_have_a_service(version: str) -> None:
    found = of_version(version)
    assert list(found) == HOOKS
    prefix = {"2.2": "crd-", "2.0": "crd-2.0-"}[version]
    assert [each["id"] for each in found.values()] == [f"{prefix}{hook}" for hook in HOOKS]


@pytest.mark.requirement("7.12")
def test_every_crd_service_names_its_one_version_and_no_plain_service_has_one() -> None:
    named = {each["id"]: each.get("extension", {}).get(VERSIONS) for each in services()}
    assert named["crd-order-sign"] == ["2.2"]
    assert named["crd-2.0-order-sign"] == ["2.0"]
    for own_id, versions in named.items():
        assert (versions is not None) is own_id.startswith("crd-")
        assert versions is None or re.fullmatch(r"[1-9]\d*\.\d+", *versions)


def test_without_a_payer_that_is_answered_for_there_are_plain_services_only() -> None:
    plain = Payer("Plain", (CENTENE,), identifiers=frozenset({f"{IDS}|Plain"}))
    found = CrdService(PlanRules(payers=(plain,)))
    assert [each["id"] for each in found.client.get("/cds-services").json["services"]] == [
        "coverage-order-select",
        "coverage-order-sign",
    ]
    assert found.client.post("/cds-services/crd-order-sign", json={}).status_code == 404


@pytest.mark.requirement("7.2", "7.4", "7.5")
def test_every_crd_service_says_what_it_is_and_nothing_is_empty() -> None:
    document = CrdService().client.get("/cds-services").json
    for each in document["services"]:
        assert {"hook", "id", "title", "description", "usageRequirements", "prefetch"} <= each.keys()
    assert not [value for value in values(document) if value in (None, "", [], {})]


@pytest.mark.requirement("7.3")
def test_every_crd_service_is_reached_under_its_id() -> None:
    client = CrdService().client
    for each in services():
        assert client.post(f"/cds-services/{each['id']}", json={"hook": each["hook"]}).status_code in (400, 422)


def test_a_crd_service_says_whose_answer_it_is_what_it_needs_and_what_it_queries() -> None:
    usage = of_version("2.2")["order-sign"]["usageRequirements"]
    for said in ("the payer of the patient's Coverage", "exactly one Coverage", "with the token of the call"):
        assert said in usage
    for queried in ("Condition", "Procedure", "Observation", "QuestionnaireResponse", "CarePlan"):
        assert queried in usage
    assert {each["usageRequirements"] for each in of_version("2.0").values()} == {usage}
    assert usage not in {each["usageRequirements"] for each in services() if "extension" not in each}


# --- prefetch --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("7.9", "7.10")
def test_before_and_at_signing_the_guides_set_is_asked_for_as_far_as_every_call_needs_it() -> None:
    expected = {
        "patient": "Patient/{{context.patientId}}",
        "encounter": "Encounter/{{context.encounterId}}",
        "coverage": "Coverage?patient={{context.patientId}}&status=active",
        "devices": "Device?_id={{context.draftOrders.entry.resource.ofType(DeviceRequest).code.resolve().id}}",
        "medications": (
            "Medication?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest).medication.resolve().id}}"
        ),
    }
    for hook in ("order-select", "order-sign"):
        assert of_version("2.2")[hook]["prefetch"] == expected


@pytest.mark.requirement("7.9")
@pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")
def test_every_template_stands_in_the_discovery_document_of_the_guide() -> None:
    path = Path(os.environ["CDS_IG_DATA"]) / "crd-2.2.1" / "CRDServices.json"
    published = {each["hook"]: each["prefetch"] for each in json.loads(path.read_text(encoding="utf-8"))["services"]}
    for hook, service in of_version("2.2").items():
        assert service["prefetch"].items() <= published[hook].items()


@pytest.mark.requirement("7.8")
def test_a_template_comes_after_the_one_whose_result_it_uses() -> None:
    text = CrdService().client.get("/cds-services").text  # as it is sent: a JSON parser may sort
    seen = 0
    for service in services():
        start = text.index(f'"{service["id"]}"')
        for key, template in service["prefetch"].items():
            for used in re.findall(r"%(\w+)", template):
                assert text.index(f'"{used}":', start) < text.index(f'"{key}":', start)
                seen += 1
    assert seen == 4


@pytest.mark.requirement("7.7", "7.10")
def test_crd_2_0_has_only_tokens_of_cds_hooks_2_0() -> None:
    for service in of_version("2.0").values():
        assert set(service["prefetch"]) <= {"patient", "encounter", "coverage"}
        for template in service["prefetch"].values():
            assert set(re.findall(r"\{\{.*?\}\}", template)) <= PLAIN_TOKENS
    assert "encounter" not in of_version("2.0")["order-dispatch"]["prefetch"]  # its context has none


# --- options ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.requirement("7.13", "7.14", "7.15")
def test_every_option_is_whole_of_its_type_and_one_of_a_kind(version: str) -> None:
    for service in of_version(version).values():
        found = service["extension"][OPTIONS]
        for option in found:
            assert set(option) == {"code", "type", "name", "description", "default"}
            assert all(option[name].strip() for name in ("code", "name", "description"))
            assert type(option["default"]) is {"boolean": bool, "integer": int}[option["type"]]
        for name in ("code", "name", "description"):
            assert len({option[name] for option in found}) == len(found)


@BOTH
@pytest.mark.requirement("crd:dev-9")
def test_the_options_are_the_same_on_every_hook(version: str) -> None:
    first, *others = (each["extension"][OPTIONS] for each in of_version(version).values())
    assert all(each == first for each in others)


@BOTH
@pytest.mark.requirement("7.16")
def test_every_topic_of_a_card_and_coverage_information_have_an_option(version: str) -> None:
    for service in of_version(version).values():
        switches = {each["code"] for each in service["extension"][OPTIONS] if each["type"] == "boolean"}
        assert {"coverage-info", *(topic.code for topic in Topic)} <= switches
        assert ("unsolicited-determ" in switches) is (version == "2.2")  # CRD 2.0.1 has no such type


@pytest.mark.requirement("7.16")
@pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")
def test_every_switch_is_a_card_type_of_the_guide() -> None:
    path = Path(os.environ["CDS_IG_DATA"]) / "crd-2.0.1" / "CodeSystem-temp.json"
    concepts = json.loads(path.read_text(encoding="utf-8"))["concept"]
    (published,) = [each["concept"] for each in concepts if each["code"] == "_cardType"]
    known = {each["code"] for each in published}
    for service in of_version("2.0").values():
        assert {each["code"] for each in service["extension"][OPTIONS] if each["type"] == "boolean"} <= known
