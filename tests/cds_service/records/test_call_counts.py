"""How many calls, how long they took, what came of them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from cds_service.records.call_counts import CardCount, Durations, count_calls, count_cards, count_outcomes
from cds_service.records.database import Database
from cds_service.records.selection import Selection, Step, periods
from tests.support.recorded_calls import AT, determination, record_call

TWO_DAYS = periods(date(2026, 3, 2), date(2026, 3, 3), Step.DAY, UTC)
WHOLE = Selection(TWO_DAYS[0].start, TWO_DAYS[-1].end)


def test_calls_are_counted_by_period_service_and_status(database: Database) -> None:
    record_call(database)
    record_call(database)
    record_call(database, status=412)
    record_call(database, at=AT + timedelta(days=1), service="crd-order-sign")
    record_call(database, at=datetime(2026, 3, 4, tzinfo=UTC))
    assert count_calls(database, WHOLE, TWO_DAYS).counts == {
        (0, "coverage-order-sign", 200): 2,
        (0, "coverage-order-sign", 412): 1,
        (1, "crd-order-sign", 200): 1,
    }


def test_durations_are_whole_milliseconds_and_longer_than_an_integer_of_nanoseconds(database: Database) -> None:
    record_call(database, milliseconds=9_999)
    record_call(database, milliseconds=0)
    found = count_calls(database, WHOLE, TWO_DAYS)
    assert found.milliseconds == {0: Counter([9_999, 0]), 1: Counter()}
    assert found.durations == Durations(0, 9_999, 9_999)


def test_a_call_without_a_duration_counts_as_a_call_only(database: Database) -> None:
    record_call(database, milliseconds=None)
    found = count_calls(database, WHOLE, TWO_DAYS)
    assert found.counts.total() == 1
    assert found.durations is None


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = Counter(range(1, 101))
    assert Durations.of(hundred) == Durations(50, 95, 100)
    assert Durations.of(Counter({7: 1})) == Durations(7, 7, 7)
    assert Durations.of(Counter({1: 19, 500: 1})) == Durations(1, 1, 500)
    assert Durations.of(Counter({1: 18, 500: 2})) == Durations(1, 500, 500)
    assert Durations.of({}) is None


def test_outcomes_are_counted_by_period_policy_and_revision(database: Database) -> None:
    both = (determination(outcome="supported"), determination("CP.B", outcome="case-review"))
    record_call(database, *both)
    record_call(database, determination(outcome="supported"), at=AT + timedelta(days=1))
    assert count_outcomes(database, WHOLE, TWO_DAYS) == {
        (0, "CP.TEST", "2025-01", "supported"): 1,
        (0, "CP.B", "2025-01", "case-review"): 1,
        (1, "CP.TEST", "2025-01", "supported"): 1,
    }
    only = Selection(WHOLE.since, WHOLE.until, policy="CP.B")
    assert count_outcomes(database, only, TWO_DAYS).total() == 1


def test_cards_are_counted_as_shown_or_suppressed_once_however_many_policies_they_show(database: Database) -> None:
    record_call(database, determination(), determination("CP.B"), card="one")
    record_call(database, determination(), card="one", suppressed="overridden")
    record_call(database, determination("CP.B", outcome="not-supported"), card="two", outcome="not-supported")
    assert count_cards(database, WHOLE) == (
        CardCount("not-supported", "info", 1, 0),
        CardCount("supported", "info", 1, 1),
    )
    assert count_cards(database, Selection(WHOLE.since, WHOLE.until, policy="CP.TEST")) == (
        CardCount("supported", "info", 1, 1),
    )
