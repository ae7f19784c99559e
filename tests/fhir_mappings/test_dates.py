"""FHIR dates as intervals of local days, and calendar arithmetic on them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from fhir_mappings.dates import (
    CalendarPeriod,
    DateInterval,
    elapsed_at_least,
    has_passed_strictly,
    is_on_or_before,
    is_within,
    later,
    parse,
    parse_leniently,
    parse_period,
    plus,
)
from fhir_mappings.truth import Truth

NEW_YORK = ZoneInfo("America/New_York")
SIX_MONTHS = CalendarPeriod(6, "months")
TODAY = date(2026, 3, 2)


def day(text):
    return DateInterval(date.fromisoformat(text), date.fromisoformat(text))


def month(first, last):
    return DateInterval(date.fromisoformat(first), date.fromisoformat(last))


def parsed(text: str) -> DateInterval:
    found = parse(text, NEW_YORK)
    assert found is not None
    return found


def moment(text: str) -> datetime | None:
    return parsed(text).instant


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-03-02", "2026-03-02", "2026-03-02"),
    ],
)
def test_a_date_is_the_interval_of_days_it_may_mean(text, first, last):
    assert parse(text, NEW_YORK) == month(first, last)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-01-05T04:59:59Z", "2026-01-04"),
        ("2026-01-05T05:00:00Z", "2026-01-05"),
        ("2026-07-05T03:59:59Z", "2026-07-04"),
        ("2026-07-05T04:00:00Z", "2026-07-05"),
        ("2026-01-04T23:59:59-05:00", "2026-01-04"),
        ("2026-01-05T00:00:00+14:00", "2026-01-04"),
    ],
)
def test_an_instant_near_midnight_falls_on_the_local_day(text, local):
    found = parsed(text)
    assert (found.earliest, found.latest) == (date.fromisoformat(local),) * 2


def test_an_instant_keeps_its_moment():
    assert moment("2026-01-05T10:00:00-05:00") == datetime(2026, 1, 5, 15, tzinfo=UTC)


def test_a_day_has_no_moment():
    assert moment("2026-01-05") is None


def test_an_instant_may_lack_seconds():
    assert moment("2026-01-05T10:00Z") == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_a_fraction_of_a_second_is_read():
    assert moment("2026-01-05T10:00:00.5Z") == datetime(2026, 1, 5, 10, 0, 0, 500000, tzinfo=UTC)


def test_a_leap_second_counts_as_the_second_before_it():
    assert moment("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-01-05T10:00:00", "2026-01-05T10:00", "2026-01-05T10Z", "2026-01-05 10:00:00Z"])
def test_a_time_without_a_zone_or_out_of_shape_is_not_read(text):
    assert parse(text, NEW_YORK) is None


@pytest.mark.parametrize("text", ["2026-00", "2026-13", "2026-00-15", "2026-02-00", "2026-02-30", "2023-02-29", "0000"])
def test_a_day_or_month_that_does_not_exist_is_not_read(text):
    assert parse(text, NEW_YORK) is None


@pytest.mark.parametrize(
    "value", [None, 2026, True, [], {}, ["2026"], "", " 2026", "2026\n", "26-01-05", "٢٠٢٦", "now"]
)
def test_a_value_that_is_not_a_date_is_not_read(value):
    assert parse(value, NEW_YORK) is None


@pytest.mark.parametrize(
    ("text", "zone"), [("0001-01-01T00:00:00Z", "America/New_York"), ("9999-12-31T23:59:59Z", "Pacific/Auckland")]
)
def test_an_instant_off_the_local_calendar_is_not_read(text, zone):
    assert parse(text, ZoneInfo(zone)) is None


def test_a_period_has_a_start_and_an_end():
    found = parse_period({"start": "2026-01-05", "end": "2026-02"}, NEW_YORK)
    assert found == (day("2026-01-05"), month("2026-02-01", "2026-02-28"))


@pytest.mark.parametrize("value", [None, "2026", [], {}, {"start": 5, "end": {}}, [{"start": "2026"}]])
def test_an_unreadable_period_has_neither(value):
    assert parse_period(value, NEW_YORK) == (None, None)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2025-08-31", CalendarPeriod(6, "months"), "2026-02-28"),
        ("2023-08-31", CalendarPeriod(6, "months"), "2024-02-29"),
        ("2025-08-30", CalendarPeriod(6, "months"), "2026-02-28"),
        ("2025-12-31", CalendarPeriod(2, "months"), "2026-02-28"),
        ("2025-11-15", CalendarPeriod(2, "months"), "2026-01-15"),
        ("2024-02-29", CalendarPeriod(1, "years"), "2025-02-28"),
        ("2024-02-29", CalendarPeriod(4, "years"), "2028-02-29"),
        ("2026-02-27", CalendarPeriod(2, "weeks"), "2026-03-13"),
        ("2024-02-28", CalendarPeriod(1, "days"), "2024-02-29"),
        ("2026-03-31", CalendarPeriod(0, "months"), "2026-03-31"),
        ("2026-03-31", CalendarPeriod(-1, "months"), "2026-02-28"),
        ("2026-01-15", CalendarPeriod(-1, "months"), "2025-12-15"),
    ],
)
def test_a_span_later_is_a_calendar_day(start, span, end):
    assert plus(date.fromisoformat(start), span) == date.fromisoformat(end)


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_the_calendar_ends_rather_than_overflows(unit):
    assert plus(date(9999, 12, 31), CalendarPeriod(1, unit)) == date.max


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_the_calendar_begins_rather_than_overflows(unit):
    assert plus(date(1, 1, 1), CalendarPeriod(-1, unit)) == date.min


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (day("2025-09-01"), Truth.YES),
        (day("2025-09-02"), Truth.YES),
        (day("2025-09-03"), Truth.NO),
        (month("2025-08-01", "2025-08-31"), Truth.YES),
        (month("2025-09-01", "2025-09-30"), Truth.UNKNOWN),
        (month("2025-10-01", "2025-10-31"), Truth.NO),
        (month("2025-09-02", "2025-12-31"), Truth.UNKNOWN),
        (DateInterval(date.min, date(2025, 9, 2)), Truth.YES),
        (DateInterval(date.min, date.max), Truth.UNKNOWN),
    ],
)
def test_six_months_have_passed_from_the_day_that_completes_them(since, expected):
    assert elapsed_at_least(SIX_MONTHS, since, TODAY) is expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (day("2025-09-01"), Truth.YES),
        (day("2025-09-02"), Truth.NO),
        (day("2025-09-03"), Truth.NO),
        (month("2025-09-01", "2025-09-30"), Truth.UNKNOWN),
        (month("2025-09-02", "2025-09-30"), Truth.NO),
        (month("2025-08-02", "2025-09-01"), Truth.YES),
        (month("2025-08-02", "2025-09-02"), Truth.UNKNOWN),
    ],
)
def test_more_than_six_months_have_passed_a_day_later(since, expected):
    assert has_passed_strictly(SIX_MONTHS, since, TODAY) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (day("2025-09-01"), Truth.NO),
        (day("2025-09-02"), Truth.YES),
        (day("2026-03-02"), Truth.YES),
        (day("2026-03-03"), Truth.NO),
        (month("2025-09-01", "2025-09-30"), Truth.UNKNOWN),
        (month("2025-09-02", "2025-09-30"), Truth.YES),
        (month("2025-08-01", "2025-08-31"), Truth.NO),
        (month("2026-03-01", "2026-03-31"), Truth.UNKNOWN),
        (month("2026-02-01", "2026-02-28"), Truth.YES),
        (month("2025-01-01", "2026-12-31"), Truth.UNKNOWN),
        (month("2026-04-01", "2026-04-30"), Truth.NO),
    ],
)
def test_within_six_months_counts_both_ends(when, expected):
    assert is_within(when, SIX_MONTHS, TODAY) is expected


@pytest.mark.parametrize(("until", "expected"), [(date(2026, 2, 28), Truth.YES), (date(2026, 3, 1), Truth.NO)])
def test_six_months_after_the_last_of_august_end_with_february(until, expected):
    assert is_within(day("2025-08-31"), SIX_MONTHS, until) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (day("2026-03-02"), Truth.YES),
        (day("2026-03-03"), Truth.NO),
        (month("2026-02-01", "2026-03-02"), Truth.YES),
        (month("2026-03-02", "2026-03-31"), Truth.UNKNOWN),
        (month("2026-03-03", "2026-03-31"), Truth.NO),
    ],
)
def test_on_or_before_counts_the_day_itself(when, expected):
    assert is_on_or_before(when, TODAY) is expected


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (CalendarPeriod(1, "months"), "1 month"),
        (CalendarPeriod(6, "months"), "6 months"),
        (CalendarPeriod(1, "years"), "1 year"),
    ],
)
def test_a_span_prints_in_words(span, words):
    assert str(span) == words


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (day("2026-03-02"), "2026-03-02"),
        (month("2026-01-01", "2026-12-31"), "2026"),
        (month("2026-02-01", "2026-02-28"), "2026-02"),
        (month("2026-12-01", "2026-12-31"), "2026-12"),
        (month("2026-02-01", "2026-03-31"), "2026-02-01 to 2026-03-31"),
        (month("2026-02-02", "2026-02-28"), "2026-02-02 to 2026-02-28"),
        (DateInterval(date.min, date(2026, 3, 2)), "until 2026-03-02"),
        (DateInterval(date(2026, 3, 2), date.max), "since 2026-03-02"),
    ],
)
def test_an_interval_prints_as_precisely_as_it_is_known(when, words):
    assert str(when) == words


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T23:30:00",
        "2026-03-02T01:00:00+0000",
        "2026-03-02T01:00:00+00",
        "2026-03-02 23:30:00",
        "2026-03-02 11:30 PM",
        "2026-03-02T24:00:00Z",
        "2026-03-02T24:00",
        "2026-03-02T01:00:00.000 UTC",
        "2026-03-02T01:00:00Z[Europe/London]",
        "2026-03-02T",
        "2026-03-02t01:00Z",
        " 2026-03-02 ",
        "20260302",
        "20260302T0100",
        "202603020100",
        "20260302010000-0500",
    ],
)
def test_a_day_with_a_faulty_time_is_the_day_as_written(text):
    assert parse(text, NEW_YORK) is None
    assert parse_leniently(text, NEW_YORK) == day("2026-03-02")


@pytest.mark.parametrize("text", ["2026-03", "2026-03-02", "2026-03-02T01:00:00Z", "2026-03-02T24:00:00.5"])
def test_a_date_that_follows_the_rules_is_read_by_them(text):
    assert parse_leniently(text, NEW_YORK) == (parse(text, NEW_YORK) or day("2026-03-02"))


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30T08:00:00",
        "2026-13-01 08:00",
        "0000-01-01T00:00:00",
        "03/02/2026",
        "2026-3-2",
        "2026-03-0208:00",
        "2026-03-02 or later",
        "about 2026-03-02",
        "202603",
        "1710121200",
        "2026-0302",
        "",
        20260302,
        None,
        "2026-03-02T" + "0" * 100,
        "2026-03-02 " * 10,
    ],
)
def test_what_holds_no_plain_day_is_not_read(value):
    assert parse_leniently(value, NEW_YORK) is None


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2024, 2, 28), 2, date(2024, 3, 1)),
        (date(2024, 3, 1), -1, date(2024, 2, 29)),
        (date(9999, 12, 30), 1, date.max),
        (date(9999, 12, 30), 2, date.max),
        (date(1, 1, 2), -2, date.min),
        (TODAY, 10**30, date.max),
        (TODAY, -(10**30), date.min),
    ],
)
def test_days_later_stay_within_the_calendar(day, days, expected):
    assert later(day, days) == expected
