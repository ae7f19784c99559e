"""Searches: how they are merged, and the date bound of large types."""

from dataclasses import replace
from datetime import date

from coverage_policies.format.searches import CONDITIONS, Search, merge, observation_search
from fhir_mappings.dates import CalendarPeriod

VISITS = Search("Encounter", "encounters", in_prefetch=False, look_back=CalendarPeriod(6, "months"))


def looking_back(number: int, unit: str = "months") -> Search:
    """Return the search for visits with another look-back."""
    return replace(VISITS, look_back=CalendarPeriod(number, unit))  # type: ignore[arg-type]


def test_a_look_back_bounds_the_query_by_the_calendar() -> None:
    assert VISITS.bounded(date(2026, 8, 31)).query("p") == "Encounter?patient=p&date=ge2026-02-28"


def test_the_bound_has_the_name_of_the_search_parameter() -> None:
    charges = replace(VISITS, resource_type="ChargeItem", date_parameter="occurrence")
    assert charges.bounded(date(2026, 3, 2)).query("p") == "ChargeItem?patient=p&occurrence=ge2025-09-02"


def test_a_search_without_a_look_back_has_no_bound() -> None:
    assert CONDITIONS.bounded(date(2026, 3, 2)) == CONDITIONS


def test_a_prefetch_template_has_no_bound() -> None:
    assert VISITS.prefetch_template == "Encounter?patient={{context.patientId}}"


def test_the_longest_look_back_counts() -> None:
    assert merge([VISITS, looking_back(31, "weeks"), looking_back(1)]) == (looking_back(31, "weeks"),)


def test_a_search_without_a_look_back_removes_that_of_the_others() -> None:
    unbounded = replace(VISITS, look_back=None)
    assert merge([VISITS, unbounded]) == merge([unbounded, VISITS]) == (unbounded,)


def test_merged_searches_keep_what_they_declare() -> None:
    (found,) = merge([VISITS, VISITS])
    assert not found.in_prefetch


def test_merged_searches_only_date_other_records_if_all_of_them_do() -> None:
    dating = replace(VISITS, only_dates=True)
    assert merge([dating, dating]) == (dating,)
    assert merge([dating, VISITS]) == merge([VISITS, dating]) == (VISITS,)


def test_merged_searches_follow_roles_if_one_of_them_does() -> None:
    following = replace(VISITS, follows_roles=True)
    assert merge([following, VISITS]) == merge([VISITS, following]) == (following,)


def test_merged_searches_have_the_codes_of_all() -> None:
    found = merge([observation_search(["s|b", "s|c"]), observation_search(["s|a", "s|b"])])
    assert found == (observation_search(["s|a", "s|b", "s|c"]),)
