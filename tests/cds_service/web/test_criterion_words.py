"""The words for statuses and reasons: one for each, and true of every criterion that has it."""

from cds_service.web.criterion_words import REASONS, STATUSES
from coverage_policies.format.terms import Reason, Status


def test_every_status_and_every_reason_has_words() -> None:
    assert (set(STATUSES), set(REASONS)) == (set(Status), set(Reason))


def test_a_finding_is_not_said_to_be_ruled_out_since_it_may_be_what_the_policy_wants() -> None:
    assert REASONS[Reason.PRESENT] == "The chart has what a clause looks for."
