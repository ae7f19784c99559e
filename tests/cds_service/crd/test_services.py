"""Which services a client sees and may call, by its entry in the clients file."""

import pytest

from cds_service.clients.client_entries import Family
from cds_service.clients.registry import Client
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.crd_calls import RULES, CrdService

PLAIN = {"coverage-order-select", "coverage-order-sign"}
CRD_2_2 = {"crd-order-select", "crd-order-sign", "crd-order-dispatch", "crd-appointment-book"}
CRD_2_0 = {"crd-2.0-order-select", "crd-2.0-order-sign", "crd-2.0-order-dispatch", "crd-2.0-appointment-book"}


def discovered(client: Client | None, rules: PlanRules = RULES) -> set[str]:
    """The ids of the services in discovery."""
    return {each["id"] for each in CrdService(rules, client=client).client.get("/cds-services").json["services"]}


@pytest.mark.parametrize(("services", "seen"), [("plain", PLAIN), ("crd-2.2", CRD_2_2), ("crd-2.0", CRD_2_0)])
def test_a_client_sees_one_family_of_services(services: Family, seen: set[str]) -> None:
    assert discovered(Client("ehr", "urn:ehr", services=services)) == seen


def test_without_clients_all_services_are_seen() -> None:
    assert discovered(None) == PLAIN | CRD_2_2 | CRD_2_0


def test_without_a_payer_to_answer_for_there_are_plain_services_only() -> None:
    assert discovered(None, PlanRules()) == PLAIN
    assert discovered(Client("ehr", "urn:ehr", services="crd-2.2"), PlanRules()) == set()


@pytest.mark.parametrize(("services", "status"), [("plain", 404), ("crd-2.2", 400), ("crd-2.0", 404)])
def test_a_service_of_another_family_is_not_found(services: Family, status: int) -> None:
    service = CrdService(client=Client("ehr", "urn:ehr", services=services))
    assert service.client.post("/cds-services/crd-order-sign", json={}).status_code == status
