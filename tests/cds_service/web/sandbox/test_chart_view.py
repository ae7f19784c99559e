"""The chart panel: who the patient is, and how sections fold."""

from typing import Any

import pytest

from cds_service.web.sandbox.chart_items import Item
from cds_service.web.sandbox.chart_view import LISTED, SHOWN, Section, panel_of, person_of
from cds_service.web.sandbox.reading import ChartReading
from cds_service.web.sandbox.reading_problems import ReadingProblem
from coverage_policies.format.library import Library
from coverage_policies.format.value_sets import ValueSets
from tests.support.fhir_builders import PATIENT, condition, record, resource

LIBRARY = Library({}, ValueSets({}))


def section(count: int) -> Section:
    return Section("problems", "Problems", tuple(Item(f"Condition/{number}", "A") for number in range(count)))


def person(**members: Any) -> tuple[str, str, str, str]:
    found = person_of(record({"resourceType": "Patient", "id": "p", **members}))
    return found.name, found.born, found.age, found.sex


@pytest.mark.parametrize(
    ("count", "parts"),
    [
        (0, (0, 0, 0)),
        (SHOWN, (SHOWN, 0, 0)),
        (SHOWN + 1, (SHOWN + 1, 0, 0)),
        (SHOWN + 2, (SHOWN, 2, 0)),
        (LISTED, (SHOWN, LISTED - SHOWN, 0)),
        (LISTED + 1, (SHOWN, LISTED - SHOWN, 1)),
    ],
)
def test_a_long_section_folds_and_a_very_long_one_is_loaded_on_demand(count: int, parts: tuple[int, int, int]) -> None:
    found = section(count)
    assert (len(found.open), len(found.folded), found.not_listed) == parts


def test_a_person_has_name_birth_age_and_sex() -> None:
    named = {"name": [{"use": "official", "family": "Doe", "given": ["Jane", "Q"]}]}
    assert person(birthDate="1960-05-01", gender="female", **named) == ("Jane Q Doe", "1960-05-01", "65", "female")


def test_a_name_may_be_its_text_only() -> None:
    assert person(name=[{"text": "Jane Doe"}])[0] == "Jane Doe"


def test_the_official_name_comes_before_others() -> None:
    names = [{"use": "nickname", "text": "Jo"}, {"use": "official", "text": "Jane Doe"}]
    assert person(name=names)[0] == "Jane Doe"


@pytest.mark.parametrize("name", [None, 7, "Jane", [7], [{}], [{"given": "Jane"}], [{"family": 7, "text": []}]])
def test_a_name_that_cannot_be_read_is_none(name: Any) -> None:
    assert person(name=name)[0] == "Without a name"


def test_a_birth_date_that_is_a_year_gives_an_age_between_two() -> None:
    assert person(birthDate="1960")[2] == "65 to 66"


def test_a_patient_without_birth_date_and_sex_has_neither() -> None:
    assert person()[1:] == ("", "", "")


def test_what_was_not_read_is_said_in_its_section() -> None:
    panel = panel_of(
        ChartReading(record(), unread={"Procedure": "were not read completely: no answer in time"}), LIBRARY
    )
    said = {each.name: each.unread for each in panel.sections}
    assert said["procedures"] == ("Records of the type Procedure were not read completely: no answer in time.",)
    assert said["problems"] == ()


def test_other_records_have_a_section_only_if_there_are_some() -> None:
    allergy = resource("AllergyIntolerance", patient=PATIENT, code={"text": "Latex"})
    assert [
        "others" in [each.name for each in panel_of(ChartReading(chart), LIBRARY).sections]
        for chart in (record(condition()), record(allergy))
    ] == [False, True]


def test_a_type_of_the_other_records_that_was_not_read_is_said_there() -> None:
    panel = panel_of(ChartReading(record(), unread={"Device": "are not offered by this server"}), LIBRARY)
    assert panel.sections[-1].unread == ("Records of the type Device are not offered by this server.",)


def test_a_chart_that_could_not_be_read_has_a_problem() -> None:
    panel = panel_of(ChartReading(record(), ReadingProblem.SLOW), LIBRARY)
    assert panel.problem == ReadingProblem.SLOW.value
