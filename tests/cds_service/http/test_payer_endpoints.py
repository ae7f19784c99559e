"""Where the services of a payer are, by the discovery of Da Vinci HRex: one document for each payer."""

from dataclasses import replace
from typing import Any

import pytest

from coverage_policies.judging.plan_rules import Payer, PlanRules
from tests.support.crd_calls import IDS, LAKESHORE, CrdService, payer

ROOT = "/.well-known/davinci-configuration"
HILLSIDE = payer("Hillside")
CRD_BASE, FHIR_BASE = "https://cds.example.org", "https://cds.example.org/fhir"


def get(path: str, *payers: Payer, **settings: Any) -> Any:
    return CrdService(PlanRules(payers=payers), **settings).client.get(path)


def of(value: str) -> str:
    return f"/payers/{value}{ROOT}"


@pytest.mark.requirement("dtr:spec-8", "dtr:spec-6", "crd:found-14")
@pytest.mark.parametrize("path", [ROOT, of("Lakeshore"), f"{ROOT}/"])
@pytest.mark.parametrize("public_url", ["https://cds.example.org", "https://cds.example.org/"])
def test_the_only_payer_is_described_at_the_root_and_at_its_own_address(path: str, public_url: str) -> None:
    response = get(path, LAKESHORE, public_url=public_url)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.json == {
        "identifier": {"system": IDS, "value": "Lakeshore"},
        "endpoints": {
            "davinci_crd_hook_endpoint#2.2": CRD_BASE,
            "davinci_crd_hook_endpoint#2.0": CRD_BASE,
            "davinci_dtr_qpackage_endpoint#2.2": FHIR_BASE,
        },
    }


def test_several_payers_have_an_address_each_and_the_root_says_so() -> None:
    for each in ("Lakeshore", "Hillside"):
        assert get(of(each), LAKESHORE, HILLSIDE).json["identifier"] == {"system": IDS, "value": each}
    response = get(ROOT, LAKESHORE, HILLSIDE)
    assert response.status_code == 404
    assert f"/payers/ID{ROOT}" in response.json["issue"][0]["diagnostics"]


def test_each_identifier_of_a_payer_leads_to_it_and_is_named() -> None:
    both = replace(LAKESHORE, identifiers=frozenset({"urn:a|1", "urn:b|2", "urn:c|2", "|3"}))
    assert get(of("1"), both, HILLSIDE).json["identifier"] == {"system": "urn:a", "value": "1"}
    assert get(of("2"), both, HILLSIDE).json["identifier"] == {"system": "urn:b", "value": "2"}
    assert get(of("3"), both, HILLSIDE).status_code == 404
    assert get(ROOT, both).json["identifier"] == {"system": "urn:a", "value": "1"}


def test_a_value_that_two_payers_have_leads_to_neither() -> None:
    one = replace(LAKESHORE, identifiers=frozenset({"urn:a|1", "urn:a|2"}))
    other = replace(HILLSIDE, identifiers=frozenset({"urn:b|1"}))
    assert get(of("1"), one, other).status_code == 404
    assert get(of("2"), one, other).status_code == 200


def test_a_payer_without_a_system_has_no_document() -> None:
    response = get(ROOT, replace(LAKESHORE, identifiers=frozenset({"|1"})))
    assert response.status_code == 404
    assert "Lakeshore" in response.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize("value", ["Nobody", "lakeshore", f"{IDS}|Lakeshore".replace("//", "/"), "Lakeshore%20"])
def test_another_value_leads_nowhere(value: str) -> None:
    assert get(of(value), LAKESHORE).status_code == 404


def test_a_payer_that_the_service_does_not_answer_for_has_no_document() -> None:
    known = replace(HILLSIDE, terms=None)
    assert get(of("Hillside"), LAKESHORE, known).status_code == 404
    assert get(ROOT, LAKESHORE, known).status_code == 200
    for path in (ROOT, of("Hillside")):
        response = get(path, known)
        assert response.status_code == 404
        assert response.json["issue"][0]["code"] == "not-found"
