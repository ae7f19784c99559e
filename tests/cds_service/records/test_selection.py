"""Which calls count, and the periods that divide them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cds_service.records.call_counts import count_calls
from cds_service.records.database import Database
from cds_service.records.selection import Selection, Step, clients, limited, periods
from tests.support.recorded_calls import AT, determination, record_call

CHICAGO = ZoneInfo("America/Chicago")
DAY = Selection(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
SECOND = timedelta(microseconds=1)


def count(database: Database, selection: Selection) -> int:
    """The calls of a selection."""
    return count_calls(
        database, selection, periods(date(2026, 1, 1), date(2026, 12, 31), Step.MONTH, UTC)
    ).counts.total()


def test_a_day_begins_at_midnight_of_the_operators_zone_also_when_the_clocks_change() -> None:
    saturday, sunday, monday = periods(date(2026, 3, 7), date(2026, 3, 9), Step.DAY, CHICAGO)
    assert saturday.end == sunday.start == datetime(2026, 3, 8, 6, tzinfo=UTC)
    assert sunday.end == monday.start == datetime(2026, 3, 9, 5, tzinfo=UTC)


def test_a_week_begins_on_monday_and_a_month_on_its_first_day() -> None:
    assert [each.first for each in periods(date(2026, 3, 4), date(2026, 3, 9), Step.WEEK, UTC)] == [
        date(2026, 3, 2),
        date(2026, 3, 9),
    ]
    assert [each.first for each in periods(date(2026, 1, 31), date(2026, 3, 1), Step.MONTH, UTC)] == [
        date(2026, 1, 1),
        date(2026, 2, 1),
        date(2026, 3, 1),
    ]


@pytest.mark.parametrize(
    ("at", "counts"),
    [(DAY.since, 1), (DAY.since - SECOND, 0), (DAY.until - SECOND, 1), (DAY.until, 0)],
)
def test_a_call_counts_from_the_first_moment_until_before_the_last(
    database: Database, at: datetime, counts: int
) -> None:
    record_call(database, at=at)
    assert count(database, DAY) == counts


def test_test_calls_count_only_where_they_are_included(database: Database) -> None:
    record_call(database, client="sandbox")
    record_call(database)
    assert count(database, Selection()) == 1
    assert count(database, Selection(includes_tests=True)) == 2


def test_a_policy_a_revision_a_service_and_a_client_limit_the_calls(database: Database) -> None:
    record_call(database, determination("CP.A", "2025-01"), determination("CP.A", "2024-01"), client="south")
    record_call(database, determination("CP.B", "2025-01"), service="crd-order-sign")
    record_call(database)
    assert count(database, Selection(policy="CP.A")) == 1
    assert count(database, Selection(policy="CP.A", revision="2026-01")) == 0
    assert count(database, Selection(service="crd-order-sign")) == 1
    assert count(database, Selection(client="south")) == 1


def test_the_newest_calls_count_where_there_are_too_many(database: Database) -> None:
    for hours in range(4):
        record_call(database, at=AT - timedelta(hours=hours))
    assert limited(database, Selection(), 4) == Selection()
    newest = limited(database, Selection(), 3)
    assert newest.since == AT - timedelta(hours=2)
    assert count(database, newest) == 3


def test_every_client_of_the_days_is_named_once_test_client_included(database: Database) -> None:
    for client, at in [("south", AT), ("south", AT), ("sandbox", AT), ("", AT), ("late", DAY.until)]:
        record_call(database, client=client, at=at)
    assert clients(database, DAY) == ["sandbox", "south"]
