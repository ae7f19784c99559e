"""The picture of procedures with pain before and after them."""

from typing import Any

import pytest

from cds_service.web.sandbox.pain_picture import pain_facts, pain_picture
from cds_service.web.sandbox.picture import Picture
from cds_service.web.sandbox.timeline_limits import latest, reliefs_asked
from fhir_mappings.codings import LOINC
from fhir_mappings.fhir_json import Resource
from tests.support.fhir_builders import concept, procedure, record, score
from tests.support.record_fakes import shipped

ASKED = reliefs_asked(latest(shipped().library))
CPT = "http://www.ama-assn.org/go/cpt"
DAY = "2026-01-05T"


def injection(name: str = "i", at: str = f"{DAY}10:00:00-05:00", **members: Any) -> Resource:
    return procedure(at, id=name, code={**concept("27096", CPT), "text": "Injection"}, **members)


def pain(number: int, at: str, name: str) -> Resource:
    return score(number, at, name)


def picture(*resources: Resource) -> Picture:
    chart = record(*resources)
    return pain_picture(pain_facts(chart, ASKED), chart.today)


BEFORE, AFTER = pain(8, f"{DAY}09:00:00-05:00", "b"), pain(2, f"{DAY}12:00:00-05:00", "a")


def test_scores_stand_before_and_after_their_procedure() -> None:
    found = picture(injection(), BEFORE, AFTER)
    at = {each.kind: each for each in found.marks}
    assert at["before"].x < at["procedure"].x < at["after"].x
    assert at["before"].y < at["after"].y


def test_a_procedure_says_its_side_and_relief_below_it() -> None:
    left = injection(bodySite=[{"text": "Left sacroiliac joint"}])
    assert "left 75% relief" in [each.words for each in picture(left, BEFORE, AFTER).texts]


def test_points_are_linked_by_their_resources() -> None:
    found = picture(injection(), BEFORE, AFTER)
    assert {each.html_id for each in found.marks} == {
        "timeline-Procedure-i",
        "timeline-Observation-b",
        "timeline-Observation-a",
    }


def test_without_scores_the_relief_is_unknown_and_the_table_says_why() -> None:
    found = picture(injection())
    assert "relief unknown" in [each.words for each in found.texts]
    assert found.table.rows[0][-1] == "no pain scores on one scale before and after it"


def test_a_procedure_that_was_not_completed_is_shown_with_its_state() -> None:
    assert picture(injection(status="in-progress")).table.rows[0][-1] == "the procedure is under way"


def test_a_score_of_no_procedure_stands_alone() -> None:
    found = picture(pain(5, "2026-02-10", "x"))
    assert [(each.kind, each.html_id) for each in found.marks] == [("score", "timeline-Observation-x")]
    assert (found.title, found.says) == ("Pain scores", "1 pain score, around no procedure.")


def test_a_score_of_another_scale_stands_at_its_share_of_it() -> None:
    of_hundred = score(50, "2026-02-10", "x", code="38214-3")
    of_ten = score(5, "2026-02-10", "y")
    heights = [each.y for each in picture(of_hundred, of_ten).marks]
    assert heights[0] == heights[1]


def test_the_words_say_what_the_policy_asks() -> None:
    assert picture(injection(), BEFORE, AFTER).says == (
        "1 procedure, 1 with pain scores before and after. CP.MP.126 asks for at least 75% relief."
    )


def test_a_policy_about_other_procedures_is_not_mentioned() -> None:
    assert "CP.MP.173" not in picture(injection()).says


def test_labels_of_near_procedures_stand_on_two_rows() -> None:
    pairs = [injection("i"), injection("j", "2026-01-09T10:00:00-05:00")]
    rows = [each.y for each in picture(*pairs).texts if each.words == "relief unknown"]
    assert len(set(rows)) == 2


def test_labels_of_distant_procedures_stand_on_one_row() -> None:
    pairs = [injection("i"), injection("j", "2025-06-09T10:00:00-05:00")]
    rows = [each.y for each in picture(*pairs).texts if each.words == "relief unknown"]
    assert len(set(rows)) == 1


def test_the_table_has_every_procedure_and_score_with_the_newest_first() -> None:
    found = picture(injection(), BEFORE, AFTER, injection("j", "2025-06-09T10:00:00-05:00"), pain(5, "2026-02-10", "x"))
    assert [row[:2] for row in found.table.rows] == [
        ("2026-01-05", "Image-guided sacroiliac joint injection"),
        ("2025-06-09", "Image-guided sacroiliac joint injection"),
        ("2026-02-10", "Pain score"),
    ]


@pytest.mark.parametrize("at", ["2026-01", "2025"])
def test_a_procedure_of_a_month_or_a_year_has_a_whisker(at: str) -> None:
    assert [each.title for each in picture(injection(at=at)).paths if each.kind == "whisker"] == [at]


def test_a_procedure_in_the_future_is_not_shown() -> None:
    assert picture(injection(at="2026-04-01")).table.rows == ()


def test_a_chart_without_pain_has_no_facts() -> None:
    found = pain_facts(record(score(60, "2026-02-10", code="8867-4")), ASKED)
    assert (found.treated, found.others) == ((), ())


def test_a_score_without_a_number_is_no_point() -> None:
    assert picture(score(None, "2026-02-10", valueQuantity=None, valueString="much")).marks == ()


def test_the_codes_of_this_file_are_those_of_the_value_sets() -> None:
    assert "72514-3" in {code.rpartition("|")[2] for each in ASKED for code in each.check.scale.codes(LOINC)}
