"""`visit`: attended or billed, in time, by a code that decides, by a specialty, in person, and how often."""

from typing import Any

import pytest

from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.codings import NUCC
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import SETS, UNAVAILABLE, available, clause, concept, row, run

CHECK = clause("visit", in_="alpha", within="3 months")


def encounter(day: str | None = "2026-02-01", code: str = "alpha") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"{code}-{day}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
        "type": [concept(code)],
        **({"period": {"start": day}} if day else {}),
    }


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        ("2026-03-02", Truth.YES),
        ("2026-03-03", Truth.NO),
        ("2025-12-02", Truth.YES),
        ("2025-12-01", Truth.NO),
        (None, Truth.UNKNOWN),
        ("2025-12", Truth.UNKNOWN),
    ],
)
def test_a_visit_counts_within_its_span_and_until_today(day: str | None, holds: Truth) -> None:
    assert run(CHECK, encounter(day)).holds is holds


def test_a_code_that_asks_cannot_tell() -> None:
    result = run(CHECK, encounter(code="alpha-asks"))
    assert (result.holds, result.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


def test_no_visit_is_none_only_if_everything_was_read() -> None:
    assert run(CHECK).holds is Truth.NO
    unread = run(CHECK, availability=available(ChargeItem=UNAVAILABLE))
    assert (unread.holds, unread.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def encounter_with(day: str = "2026-02-01", **more: Any) -> Resource:
    return {**encounter(day), "period": {"start": day, "end": day}, "id": f"e-{day}", **more}


DOCTORS = dict(SETS) | {"lungs": ValueSet("lungs", [row(NUCC, "207RP1001X"), row(NUCC, "207RS0012X", asks=True)])}


def seen_by(specialty: str, day: str = "2026-02-01", **more: Any) -> Resource:
    role = {"resourceType": "PractitionerRole", "id": "by", "specialty": [concept(specialty, system=NUCC)]}
    return encounter_with(day, contained=[role], participant=[{"individual": {"reference": "#by"}}], **more)


BY = clause("visit", DOCTORS, by="lungs", within="3 months")
THERE = clause("visit", in_="alpha", in_person="yes", within="3 months")


@pytest.mark.parametrize(
    ("specialty", "holds"), [("207RP1001X", Truth.YES), ("207RC0000X", Truth.NO), ("207RS0012X", Truth.UNKNOWN)]
)
def test_a_visit_is_by_the_specialty_of_those_who_took_part(specialty: str, holds: Truth) -> None:
    assert run(BY, seen_by(specialty)).holds is holds


def test_a_visit_by_somebody_whose_role_was_not_read_cannot_tell() -> None:
    unread = encounter_with(participant=[{"individual": {"reference": "PractitionerRole/1"}}])
    found = run(BY, unread)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


def test_what_and_by_whom_and_where_are_asked_of_one_visit() -> None:
    all_three = clause("visit", DOCTORS, in_="alpha", by="lungs", in_person="yes", within="3 months")
    assert run(all_three, seen_by("207RP1001X")).holds is Truth.YES
    assert run(all_three, seen_by("207RP1001X", **{"class": {"code": "VR"}})).holds is Truth.NO
    assert run(all_three, seen_by("207RC0000X"), seen_by("207RP1001X", "2026-02-02", type=[concept("beta")])).holds is (
        Truth.NO
    )


@pytest.mark.parametrize(
    ("kind", "holds"), [("AMB", Truth.YES), ("IMP", Truth.YES), ("VR", Truth.NO), ("other", Truth.UNKNOWN)]
)
def test_a_visit_in_person_is_known_by_its_class(kind: str, holds: Truth) -> None:
    assert run(THERE, encounter_with(**{"class": {"code": kind}})).holds is holds


def test_a_visit_in_person_on_the_day_of_one_by_video_cannot_tell() -> None:
    by_video = encounter_with(id="video", **{"class": {"code": "VR"}})
    assert run(THERE, encounter_with(), by_video).holds is Truth.UNKNOWN
    assert run(THERE, encounter_with("2026-02-02"), by_video).holds is Truth.YES


def test_without_a_value_set_every_encounter_is_a_visit_and_a_charge_may_be_one() -> None:
    in_person = clause("visit", in_person="yes", within="3 months")
    assert run(in_person, encounter_with(type=None)).holds is Truth.YES
    charged = {
        "resourceType": "ChargeItem",
        "id": "c",
        "status": "billed",
        "subject": {"reference": "Patient/p"},
        "code": concept("beta"),
        "occurrenceDateTime": "2026-02-01",
    }
    assert run(in_person, charged).holds is Truth.UNKNOWN
    assert run(in_person).holds is Truth.NO


# --- how often -------------------------------------------------------------------------------------------------------

DAYS = ("2025-12-02", "2026-01-10", "2026-02-10")


@pytest.mark.parametrize(
    ("number", "at_least", "at_most"), [(1, Truth.NO, Truth.YES), (2, Truth.YES, Truth.YES), (3, Truth.YES, Truth.NO)]
)
def test_visits_are_counted_by_their_days(number: int, at_least: Truth, at_most: Truth) -> None:
    facts = [encounter_with(day) for day in DAYS[:number]]
    for count, holds in (("at least 2", at_least), ("at most 2", at_most)):
        assert run(clause("visit", in_="alpha", count=count, within="3 months"), *facts).holds is holds


def test_a_visit_that_is_not_understood_or_only_may_be_in_person_keeps_a_limit_open() -> None:
    at_most = clause("visit", in_="alpha", in_person="yes", count="at most 2", within="3 months")
    known = [encounter_with(day) for day in DAYS[:2]]
    for more, holds in (
        ({"class": {"code": "other"}}, Truth.UNKNOWN),
        ({"class": {"code": "VR"}}, Truth.YES),
        ({"type": [{"text": "Visit"}]}, Truth.UNKNOWN),
        ({"type": [{"text": "Visit"}], "class": {"code": "VR"}}, Truth.YES),
        ({"type": [concept("beta")]}, Truth.YES),
    ):
        assert run(at_most, *known, encounter_with(DAYS[2], **more)).holds is holds


def test_a_visit_on_some_day_of_a_period_may_be_another_record_of_it() -> None:
    long = encounter_with("2026-01-01", period={"start": "2026-01-01", "end": "2026-01-31"})
    at_least = clause("visit", in_="alpha", count="at least 2", within="3 months")
    assert run(at_least, long, encounter_with("2026-01-10")).holds is Truth.UNKNOWN
    assert run(at_least, long, encounter_with("2026-02-10")).holds is Truth.YES


# --- how it is written -----------------------------------------------------------------------------------------------


def test_older_visits_are_read_where_the_clause_looks_back_further() -> None:
    def months_back(within: str) -> list[str]:
        return [str(search.look_back) for search in clause("visit", in_="alpha", within=within).searches]

    assert (months_back("3 months"), months_back("3 years")) == (["24 months"] * 3, ["3 years"] * 3)


def test_roles_are_read_only_where_the_clause_asks_for_a_specialty() -> None:
    assert [search.follows_roles for search in BY.searches] == [True, False, False]
    assert not any(search.follows_roles for search in CHECK.searches)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"within": "3 months"}, "a visit needs `in`, `by`, or `in_person`"),
        ({"in_": "alpha"}, "`within` is missing: how recent the visit is"),
        ({"in_": "alpha", "all": {"gap": "at most 4 weeks", "count": "at least 2"}}, "`within` is missing: inside of"),
        ({"in_": "alpha", "within": "1 year", "all": {"gap": "at most 4 weeks"}}, "write it inside of `all`"),
    ],
)
def test_a_visit_says_what_and_how_recent(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clause("visit", **arguments)
