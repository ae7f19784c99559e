"""The items of a form: the questions that the evaluator asks, in the groups of the policy."""

import pytest

from coverage_policies.format.library import load_library
from coverage_policies.questionnaires.items import form_items
from tests.support.forms import by_link, structured
from tests.support.policy_fakes import policy

FORM = by_link({"item": form_items(structured())})
SIJ = by_link({"item": form_items(load_library().policies["CP.MP.126@2025-04"])})


def test_a_section_is_a_group_with_the_questions_of_its_criteria() -> None:
    section = FORM["I"]
    assert (section["type"], section["prefix"], section["text"]) == ("group", "I", "A section of everything")
    assert [item["linkId"] for item in section["item"]] == ["I.A", "I.B/parts", "I.C", "I.D", "I.E", "I.H"]


def test_a_question_has_the_words_of_the_card() -> None:
    assert (FORM["I.A"]["type"], FORM["I.A"]["text"]) == ("boolean", "Is it alpha")


def test_a_question_has_its_criterion_and_how_it_is_read_as_help() -> None:
    (found,) = FORM["I.A"]["item"]
    assert (found["type"], found["text"]) == ("display", "Criterion: Alpha. Any alpha counts.")
    (coding,) = found["extension"][0]["valueCodeableConcept"]["coding"]
    assert coding == {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": "help"}


def test_the_parts_of_one_exam_follow_the_question_that_answers_them_whole() -> None:
    group = FORM["I.B/parts"]
    assert (group["type"], group["prefix"], group["text"]) == ("group", "I.B", "At least 2 of 3 tests")
    assert [item["linkId"] for item in group["item"]] == ["I.B", "I.B.one", "I.B.two", "I.B.three"]


def test_a_group_without_a_question_of_its_own_is_not_answered_whole() -> None:
    assert FORM["I.C"]["type"] == "group"
    assert "I.C/parts" not in FORM


@pytest.mark.parametrize("link", ["I.F", "I.G"])
def test_what_is_only_reported_or_has_no_question_has_no_item(link: str) -> None:
    assert link not in FORM


def test_a_criterion_that_the_policy_never_supports_has_no_item() -> None:
    never = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, ask: Is it so}\nII: {says: n, always: not-supported}"
    )
    assert by_link({"item": form_items(never)}).keys() == {"I", "I.A", "I.A/help"}


def test_a_section_of_one_criterion_is_its_question() -> None:
    assert SIJ["IV"]["type"] == "boolean"


def test_the_pathway_is_a_choice_with_a_code_for_each() -> None:
    options = [option["valueCoding"] for option in FORM["pathway"]["answerOption"]]
    system = "urn:cds-coverage-policies:CP.TEST:pathway"
    assert FORM["pathway"]["type"] == "choice"
    assert options == [
        {"system": system, "code": "cancer", "display": "Cancer pain"},
        {"system": system, "code": "other", "display": "Other pain"},
    ]


def test_the_side_is_asked_where_a_criterion_depends_on_it() -> None:
    codes = [option["valueCoding"]["code"] for option in FORM["side"]["answerOption"]]
    assert codes == ["left", "right", "bilateral"]
    assert "side" not in by_link({"item": form_items(policy("I: {says: s, ask: Is it so}"))})


def test_whether_the_policy_applies_is_asked_first_where_an_order_may_be_asked() -> None:
    assert form_items(structured())[0]["linkId"] == "applies"
    assert "applies" not in SIJ


def test_an_order_without_a_code_is_told_to_name_one_and_no_code_is_listed() -> None:
    assert SIJ["code"]["type"] == "display"
    assert SIJ["code"]["text"].endswith("Enter it in the order.")
    assert "answerOption" not in SIJ["code"]
