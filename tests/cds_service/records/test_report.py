"""The feedback on the cards of a selection, with each card counted once."""

from collections import Counter
from datetime import timedelta
from typing import Any

from cds_service.records.database import Database
from cds_service.records.report import Acceptance, feedback_report
from cds_service.records.selection import Selection
from tests.support.recorded_calls import AT, determination, record_call, record_feedback

FAILS = determination(outcome="criteria-not-met", targets=["I.A", "I.B"])


def line(criterion: str, **counts: Any) -> Acceptance:
    """A line of the report."""
    return Acceptance("CP.TEST", "2025-01", criterion, **counts)


def test_a_card_counts_once_for_its_policy_and_once_for_each_criterion(database: Database) -> None:
    for hours in range(3):
        record_call(database, FAILS, card="one", at=AT + timedelta(hours=hours))
    record_call(database, FAILS, card="two")
    record_feedback(database, "one", "accepted")
    found = feedback_report(database, Selection())
    assert found.by_policy == (line("", shown=2, accepted=1),)
    assert found.by_criterion == (line("I.A", shown=2, accepted=1), line("I.B", shown=2, accepted=1))
    assert found.given == ((AT + timedelta(hours=2), "accepted"),)


def test_a_card_of_several_orders_counts_once_for_each_criterion_of_any_of_them(database: Database) -> None:
    other = determination(outcome="documentation-needed", targets=["I.B", "I.C"])
    record_call(database, FAILS, other, determination(), card="one")
    record_feedback(database, "one", "overridden", "urgent")
    found = feedback_report(database, Selection())
    counts: dict[str, Any] = {"shown": 1, "overridden": 1, "reasons": Counter({"urgent": 1})}
    assert found.by_policy == (line("", **counts),)
    assert found.by_criterion == tuple(line(each, **counts) for each in ("I.A", "I.B", "I.C"))


def test_the_newest_feedback_on_a_card_counts(database: Database) -> None:
    record_call(database, FAILS, card="one")
    record_feedback(database, "one", "accepted", outcome_at=AT + timedelta(minutes=1))
    record_feedback(database, "one", "overridden", "urgent", outcome_at=AT + timedelta(minutes=2))
    (found,) = feedback_report(database, Selection()).by_policy
    assert (found.accepted, found.overridden, found.reasons) == (0, 1, {"urgent": 1})


def test_an_accepted_suggestion_counts_for_its_own_criterion_and_for_the_policy(database: Database) -> None:
    record_call(database, FAILS, card="one")
    record_feedback(database, "one", "accepted", suggestions=["CP.TEST@2025-01#I.B"])
    found = feedback_report(database, Selection())
    assert [each.accepted for each in found.by_criterion] == [0, 1]
    assert [each.accepted for each in found.by_policy] == [1]


def test_suppressed_cards_and_feedback_of_the_sandbox_do_not_count(database: Database) -> None:
    record_call(database, FAILS, card="one", suppressed="overridden")
    record_call(database, FAILS, card="two")
    record_feedback(database, "one")
    record_feedback(database, "two", client="sandbox")
    found = feedback_report(database, Selection())
    assert found.by_policy == (line("", shown=1),)
    assert found.given == ()


def test_a_chosen_criterion_limits_the_lines_by_criterion(database: Database) -> None:
    record_call(database, FAILS, card="one")
    found = feedback_report(database, Selection(criterion="I.B"))
    assert found.by_criterion == (line("I.B", shown=1),)
