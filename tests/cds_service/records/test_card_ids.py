"""The same orders and facts get the same card, under the same id; any change gets another one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from cds_service.hooks.request import read_request
from cds_service.records.card_ids import CardIds
from cds_service.records.database import Database
from cds_service.records.pseudonyms import Pseudonymizer
from coverage_policies.format.terms import LineOfBusiness, Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from fhir_mappings.fhir_json import Json
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.determinations import determination
from tests.support.record_fakes import KEY, RecordedService, accepted, new_id, resources, sample_call


def shown(service: RecordedService, body: Json, **changes: Any) -> list[Any]:
    """The cards of a call under a hookInstance of its own."""
    return service.cards(deepcopy(body) | {"hookInstance": new_id()} | changes)


def ids(cards: list[Any]) -> list[str]:
    """The ids of cards and of their suggestions."""
    return [each["uuid"] for card in cards for each in (card, *card.get("suggestions", ()))]


def test_the_same_orders_and_facts_get_the_same_card_however_often_the_hook_fires(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    first = shown(recorded, body)
    assert first[0]["suggestions"]
    assert shown(recorded, body) == shown(recorded, body) == first
    assert all(UUID(each).version == 5 for each in ids(first))


def test_another_process_with_the_same_key_makes_the_same_card(recorded: RecordedService, database: Database) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    other = RecordedService(database)
    other.chart = recorded.chart
    assert shown(other, body) == shown(recorded, body)


def test_both_hooks_show_the_card_under_one_id(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    assert ids(shown(recorded, body, hook="order-sign")) == ids(shown(recorded, body))


def add_condition(_body: Any, chart: Any) -> None:
    (first, *_) = (each for each in resources(chart, "Condition") if "M79.7" in str(each))
    chart["entry"].append({"resource": {**first, "id": "another"}})


def change_order(body: Any, _chart: Any) -> None:
    body["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "Right side first"}]


def change_user(body: Any, _chart: Any) -> None:
    body["context"]["userId"] = "Practitioner/other"


@pytest.mark.parametrize("change", [add_condition, change_order, change_user])
def test_one_changed_fact_gets_another_id(recorded: RecordedService, change: Callable[[Any, Any], None]) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    before = shown(recorded, body)
    change(body, recorded.chart)
    after = shown(recorded, body)
    assert len(before) == len(after) == 1
    assert before[0]["uuid"] != after[0]["uuid"]


def test_what_could_not_be_read_is_a_fact(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    before = shown(recorded, body, prefetch={})
    after = shown(recorded, body, prefetch={"devices": failed, "service_requests": failed, "procedures": failed})
    assert before[0]["uuid"] != after[0]["uuid"]


def test_the_id_says_nothing_without_the_key(recorded: RecordedService, database: Database) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    other = RecordedService(database, key=Pseudonymizer(b"another key for tests, no one's data"))
    other.chart = recorded.chart
    assert not set(ids(shown(other, body))) & set(ids(shown(recorded, body)))
    assert KEY.name not in str(shown(recorded, body))


def test_feedback_belongs_to_the_card_in_every_call(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    (first,), (again,) = shown(recorded, body), shown(recorded, body)
    recorded.send_feedback(accepted(again["uuid"], again["suggestions"][0]["uuid"]))
    assert [row["card"] for row in recorded.rows("cards")] == [first["uuid"]] * 2
    (row,) = recorded.rows("feedback")
    assert (row["card"], row["suggestions"]) == (first["uuid"], ["CP.MP.126@2025-04#II.I"])


# --- what tells cards apart ------------------------------------------------------------------------------------------


def not_met(**changes: Any) -> Determination:
    return determination(Outcome.CRITERIA_NOT_MET, **changes)


def made(*orders: Json, client: str = "ehr") -> CardIds:
    """The ids of the cards of a call that signs these orders."""
    body, _ = sample_call("sij-posterior")
    entries = [{"resource": {"resourceType": "ServiceRequest"} | each} for each in orders]
    body["context"]["draftOrders"]["entry"] = entries
    return CardIds(KEY, client, read_request(body | {"hook": "order-sign"}))


ORDER: Json = {"id": "1", "status": "draft"}
PLAIN = Assessment((not_met(),))


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, payer="Sample Health Plan"),
        replace(PLAIN, may_not_apply=True),
        Assessment((not_met(lines=(LineOfBusiness.MEDICAID,)),)),
        Assessment((not_met(unread=("Condition",)),)),
        Assessment((not_met(unused=1),)),
        Assessment((not_met(edition=2),)),
        Assessment((determination(Outcome.CASE_REVIEW),)),
        Assessment((not_met(), not_met(revision="2025-04"))),
    ],
    ids=["payer", "may not apply", "line", "unread", "unused", "edition", "outcome", "another revision"],
)
def test_what_a_card_shows_differently_gets_another_id(other: Assessment) -> None:
    assert made(ORDER)(PLAIN) == made(ORDER)(PLAIN)
    assert made(ORDER)(other) != made(ORDER)(PLAIN)


def test_dates_and_notes_do_not_count() -> None:
    later = Assessment((not_met(anchor_date=date(2026, 3, 3), notes=("Later",), title="Renamed"),))
    assert made(ORDER)(later) == made(ORDER)(PLAIN)


COVERAGE_EXTENSION = {"url": COVERAGE_INFORMATION, "extension": [{"url": "covered", "valueCode": "conditional"}]}


@pytest.mark.parametrize("beside", [[], [{"url": "https://ehr.example/priority", "valueCode": "high"}]])
def test_the_coverage_information_of_a_payer_does_not_count(beside: list[Json]) -> None:
    before = {**ORDER, **({"extension": beside} if beside else {})}
    after = {**ORDER, "extension": [*beside, COVERAGE_EXTENSION]}
    assert made(after)(PLAIN) == made(before)(PLAIN)


def test_another_extension_counts() -> None:
    changed = {**ORDER, "extension": [{"url": "https://ehr.example/priority", "valueCode": "high"}]}
    assert made(changed)(PLAIN) != made(ORDER)(PLAIN)


def test_another_client_gets_another_id() -> None:
    assert made(ORDER, client="other")(PLAIN) != made(ORDER)(PLAIN)


def test_an_order_without_an_id_counts_by_its_content() -> None:
    unnamed = Assessment((not_met(order="#0"),))
    assert made({"status": "draft"})(unnamed) == made({"status": "draft"})(unnamed)
    assert made({"status": "draft"})(unnamed) != made({"status": "draft", "priority": "urgent"})(unnamed)


def test_cards_of_one_call_never_share_an_id() -> None:
    ids_of_call = made(ORDER)
    found = [ids_of_call(PLAIN), ids_of_call(PLAIN)]
    assert len(set(found)) == 2
    again = made(ORDER)
    assert [again(PLAIN), again(PLAIN)] == found
