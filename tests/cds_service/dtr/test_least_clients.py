"""Clients that send no more than the profiles of DTR ask for, and clients that send what nobody knows."""

import copy
from typing import Any

import pytest

from tests.support.crd_calls import order
from tests.support.dtr_calls import (
    ANSWERS,
    COVERAGE,
    ORDER,
    SAMPLE,
    DtrService,
    bundles_in,
    contained,
    extensions,
    filled_in,
    outcome_of,
)

LEAST_OF_COVERAGE = ("resourceType", "id", "status", "beneficiary", "payor", "subscriberId")
LEAST_OF_ORDER = ("resourceType", "id", "status", "intent", "codeCodeableConcept", "subject", "authoredOn", "requester")
LEAST_OF_RESPONSE = ("resourceType", "contained", "extension", "questionnaire", "status", "subject", "item")
UNKNOWN = {"url": "urn:example:unknown", "valueString": "of a client"}


def only(resource: Any, names: tuple[str, ...]) -> Any:
    return {name: value for name, value in resource.items() if name in names}


@pytest.fixture(scope="module")
def service() -> DtrService:
    return DtrService()


def bare(response: Any) -> Any:
    """A response without texts, time, author, narrative, or metadata."""
    found = only(response, LEAST_OF_RESPONSE)
    return {**found, "item": [_bare(each) for each in found["item"]]} if "item" in found else found


def _bare(item: Any) -> Any:
    found = only(item, ("linkId", "answer", "item"))
    return {**found, "item": [_bare(each) for each in found["item"]]} if "item" in found else found


def decorated(value: Any) -> Any:
    """A response with an extension that nobody knows on every item and answer, and further elements of FHIR."""
    if isinstance(value, list):
        return [decorated(each) for each in value]
    changed = {name: decorated(each) if name in ("item", "answer") else each for name, each in value.items()}
    return {**changed, "extension": [*value.get("extension", ()), UNKNOWN]}


@pytest.mark.requirement("dtr:conf-8", "dtr:conf-9", "dtr:conf-12")
def test_optional_elements_may_be_left_out_from_the_package_to_the_end(service: DtrService) -> None:
    _, information = service.signed()
    context = information["coverage-assertion-id"][0]
    least = {"coverage": only(COVERAGE, LEAST_OF_COVERAGE), "order": only(ORDER, LEAST_OF_ORDER)}
    form, draft = service.bundle(**least, context=context)
    assert (form, contained(draft)["derivedFrom"]) == (form, [f"{form['url']}|{form['version']}"])
    response = service.next(bare(draft))
    for _ in range(20):
        if response["status"] == "completed":
            break
        response = service.next(bare(filled_in(response, ANSWERS)))
    (told,) = extensions(response, "ext-coverage-information")
    # A Coverage that does not say its type is of an unknown plan, which may not follow the policy.
    assert {"url": "covered", "valueCode": "conditional"} in told["extension"]


@pytest.mark.requirement("dtr:conf-10")
def test_what_a_client_adds_to_a_response_changes_nothing_and_comes_back(service: DtrService) -> None:
    updated, information = service.signed()
    _, draft = service.bundle(context=information["coverage-assertion-id"][0], order=updated)
    plain = service.next(filled_in(service.next(draft), ANSWERS))
    sent = filled_in(service.next(draft), ANSWERS)
    sent = {**sent, "item": decorated(sent["item"]), "language": "en", "extension": [*sent["extension"], UNKNOWN]}
    response = service.next(copy.deepcopy(sent))
    assert response["item"] == sent["item"]
    assert (response["language"], UNKNOWN in response["extension"]) == ("en", True)
    asked = [[each["linkId"] for each in contained(found)["item"]] for found in (plain, response)]
    assert asked[0] == asked[1]


@pytest.mark.requirement("dtr:prof-1")
def test_an_order_that_has_changed_since_crd_is_checked_again(service: DtrService) -> None:
    updated, _ = service.signed()
    assert len(bundles_in(service.package(order=updated))) == 1
    brace = order(own_id=updated["id"], code="L1902", subject={"reference": f"Patient/{SAMPLE.id}"})
    package = service.package(order=brace)
    assert bundles_in(package) == []
    assert outcome_of(package)
