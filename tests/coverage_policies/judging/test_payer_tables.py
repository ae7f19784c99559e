"""The tables of a payer: terms by code and authorizations, and every mistake in them."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from coverage_policies.format.problems import Problem
from coverage_policies.judging.payer_tables import read_authorizations, read_code_terms
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization
from fhir_mappings.codings import CPT, HCPCS
from tests.support.growth import Work, is_linear

CODES = "system,code,prior_authorization,covered,expires,quantity,unit,from,to"
AUTHORIZATIONS = "member_id,system,code,number,until"


def written(tmp_path: Path, header: str, *rows: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def codes(tmp_path: Path, *rows: str) -> dict[tuple[str, str], CodeTerms]:
    problems: list[Problem] = []
    found = read_code_terms(written(tmp_path, CODES, *rows), problems)
    assert problems == []
    return dict(found)


def granted(tmp_path: Path, *rows: str) -> dict[tuple[str, str, str], GrantedAuthorization]:
    problems: list[Problem] = []
    found = read_authorizations(written(tmp_path, AUTHORIZATIONS, *rows), problems)
    assert problems == []
    return dict(found)


# --- codes -----------------------------------------------------------------------------------------------------------


def test_a_row_may_state_everything(tmp_path: Path) -> None:
    row = f"{CPT},27279,auth-needed,conditional,2026-12-31,2.50,procedures,2026-01-01,2026-06-30"
    assert codes(tmp_path, row) == {
        (CPT, "27279"): CodeTerms(
            authorization=Authorization.AUTH_NEEDED,
            covered=Covered.CONDITIONAL,
            expires=date(2026, 12, 31),
            quantity=Decimal("2.50"),
            unit="procedures",
            since=date(2026, 1, 1),
            until=date(2026, 6, 30),
        )
    }


@pytest.mark.parametrize(
    ("cells", "terms"),
    [
        ("no-auth,,,,,,", CodeTerms(authorization=Authorization.NO_AUTH)),
        ("conditional,,,,,,", CodeTerms(authorization=Authorization.CONDITIONAL)),
        (",covered,,,,,", CodeTerms(covered=Covered.COVERED)),
        (",not-covered,,,,,", CodeTerms(covered=Covered.NOT_COVERED)),
        (",,2026-12-31,,,,", CodeTerms(expires=date(2026, 12, 31))),
        (",,,12,visits,,", CodeTerms(quantity=Decimal(12), unit="visits")),
        (",,,0.000001,visits,,", CodeTerms(quantity=Decimal("0.000001"), unit="visits")),
        (",,,,,2026-01-01,", CodeTerms(since=date(2026, 1, 1))),
        (",,,,,,2026-01-01", CodeTerms(until=date(2026, 1, 1))),
        (",,,,,2026-01-01,2026-01-01", CodeTerms(since=date(2026, 1, 1), until=date(2026, 1, 1))),
        (" no-auth , covered ,,,,,", CodeTerms(Authorization.NO_AUTH, Covered.COVERED)),
    ],
)
def test_a_row_may_leave_out_what_the_payer_does_not_state(tmp_path: Path, cells: str, terms: CodeTerms) -> None:
    assert codes(tmp_path, f"cpt,27279,{cells}") == {(CPT, "27279"): terms}


@pytest.mark.parametrize(
    ("system", "code", "key"),
    [
        ("cpt", "27279", (CPT, "27279")),
        ("hcpcs", "e0431", (HCPCS, "E0431")),
        ("CPT", "27279", (CPT, "27279")),
        ("hcpcs", "27279", (CPT, "27279")),
        ("pos", "12", ("https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set", "12")),
        ("urn:oid:2.16.840.1.113883.6.12", "27279", (CPT, "27279")),
        (" https://plan.example/codes ", " X-1 ", ("https://plan.example/codes", "X-1")),
    ],
)
def test_a_code_goes_by_the_usual_form_that_orders_are_read_in(
    tmp_path: Path, system: str, code: str, key: tuple[str, str]
) -> None:
    assert list(codes(tmp_path, f"{system},{code},no-auth,,,,,,")) == [key]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("cpt,27279,,,,,,,", "a row must state something of its code, such as prior_authorization"),
        (",27279,no-auth,,,,,,", "system and code must not be empty"),
        ("cpt, ,no-auth,,,,,,", "system and code must not be empty"),
        (
            "ctp,27279,no-auth,,,,,,",
            "the system must be a URL, or one of cpt, hcpcs, icd10cm, loinc, nucc, pos, rxnorm, snomed",
        ),
        ("cpt,27279-RT,no-auth,,,,,,", "write the code without modifiers"),
        ("cpt,27279,yes,,,,,,", "prior_authorization must be no-auth, auth-needed, conditional, or empty"),
        ("cpt,27279,satisfied,,,,,,", "prior_authorization must be no-auth, auth-needed, conditional, or empty"),
        ("cpt,27279,,yes,,,,,", "covered must be covered, not-covered, conditional, or empty"),
        ("cpt,27279,,,12/31/2026,,,,", "a date is written like 2024-01-01"),
        ("cpt,27279,,,,12,,,", "quantity and unit belong together; write both, such as 12 and visits, or neither"),
        ("cpt,27279,,,,,visits,,", "quantity and unit belong together; write both, such as 12 and visits, or neither"),
        ("cpt,27279,,,,0,visits,,", "quantity must be a number above 0, such as 12 or 2.5"),
        ("cpt,27279,,,,0.0000001,visits,,", "quantity must be a number above 0, such as 12 or 2.5"),
        ("cpt,27279,,,,-1,visits,,", "quantity must be a number above 0, such as 12 or 2.5"),
        ("cpt,27279,,,,1e3,visits,,", "quantity must be a number above 0, such as 12 or 2.5"),
        ("cpt,27279,,,,NaN,visits,,", "quantity must be a number above 0, such as 12 or 2.5"),
        ("cpt,27279,,,,,,2026-01-02,2026-01-01", "to is before from"),
        ("cpt,27280,auth-needed,,,,,,", "this code has a row already; keep one"),
        ("hcpcs,27280,,covered,,,,,", "this code has a row already; keep one"),
        ("cpt,27279,no-auth", "3 columns instead of 9"),
    ],
)
def test_a_mistake_in_the_codes_has_its_line_and_what_to_write(tmp_path: Path, row: str, what: str) -> None:
    problems: list[Problem] = []
    path = written(tmp_path, CODES, "cpt,27280,no-auth,,,,,,", row)
    read_code_terms(path, problems)
    assert problems == [Problem(str(path), 3, what)]


def test_another_header_of_the_codes_is_told_what_it_must_be(tmp_path: Path) -> None:
    problems: list[Problem] = []
    read_code_terms(written(tmp_path, "system,code"), problems)
    assert [(each.line, each.what) for each in problems] == [(1, f"the header must be {CODES}")]


# --- authorizations --------------------------------------------------------------------------------------------------


def test_authorizations_are_read_with_and_without_an_end(tmp_path: Path) -> None:
    rows = (" M-1 ,cpt,27279, A-1 ,2026-06-30", "M-1,hcpcs,E0431,A-2,", "M-2,cpt,27279,A-3,")
    assert granted(tmp_path, *rows) == {
        ("M-1", CPT, "27279"): GrantedAuthorization("A-1", date(2026, 6, 30)),
        ("M-1", HCPCS, "E0431"): GrantedAuthorization("A-2"),
        ("M-2", CPT, "27279"): GrantedAuthorization("A-3"),
    }


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [
        ("2026-06-30", "2026-07-01", "SECOND"),
        ("2026-06-30", "2026-06-30", "SECOND"),
        ("2026-06-30", "2026-06-29", "FIRST"),
        ("", "2026-06-30", "FIRST"),
        ("2026-06-30", "", "SECOND"),
        ("", "", "SECOND"),
    ],
)
def test_of_several_authorizations_the_one_that_lasts_longest_counts(
    tmp_path: Path, first: str, second: str, number: str
) -> None:
    (found,) = granted(tmp_path, f"M-1,cpt,27279,FIRST,{first}", f"M-1,cpt,27279,SECOND,{second}").values()
    assert found.number == number


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (",cpt,27279,SECRET,", "member_id and number must not be empty"),
        ("SECRET,cpt,27279,,", "member_id and number must not be empty"),
        ("SECRET,,27279,SECRET,", "system and code must not be empty"),
        ("SECRET,cpt,27279,SECRET,tomorrow", "a date is written like 2024-01-01"),
        ("SECRET,cpt,27279,SECRET", "4 columns instead of 5"),
        (
            "SECRET,SECRET,27279,SECRET,",
            "the system must be a URL, or one of cpt, hcpcs, icd10cm, loinc, nucc, pos, rxnorm, snomed",
        ),
    ],
)
def test_a_mistake_in_the_authorizations_has_its_line_and_quotes_nothing(tmp_path: Path, row: str, what: str) -> None:
    problems: list[Problem] = []
    path = written(tmp_path, AUTHORIZATIONS, "M-1,cpt,27279,A-1,", row)
    read_authorizations(path, problems)
    assert problems == [Problem(str(path), 3, what)]


def test_a_header_alone_grants_nothing(tmp_path: Path) -> None:
    assert granted(tmp_path) == {}


def test_many_authorizations_are_read_in_linear_time(tmp_path: Path) -> None:
    def reading(count: int) -> Work:
        path = tmp_path / f"{count}.csv"
        rows = [f"M-{n % 3},cpt,{10_000 + n % 80_000},A-{n}," for n in range(count)]
        path.write_text("\n".join([AUTHORIZATIONS, *rows]), encoding="utf-8")
        return lambda: read_authorizations(path, [])

    assert is_linear(reading, 5_000)
