"""The picture of measurements against the limits of policies."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.web.sandbox.measure_picture import Limit, Measured, measure_picture, measured
from cds_service.web.sandbox.picture import Picture
from cds_service.web.sandbox.timeline_limits import LimitAsked, latest, limits_asked
from fhir_mappings.amounts import Interval
from fhir_mappings.codings import LOINC
from fhir_mappings.fhir_json import Resource
from tests.support.fhir_builders import concept, record, resource
from tests.support.record_fakes import shipped

ASKED = limits_asked(latest(shipped().library))
SATURATION, BMI = "59408-5", "39156-5"


def asked(name: str) -> list[LimitAsked]:
    return [each for each in ASKED if each.codes.name == name]


OXYGEN = asked("oxygen-saturation")


def value(number: Any, at: str | None = "2026-02-10", name: str = "v", unit: str = "%", **members: Any) -> Resource:
    quantity = {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    made = {"status": "final", "code": concept(SATURATION, LOINC), "effectiveDateTime": at, "valueQuantity": quantity}
    return resource("Observation", id=name, **{**made, **members})


def picture(*resources: Resource) -> Picture:
    chart = record(*resources)
    limits = [Limit(each.policy, each.asks, each.limit.interval) for each in OXYGEN]
    return measure_picture("oxygen-saturation", "%", measured(chart, OXYGEN), limits, chart.today)


def found_in(*resources: Resource) -> tuple[Measured, ...]:
    return measured(record(*resources), OXYGEN)


def test_the_limits_are_those_of_the_documents() -> None:
    assert [(each.policy, each.asks) for each in OXYGEN] == [
        ("NCD.240.2", "at most 88%"),
        ("NCD.240.2", "exactly 89%"),
    ]


def test_a_value_in_the_band_lies_below_the_line_of_at_most() -> None:
    found = picture(value(85, name="low"), value(95, name="high"))
    line = next(each for each in found.paths if each.kind == "limit" and "at most 88" in each.title)
    y = float(line.d.split("L")[0].split()[1])
    low, high = ({each.reference: each.y for each in found.marks}[f"Observation/{name}"] for name in ("low", "high"))
    assert high < y < low


def test_a_value_at_the_limit_lies_on_its_line() -> None:
    found = picture(value(88))
    line = next(each for each in found.paths if each.kind == "limit" and "at most 88" in each.title)
    assert float(line.d.split("L")[0].split()[1]) == pytest.approx(found.marks[0].y, abs=0.1)


def test_limits_are_labeled_in_words() -> None:
    assert {each.words for each in picture(value(85)).texts if each.kind == "limit-label"} == {
        "at most 88% (NCD.240.2)",
        "exactly 89% (NCD.240.2)",
    }


@pytest.mark.parametrize(
    ("interval", "lines", "areas"),
    [
        (Interval(None, 88), 1, 1),
        (Interval(35, None), 1, 1),
        (Interval(5, 14), 2, 1),
        (Interval(89, 89), 1, 0),
    ],
)
def test_each_end_of_a_limit_is_a_line_and_what_it_allows_an_area(interval: Interval, lines: int, areas: int) -> None:
    found = picture(value(85)).paths
    shown = measure_picture("x", "%", found_in(value(85)), [Limit("P", "a", interval)], record().today).paths
    assert [sum(each.kind == kind for each in shown) for kind in ("limit", "allowed")] == [lines, areas]
    assert found != shown


def test_a_value_has_its_number_and_state_beside_it() -> None:
    asleep = value(84, code=concept(SATURATION, LOINC), note=[{"text": "asleep"}])
    assert "84 % asleep" in [each.words for each in picture(asleep).texts]


def test_values_of_different_states_are_not_connected() -> None:
    found = picture(value(84, "2026-02-09", "a", note=[{"text": "asleep"}]), value(94, "2026-02-10", "b"))
    assert [each.d.count("L") for each in found.paths if each.kind == "course"] == [0, 0]


def test_values_of_one_state_are_connected() -> None:
    found = picture(value(94, "2026-02-09", "a"), value(95, "2026-02-10", "b"))
    assert [each.d.count("L") for each in found.paths if each.kind == "course"] == [1]


def test_of_many_values_only_the_last_is_labeled() -> None:
    many = [value(90, f"2026-01-{day:02}", f"v{day}") for day in range(1, 14)]
    labels = [[each for each in picture(*some).texts if each.kind == "value"] for some in (many[:12], many)]
    assert [len(each) for each in labels] == [12, 1]


def test_a_value_in_another_unit_is_converted() -> None:
    assert [each.value for each in found_in(value(Decimal("0.85"), unit="1"))] == [85.0]


def test_a_value_that_does_not_convert_is_no_point() -> None:
    assert found_in(value(85, unit="kg")) == ()


@pytest.mark.parametrize(("at", "count"), [("2026-03-02", 1), ("2026-03-03", 0), ("2026-03", 1), ("2026-04", 0)])
def test_a_value_counts_if_it_may_have_been_measured_by_today(at: str, count: int) -> None:
    assert len(found_in(value(85, at))) == count


def test_a_value_without_a_day_is_no_point() -> None:
    assert found_in(value(85, None)) == ()


def test_several_values_of_a_day_are_all_shown() -> None:
    assert len(picture(value(85, name="a"), value(86, name="b")).marks) == 2


def test_one_old_value_fills_the_picture() -> None:
    assert len(picture(value(85, "2009-05-01")).marks) == 1


def test_the_words_name_the_last_value_and_the_limits() -> None:
    assert picture(value(85, "2026-02-09", "a"), value(94, "2026-02-10", "b")).says == (
        "Oxygen saturation: 2 measurements, the last one 94 % on 2026-02-10. "
        "Limits of NCD.240.2: at most 88%, exactly 89%."
    )


def test_the_table_begins_with_the_newest() -> None:
    rows = picture(value(85, "2026-02-09", "a"), value(94, "2026-02-10", "b")).table.rows
    assert [row[0] for row in rows] == ["2026-02-10", "2026-02-09"]


def test_a_huge_value_can_be_drawn() -> None:
    assert len(picture(value(Decimal("1E+30"))).marks) == 1


def test_a_body_mass_index_has_the_limit_of_its_policy() -> None:
    (limit,) = asked("body-mass-index")
    found = measured(record(value(36, unit="kg/m2", code=concept(BMI, LOINC))), [limit])
    assert ([each.value for each in found], limit.asks) == ([36.0], "at least 35 kg/m2")
