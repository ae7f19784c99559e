"""An overridden card is suppressed, and every other card is shown."""

from copy import deepcopy
from typing import Any

import pytest

from cds_service.records.database import Database
from cds_service.records.rows import SUPPRESSED
from fhir_mappings.fhir_json import Json
from tests.support.record_fakes import RecordedService, accepted, new_id, overridden, sample_call

AGAIN = 30
"""The days after which a card is shown again."""


@pytest.fixture(name="body")
def _body(recorded: RecordedService) -> Json:
    """A call whose card this user has overridden."""
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    recorded.send_feedback(overridden(card["uuid"]))
    return body


def again(body: Json, **context: Any) -> Json:
    """The same call under another hookInstance."""
    copied = deepcopy(body) | {"hookInstance": new_id()}
    copied["context"] |= context
    return copied


def order_of(body: Json) -> Any:
    """The order of a call, to be changed in place."""
    return body["context"]["draftOrders"]["entry"][0]["resource"]


def test_the_same_card_is_suppressed_and_the_log_says_why(recorded: RecordedService, body: Json) -> None:
    assert recorded.cards(again(body)) == []
    first, second = sorted(recorded.rows("cards"), key=lambda row: str(row["suppressed"]))
    assert (first["suppressed"], second["suppressed"]) == ("", SUPPRESSED)
    assert first["card"] == second["card"]
    *_, shown, feedback, suppressed = [line for line in recorded.lines() if line["event"] == "hook call"]
    assert (shown["cards"], suppressed["cards"]) == (1, 0)
    assert suppressed["suppressed"] == {"overridden by this user for the same order, patient, and facts": 1}
    assert "suppressed" not in shown | feedback


def test_what_nobody_overrode_is_shown_every_time(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    recorded.send_feedback(accepted(card["uuid"]))
    assert len(recorded.cards(again(body))) == 1


@pytest.mark.parametrize(("days", "count"), [(AGAIN - 0.01, 0), (AGAIN, 1)])
def test_after_the_time_it_is_shown_again(recorded: RecordedService, body: Json, days: float, count: int) -> None:
    recorded.clock.pass_days(days)
    assert len(recorded.cards(again(body))) == count


def test_another_user_sees_it(recorded: RecordedService, body: Json) -> None:
    assert len(recorded.cards(again(body, userId="Practitioner/other"))) == 1


def test_a_fact_that_changed_shows_it(recorded: RecordedService, body: Json) -> None:
    chart = deepcopy(recorded.chart)
    condition = next(
        each["resource"]
        for each in chart["entry"]
        if each["resource"]["resourceType"] == "Condition" and "M79.7" in str(each["resource"]["code"])
    )
    recorded.chart["entry"].append({"resource": {**condition, "id": "another-one"}})
    assert len(recorded.cards(again(body))) == 1
    recorded.chart = chart
    assert recorded.cards(again(body)) == []


def test_a_fact_that_bears_on_nothing_does_not(recorded: RecordedService, body: Json) -> None:
    sprain = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "S93.401A"}]}
    subject = {"reference": f"Patient/{body['context']['patientId']}"}
    condition = {"resourceType": "Condition", "id": "sprain", "subject": subject, "code": sprain}
    recorded.chart["entry"].append({"resource": condition})
    assert recorded.cards(again(body)) == []


def test_time_that_passes_is_no_new_fact(recorded: RecordedService, body: Json) -> None:
    recorded.clock.pass_days(AGAIN / 2)
    assert recorded.cards(again(body)) == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"note": [{"text": "Right side first"}]}, 1),
        ({"quantityQuantity": {"value": 2}}, 1),
        ({"id": "another-order"}, 1),
        ({"authoredOn": "2026-03-04"}, 0),
        ({"meta": {"versionId": "2"}}, 0),
        ({"text": {"status": "generated", "div": "<div>written anew</div>"}}, 0),
    ],
)
def test_an_order_that_changed_shows_it(recorded: RecordedService, body: Json, change: Json, count: int) -> None:
    other = again(body)
    resource = order_of(other)
    resource.update(change)
    if "selections" in other["context"]:
        other["context"]["selections"] = [f"{resource['resourceType']}/{resource['id']}"]
    assert len(recorded.cards(other)) == count


def test_it_is_suppressed_on_the_other_hook_too(recorded: RecordedService, body: Json) -> None:
    other = again(body) | {"hook": "order-sign"}
    assert recorded.cards(other) == []


def test_zero_days_show_it_every_time(database: Database) -> None:
    service = RecordedService(database, suppress_overridden_days=0)
    body, service.chart = sample_call("sij-fibromyalgia")
    for _ in range(3):
        (card,) = service.cards(again(body))
        service.send_feedback(overridden(card["uuid"]))


def unnamed_twins(body: Json) -> Json:
    """A call that signs an order without an id, and another that differs from it in a note."""
    twins = again(body) | {"hook": "order-sign"}
    del order_of(twins)["id"]
    entries = twins["context"]["draftOrders"]["entry"]
    entries.append(deepcopy(entries[0]))
    order_of(twins)["note"] = [{"text": "one of two"}]
    return twins


def test_orders_without_an_id_are_told_apart_by_their_place_and_content(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior", 0)
    twins = unnamed_twins(body)
    cards = recorded.cards(again(twins))
    recorded.send_feedback(*(overridden(card["uuid"]) for card in cards))
    assert recorded.cards(again(twins)) == []
    swapped = again(twins)
    swapped["context"]["draftOrders"]["entry"].reverse()
    assert len(recorded.cards(swapped)) == len(cards) > 0


def test_an_order_that_its_full_url_names_is_suppressed_whatever_stands_beside_it(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior", 0)
    twins = unnamed_twins(body)
    entries = twins["context"]["draftOrders"]["entry"]
    for number, entry in enumerate(entries):
        entry["fullUrl"] = f"urn:uuid:{number}"
        entry["resource"] |= {"id": "new", "occurrenceDateTime": f"2026-09-0{number + 1}"}
    cards = recorded.cards(again(twins))
    assert len(cards) == 2
    recorded.send_feedback(*(overridden(card["uuid"]) for card in cards))
    assert recorded.cards(again(twins)) == []
    order_of(twins)["note"] = [{"text": "changed"}]
    assert len(recorded.cards(again(twins))) == 1


def test_what_is_suppressed_for_one_patient_is_shown_for_another(recorded: RecordedService, body: Json) -> None:
    other, recorded.chart = sample_call("sij-rich-chart")
    assert len(recorded.cards(other)) == 1
