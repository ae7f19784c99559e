"""The clock of the machine jumps while decisions are recorded: ahead a day, back an hour, across the end of DST."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cds_service.records.database import UnavailableError
from cds_service.records.decision_log import decisions, purge
from tests.support.record_fakes import NOW, RecordedService, new_id, overridden, sample_call

START = datetime(1970, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END_OF_DST = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
"""From here on the hour after 1 a.m. comes a second time in New York, whose calendar the service uses."""


def call_at(recorded: RecordedService, moment: datetime) -> str:
    """Return the id of the decision that a call at a moment has."""
    recorded.clock.now = moment
    body, recorded.chart = sample_call("sij-fibromyalgia")
    response = recorded.call(body)
    assert response.status_code == 200
    return str(response.headers["X-Request-Id"])


@pytest.mark.parametrize(
    "moments",
    [
        [NOW, NOW + DAY, NOW + timedelta(seconds=2)],
        [NOW, NOW - HOUR, NOW - HOUR + timedelta(seconds=2)],
        [END_OF_DST - timedelta(minutes=1), END_OF_DST, END_OF_DST + timedelta(minutes=1)],
        [NOW, NOW, NOW],
    ],
    ids=["ahead", "back", "end of DST", "still"],
)
def test_every_decision_is_kept_and_exported_once_in_the_order_of_its_time(
    recorded: RecordedService, moments: list[datetime]
) -> None:
    at = {call_at(recorded, moment): moment for moment in moments}
    exported = [each.row for each in decisions(recorded.database, START)]
    assert [row["at"] for row in exported] == sorted(moments)
    assert {row["decision"]: row["at"] for row in exported} == at


def test_the_log_stays_append_only_before_and_after_the_time_of_the_clock(recorded: RecordedService) -> None:
    for moment in (NOW, NOW + DAY, NOW - HOUR):
        call_at(recorded, moment)
    before = recorded.rows("decisions")
    for statement in ("DELETE FROM decisions", "UPDATE decisions SET status = 200"):
        with pytest.raises(UnavailableError), recorded.database.writing() as connection:
            connection.execute(text(statement))
    assert recorded.rows("decisions") == before


def test_a_purge_keeps_decisions_that_the_clock_has_not_reached(recorded: RecordedService) -> None:
    old = call_at(recorded, NOW - timedelta(days=31))
    kept = {call_at(recorded, moment) for moment in (NOW + DAY, NOW + timedelta(days=365), NOW)}
    assert purge(recorded.database, NOW - timedelta(days=30), NOW) == 1
    found = {row["decision"] for row in recorded.rows("decisions")}
    assert found == kept
    assert old not in found


@pytest.mark.parametrize("jump", [-HOUR, HOUR, DAY, -DAY], ids=str)
def test_an_overridden_card_stays_suppressed(recorded: RecordedService, jump: timedelta) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    assert recorded.send_feedback(overridden(card["uuid"])).status_code == 200
    recorded.clock.now += jump
    assert recorded.cards(body | {"hookInstance": new_id()}) == []
