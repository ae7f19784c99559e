"""The cards of CRD calls over HTTP, beside what the coverage information of the same orders says."""

from typing import Any

import pytest

from cards.associated_orders import orders_of
from cards.companion_order import companion_order
from cards.crd_versions import CrdVersion
from cds_service.clients.registry import Client
from cds_service.crd.profiles import check_order
from coverage_policies.format.model import Companion
from coverage_policies.format.terms import RequestType
from coverage_policies.format.value_sets import Row, ValueSet
from coverage_policies.judging.payer_terms import GrantedAuthorization, Standing
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import Json
from tests.support.crd_calls import CPT, EHR, FUSION, CrdService, call, order, payer
from tests.support.record_fakes import rows

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
POSTERIOR = order(orderDetail=[{"text": "posterior approach"}])
PUMP_TRIAL = "62350"
REFERENCE, INSTRUCTIONS, ALTERNATE, FORM = "guideline", "appropriate-use", "therapy-alternatives-req", "claim"


def topics(body: Json, version: str, service: CrdService | None = None) -> list[str]:
    cards = (service or CrdService()).answer(body, version)["cards"]
    return [each["source"]["topic"]["code"] for each in cards]


@BOTH
@pytest.mark.requirement("7.68")
@pytest.mark.requirement("7.109")
def test_a_client_that_cannot_update_replaces_the_order(version: str) -> None:
    service = CrdService(card_actions="delete-create")
    (card, *_) = service.answer(call("order-sign", POSTERIOR), version)["cards"]
    for offered in card["suggestions"]:
        deletion, creation = offered["actions"]
        assert (deletion["type"], deletion["resourceId"]) == ("delete", "ServiceRequest/o-1")
        assert "resource" not in deletion
        assert creation["type"] == "create"
        assert "resourceId" not in creation


class Listed:
    """A list of members with one standing for all."""

    def __init__(self, standing: Standing) -> None:
        self.found = standing

    def standing(self, *_asked: Any) -> Standing:
        return self.found


@BOTH
@pytest.mark.requirement("7.75")
@pytest.mark.parametrize("standing", list(Standing))
def test_only_a_member_with_a_plan_has_something_to_document(version: str, standing: Standing) -> None:
    service = CrdService(PlanRules(payers=(payer("Lakeshore", members=Listed(standing)),)))
    answer = service.answer(call("order-sign", POSTERIOR), version)
    assert bool(answer["cards"]) == (standing in (Standing.ACTIVE, Standing.UNCERTAIN))
    assert len(answer["systemActions"]) == 1


@pytest.mark.parametrize("version", list(CrdVersion))
@pytest.mark.parametrize("request_type", list(RequestType))
def test_an_additional_order_keeps_the_profile_of_its_type(version: CrdVersion, request_type: RequestType) -> None:
    added = Row(HCPCS, "E1390", "Oxygen concentrator", "test", None, None, True)
    companion = Companion(ValueSet("stationary", [added]), added, request_type, "It goes with the other")
    check_order(companion_order(companion, order(), "Patient/p-1") | {"id": "given-by-the-client"}, "order", version)


@BOTH
def test_an_authorized_order_gets_no_proposal_to_change_it(version: str) -> None:
    granted = {("M-1", CPT, FUSION): GrantedAuthorization("PA-1")}
    service = CrdService(PlanRules(payers=(payer("Lakeshore", granted=granted),)))
    body = call("order-sign", POSTERIOR)
    assert topics(body, version, service) == [INSTRUCTIONS, REFERENCE]
    assert topics(body, version) == [ALTERNATE, REFERENCE]


@pytest.mark.requirement("7.110")
@pytest.mark.parametrize(("version", "services"), [("2.2", "crd-2.2"), ("2.0", "crd-2.0")])
def test_only_a_client_without_dtr_gets_a_task_and_only_at_signing(version: str, services: Any) -> None:
    def shown(hook: str, *, has_dtr: bool) -> list[str]:
        client = Client("ehr", "urn:ehr", fhir_servers=(EHR,), services=services, has_dtr=has_dtr)
        return topics(call(hook, order()), version, CrdService(client=client, public_policies=True))

    assert FORM in shown("order-sign", has_dtr=False)
    assert FORM not in shown("order-sign", has_dtr=True)
    assert FORM not in shown("order-select", has_dtr=False)


@BOTH
@pytest.mark.requirement("7.73")
def test_with_several_orders_every_card_names_its_own(version: str) -> None:
    answer = CrdService().answer(call("order-sign", POSTERIOR, order("o-2", PUMP_TRIAL)), version)
    told = {(orders_of(card), card["detail"].splitlines()[0]) for card in answer["cards"]}
    assert told == {
        (("ServiceRequest/o-1",), "**Minimally invasive sacroiliac fusion**"),
        (("ServiceRequest/o-2",), "**Tunneled epidural or intrathecal catheter, implant or revision**"),
    }


@BOTH
def test_the_metric_data_of_an_order_have_the_types_of_its_own_cards(version: str) -> None:
    service = CrdService()
    service.answer(call("order-sign", POSTERIOR, order("o-2", PUMP_TRIAL)), version)
    (row,) = rows(service.database, "crd_exchanges")
    types = [[each["type"] for each in told["response"]] for told in row["metrics"]["request"]]
    assert [[each for each in told if each != "coverage-info"] for told in types] == [
        [ALTERNATE, REFERENCE],
        [INSTRUCTIONS, REFERENCE],
    ]


@BOTH
@pytest.mark.requirement("7.73")
def test_a_card_about_what_an_order_fails_on_names_no_order_that_does_not_fail(version: str) -> None:
    answer = CrdService().answer(call("order-sign", POSTERIOR, order("o-2")), version)
    about = {each["source"]["topic"]["code"]: orders_of(each) for each in answer["cards"]}
    assert about[ALTERNATE] == ("ServiceRequest/o-1",)
    assert about[INSTRUCTIONS] == ("ServiceRequest/o-2",)
