"""What a payer says of an order, for each outcome of its policies and whatever it states itself."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cards.coverage_information import compose, minimal, payer_unread
from cards.coverage_parts import CoverageInformation
from cards.crd_versions import CrdVersion
from coverage_policies.format.model import APPLIES, PATHWAY, Policy
from coverage_policies.format.model import CODE as CODE_QUESTION
from coverage_policies.format.terms import About, Outcome, PriorAuthorization, Reason
from coverage_policies.judging.determination import Question
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    Contact,
    Covered,
    GrantedAuthorization,
    PayerTerms,
    Standing,
)
from fhir_mappings.codings import CPT, HCPCS, RXNORM, SNOMED, Coding
from tests.support.coverage_answers import CODE, DAY, V2_0, V2_2, answer, answers, judged, occasion, of_policy, subject
from tests.support.policy_fakes import (
    NOT_OFFERED,
    UNAVAILABLE,
    all_of,
    available,
    condition,
    judge,
    order,
    policy,
)

DOES_NOT_APPLY, FAILS, NEEDED = Outcome.NOT_APPLICABLE, Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED
NOT_EVALUATED, NOT_SUPPORTED, REVIEW = Outcome.NOT_EVALUATED, Outcome.NOT_SUPPORTED, Outcome.CASE_REVIEW
SUPPORTED = Outcome.SUPPORTED
SETTLED = PayerTerms(if_supported=Covered.COVERED, if_not_met=Covered.NOT_COVERED)
ASKED = Question("I", "Is it so?", says="It is so")
UNREAD = replace(ASKED, reason=Reason.DATA_UNAVAILABLE)
BOTH = pytest.mark.parametrize("version", [V2_2, V2_0])
KEY = (CPT, "10001")


def codes(found: CoverageInformation) -> tuple[Any, ...]:
    """The coded parts of an answer: covered, pa-needed, doc-needed, and info-needed."""
    return found.covered, found.pa_needed, found.doc_needed, found.info_needed


def stating(row: CodeTerms, **more: Any) -> PayerTerms:
    return PayerTerms(codes={KEY: row}, **more)


def granting(until: date | None = None, **more: Any) -> PayerTerms:
    return PayerTerms(granted={("M1", *KEY): GrantedAuthorization("A-7", until)}, **more)


def kinds(found: CoverageInformation) -> list[str]:
    return [each.code for each in found.details]


# --- one policy ------------------------------------------------------------------------------------------------------

ROWS: list[tuple[Outcome, PayerTerms, tuple[Any, ...], tuple[Any, ...]]] = [
    # outcome, terms, in CRD 2.2, in CRD 2.0.1
    (NOT_SUPPORTED, PayerTerms(), ("not-covered", "", (), ()), ("not-covered", "", (), ())),
    (FAILS, PayerTerms(), ("conditional", "", (), ("OTH",)), ("conditional", "conditional", (), ("OTH",))),
    (FAILS, SETTLED, ("not-covered", "", (), ()), ("not-covered", "", (), ())),
    (SUPPORTED, PayerTerms(), ("conditional", "", (), ("OTH",)), ("conditional", "conditional", (), ("OTH",))),
    (SUPPORTED, SETTLED, ("covered", "", (), ()), ("covered", "conditional", (), ("OTH",))),
    (REVIEW, SETTLED, ("conditional", "", (), ("OTH",)), ("conditional", "conditional", (), ("OTH",))),
    (
        NEEDED,
        SETTLED,
        ("conditional", "", ("clinical",), ("OTH",)),
        ("conditional", "conditional", ("clinical",), ("OTH",)),
    ),
]


@pytest.mark.parametrize(("outcome", "terms", "in_2_2", "in_2_0"), ROWS)
def test_each_outcome_has_its_answer(outcome: Outcome, terms: PayerTerms, in_2_2: Any, in_2_0: Any) -> None:
    found = of_policy(judged(outcome, *([ASKED] if outcome is NEEDED else [])))
    assert codes(answer(found, terms=terms, version=V2_2)) == in_2_2
    assert codes(answer(found, terms=terms, version=V2_0)) == in_2_0


def test_what_an_answer_is_about_stands_in_it() -> None:
    found = answer(of_policy(judged(SUPPORTED)), terms=PayerTerms(contact=Contact("UM desk")))
    assert (found.coverage, found.assertion_id, found.day) == ("Coverage/1", "assertion-1", DAY)
    assert found.contact == Contact("UM desk")


def test_documentation_comes_with_its_form_and_what_to_do() -> None:
    found = answer(of_policy(judged(NEEDED, ASKED)))
    assert found.questionnaires == ("https://cds.example.org/fhir/Questionnaire/CP.TEST|2025-01.1",)
    assert [(each.category, each.code, each.value) for each in found.details] == [
        ("cat-other", "instructions", ("valueString", "To document for policy CP.TEST (2025-01): (1) It is so.")),
        ("cat-other", "policy-link", ("valueUrl", "https://plan.example/policy")),
    ]


def test_no_form_is_named_where_none_asks_or_none_is_published() -> None:
    found = answer(of_policy(judged(NEEDED)))
    assert (found.doc_needed, found.questionnaires) == (("clinical",), ())
    unpublished = replace(occasion(), canonicals="")
    (found,) = compose(order(), [of_policy(judged(NEEDED, ASKED))], subject(), unpublished)
    assert (found.doc_needed, found.questionnaires) == (("clinical",), ())


def test_crd_2_0_says_in_its_reasons_what_it_has_no_detail_for() -> None:
    found = answer(of_policy(judged(NEEDED, ASKED)), version=V2_0)
    assert [each.text for each in found.reasons[1:]] == [
        "To document for policy CP.TEST (2025-01): (1) It is so.",
        "Policy: https://plan.example/policy",
    ]
    assert found.details == ()


@BOTH
def test_before_signing_no_documents_are_asked_for(version: CrdVersion) -> None:
    found = answer(of_policy(judged(NEEDED, ASKED)), version=version, is_signing=False)
    assert (found.doc_needed, found.doc_purpose, found.questionnaires) == ((), (), ())
    assert found.covered == "conditional"
    assert found.reasons[0].text.startswith("Documentation will be needed at signing. ")


def test_a_policy_without_an_address_is_linked_to_our_page() -> None:
    found = answer(of_policy(judged(SUPPORTED, url="")))
    assert found.details[-1].value == ("valueUrl", "https://cds.example.org/policies/CP.TEST@2025-01")


def test_a_missing_code_is_asked_for_and_no_form_is_offered() -> None:
    asked = of_policy(
        replace(judged(NEEDED, Question(CODE_QUESTION, "Which code do you mean?")), criteria=(), codes=())
    )
    named = replace(order(), codes=())
    found = answer(asked, of=named)
    assert codes(found) == ("conditional", "", (), ("detail-code",))
    assert found.questionnaires == ()
    old = answer(asked, of=named, version=V2_0)
    assert codes(old) == ("conditional", "conditional", (), ("OTH",))
    assert old.reasons[0].code == "detail-code"


@pytest.mark.requirement("7.104")
@pytest.mark.parametrize("settled_by", ["performer", "location"])
@BOTH
def test_what_the_order_must_state_later_is_no_question_of_a_form(settled_by: str, version: CrdVersion) -> None:
    found = answer(of_policy(judged(NEEDED, replace(ASKED, settled_by=settled_by))), version=version)
    assert (found.doc_needed, found.questionnaires) == ((), ())
    assert found.info_needed[0] == settled_by


def test_a_performer_is_needed_beside_documentation() -> None:
    found = answer(of_policy(judged(NEEDED, replace(ASKED, settled_by="performer"), replace(ASKED, id="II"))))
    assert (found.doc_needed, set(found.info_needed)) == (("clinical",), {"performer", "OTH"})


def test_a_policy_of_which_no_revision_is_installed_is_not_checked() -> None:
    found = answer(of_policy(replace(judged(NOT_EVALUATED), criteria=(), codes=())), is_unread=True)
    assert codes(found) == ("conditional", "", (), ("OTH",))
    assert not any(each.code for each in found.reasons)
    assert found.details == ()


def test_an_order_that_cannot_be_read_is_answered_with_what_stands_against_it() -> None:
    found = answer(of=replace(order(), obstacle="the order is for another patient"), terms=granting())
    assert codes(found) == ("conditional", "", (), ("OTH",))
    assert found.reasons[0].text == "This order could not be checked: the order is for another patient."


# --- technical trouble -----------------------------------------------------------------------------------------------

TROUBLE = [
    replace(judged(NEEDED, UNREAD), unread=("Condition",)),
    replace(judged(NEEDED, UNREAD), is_cut_short=True),
    replace(judged(NEEDED, Question(PATHWAY, "For what?", about=About.ORDER), UNREAD), unread=("Condition",)),
    replace(judged(NOT_EVALUATED, ASKED), unread=("Condition",)),
    replace(judged(NOT_EVALUATED), is_cut_short=True, criteria=()),
]


@pytest.mark.parametrize("found", TROUBLE)
def test_what_only_lacks_data_that_could_not_be_read_is_indeterminate(found: Any) -> None:
    new = answer(of_policy(found))
    assert codes(new) == ("indeterminate", "", (), ())
    assert new.reasons[0].code == "technical"
    assert "instructions" not in kinds(new)
    old = answer(of_policy(found), version=V2_0)
    assert codes(old) == ("conditional", "conditional", (), ("OTH",))
    assert old.reasons[0] == replace(new.reasons[0], code="")


ONE_NEED = policy("I: {says: s, all: [{id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: A}]}")
TWO_NEEDS = policy("""
I:
  says: s
  all:
    - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: A}
    - {id: I.B, says: b, met_when: {procedure: {in: beta}}, ask: B}
""")


@pytest.mark.parametrize(
    ("by", "availability", "covered", "documents"),
    [
        (ONE_NEED, all_of(UNAVAILABLE), "indeterminate", ()),
        (ONE_NEED, all_of(NOT_OFFERED), "conditional", ("clinical",)),
        (ONE_NEED, available(Condition=UNAVAILABLE), "indeterminate", ()),
        (ONE_NEED, available(Procedure=UNAVAILABLE), "conditional", ("clinical",)),
        (ONE_NEED, available(), "conditional", ("clinical",)),
        (TWO_NEEDS, available(Condition=UNAVAILABLE), "conditional", ("clinical",)),
        (TWO_NEEDS, all_of(UNAVAILABLE), "indeterminate", ()),
    ],
)
def test_a_chart_that_cannot_be_read_is_told_from_one_that_is_silent(
    by: Policy, availability: Any, covered: str, documents: Any
) -> None:
    found = answer(of_policy(judge(by, availability=availability)))
    assert (found.covered, found.doc_needed) == (covered, documents)


def test_the_payer_of_a_coverage_that_could_not_be_read_is_not_guessed() -> None:
    new, old = payer_unread(subject(), V2_2), payer_unread(subject(), V2_0)
    assert (codes(new), new.reasons[0].code) == (("indeterminate", "", (), ()), "technical")
    assert (codes(old), old.reasons[0].code) == (("conditional", "conditional", (), ("OTH",)), "")


def test_a_chart_that_settles_the_order_needs_no_more_of_it() -> None:
    found = judge(ONE_NEED, condition("alpha"), availability=available(Procedure=UNAVAILABLE))
    assert answer(of_policy(found), terms=SETTLED).covered == "covered"


def test_trouble_of_the_call_counts_for_a_policy_that_lacks_data() -> None:
    assert answer(of_policy(judged(NEEDED, UNREAD)), is_unread=True).covered == "indeterminate"
    assert answer(of_policy(judged(NEEDED, UNREAD))).covered == "conditional"


def test_trouble_that_does_not_matter_is_not_mentioned() -> None:
    found = answer(of_policy(replace(judged(NEEDED, ASKED), unread=("Condition",))), is_unread=True)
    assert codes(found) == ("conditional", "", ("clinical",), ("OTH",))
    assert not any(each.code for each in found.reasons)


def test_what_lacks_more_than_unread_data_is_asked_for_and_the_trouble_comes_last() -> None:
    found = answer(of_policy(replace(judged(NEEDED, UNREAD, replace(ASKED, id="II")), unread=("Condition",))))
    assert codes(found) == ("conditional", "", ("clinical",), ("OTH",))
    assert [each.code for each in found.reasons] == ["", "technical"]


def test_what_is_settled_without_the_unread_data_stays_settled() -> None:
    found = of_policy(replace(judged(SUPPORTED), unread=("Condition",)))
    assert answer(found, terms=SETTLED, is_unread=True).covered == "covered"


def test_a_question_whether_a_policy_applies_is_not_technical() -> None:
    applies = Question(APPLIES, "Is it a trial?", about=About.ORDER)  # while it is open, nothing else is asked
    found = replace(judged(NEEDED, applies), unread=("Condition",))
    assert answer(of_policy(found)).covered == "conditional"


# --- no policy -------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("assessments", [(), (of_policy(judged(DOES_NOT_APPLY)),)])
def test_an_order_that_no_policy_concerns_is_answered(version: CrdVersion, assessments: Any) -> None:
    found = answer(*assessments, version=version)
    assert (found.covered, found.info_needed) == ("conditional", ("OTH",))
    assert found.reasons[0].text.startswith("No medical policy of Acme on file applies to this order.")


@pytest.mark.parametrize("said", list(Covered))
def test_the_payers_default_answers_for_an_order_without_a_policy(said: Covered) -> None:
    assert answer(terms=PayerTerms(without_policy=said)).covered == said.value
    assert answer(terms=stating(CodeTerms(covered=said), without_policy=Covered.COVERED)).covered == said.value


def test_the_default_of_a_code_is_not_for_orders_that_a_policy_judges() -> None:
    terms = stating(CodeTerms(covered=Covered.COVERED))
    assert answer(of_policy(judged(NEEDED, ASKED)), terms=terms).covered == "conditional"


@pytest.mark.parametrize("coded", [(), (Coding(SNOMED, "1"),), (Coding("urn:local", "x"),)])
def test_without_a_code_that_policies_know_no_default_is_claimed(coded: Any) -> None:
    found = answer(of=replace(order(), codes=coded), terms=PayerTerms(without_policy=Covered.COVERED))
    assert codes(found) == ("conditional", "", (), ("detail-code",))


@pytest.mark.parametrize("system", [CPT, HCPCS, RXNORM])
def test_a_code_that_policies_know_is_enough_for_the_default(system: str) -> None:
    coded = replace(order(), codes=(Coding(system, "9"),))
    assert answer(of=coded, terms=PayerTerms(without_policy=Covered.COVERED)).covered == "covered"


def test_an_order_whose_product_could_not_be_read_is_indeterminate() -> None:
    product = {"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/1"}}
    unnamed = replace(order(), codes=(), resource=product)
    assert answer(of=unnamed, is_unread=True).reasons[0].code == "technical"
    assert answer(of=unnamed, is_unread=True).covered == "indeterminate"
    assert answer(of=unnamed).info_needed == ("detail-code",)
    local = replace(unnamed, codes=(Coding("urn:local", "x"),))
    assert answer(of=local, is_unread=True).info_needed == ("detail-code",)


# --- members ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing.NO_MEMBER, "no-member-found"),
        (Standing.NOT_ACTIVE, "no-active-coverage"),
        (Standing.AMBIGUOUS, "coverage-not-found"),
    ],
)
def test_a_member_without_a_plan_is_not_covered_for_a_coded_reason(standing: Standing, code: str) -> None:
    found = answer(of_policy(judged(SUPPORTED)), terms=granting(), standing=standing)
    assert codes(found) == ("not-covered", "", (), ())
    assert [each.code for each in found.reasons] == [code]
    old = answer(of_policy(judged(SUPPORTED)), terms=granting(), standing=standing, version=V2_0)
    assert codes(old) == ("conditional", "conditional", (), ("OTH",))
    assert [each.code for each in old.reasons] == [""]


# --- prior authorization ---------------------------------------------------------------------------------------------


def test_what_the_payer_states_of_a_code_outranks_the_policy() -> None:
    required = of_policy(judged(SUPPORTED, prior_authorization=PriorAuthorization.REQUIRED))
    assert answer(required).pa_needed == "auth-needed"
    assert answer(required, terms=stating(CodeTerms(Authorization.NO_AUTH))).pa_needed == "no-auth"
    assert answer(required, terms=stating(CodeTerms(covered=Covered.COVERED))).pa_needed == "auth-needed"


def test_a_policy_that_needs_none_says_so() -> None:
    found = of_policy(judged(SUPPORTED, prior_authorization=PriorAuthorization.NOT_REQUIRED))
    assert answer(found, terms=SETTLED).pa_needed == "no-auth"


def test_an_authorization_that_is_conditional_needs_information() -> None:
    found = answer(
        of_policy(judged(SUPPORTED)), terms=stating(CodeTerms(Authorization.CONDITIONAL), if_supported=Covered.COVERED)
    )
    assert codes(found) == ("covered", "conditional", (), ("OTH",))


@BOTH
def test_documents_for_a_prior_authorization_go_with_it(version: CrdVersion) -> None:
    asked = of_policy(judged(NEEDED, ASKED))
    needed = answer(asked, terms=stating(CodeTerms(Authorization.AUTH_NEEDED)), version=version)
    assert needed.doc_purpose == ("withpa",)
    for authorization in (Authorization.NO_AUTH, Authorization.CONDITIONAL, None):
        assert answer(asked, terms=stating(CodeTerms(authorization)), version=version).doc_purpose == ()
    assert answer(asked, terms=granting(), version=version).doc_purpose == ()


@BOTH
@pytest.mark.parametrize(("days", "is_good"), [(0, True), (1, True), (-1, False)])
def test_an_authorization_on_file_is_good_until_its_last_day(version: CrdVersion, days: int, is_good: bool) -> None:
    found = answer(of_policy(judged(SUPPORTED)), terms=granting(DAY + timedelta(days)), version=version)
    assert (found.pa_needed == "satisfied") is is_good
    assert (found.satisfied_pa_id == "A-7") is is_good
    assert (found.expires == DAY + timedelta(days)) is is_good


def test_an_authorization_must_be_good_on_the_day_of_the_service_too() -> None:
    later = order(planned="2026-06-01")
    assert answer(of=later, terms=granting(date(2026, 6, 1))).pa_needed == "satisfied"
    assert answer(of=later, terms=granting(date(2026, 5, 31))).pa_needed == ""


def test_an_authorization_must_be_good_on_the_day_of_the_answer_too() -> None:
    earlier = order(planned="2026-02-01")
    assert answer(of=earlier, terms=granting(DAY)).pa_needed == "satisfied"
    assert answer(of=earlier, terms=granting(DAY - timedelta(1))).pa_needed == ""


def test_an_authorization_of_another_member_or_code_is_none() -> None:
    for key in (("M2", *KEY), ("M1", CPT, "10002"), ("M1", HCPCS, "10001")):
        assert answer(terms=PayerTerms(granted={key: GrantedAuthorization("A-7")})).pa_needed == ""


def test_what_is_authorized_is_never_denied_by_a_policy() -> None:
    for outcome in (NOT_SUPPORTED, FAILS):
        found = answer(of_policy(judged(outcome)), terms=replace(SETTLED, granted=granting().granted))
        assert codes(found) == ("conditional", "satisfied", (), ("OTH",))


# --- limits and dates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "is_stated"), [(0, True), (-1, False)])
def test_what_is_stated_of_a_code_holds_until_it_expires(days: int, is_stated: bool) -> None:
    expires = DAY + timedelta(days)
    found = answer(of_policy(judged(SUPPORTED)), terms=stating(CodeTerms(Authorization.NO_AUTH, expires=expires)))
    assert (found.pa_needed == "no-auth") is is_stated
    assert found.expires == (expires if is_stated else None)


@pytest.mark.requirement("7.104")
@BOTH
def test_limits_are_stated_unless_it_is_not_covered(version: CrdVersion) -> None:
    row = CodeTerms(quantity=Decimal("2"), unit="{visits}", since=date(2026, 1, 1), until=date(2026, 12, 31))
    found = answer(of_policy(judged(SUPPORTED)), terms=stating(row), version=version)
    assert [(each.category, each.code, each.value) for each in found.details[:2]] == [
        ("cat-limitation", "allowed-quantity", ("valueQuantity", {"value": Decimal("2"), "unit": "{visits}"})),
        ("cat-limitation", "allowed-period", ("valuePeriod", {"start": "2026-01-01", "end": "2026-12-31"})),
    ]
    assert "allowed-quantity" not in kinds(answer(of_policy(judged(NOT_SUPPORTED)), terms=stating(row)))


@pytest.mark.requirement("7.104")
@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [(DAY, DAY, "covered"), (None, DAY - timedelta(1), "conditional"), (DAY + timedelta(1), None, "conditional")],
)
def test_a_service_outside_the_allowed_period_is_not_simply_covered(since: Any, until: Any, covered: str) -> None:
    terms = stating(CodeTerms(since=since, until=until), if_supported=Covered.COVERED)
    assert answer(of_policy(judged(SUPPORTED)), terms=terms).covered == covered


def test_what_was_written_before_the_allowed_period_is_still_to_be_done_in_it() -> None:
    terms = stating(CodeTerms(since=DAY), if_supported=Covered.COVERED)
    written = order(planned=None, authoredOn="2026-01-01")
    assert answer(of_policy(judged(SUPPORTED)), of=written, terms=terms).covered == "covered"
    planned = order(planned=(DAY - timedelta(1)).isoformat())
    assert answer(of_policy(judged(SUPPORTED)), of=planned, terms=terms).covered == "conditional"


# --- several determinations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "covered"),
    [
        ((SUPPORTED, SUPPORTED), "covered"),
        ((SUPPORTED, FAILS), "conditional"),
        ((SUPPORTED, DOES_NOT_APPLY), "conditional"),
        ((FAILS, NOT_SUPPORTED), "not-covered"),
        ((FAILS, NEEDED), "conditional"),
    ],
)
def test_what_revisions_do_not_agree_on_is_conditional(outcomes: tuple[Outcome, ...], covered: str) -> None:
    found = [
        judged(each, *([ASKED] if each is NEEDED else []), revision=f"202{n}-01") for n, each in enumerate(outcomes)
    ]
    assert answer(of_policy(*found), terms=SETTLED).covered == covered


@pytest.mark.parametrize(
    ("outcomes", "covered"),
    [
        ((SUPPORTED, SUPPORTED), "covered"),
        ((SUPPORTED, FAILS), "not-covered"),
        ((SUPPORTED, NEEDED), "conditional"),
        ((SUPPORTED, DOES_NOT_APPLY), "covered"),
        ((NEEDED, NOT_SUPPORTED), "not-covered"),
    ],
)
def test_all_policies_of_an_order_must_hold(outcomes: tuple[Outcome, ...], covered: str) -> None:
    found = [
        of_policy(judged(each, *([ASKED] if each is NEEDED else []), policy=f"P{n}")) for n, each in enumerate(outcomes)
    ]
    assert answer(*found, terms=SETTLED).covered == covered


def test_what_is_not_covered_asks_for_no_documents_of_another_policy() -> None:
    found = answer(of_policy(judged(NEEDED, ASKED)), of_policy(judged(NOT_SUPPORTED, policy="P2")))
    assert codes(found) == ("not-covered", "", (), ())
    assert "instructions" not in kinds(found)


def test_unread_data_of_one_policy_and_documents_of_another_are_both_told() -> None:
    unread = replace(judged(NEEDED, UNREAD), unread=("Condition",))
    found = answer(of_policy(unread), of_policy(judged(NEEDED, ASKED, policy="P2")))
    assert codes(found) == ("indeterminate", "", ("clinical",), ())
    assert found.questionnaires == ("https://cds.example.org/fhir/Questionnaire/P2|2025-01.1",)
    assert [each.code for each in found.reasons] == ["technical", ""]


def test_a_policy_that_may_not_be_the_members_decides_nothing() -> None:
    for outcome in (SUPPORTED, FAILS, NOT_SUPPORTED):
        judgment = judged(outcome, prior_authorization=PriorAuthorization.REQUIRED)
        found = answer(of_policy(judgment, may_not_apply=True), terms=SETTLED)
        assert codes(found) == ("conditional", "", (), ("OTH",))


def test_revisions_that_disagree_on_prior_authorization_say_nothing_of_it() -> None:
    heads = (PriorAuthorization.REQUIRED, PriorAuthorization.NOT_REQUIRED, None)
    for head in heads:
        found = of_policy(*(judged(SUPPORTED, prior_authorization=each) for each in (heads[0], head)))
        assert answer(found).pa_needed == ("auth-needed" if head is heads[0] else "")


def test_one_policy_that_needs_prior_authorization_is_enough() -> None:
    needs, needs_none = (
        of_policy(judged(SUPPORTED, prior_authorization=each))
        for each in (PriorAuthorization.REQUIRED, PriorAuthorization.NOT_REQUIRED)
    )
    assert answer(needs, needs_none).pa_needed == "auth-needed"
    assert answer(needs_none, of_policy(judged(SUPPORTED))).pa_needed == ""


def test_a_revision_that_is_not_in_force_says_nothing_of_prior_authorization() -> None:
    found = judged(NOT_EVALUATED, prior_authorization=PriorAuthorization.REQUIRED, criteria=(), codes=())
    assert answer(of_policy(found)).pa_needed == ""


def test_a_policy_that_asks_whether_it_applies_says_nothing_of_prior_authorization() -> None:
    asked = judged(NEEDED, Question(APPLIES, "Is it a trial?"), prior_authorization=PriorAuthorization.REQUIRED)
    assert answer(of_policy(asked)).pa_needed == ""


# --- billing codes ---------------------------------------------------------------------------------------------------

TWO = replace(order(), codes=(Coding(SNOMED, "1"), CODE, Coding(HCPCS, "G0001", "Label")))


def billed(found: CoverageInformation) -> list[str]:
    return [each.code for each in found.billing_codes]


@pytest.mark.requirement("7.103")
def test_the_billing_code_that_an_answer_rests_on_is_named() -> None:
    assert billed(answer(of_policy(judged(SUPPORTED)), of=TWO)) == ["10001"]


def test_no_billing_code_is_named_where_nothing_rests_on_one() -> None:
    assert billed(answer(of=TWO)) == []
    assert billed(answer(terms=stating(CodeTerms(Authorization.NO_AUTH)))) == ["10001"]


def test_billing_codes_with_one_answer_share_it() -> None:
    both = judged(SUPPORTED, codes=TWO.codes)
    assert billed(answer(of_policy(both), of=TWO)) == ["10001", "G0001"]


@pytest.mark.requirement("7.104")
def test_billing_codes_with_different_answers_have_one_each() -> None:
    both = judged(SUPPORTED, codes=TWO.codes)
    found = answers(of_policy(both), of=TWO, terms=stating(CodeTerms(Authorization.AUTH_NEEDED)))
    assert [(billed(each), each.pa_needed) for each in found] == [(["10001"], "auth-needed"), (["G0001"], "")]
    assert {each.assertion_id for each in found} == {"assertion-1"}


def test_policies_of_different_billing_codes_answer_for_their_own() -> None:
    facility = judged(FAILS, codes=(Coding(HCPCS, "G0001"),), policy="P2")
    found = answers(of_policy(judged(SUPPORTED)), of_policy(facility), of=TWO, terms=SETTLED)
    assert [(billed(each), each.covered) for each in found] == [(["10001"], "covered"), (["G0001"], "not-covered")]


def test_a_revision_that_does_not_have_a_billing_code_does_not_support_it() -> None:
    first, second = judged(SUPPORTED), judged(SUPPORTED, codes=TWO.codes, revision="2026-01")
    found = answers(of_policy(first, second), of=TWO, terms=SETTLED)
    assert [(billed(each), each.covered) for each in found] == [(["10001"], "covered"), (["G0001"], "conditional")]


def test_a_policy_found_by_another_code_speaks_for_every_billing_code() -> None:
    found = answer(of_policy(judged(SUPPORTED, codes=(Coding(SNOMED, "1"),))), of=TWO)
    assert billed(found) == []


def test_what_is_stated_of_a_drug_holds_without_a_billing_code() -> None:
    drug = replace(order(), codes=(Coding(RXNORM, "7052"),))
    terms = PayerTerms(codes={(RXNORM, "7052"): CodeTerms(Authorization.AUTH_NEEDED)})
    found = answer(of=drug, terms=terms)
    assert (found.pa_needed, billed(found)) == ("auth-needed", [])


# --- the last resort -------------------------------------------------------------------------------------------------


@BOTH
def test_the_least_answer_claims_nothing(version: CrdVersion) -> None:
    found = minimal(subject(), version)
    assert (found.covered, found.info_needed, found.doc_needed) == ("conditional", ("OTH",), ())
    assert found.pa_needed == ("conditional" if version is V2_0 else "")
