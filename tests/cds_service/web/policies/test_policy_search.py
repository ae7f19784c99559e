"""The search: by a code of an order, on a date and for each line of business, and by words."""

from datetime import date

import pytest

from cds_service.web.policies.by_code import look_up, looks_like_code
from cds_service.web.policies.by_words import MOST_HITS, WordIndex, index_of, words_of
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import PlanRules, Visibility, VisibilityRule
from fhir_mappings.codings import CPT, Coding
from tests.support.policy_fakes import HEAD
from tests.support.policy_pages import assessor_of, page, service, shipped

DAY = date(2026, 3, 2)
EVERYTHING = frozenset(shipped().library.policies)
HOSPITAL = "urn:hospital"


def judging(code: str, on: date = DAY) -> dict[str, list[str]]:
    """The shipped revisions that judge an order with a code, by line of business."""
    found = look_up(code, on, shipped(), EVERYTHING, is_operator=False)
    return {line.value: [each.full_name for each in policies] for line, policies in found.by_line.items()}


def test_a_code_names_the_revision_that_judges_it_for_each_line_of_business() -> None:
    assert judging("27279") == {line.value: ["CP.MP.126@2025-04"] for line in LineOfBusiness}


def test_lines_of_business_part_where_their_policies_do() -> None:
    found = judging("27096")
    assert found["medicaid"] != found["medicare"]


@pytest.mark.parametrize(
    ("on", "revision"), [(date(2022, 6, 30), "CP.MP.126@2022-06"), (date(2025, 4, 1), "CP.MP.126@2025-04")]
)
def test_the_service_date_decides_the_revision(on: date, revision: str) -> None:
    assert judging("27279", on)["commercial"] == [revision]


@pytest.mark.parametrize(("on", "is_valid"), [(date(2023, 12, 31), False), (date(2024, 1, 1), True)])
def test_a_code_counts_only_on_its_service_dates(on: date, is_valid: bool) -> None:
    found = look_up("27278", on, shipped(), EVERYTHING, is_operator=False)
    assert [group.is_valid for each in found.naming for group in each.groups if group.sections] == [is_valid]


def test_a_code_names_its_group_of_orders_and_the_sections() -> None:
    found = look_up("27279", DAY, shipped(), EVERYTHING, is_operator=False)
    groups = {each.policy.full_name: [(g.name, g.sections) for g in each.groups] for each in found.naming}
    assert groups["CP.MP.126@2025-04"] == [("sij-fusion-minimally-invasive", ("II", "IV"))]


def test_a_code_that_several_entries_name_alike_is_listed_once() -> None:
    found = look_up("62327", DAY, shipped(), EVERYTHING, is_operator=False)
    groups = {each.policy.full_name: [(g.name, g.sections) for g in each.groups] for each in found.naming}
    assert groups["CP.MP.173@2024-01"] == [("neuraxial-catheter", ("I",))]


@pytest.mark.parametrize(("written", "usual"), [("27279-LT", "27279"), ("m533", "M53.3"), ("e0424-rr", "E0424")])
def test_a_code_is_read_as_that_of_an_order_is(written: str, usual: str) -> None:
    found, expected = (look_up(each, DAY, shipped(), EVERYTHING, is_operator=True) for each in (written, usual))
    assert found.naming or found.mentions
    assert (found.naming, found.by_line, found.mentions) == (expected.naming, expected.by_line, expected.mentions)


def test_a_code_with_the_modifier_of_a_discontinued_procedure_names_no_order() -> None:
    assert look_up("27279-53", DAY, shipped(), EVERYTHING, is_operator=True).naming == ()


def test_a_code_that_no_policy_names_is_said_to_be_so() -> None:
    words = page(service(shipped()), "/policies?q=99999").text
    assert "No installed policy names this code for an order." in words


def test_a_local_code_counts_as_those_that_the_operator_maps_it_to() -> None:
    rules = PlanRules(order_codes={(HOSPITAL, "sij-1"): (Coding(CPT, "10001"),)})
    found = look_up("SIJ-1", DAY, assessor_of(HEAD, rules=rules), {"CP.TEST@2025-01"}, is_operator=False)
    assert [each.policy.name for each in found.naming] == ["CP.TEST"]


def test_a_code_of_evidence_with_cpt_codes_is_found_by_operators_only() -> None:
    by_operator, by_anyone = (
        look_up("97110", DAY, shipped(), EVERYTHING, is_operator=each).mentions for each in (True, False)
    )
    assert any("physical-therapy" in each.value_sets for each in by_operator)
    assert by_anyone == ()


def test_a_code_of_other_evidence_is_found_by_anyone() -> None:
    found = look_up("m46.1", DAY, shipped(), EVERYTHING, is_operator=False)
    assert any("sacroiliitis" in each.value_sets for each in found.mentions)


def test_a_policy_in_shadow_mode_says_so_to_operators() -> None:
    rules = PlanRules(visibility_rules=(VisibilityRule("CP.TEST", Visibility.SHADOW, frozenset()),))
    assessor = assessor_of(HEAD, rules=rules)
    assert "Shadow: recorded" in page(service(assessor, signs_in=True), "/policies?q=10001").text
    assert "No installed policy names this code" in page(service(assessor), "/policies?q=10001").text


@pytest.mark.parametrize(
    ("query", "is_code"),
    [
        ("27279", True),
        ("E0424", True),
        ("M46.1", True),
        ("sij-1", True),
        ("pain", False),
        ("4 weeks", False),
        ("7", False),
    ],
)
def test_a_query_of_letters_and_a_digit_is_a_code(query: str, is_code: bool) -> None:
    assert looks_like_code(query) is is_code


def test_words_find_the_criterion_and_its_question_with_their_anchors() -> None:
    hits, count = index_of(shipped().library).find("HOME exercise program", EVERYTHING, is_operator=False)
    found = {(each.policy.full_name, each.where, each.anchor) for each in hits}
    assert ("CP.MP.126@2025-04", "Criterion II.A.3.home", "II.A.3.home") in found
    assert count == len(hits)


def test_every_word_must_be_in_a_passage() -> None:
    assert index_of(shipped().library).find("exercise nowhere", EVERYTHING, is_operator=True) == ([], 0)


def test_only_revisions_that_the_reader_may_see_are_searched() -> None:
    hits, _ = index_of(shipped().library).find("exercise", {"CP.MP.126@2022-06"}, is_operator=True)
    assert {each.policy.full_name for each in hits} == {"CP.MP.126@2022-06"}


def test_labels_of_value_sets_are_found_and_shown() -> None:
    hits, _ = index_of(shipped().library).find("ankylosing", EVERYTHING, is_operator=False)
    assert any(each.anchor.startswith("set-") and "nkylosing" in each.text for each in hits)


def test_labels_of_sets_with_cpt_codes_are_found_by_operators_only() -> None:
    index = index_of(shipped().library)

    def anchors(*, is_operator: bool) -> set[str]:
        return {each.anchor for each in index.find("exercise", EVERYTHING, is_operator=is_operator)[0]}

    assert "set-physical-therapy" in anchors(is_operator=True)
    assert "set-physical-therapy" not in anchors(is_operator=False)


def test_a_page_of_hits_is_bounded_and_counts_the_rest() -> None:
    hits, count = index_of(shipped().library).find("a", EVERYTHING, is_operator=True)
    assert len(hits) == MOST_HITS < count
    assert f"{count - MOST_HITS} more are not shown" in page(service(shipped(), signs_in=True), "/policies?q=a").text


def test_ten_words_of_a_query_count() -> None:
    assert words_of(" ".join(f"w{i}" for i in range(11))) == tuple(f"w{i}" for i in range(10))


@pytest.mark.parametrize("query", ["", "%20", "---", "%00", "%ed%a0%80", "x" * 5_000, "%3Cscript%3E", "%F0%9F%98%80"])
def test_any_query_gets_a_page(query: str) -> None:
    found = page(service(shipped()), f"/policies?q={query}")
    assert "script" not in [tag for tag, _ in found.elements]


@pytest.mark.parametrize("on", ["yesterday", "2025-13-01", "99999-01-01"])
def test_a_date_that_is_none_is_replaced_by_today_and_said_so(on: str) -> None:
    words = " ".join(page(service(shipped()), f"/policies?q=27279&on={on}").text.split())
    assert "Today, 03/02/2026, is used instead" in words
    assert on not in words


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
def test_any_date_may_be_asked_for(on: str) -> None:
    assert "What the policies say about 27279" in page(service(shipped()), f"/policies?q=27279&on={on}").text


def test_the_index_is_made_once_for_a_library_and_anew_after_a_reload() -> None:
    first, second = assessor_of(HEAD).library, assessor_of(HEAD.replace("Test fusion", "Another title")).library
    made = index_of(first)
    assert index_of(first) is made
    assert isinstance(made, WordIndex)
    assert index_of(second).find("another title", {"CP.TEST@2025-01"}, is_operator=False)[1] == 1
    assert index_of(first).find("another title", {"CP.TEST@2025-01"}, is_operator=False)[1] == 0
