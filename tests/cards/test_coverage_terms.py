"""What a payer states of the codes of an order."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cards.coverage_terms import NOTHING_STATED, authorization_on_file, is_within, row_of
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization, PayerTerms
from fhir_mappings.codings import CPT, RXNORM, SNOMED, Coding

DAY = date(2026, 3, 2)
YESTERDAY, TOMORROW = DAY - timedelta(1), DAY + timedelta(1)
BILLED, CLINICAL, DRUG = Coding(CPT, "10001"), Coding(SNOMED, "1"), Coding(RXNORM, "7052")
NO_AUTH = CodeTerms(Authorization.NO_AUTH, Covered.COVERED, quantity=Decimal("2"))
NEEDED = CodeTerms(Authorization.AUTH_NEEDED, Covered.COVERED, expires=TOMORROW)


def stating(**rows: CodeTerms) -> PayerTerms:
    of = {"billed": BILLED, "clinical": CLINICAL, "drug": DRUG}
    return PayerTerms(codes={(of[name].system, of[name].code): row for name, row in rows.items()})


def test_the_billing_code_comes_first() -> None:
    assert row_of(stating(billed=NO_AUTH, clinical=NEEDED), (BILLED, CLINICAL), DAY) == NO_AUTH


def test_another_code_speaks_where_the_billing_code_has_no_row() -> None:
    assert row_of(stating(clinical=NEEDED), (BILLED, CLINICAL), DAY) == NEEDED
    assert row_of(stating(drug=NEEDED), (BILLED, CLINICAL), DAY) == NOTHING_STATED


def test_codes_that_disagree_settle_only_what_they_agree_on() -> None:
    found = row_of(stating(clinical=NO_AUTH, drug=NEEDED), (BILLED, CLINICAL, DRUG), DAY)
    assert found == CodeTerms(Authorization.CONDITIONAL, Covered.COVERED, expires=TOMORROW)
    other = replace(NO_AUTH, covered=Covered.NOT_COVERED)
    assert row_of(stating(clinical=NO_AUTH, drug=other), (BILLED, CLINICAL, DRUG), DAY).covered is Covered.CONDITIONAL
    same = row_of(stating(clinical=NO_AUTH, drug=NO_AUTH), (BILLED, CLINICAL, DRUG), DAY)
    assert same == NO_AUTH


@pytest.mark.parametrize(("expires", "is_stated"), [(YESTERDAY, False), (DAY, True), (TOMORROW, True), (None, True)])
def test_a_row_holds_until_its_last_day(expires: date | None, is_stated: bool) -> None:
    row = replace(NEEDED, expires=expires)
    assert row_of(stating(billed=row), (BILLED,), DAY) == (row if is_stated else NOTHING_STATED)


def test_the_authorization_that_is_good_the_longest_is_taken() -> None:
    granted = {
        ("M1", CPT, "10001"): GrantedAuthorization("A-1", TOMORROW),
        ("M2", CPT, "10001"): GrantedAuthorization("A-2", DAY),
        ("M1", SNOMED, "1"): GrantedAuthorization("A-3"),
    }
    terms = PayerTerms(granted=granted)
    assert authorization_on_file(terms, {"M1", "M2"}, (BILLED, CLINICAL), DAY) == GrantedAuthorization("A-3")
    assert authorization_on_file(terms, {"M1", "M2"}, (BILLED,), DAY) == GrantedAuthorization("A-1", TOMORROW)
    assert authorization_on_file(terms, {"M2"}, (BILLED,), DAY) == GrantedAuthorization("A-2", DAY)
    assert authorization_on_file(terms, {"M2"}, (BILLED,), TOMORROW) is None
    assert authorization_on_file(terms, {"M3"}, (BILLED, CLINICAL), DAY) is None


@pytest.mark.parametrize(
    ("since", "until", "is_inside"),
    [
        (None, None, True),
        (DAY, DAY, True),
        (YESTERDAY, TOMORROW, True),
        (TOMORROW, None, False),
        (None, YESTERDAY, False),
    ],
)
def test_a_period_includes_its_first_and_last_day(since: date | None, until: date | None, is_inside: bool) -> None:
    assert is_within(CodeTerms(since=since, until=until), (DAY, DAY)) is is_inside


@pytest.mark.parametrize(("days", "is_inside"), [
    ((DAY, TOMORROW), True),
    ((YESTERDAY, DAY), False),
    ((TOMORROW, TOMORROW + timedelta(1)), False),
])  # fmt: skip
def test_every_day_on_which_a_service_may_be_must_be_in_the_period(days: tuple[date, date], is_inside: bool) -> None:
    assert is_within(CodeTerms(since=DAY, until=TOMORROW), days) is is_inside
