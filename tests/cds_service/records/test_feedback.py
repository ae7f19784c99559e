"""Feedback over HTTP: what is taken, what is refused, what is kept (checklist K)."""

from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cards.override_reasons import SYSTEM
from cds_service.records.database import Database
from cds_service.records.report import acceptance
from cds_service.records.selection import Selection
from tests.support.hook_fakes import Service, WatchingAssessor
from tests.support.own_policies import OwnPolicies, sign_sleep_test
from tests.support.record_fakes import RecordedService, accepted, new_id, overridden, sample_call

PATH = "/cds-services/coverage-order-sign/feedback"


def shown(service: RecordedService, name: str, order: int = 0) -> dict[str, Any]:
    """A card that was shown."""
    body, service.chart = sample_call(name, order)
    (card,) = service.cards(body)
    return dict(card)


@pytest.mark.requirement("7.132")
def test_several_entries_of_every_kind_are_taken_at_once(recorded: RecordedService) -> None:
    cards = [new_id() for _ in range(5)]
    entries = [
        accepted(cards[0], new_id()),
        accepted(cards[1]),
        overridden(cards[2]),
        overridden(cards[3], overrideReason={"userComment": "Told me so"}),
        {"card": cards[4], "outcome": "overridden", "outcomeTimestamp": "2026-03-05T10:01:00.123-05:00"},
    ]
    response = recorded.send_feedback(*entries)
    assert (response.status_code, response.json) == (200, {})
    assert response.mimetype == "application/json"
    rows = {row["card"]: (row["outcome"], row["reason"]) for row in recorded.rows("feedback")}
    assert [rows[card] for card in cards] == [
        ("accepted", ""),
        ("accepted", ""),
        ("overridden", "urgent"),
        ("overridden", ""),
        ("overridden", ""),
    ]


WRONG: list[tuple[Any, str, str]] = [
    ({"card": None}, "feedback[0].card", "required"),
    ({"outcome": None}, "feedback[0].outcome", "required"),
    ({"outcomeTimestamp": None}, "feedback[0].outcomeTimestamp", "required"),
    ({"outcome": "accepted"}, "feedback[0].acceptedSuggestions", "required"),
    ({"outcome": "ignored Xanthippe"}, "feedback[0].outcome", "Send accepted or overridden."),
    ({"card": "Xanthippe"}, "feedback[0].card", "Send the uuid of the card."),
    ({"card": 1}, "feedback[0].card", "Send the uuid of the card."),
    ({"outcomeTimestamp": "Xanthippe"}, "feedback[0].outcomeTimestamp", "calendar"),
    ({"outcomeTimestamp": "2026-02-30T10:00:00Z"}, "feedback[0].outcomeTimestamp", "calendar"),
    ({"outcomeTimestamp": "2026-03-05T10:00:61Z"}, "feedback[0].outcomeTimestamp", "calendar"),
    ({"outcomeTimestamp": "0001-01-01T00:00:00+14:00"}, "feedback[0].outcomeTimestamp", "calendar"),
    ({"overrideReason": {}}, "feedback[0].overrideReason", "Send an object with reason"),
    ({"overrideReason": {"code": ["Xanthippe"]}}, "feedback[0].overrideReason.reason.code", "Send the code"),
    ({"overrideReason": {"reason": {"display": "Xanthippe"}}}, "feedback[0].overrideReason.reason.code", "required"),
    (
        {"overrideReason": {"userComment": ["Xanthippe"]}},
        "feedback[0].overrideReason.userComment",
        "Send the clinician's comment",
    ),
    ({"acceptedSuggestions": ["Xanthippe"]}, "feedback[0].acceptedSuggestions[0]", "Send an array of"),
]


@pytest.mark.requirement("7.133", "7.113")
@pytest.mark.parametrize(("members", "path", "says"), WRONG)
def test_an_error_names_the_path_and_what_to_send_and_no_value(members: Any, path: str, says: str) -> None:
    service = Service(WatchingAssessor())
    response = service.client.post(PATH, json={"feedback": [overridden(new_id()) | members]})
    assert response.status_code == 400
    (issue,) = response.json["issue"]
    assert (issue["severity"], issue["expression"]) == ("error", [path])
    assert says in issue["diagnostics"]
    assert "Xanthippe" not in response.text + service.written.getvalue()


@pytest.mark.requirement("7.133")
@pytest.mark.parametrize("body", [{}, {"feedback": []}, {"feedback": {}}, [], "x"])
def test_a_body_that_is_no_feedback_is_400(body: Any) -> None:
    response = Service(WatchingAssessor()).client.post(PATH, json=body)
    assert (response.status_code, response.json["resourceType"]) == (400, "OperationOutcome")


def test_one_wrong_entry_keeps_the_others_from_being_stored(recorded: RecordedService) -> None:
    assert recorded.send_feedback(overridden(new_id()), {}).status_code == 400
    assert recorded.rows("feedback") == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/cds-services/other/feedback", 404), ("GET", PATH, 405), ("PUT", PATH, 405)],
)
def test_other_addresses_and_methods_are_refused(method: str, path: str, status: int) -> None:
    client = Service(WatchingAssessor()).client
    assert client.open(path, method=method, json={"feedback": [overridden(new_id())]}).status_code == status
    assert client.post(PATH, data="{}", content_type="text/plain").status_code == 415


@pytest.mark.requirement("7.134")
def test_the_same_feedback_is_stored_once_however_often_it_is_sent(recorded: RecordedService) -> None:
    card = shown(recorded, "sij-fibromyalgia")["uuid"]
    first = overridden(card)
    for _ in range(3):
        assert recorded.send_feedback(first, deepcopy(first)).status_code == 200
    recorded.clock.pass_days(1)
    assert recorded.send_feedback({**first, "card": card.upper()}).status_code == 200
    assert len(recorded.rows("feedback")) == 1
    for other in (
        overridden(card, "other"),
        overridden(new_id()),
        {**first, "outcomeTimestamp": "2026-03-06T00:00:00Z"},
    ):
        assert recorded.send_feedback(other).status_code == 200
    assert len(recorded.rows("feedback")) == 4


@pytest.mark.requirement("7.134")
def test_feedback_on_a_card_that_is_not_known_is_taken(recorded: RecordedService) -> None:
    card = new_id()
    assert recorded.send_feedback(accepted(card, "anything")).status_code == 200
    (row,) = recorded.rows("feedback")
    assert (row["card"], row["suggestions"]) == (card, ["unlisted"])


_TWO_CRITERIA_WITH_ONE_LABEL = """\
policy: SLEEP.1
revision: 2026-01
edition: 1
title: Sleep test at home
owner: Lakeside Health Plan
lines_of_business: [medicare, medicare-advantage, medicaid, commercial]
orders:
  - {codes: home-sleep-test, sections: [I]}
sections:
  I:
    says: A sleep test at home
    all:
      - id: I.A
        says: The approach is lateral
        not_met_when: {order: {approach: posterior}}
        suggest: {says: Plan the lateral approach, approach: lateral-transarticular}
        ask: Is it lateral?
      - id: I.B
        says: The approach is not posterior
        not_met_when: {order: {approach: posterior}}
        suggest: {says: Plan the lateral approach, approach: lateral-transarticular}
        ask: Is it another approach?
"""


def test_two_criteria_with_one_label_share_a_suggestion_and_its_acceptance_counts_for_both(
    database: Database, tmp_path: Path
) -> None:
    own = OwnPolicies(tmp_path)
    own.add(_TWO_CRITERIA_WITH_ONE_LABEL)
    service = RecordedService(database, policy_folders=(own.folder,))
    body = sign_sleep_test()
    body["context"]["draftOrders"]["entry"][0]["resource"]["orderDetail"] = [{"text": "Posterior approach"}]
    (card,) = service.cards(body)
    (suggestion,) = card["suggestions"]
    assert suggestion["label"] == "Plan the lateral approach (2 items stay open)"
    service.send_feedback(accepted(card["uuid"], suggestion["uuid"]))
    report = acceptance(database, Selection(service.clock() - timedelta(days=1)))
    assert {line.criterion: line.accepted for line in report} == {"I.A": 1, "I.B": 1}


def test_an_accepted_suggestion_is_tied_to_its_criterion(recorded: RecordedService) -> None:
    card = shown(recorded, "sij-posterior")
    suggestion = card["suggestions"][0]["uuid"]
    assert recorded.send_feedback(accepted(card["uuid"], suggestion, "another")).status_code == 200
    (row,) = recorded.rows("feedback")
    assert row["suggestions"] == ["CP.MP.126@2025-04#II.I", "unlisted"]


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ({"code": "urgent"}, "urgent"),
        ({"code": "urgent", "system": "http://other.example"}, "unlisted"),
        ({"code": "Xanthippe"}, "unlisted"),
        ({"code": "CP.MP.126#II.I"}, "CP.MP.126#II.I"),
        ({"code": "CP.MP.126#II.H"}, "unlisted"),
    ],
)
def test_only_reasons_that_a_card_offered_are_kept(recorded: RecordedService, reason: Any, kept: str) -> None:
    recorded.send_feedback(overridden(new_id(), overrideReason={"reason": reason}))
    (row,) = recorded.rows("feedback")
    assert row["reason"] == kept
    assert "Xanthippe" not in str(row)


@pytest.mark.parametrize(
    ("override", "kept"),
    [
        ({"code": "urgent", "system": SYSTEM, "userComment": "x"}, "urgent"),
        ({"code": "urgent"}, "urgent"),
        ({"code": "urgent", "system": "http://other.example"}, "unlisted"),
        ({"code": "other", "reason": {"code": "urgent"}}, "urgent"),
    ],
)
def test_a_reason_in_the_shape_of_the_drafts_is_kept(recorded: RecordedService, override: Any, kept: str) -> None:
    assert recorded.send_feedback(overridden(new_id(), overrideReason=override)).status_code == 200
    (row,) = recorded.rows("feedback")
    assert row["reason"] == kept


def test_a_leap_second_is_a_moment(recorded: RecordedService) -> None:
    assert recorded.send_feedback(overridden(new_id(), outcomeTimestamp="2016-12-31T23:59:60Z")).status_code == 200


@pytest.mark.parametrize("comment", ["Frau Xanthippe zahlt selbst", "\0", "\ud800"])
def test_a_comment_is_stored_only_if_the_operator_says_so(database: Database, comment: str) -> None:
    entry = overridden(new_id(), overrideReason={"userComment": comment})
    silent = RecordedService(database)
    assert silent.send_feedback(entry).status_code == 200
    assert [row["comment"] for row in silent.rows("feedback")] == [""]
    keeping = RecordedService(database, store_comments=True)
    assert keeping.send_feedback(overridden(new_id(), overrideReason={"userComment": comment})).status_code == 200
    kept = {row["comment"] for row in keeping.rows("feedback")} - {""}
    assert kept == ({comment} if comment.isprintable() else {"?"} if comment == "\ud800" else set())


def test_the_report_reads_null_members_as_absent(recorded: RecordedService) -> None:
    entry = overridden(new_id(), acceptedSuggestions=None, overrideReason=None)
    assert recorded.send_feedback(entry).status_code == 200
