"""Decisions are never changed, and deleted only by a purge that is itself recorded."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from cds_service.records.database import UnavailableError
from cds_service.records.decision_log import purge
from tests.support.record_fakes import NOW, RecordedService, overridden, sample_call


@pytest.fixture(name="filled")
def _filled(recorded: RecordedService) -> RecordedService:
    for user in ("Practitioner/one", "Practitioner/two"):
        body, recorded.chart = sample_call("sij-fibromyalgia")
        body["context"]["userId"] = user
        (card,) = recorded.cards(body)
        assert recorded.send_feedback(overridden(card["uuid"])).status_code == 200
        recorded.clock.pass_days(100)
    return recorded


@pytest.mark.parametrize("table", ["decisions", "cards", "determinations", "policy_snapshots"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_rows_cannot_be_changed_or_deleted(filled: RecordedService, table: str, statement: str) -> None:
    before = filled.rows(table)
    column = next(iter(before[0]))
    with pytest.raises(UnavailableError), filled.database.writing() as connection:
        connection.execute(text(statement.format(table=table, column=column)))
    assert filled.rows(table) == before


def test_a_purge_deletes_what_is_old_and_is_recorded(filled: RecordedService) -> None:
    moment = NOW + timedelta(days=50)
    assert [len(filled.rows(table)) for table in ("decisions", "cards", "feedback")] == [2, 2, 2]
    assert purge(filled.database, moment, filled.clock()) == 1
    assert [len(filled.rows(table)) for table in ("decisions", "cards", "feedback")] == [1, 1, 1]
    assert filled.rows("purges") == [{"at": filled.clock(), "before": moment}]
    assert {row["decision"] for row in filled.rows("determinations")} == {filled.rows("decisions")[0]["decision"]}
    with pytest.raises(UnavailableError), filled.database.writing() as connection:
        connection.execute(text("DELETE FROM determinations"))
    with pytest.raises(UnavailableError), filled.database.writing() as connection:
        connection.execute(text("DELETE FROM purges"))


def test_a_purge_leaves_the_feedback_on_a_card_that_was_shown_again_later(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    recorded.send_feedback(overridden(card["uuid"]))
    recorded.clock.pass_days(100)
    assert recorded.cards(body) == [card]
    assert purge(recorded.database, NOW + timedelta(days=50), recorded.clock()) == 1
    assert [row["card"] for row in recorded.rows("feedback")] == [card["uuid"]]
    recorded.clock.pass_days(100)
    assert purge(recorded.database, recorded.clock(), recorded.clock()) == 1
    assert recorded.rows("feedback") == []
