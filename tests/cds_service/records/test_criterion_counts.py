"""How criteria came out, over many determinations."""

from datetime import UTC, date, timedelta

from cds_service.records.criterion_counts import count_criteria
from cds_service.records.database import Database
from cds_service.records.selection import Selection, Step, periods
from tests.support.recorded_calls import AT, determination, record_call

TWO_DAYS = periods(date(2026, 3, 2), date(2026, 3, 3), Step.DAY, UTC)
WHOLE = Selection(TWO_DAYS[0].start, TWO_DAYS[-1].end)
ASKED = [("I.A", "met", "attested"), ("I.B", "unknown", "NotFound")]
FAILED = [("I.A", "not-met", "Present"), ("I.B", "unknown", "NotFound")]


def test_a_criterion_is_counted_by_status_reason_and_answer(database: Database) -> None:
    record_call(database, determination(criteria=ASKED))
    record_call(database, determination(criteria=FAILED))
    first, second = count_criteria(database, WHOLE, TWO_DAYS, 10).lines
    assert (first.policy, first.revision, first.criterion) == ("CP.TEST", "2025-01", "I.A")
    assert (first.statuses, first.failed, first.undocumented) == ({"met": 1, "not-met": 1}, 1, 0)
    assert (first.answered, first.total) == (1, 2)
    assert first.reasons == {("met", "attested"): 1, ("not-met", "Present"): 1}
    assert (second.criterion, second.undocumented, second.answered) == ("I.B", 2, 0)


def test_an_answer_that_is_in_conflict_decided_nothing(database: Database) -> None:
    record_call(database, determination(criteria=[("I.A", "unknown", "conflict")]))
    (line,) = count_criteria(database, WHOLE, TWO_DAYS, 10).lines
    assert line.answered == 0


def test_a_criterion_of_another_pathway_is_counted_by_its_reason_only(database: Database) -> None:
    record_call(database, determination(criteria=[("I.A", "unknown", "other-pathway")]))
    chosen = Selection(WHOLE.since, WHOLE.until, criterion="I.A")
    found = count_criteria(database, chosen, TWO_DAYS, 10)
    (line,) = found.lines
    assert (line.total, line.undocumented, found.by_period) == (0, 0, {})
    assert line.reasons == {("unknown", "other-pathway"): 1}


def test_only_the_newest_determinations_count_and_it_says_so(database: Database) -> None:
    record_call(database, determination(criteria=ASKED), at=AT)
    record_call(database, determination(criteria=FAILED), at=AT + timedelta(hours=1))
    found = count_criteria(database, WHOLE, TWO_DAYS, 1)
    assert found.is_limited
    assert found.lines[0].statuses == {"not-met": 1}
    assert not count_criteria(database, WHOLE, TWO_DAYS, 2).is_limited


def test_a_chosen_criterion_is_counted_by_period(database: Database) -> None:
    record_call(database, determination(criteria=ASKED))
    record_call(database, determination(criteria=FAILED), at=AT + timedelta(days=1))
    found = count_criteria(database, Selection(WHOLE.since, WHOLE.until, criterion="I.A"), TWO_DAYS, 10)
    assert [line.criterion for line in found.lines] == ["I.A"]
    assert found.by_period == {(0, "met"): 1, (1, "not-met"): 1}
    assert not count_criteria(database, WHOLE, TWO_DAYS, 10).by_period
