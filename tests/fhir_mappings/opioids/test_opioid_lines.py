"""How a prescription is shown: one start, one end, and what no record has ended."""

from datetime import date

import pytest

from tests.support.opioid_chart import (
    HYDROCODONE_APAP_10,
    OXYCODONE_5,
    OXYCODONE_10,
    another_drug,
    bounded,
    dispense,
    during,
    line,
    order,
    quantity,
    read,
    sig,
    statement,
    stopped,
    supplied,
)

TEN = sig(1)


def shown(chart, *others):
    found = line(read(chart, *others), f"{chart['resourceType']}/{chart['id']}")
    return found.start, found.end


@pytest.mark.parametrize(
    ("chart", "start", "end"),
    [
        (during("a", OXYCODONE_10, "2025-10-01", "2026-06-30", TEN), "2025-10-01", "2026-06-30"),
        (order("a", OXYCODONE_10, TEN, on="2025-10-01"), "2025-10-01", ""),
        (
            order("a", OXYCODONE_10, TEN, on="2025-10-01", dispenseRequest=supplied(30, refills=1)),
            "2025-10-01",
            "2025-11-29",
        ),
        (order("a", OXYCODONE_10, TEN, on="2025-10-01", status="completed"), "2025-10-01", ""),
        (order("a", OXYCODONE_10, TEN, on="2025-10"), "2025-10", ""),
        (order("a", OXYCODONE_10, TEN, on="2025"), "2025", ""),
        (order("a", OXYCODONE_10, TEN, on=None), "", ""),
        (
            order(
                "a", OXYCODONE_10, TEN, on="2025-10-01", status="stopped", meta={"lastUpdated": "2025-12-01T12:00:00Z"}
            ),
            "2025-10-01",
            "2025-12-01",
        ),
        (
            order(
                "a",
                OXYCODONE_10,
                sig(1, times=2, asNeededBoolean=True),
                on="2025-10-01",
                status="completed",
                dispenseRequest={"quantity": quantity(20)},
            ),
            "2025-10-01",
            "2025-10-10",
        ),
    ],
    ids=range(9),
)
def test_a_line_has_one_start_and_the_end_that_is_stated(chart, start, end):
    assert shown(chart) == (start, end)


def test_an_order_begun_between_its_writing_and_its_dispense_is_shown_from_its_writing():
    chart = order("a", OXYCODONE_10, TEN, on="2025-10-01", id="a")
    assert shown(chart, dispense("d", OXYCODONE_10, "2025-10-08", days=30, of="a")) == ("2025-10-01", "")


def test_what_another_record_ended_is_shown_until_then():
    prior = {"priorPrescription": {"reference": "MedicationRequest/a"}}
    old = during("a", OXYCODONE_10, "2025-06-01", "2026-06-30", TEN)
    new = during("b", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, **prior)
    assert shown(old, new) == ("2025-06-01", "2025-11-30")


def test_what_no_record_has_ended_is_marked_and_counts_as_current():
    reduction = read(during("a", OXYCODONE_10, "2025-06-01", "2025-12-31", TEN))
    found = line(reduction, "MedicationRequest/a")
    assert (found.has_lapsed, found.in_current, found.end) == (True, True, "2025-12-31")
    assert reduction.last_recorded == date(2025, 12, 31)


def test_what_a_record_has_ended_is_not():
    reduction = read(stopped(during("a", OXYCODONE_10, "2025-06-01", "2025-12-31", TEN)))
    found = line(reduction, "MedicationRequest/a")
    assert (found.has_lapsed, found.in_current, reduction.last_recorded) == (False, False, None)


def test_a_supply_of_the_last_days_is_no_lapse():
    reduction = read(
        during("a", OXYCODONE_10, "2025-06-01", "2025-12-31", TEN),
        statement("s", HYDROCODONE_APAP_10, TEN),
    )
    assert reduction.last_recorded is None
    assert line(reduction, "MedicationRequest/a").has_lapsed is True
    assert line(reduction, "MedicationStatement/s").has_lapsed is False


def test_a_lapse_before_the_look_back_is_not_told():
    assert read(during("a", OXYCODONE_10, "2024-01-01", "2025-01-14", TEN)).last_recorded is None


def test_an_acute_course_is_shown_as_no_baseline_unless_it_may_be_taken_now():
    past = order("a", HYDROCODONE_APAP_10, TEN, on="2025-10-01", status="completed", dispenseRequest=supplied(5))
    found = line(read(past), "MedicationRequest/a")
    assert (found.counted, found.problem) == (False, "an acute course, left out of the baselines")
    assert line(read({**past, "authoredOn": "2026-01-10"}), "MedicationRequest/a").counted is True


def test_lines_of_the_look_back_are_shown_and_no_older_ones():
    old = during("old", OXYCODONE_10, "2024-01-01", "2025-01-14", TEN)
    edge = during("edge", OXYCODONE_10, "2024-01-01", "2025-01-15", TEN)
    later = order("later", OXYCODONE_5, bounded(TEN, "2025-02-01", "2026-06-30"), on="2025-02-01")
    found = [one.reference for one in read(old, edge, later, another_drug()).lines]
    assert found == ["MedicationRequest/edge", "MedicationRequest/later"]
