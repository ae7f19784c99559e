"""The picture of daily opioid doses with what a policy asks for."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from msgspec import structs

from cds_service.web.sandbox.dose_picture import DoseFacts, dose_facts, dose_picture, target_of, target_words
from cds_service.web.sandbox.picture import Picture
from cds_service.web.sandbox.timeline_limits import ReductionAsked, latest, reductions_asked
from coverage_policies.operators.opioid_reduction import OpioidReductionCheck
from fhir_mappings.fhir_json import Resource
from tests.support.opioid_chart import (
    ANCHOR,
    BUPRENORPHINE_SL_8,
    OXYCODONE_5,
    PERIODS,
    ZONE,
    during,
    order,
    record,
    sig,
    statement,
    supplied,
)
from tests.support.record_fakes import shipped

HALF = ReductionAsked("P", "at least 50%", OpioidReductionCheck(True, Decimal(50), PERIODS))
BEFORE = during("a", OXYCODONE_5, "2025-01-01", "2025-12-20", sig(1, times=4))
NOW = during("b", OXYCODONE_5, "2025-12-21", "2026-02-01", sig(1, times=3))


def facts(*resources: Resource, asked: ReductionAsked = HALF) -> DoseFacts:
    found = dose_facts(record(*resources), asked)
    assert found is not None
    return found


def picture(*resources: Resource) -> Picture:
    return dose_picture(facts(*resources), ANCHOR, ZONE)


def words(found: Picture) -> list[str]:
    return [each.words for each in found.texts if each.kind != "tick"]


def asking(by: str) -> ReductionAsked:
    return ReductionAsked("P", f"at least {by} %", OpioidReductionCheck(True, Decimal(by), PERIODS))


def test_baseline_target_and_current_dose_are_labeled_in_words() -> None:
    assert words(picture(BEFORE, NOW)) == [
        "MME a day",
        "today",
        "highest 14-day and 90-day means: 30",
        "half of the baseline: 15 (P)",
        "now: 22.5",
    ]


@pytest.mark.parametrize(
    ("by", "said"), [("50", "half of the baseline: 15 (P)"), ("20", "80% of the baseline: 24 (P)")]
)
def test_the_target_follows_the_percentage_of_the_document(by: str, said: str) -> None:
    found = facts(BEFORE, NOW, asked=asking(by))
    target = target_of(found)
    assert target is not None
    assert target_words(found, target) == said


def test_the_percentage_is_that_of_the_shipped_policy() -> None:
    (found,) = reductions_asked(latest(shipped().library))
    assert (found.policy, found.asks, found.check.by) == ("CP.MP.173", "at least 50%", Decimal(50))


def test_of_two_baselines_the_lower_one_is_halved() -> None:
    short = during("c", OXYCODONE_5, "2025-10-01", "2025-10-20", sig(1, times=8))
    steady = during("a", OXYCODONE_5, "2025-01-01", "2025-09-30", sig(1, times=4))
    said = words(picture(steady, short, NOW))
    assert any(each.startswith("half of the lowest baseline") for each in said)
    assert sum(each.startswith("highest") for each in said) == 2


def test_without_a_baseline_there_is_no_target() -> None:
    found = facts(statement("a", BUPRENORPHINE_SL_8, sig(1)))
    assert target_of(found) is None
    assert words(dose_picture(found, ANCHOR, ZONE)) == ["MME a day", "today", "now: cannot be computed"]


def test_with_a_history_too_short_for_a_baseline_there_is_no_target() -> None:
    found = facts(during("a", OXYCODONE_5, "2025-12-01", "2026-02-01", sig(1, times=4)))
    assert found.reduction.problem == "history too short"
    assert [each.days for each in found.reduction.baselines] == [14]
    assert target_of(found) is None


def test_with_a_baseline_of_zero_there_is_no_target() -> None:
    found = facts(BEFORE, NOW)
    first = found.reduction.baselines[0]
    zero = structs.replace(first, dose=structs.replace(first.dose, low=Decimal(0)))
    baselines = (zero, *found.reduction.baselines[1:])
    assert target_of(replace(found, reduction=replace(found.reduction, baselines=baselines))) is None


def test_a_dose_without_an_upper_bound_is_drawn_as_open() -> None:
    found = picture(statement("a", BUPRENORPHINE_SL_8, sig(1)))
    assert "unbounded" in [each.kind for each in found.paths]
    assert found.legend == {"unbounded": "no upper limit known"}


def test_after_the_last_supply_the_band_is_what_may_have_been_taken() -> None:
    found = picture(order("a", OXYCODONE_5, sig(1, times=2), on="2025-12-01", dispenseRequest=supplied(15)))
    assert found.legend == {"certain": "certainly taken", "possible": "may have been taken"}


def test_the_target_line_lies_between_zero_and_the_baseline() -> None:
    found = picture(BEFORE, NOW)
    heights = {each.kind: float(each.d.split("L")[0].split()[1]) for each in found.paths if each.kind != "axis"}
    assert heights["baseline"] < heights["limit"] < 210


def test_each_drug_has_a_bar_from_its_first_to_its_last_day() -> None:
    first, second = picture(BEFORE, NOW).bars
    assert (first.html_id, second.html_id) == ("timeline-MedicationRequest-a", "timeline-MedicationRequest-b")
    assert first.x + first.width == pytest.approx(second.x)


def test_refills_of_one_dose_share_a_row_with_one_label() -> None:
    refills = [
        during(f"m{month}", OXYCODONE_5, f"2025-{month:02}-01", f"2025-{month:02}-28", sig(1, times=4))
        for month in (9, 10, 11)
    ]
    bars = picture(*refills).bars
    assert ({each.y for each in bars}, [bool(each.words) for each in bars]) == ({261}, [True, False, False])


def test_a_drug_without_an_end_has_an_open_bar_until_today() -> None:
    (bar,) = picture(order("a", OXYCODONE_5, sig(1), on="2025-12-01")).bars
    assert (bar.kind, "no end recorded" in bar.title) == ("open-bar", True)


def test_a_chart_without_opioids_has_no_picture() -> None:
    assert dose_facts(record(), HALF) is None


def test_the_words_say_that_a_chart_cannot_tell_whether_it_was_stopped() -> None:
    lapsed = order("a", OXYCODONE_5, sig(1, times=2), on="2025-10-01", dispenseRequest=supplied(30))
    assert "no record says that it was stopped" in picture(lapsed).says


def test_a_history_that_is_too_short_is_said() -> None:
    assert (
        "The reduction cannot be told: history too short."
        in picture(order("a", OXYCODONE_5, sig(1), on="2026-01-10")).says
    )


def test_the_table_has_each_drug_with_its_days_and_dose() -> None:
    assert picture(BEFORE).table.rows[0][1:] == ("2025-01-01", "2025-12-20", "30 MME/day", "yes")


def test_an_absurd_dose_can_be_drawn() -> None:
    assert picture(order("a", OXYCODONE_5, sig(Decimal("1E+300")), on="2025-12-01")).paths


def test_the_first_and_the_last_day_are_those_of_the_look_back() -> None:
    daily = facts(BEFORE, NOW).daily
    assert (daily[0].first, daily[-1].last) == (date(2025, 1, 15), date(2026, 1, 14))
