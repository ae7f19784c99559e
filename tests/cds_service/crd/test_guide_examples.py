"""The example requests of CRD 2.2.1, answered as they are published; and why our answers differ from its examples.

The payer of the examples is on the client's server: the requests have its reference, and no identifier beside it. The
requests without prefetch (3 and 4) leave the Coverage to be read there too. The example answers are no model to copy:

- Response 1 answers one of the two orders, with an id that is in no request, and claims a verdict, an authorization,
  and a copay that rest on nothing in the request. We answer both orders, by the policies that we have. It reminds of an
  overdue test and proposes to buy instead of to rent: no policy of a payer says that. It links a policy on oxygen: the
  order is of 2019, and ours is of a later revision.
- Response 2 has no coverage information, as the request asks, and neither have we. Its cards rest on policies on drugs
  that are not installed; one of them breaks the rules of its type, and one has a topic of another system.
- Response 3 says `covered` and `no-auth` of a request to send a report. Its communication is for a day in 2016, and the
  plan of the example patient began in 2020: we say that no plan is in force then.
- There is no response to request 4. We answer on the appointment, which is for no order.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cards.crd_versions import CrdVersion
from cds_service.fhir_client.memory import ChartInMemory, Store
from coverage_policies.judging.payer_terms import PayerTerms
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.fhir_json import Json, dumps, loads
from tests.support.crd_calls import CENTENE, MEDICARE, CrdService, Parts, bundle, information_of, parts
from tests.support.crd_guide import broken, needs_engine, needs_guide

pytestmark = needs_guide
BASE = "http://example.org/someEHR/fhir/"
IDENTIFIER = {"system": "https://payers.example/id", "value": "acme"}
ACME = Payer(
    "Acme Health Plan",
    (CENTENE, MEDICARE),
    identifiers=frozenset({f"{IDENTIFIER['system']}|{IDENTIFIER['value']}"}),
    terms=PayerTerms(),
)
ORDERS = {
    "": ["ServiceRequest/1357", "ServiceRequest/2468"],
    "3": ["CommunicationRequest/example"],
    "4": ["Appointment/example"],
}
"""The orders of each request that wants coverage information."""


def published(name: str) -> Any:
    return loads((Path(os.environ["CDS_IG_DATA"]) / "crd-2.2.1" / f"{name}.json").read_text(encoding="utf-8"))


def on_server(*resources: Json) -> Store:
    """Resources as the server of the client has them: their references are relative."""
    return Store.from_bundle(loads(dumps(bundle(*resources)).replace(BASE, "")))


def dispatched(own_id: str, medication: str) -> Json:
    """A prescription that request 2 names and does not hold."""
    return {
        "resourceType": "MedicationRequest",
        "id": own_id,
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/{medication}"},
        "subject": {"reference": "Patient/123"},
        "authoredOn": "2019-02-15",
        "requester": {"reference": "PractitionerRole/ABC"},
    }


@cache
def service() -> CrdService:
    prefetch = published("CRDServiceRequest")["prefetch"]
    (coverage,) = [each["resource"] for each in prefetch["coverage"]["entry"]]
    payer = {"resourceType": "Organization", "id": "acme-payer", "name": ACME.name, "identifier": [IDENTIFIER]}
    drugs = (dispatched("1111", "MED1"), dispatched("2222", "MED2"))
    chart = ChartInMemory(on_server(prefetch["patient"], coverage, payer, *drugs))
    return CrdService(PlanRules(payers=(ACME,)), open_fhir_server=lambda *_: chart)


@cache
def answer(number: str) -> Any:
    return service().answer(published(f"CRDServiceRequest{number}"))


def told(number: str) -> Iterator[Parts]:
    return map(parts, information_of(answer(number)))


@pytest.mark.requirement("7.77", "7.106", "7.79")
@pytest.mark.parametrize("number", list(ORDERS))
def test_every_order_of_a_request_is_answered_once_and_comes_back_as_it_was(number: str) -> None:
    back = [each["resource"] for each in answer(number)["systemActions"]]
    assert [f"{each['resourceType']}/{each['id']}" for each in back] == ORDERS[number]
    context = published(f"CRDServiceRequest{number}")["context"]
    (sent,) = [value for value in context.values() if isinstance(value, dict)]
    kept = [{name: value for name, value in each.items() if name != "extension"} for each in back]
    assert kept == [each["resource"] for each in sent["entry"]]


@needs_engine
@pytest.mark.parametrize("number", list(ORDERS))
def test_the_answers_keep_the_invariants_of_the_guide(number: str) -> None:
    assert [broken(each, CrdVersion.V2_2) for each in information_of(answer(number))] == [set()] * len(ORDERS[number])


def test_what_no_policy_speaks_about_is_conditional_where_the_example_says_satisfied() -> None:
    mammography, oxygen = told("")
    assert "No medical policy of Acme Health Plan on file applies" in mammography["reason"][0]["text"]
    assert "no revision is installed for the service date" in oxygen["reason"][0]["text"]  # the order is of 2019
    for each in (mammography, oxygen):
        assert (each["covered"], each["info-needed"]) == (["conditional"], ["OTH"])
        assert each["coverage"] == [{"reference": "Coverage/COV1"}]
        assert not {"pa-needed", "satisfied-pa-id"} & each.keys()


def test_there_is_no_card_where_the_example_has_three() -> None:
    assert answer("")["cards"] == []
    theirs = [each["source"]["topic"]["code"] for each in published("CRDServiceResponse")["cards"]]
    assert theirs == ["clinical-reminder", "guideline", "therapy-alternatives-opt"]


@pytest.mark.requirement("7.95")
def test_the_request_that_wants_no_coverage_information_gets_none() -> None:
    assert answer("2") == {"cards": []}
    assert "systemActions" not in published("CRDServiceResponse2")


@pytest.mark.requirement("7.77")
def test_without_its_options_the_dispatched_prescriptions_are_answered() -> None:
    request = published("CRDServiceRequest2")
    del request["extension"]
    for each in information_of(service().answer(request)):
        assert "No medical policy" in parts(each)["reason"][0]["text"]
    updated = [each["resource"]["id"] for each in service().answer(request)["systemActions"]]
    assert updated == ["1111", "2222"]


@pytest.mark.requirement("7.99")
def test_a_communication_before_the_plan_began_is_not_covered_where_the_example_says_covered() -> None:
    (found,) = told("3")
    assert found["covered"] == ["not-covered"]
    assert found["reason"][0]["coding"][0]["code"] == "no-active-coverage"
    (theirs,) = map(parts, information_of(published("CRDServiceResponse3")))
    assert (theirs["covered"], theirs["pa-needed"]) == (["covered"], ["no-auth"])


def test_an_appointment_for_no_order_is_answered_on_itself() -> None:
    (found,) = told("4")
    assert (found["covered"], found["info-needed"]) == (["conditional"], ["detail-code"])


@pytest.mark.requirement("7.100")
def test_without_the_payer_on_the_server_the_first_request_is_refused() -> None:
    chart = ChartInMemory(on_server(published("CRDServiceRequest")["prefetch"]["patient"]))
    found = CrdService(PlanRules(payers=(ACME,)), open_fhir_server=lambda *_: chart)
    response = found.post(published("CRDServiceRequest"))
    assert response.status_code == 400
    assert json.loads(response.data)["issue"][0]["expression"] == ["prefetch.coverage"]
