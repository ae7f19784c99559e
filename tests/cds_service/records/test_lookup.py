"""A single decision by any of its ids."""

from datetime import timedelta

from cds_service.records.database import Database
from cds_service.records.lookup import look_up
from tests.support.clock import SetClock
from tests.support.crd_records import INSTANCE, KEYS, NOW, PATH, assertion, call, crd_records, exchange
from tests.support.record_fakes import RecordedService, overridden, sample_call
from tests.support.recorded_calls import AT, determination, record_call, record_feedback


def test_a_decision_is_found_by_the_id_of_the_answer_and_by_the_hook_instance(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    name = recorded.call(body).headers["X-Request-Id"]
    for each in (name, body["hookInstance"]):
        found = look_up(recorded.database, each, NOW)
        assert found is not None
        assert found.decision.row["decision"] == name
        assert (found.exchange, found.assertions, found.is_sealed, found.has_chart) == (None, (), False, False)


def test_the_feedback_on_its_cards_is_found_the_newest_first(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-posterior")
    (card,) = recorded.cards(body)
    for minute in (1, 3, 2):
        recorded.send_feedback(overridden(card["uuid"], outcomeTimestamp=f"2026-03-05T15:0{minute}:00Z"))
    found = look_up(recorded.database, body["hookInstance"], NOW)
    assert found is not None
    assert [each["outcome_at"].minute for each in found.feedback] == [3, 2, 1]


def test_feedback_on_other_cards_is_left_out(database: Database) -> None:
    name = record_call(database, determination(), card="one")
    record_feedback(database, "two")
    found = look_up(database, name, AT)
    assert found is not None
    assert found.feedback == ()


def test_a_coverage_assertion_leads_to_its_decision_until_it_expires(database: Database) -> None:
    name = record_call(database, determination())
    records = crd_records(database, *KEYS, keep_for=timedelta(days=10))
    records.store(call(name, hook_instance=INSTANCE), PATH, exchange(), [assertion("a-1")])
    found = look_up(database, "a-1", NOW)
    assert found is not None
    assert (found.decision.row["decision"], found.is_sealed) == (name, True)
    assert [each["assertion"] for each in found.assertions] == ["a-1"]
    assert "sealed" not in found.assertions[0]
    assert look_up(database, "a-1", NOW + timedelta(days=10)) is None


def test_an_assertion_that_a_form_issued_again_leads_to_the_decision_before_it(database: Database) -> None:
    name, clock = record_call(database, determination()), SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    records.store(call(name), PATH, exchange(chart={}, chart_read_at=NOW), [assertion("a-1")])
    clock.now += timedelta(minutes=1)
    records.store(call("d1"), "/fhir/Questionnaire/$next-question", exchange(b"", b""), [assertion("a-1")])
    issued = records.find("a-1")
    assert issued is not None
    assert issued.call_id == "d1"
    found = look_up(database, "a-1", clock.now)
    assert found is not None
    assert (found.decision.row["decision"], found.is_sealed, found.has_chart) == (name, True, True)


def test_a_call_about_a_form_is_no_decision(database: Database) -> None:
    crd_records(database, *KEYS).store(call("d1"), "/fhir/Questionnaire/$next-question", exchange(b"", b""), [])
    assert look_up(database, "d1", NOW) is None


def test_an_expired_exchange_is_not_found_with_its_decision(database: Database) -> None:
    name = record_call(database, determination())
    crd_records(database, *KEYS).store(call(name), PATH, exchange(), [assertion("a-1")])
    found = look_up(database, name, NOW + timedelta(days=10))
    assert found is not None
    assert (found.exchange, found.assertions) == (None, ())


def test_an_unknown_id_is_found_nowhere(database: Database) -> None:
    record_call(database)
    assert look_up(database, "nothing", AT) is None
