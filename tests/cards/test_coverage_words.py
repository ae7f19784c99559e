"""The sentences of coverage information: what a clinician and a biller read."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.model import APPLIES
from coverage_policies.format.model import CODE as CODE_QUESTION
from coverage_policies.format.terms import LineOfBusiness, Outcome, Reason, Status
from coverage_policies.judging.determination import Alternative, Presumption, Question
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    Covered,
    GrantedAuthorization,
    PayerTerms,
    Standing,
)
from fhir_mappings.codings import CPT
from tests.support.coverage_answers import answer, judged, of_policy
from tests.support.determinations import criterion
from tests.support.policy_fakes import order

KEY = (CPT, "10001")
SETTLED = PayerTerms(if_supported=Covered.COVERED, if_not_met=Covered.NOT_COVERED)
FAILS, NEEDED, SUPPORTED = Outcome.CRITERIA_NOT_MET, Outcome.DOCUMENTATION_NEEDED, Outcome.SUPPORTED
ASKED = (Question("I", "Is A so?", says="A is so"), Question("II", "Is B so?", says="B is so"))
WEAN = criterion("I", Status.NOT_MET, headline="Opioids down only 25%", says_when_not_met="Policy requires 50%")
REST = criterion("II", Status.NOT_MET, says_when_not_met="Policy requires six weeks of rest")
OPEN = judged(NEEDED, *ASKED, items_left=(2, 2))
UNREAD = replace(OPEN, questions=(replace(ASKED[0], reason=Reason.DATA_UNAVAILABLE),), unread=("Condition",))


def said(*assessments: Any, **more: Any) -> str:
    """The words of the first reason."""
    return answer(*assessments, **more).reasons[0].text


def told(*assessments: Any, **more: Any) -> str:
    """The instructions of an answer, empty if it has none."""
    details = answer(*assessments, **more).details
    return next((each.value[1] for each in details if each.code == "instructions"), "")


def test_a_supported_order_says_what_follows() -> None:
    found = of_policy(judged(SUPPORTED))
    assert said(found, terms=SETTLED) == (
        "All requirements of policy CP.TEST are documented. Acme covers this order on that basis."
    )
    assert said(found) == (
        "All requirements of policy CP.TEST are documented. "
        "This does not settle coverage: Acme decides, and the member's benefits were not checked."
    )


def test_a_failed_order_names_each_criterion() -> None:
    found = of_policy(replace(judged(FAILS), criteria=(WEAN, REST)))
    assert said(found, terms=SETTLED) == (
        "This order does not meet policy CP.TEST. Opioids down only 25%. Policy requires 50%. "
        "Policy requires six weeks of rest. Acme does not cover this order for that reason."
    )
    assert said(found).endswith(
        "This does not settle coverage: Acme decides, and the member's benefits were not checked."
    )


@pytest.mark.parametrize(
    ("count", "end"),
    [(5, "Not met: c4 is so."), (6, "1 more requirement is not met."), (7, "2 more requirements are not met.")],
)
def test_many_failures_are_counted(count: int, end: str) -> None:
    failed = tuple(criterion(f"C{n}", Status.NOT_MET) for n in range(count))
    found = said(of_policy(replace(judged(Outcome.NOT_SUPPORTED), criteria=failed)))
    assert found.replace("C4", "c4").removesuffix(" Acme does not cover this order for that reason.").endswith(end)
    assert found.startswith("This order is not supported by policy CP.TEST. ")


def test_a_failed_order_says_what_may_help() -> None:
    change = Alternative("I", "Change to lateral approach", {}, SUPPORTED)
    failed = replace(judged(FAILS), criteria=(WEAN,))
    chart = "If the chart is incomplete, add what is missing and place the order again."
    assert told(of_policy(failed)) == chart
    help_ = "A changed order may meet the policy: change to lateral approach."
    assert told(of_policy(replace(failed, alternatives=(change,)))) == f"{chart} {help_}"
    assert told(of_policy(judged(Outcome.NOT_SUPPORTED))) == ""
    assert told(of_policy(judged(Outcome.NOT_SUPPORTED, alternatives=(change,)))) == help_


def test_open_items_are_counted_and_listed() -> None:
    assert said(of_policy(OPEN)) == (
        "2 items to document for policy CP.TEST. Start with: A is so. Coverage depends on this documentation."
    )
    assert told(of_policy(OPEN)) == "To document for policy CP.TEST (2025-01): (1) A is so. (2) B is so."


@pytest.mark.parametrize(("count", "end"), [(5, "(5) Is it 4?"), (6, "(5) Is it 4? Then 1 more."), (7, "Then 2 more.")])
def test_many_open_items_are_counted(count: int, end: str) -> None:
    found = judged(NEEDED, *(Question(f"Q{n}", f"Is it {n}?") for n in range(count)))
    assert told(of_policy(found)).endswith(end)


def test_before_signing_it_is_said_that_documentation_will_be_needed() -> None:
    assert said(of_policy(OPEN), is_signing=False).startswith(
        "Documentation will be needed at signing. 2 items to document for policy CP.TEST."
    )


@pytest.mark.parametrize(
    "asked",
    [
        Question(APPLIES, "Is it a trial?"),
        Question(CODE_QUESTION, "Which code?"),
        replace(ASKED[0], settled_by="performer"),
    ],
)
def test_before_signing_no_documentation_is_announced_that_may_not_be_needed(asked: Question) -> None:
    assert "at signing" not in said(of_policy(judged(NEEDED, asked)), is_signing=False)


@pytest.mark.parametrize(
    ("settled_by", "end"),
    [
        ("performer", "The order does not state who performs it."),
        ("location", "The order does not state where it is performed."),
    ],
)
def test_what_the_order_lacks_is_said(settled_by: str, end: str) -> None:
    found = of_policy(judged(NEEDED, replace(ASKED[0], settled_by=settled_by), items_left=(1, 1)))
    assert said(found).endswith(end)
    assert told(found) == ""


def test_a_presumed_pathway_is_said_to_be_one() -> None:
    found = judged(SUPPORTED, presumed=Presumption("non-malignant", "Pain is not from cancer", ()))
    assert said(of_policy(found), terms=SETTLED) == (
        "All requirements of policy CP.TEST are documented. Assumed from the chart: pain is not from cancer. "
        "Acme covers this order on that basis."
    )


def test_revisions_that_differ_are_told_apart() -> None:
    found = of_policy(judged(SUPPORTED), replace(judged(FAILS, revision="2026-01"), criteria=(WEAN,)))
    assert said(found, terms=SETTLED) == (
        "Revision 2025-01 of CP.TEST: all requirements of policy CP.TEST are documented. "
        "Revision 2026-01 of CP.TEST: this order does not meet policy CP.TEST. "
        "Opioids down only 25%. Policy requires 50%. It is not known which of these applies."
    )


def test_lines_of_business_are_told_apart() -> None:
    medicare = judged(SUPPORTED, lines=(LineOfBusiness.MEDICARE,))
    medicaid = replace(judged(FAILS, lines=(LineOfBusiness.MEDICAID,), policy="P2"), criteria=(WEAN,))
    assert said(of_policy(medicare, medicaid), terms=SETTLED).startswith(
        "Under Medicare, all requirements of policy CP.TEST are documented. "
        "Under Medicaid, this order does not meet policy P2. "
    )


def test_a_policy_that_may_not_apply_says_so() -> None:
    found = said(of_policy(judged(SUPPORTED), may_not_apply=True), terms=SETTLED)
    assert found.endswith("It is not known whether Acme applies this policy to the member's plan.")


def test_what_could_not_be_read_is_named() -> None:
    assert said(of_policy(UNREAD)) == (
        "For technical reasons, Acme could not read all of the chart (problem list), so this order could not be "
        "checked against policy CP.TEST. A later request may succeed."
    )
    late = replace(UNREAD, unread=(), is_cut_short=True)
    assert said(of_policy(late)) == (
        "Acme reached its time limit before this order was checked against policy CP.TEST. A later request may succeed."
    )
    assert said(of_policy(replace(UNREAD, unread=())), is_unread=True).startswith(
        "For technical reasons, Acme could not read all of the chart, so"
    )
    half = replace(UNREAD, questions=(*UNREAD.questions, ASKED[1]))
    assert answer(of_policy(half)).reasons[-1].text == (
        "For technical reasons, Acme could not read all of the chart (problem list). "
        "Some of what is still open may be documented there."
    )


def test_an_unreadable_order_is_said_to_be_one() -> None:
    drug = {"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/1"}}
    assert said(of=replace(order(), codes=(), resource=drug), is_unread=True) == (
        "For technical reasons, Acme could not read what this order is for. A later request may succeed."
    )


def test_a_chart_that_the_client_does_not_share_is_no_trouble() -> None:
    found = said(of_policy(judged(Outcome.NOT_EVALUATED, *ASKED)))
    assert found.startswith("The chart could not be checked against policy CP.TEST, so its requirements are open.")


def test_an_order_without_a_policy_says_what_is_not_known() -> None:
    assert said() == "No medical policy of Acme on file applies to this order. The member's benefits were not checked."
    assert said(terms=PayerTerms(without_policy=Covered.COVERED)) == (
        "Acme covers this order; none of its medical policies on file applies."
    )
    assert said(terms=PayerTerms(without_policy=Covered.NOT_COVERED)) == (
        "Acme does not cover this order; none of its medical policies on file applies."
    )
    assert said(of=replace(order(), codes=())) == (
        "This order has no billing code (CPT or HCPCS) or drug code by which a coverage policy can be found. "
        "Add one to the order."
    )


@pytest.mark.parametrize(
    ("terms", "end"),
    [
        (PayerTerms(codes={KEY: CodeTerms(Authorization.NO_AUTH)}), "No prior authorization is needed."),
        (PayerTerms(codes={KEY: CodeTerms(Authorization.AUTH_NEEDED)}), "Prior authorization is needed."),
        (
            PayerTerms(codes={KEY: CodeTerms(Authorization.CONDITIONAL)}),
            "Whether prior authorization is needed is not settled; ask Acme.",
        ),
        (
            PayerTerms(granted={("M1", *KEY): GrantedAuthorization("A-7")}),
            "Prior authorization A-7 is on file with Acme.",
        ),
    ],
)
def test_what_is_known_of_prior_authorization_is_said_last(terms: PayerTerms, end: str) -> None:
    assert said(of_policy(judged(SUPPORTED)), terms=terms).endswith(end)


def test_what_is_authorized_although_the_policy_is_not_met_says_both() -> None:
    found = said(
        of_policy(replace(judged(FAILS), criteria=(WEAN,))),
        terms=PayerTerms(if_not_met=Covered.NOT_COVERED, granted={("M1", *KEY): GrantedAuthorization("A-7")}),
    )
    assert found == (
        "This order does not meet policy CP.TEST. Opioids down only 25%. Policy requires 50%. "
        "Acme has authorized the service for this member all the same; ask Acme before changing the order. "
        "Prior authorization A-7 is on file with Acme."
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (CodeTerms(until=date(2026, 1, 31)), "until 01/31/2026"),
        (CodeTerms(since=date(2026, 4, 1)), "from 04/01/2026"),
        (CodeTerms(since=date(2025, 1, 1), until=date(2025, 12, 31)), "from 01/01/2025 until 12/31/2025"),
    ],
)
def test_the_allowed_period_is_said_where_the_order_is_outside_of_it(row: CodeTerms, words: str) -> None:
    terms = replace(SETTLED, codes={KEY: row})
    assert said(of_policy(judged(SUPPORTED)), terms=terms).endswith(
        f"The plan allows this service {words}; the order is for another date."
    )


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing.NO_MEMBER, "Acme has no member with the ID on this coverage. Check the member ID."),
        (
            Standing.NOT_ACTIVE,
            "The member has no active plan with Acme on the date of service. Check the member's coverage.",
        ),
        (
            Standing.AMBIGUOUS,
            "The member has several plans with Acme, and this coverage does not show which one applies.",
        ),
    ],
)
def test_a_member_without_a_plan_is_told_why(standing: Standing, words: str) -> None:
    assert said(standing=standing) == words
