"""What a payer states of the codes of an order."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from cards.coverage_terms import NOTHING_STATED, authorization_on_file, is_within, row_of, service_days
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization, PayerTerms
from fhir_mappings.codings import CPT, RXNORM, SNOMED, Coding
from fhir_mappings.orders import read_order
from tests.support.terms import TERMS

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


@pytest.mark.parametrize(("dates", "days"), [
    ({}, (DAY, DAY)),
    ({"authoredOn": "2025-12-20"}, (DAY, DAY)),
    ({"occurrenceDateTime": "2026-02-10"}, (date(2026, 2, 10), date(2026, 2, 10))),
    ({"occurrenceDateTime": "2026-02"}, (date(2026, 2, 1), date(2026, 2, 28))),
    ({"occurrenceDateTime": "2026-03"}, (DAY, date(2026, 3, 31))),
    ({"occurrenceDateTime": "2027"}, (date(2027, 1, 1), date(2027, 12, 31))),
    ({"occurrenceDateTime": "2026-03-02T23:30:00-08:00"}, (DAY, TOMORROW)),
    ({"occurrenceDateTime": "2026-03-02T12:00:00-08:00"}, (DAY, DAY)),
    ({"occurrenceDateTime": "2026-03-02T23:30:00Z"}, (DAY, DAY)),
])  # fmt: skip
def test_a_service_is_on_its_planned_date_and_never_on_the_day_the_order_was_written(
    dates: dict[str, str], days: tuple[date, date]
) -> None:
    order = read_order({"resourceType": "ServiceRequest", "id": "o", **dates}, zone=UTC, terms=TERMS)
    assert service_days(order, DAY) == days
