"""The tree of criteria: nested as the policy is, each with a status that says what it means for the order."""

from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.web.form_view import Badge
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.criteria_tree import EvidenceView, Node, Tree, criteria_tree
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import CriterionResult, Presumption, Question
from fhir_mappings.record import Evidence
from tests.support.determinations import criterion, determination
from tests.support.forms import structured

MET, NOT_MET, UNKNOWN = Status.MET, Status.NOT_MET, Status.UNKNOWN
POLICY = structured()
ORDER = "ServiceRequest/1"
CASE = Case("https://ehr.example/fhir", "p").with_orders({"resourceType": "ServiceRequest", "id": "1"})
FINDING = Evidence("Condition/c-1", "Sacroiliitis", "2026-01-05", "left")


def group(name: str, status: Status, parent: str = "") -> CriterionResult:
    return criterion(name, status, parent, is_group=True)


def tree(*criteria: CriterionResult, answers: Any = None, drawn: frozenset[str] = frozenset(), **more: Any) -> Tree:
    found = determination(Outcome.DOCUMENTATION_NEEDED, *criteria, **more)
    given = {ORDER: {found.full_name: answers}} if answers else {}
    case = Case(CASE.fhir_server, CASE.patient, answers=given).with_orders(*CASE.orders)
    return criteria_tree(found, POLICY, case, drawn)


def only(found: Tree) -> Node:
    (node,) = found.nodes
    return node


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for each in nodes:
        yield each
        yield from walk(each.below)


def test_criteria_are_nested_as_in_the_policy() -> None:
    found = tree(
        group("I", UNKNOWN), criterion("I.A", MET, "I"), group("I.B", UNKNOWN, "I"), criterion("I.B.one", MET, "I.B")
    )
    assert [(each.id, [below.id for below in each.below]) for each in walk(found.nodes)] == [
        ("I", ["I.A", "I.B"]),
        ("I.A", []),
        ("I.B", ["I.B.one"]),
        ("I.B.one", []),
    ]


@pytest.mark.parametrize(
    ("result", "badge"),
    [
        (criterion("I.A", MET), Badge("Met", "good")),
        (criterion("I.A", NOT_MET), Badge("Not met", "bad")),
        (criterion("I.A", UNKNOWN), Badge("Not documented", "open")),
        (criterion("I.A", MET, counted=None), Badge("Not counted", "plain")),
        (criterion("I.A", NOT_MET, counted=UNKNOWN), Badge("Plan decides", "open")),
        (criterion("I.D", UNKNOWN, on_pathways={"cancer": MET}), Badge("Met", "good")),
        (criterion("I.D", UNKNOWN, on_pathways={"cancer": NOT_MET}), Badge("Not met", "bad")),
        (criterion("I.D", UNKNOWN, on_pathways={"cancer": MET, "other": NOT_MET}), Badge("Not documented", "open")),
    ],
)
def test_a_status_has_a_word_and_a_color(result: CriterionResult, badge: Badge) -> None:
    assert only(tree(result)).badge == badge


@pytest.mark.parametrize(
    ("above", "badge"),
    [
        (MET, Badge("Not needed", "plain")),
        (NOT_MET, Badge("Not documented", "plain")),
        (UNKNOWN, Badge("Not documented", "open")),
    ],
)
def test_what_is_open_below_a_settled_group_stands_back(above: Status, badge: Badge) -> None:
    assert only(tree(group("I", above), criterion("I.A", UNKNOWN, "I"))).below[0].badge == badge


def test_a_reason_is_said_in_words() -> None:
    assert (
        only(tree(criterion("I.A", reason=Reason.CONFLICT))).why
        == "The chart speaks for both, or contradicts the answer."
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert only(tree(criterion("I.A", reason=reason))).why.endswith(".")


def test_a_group_leaves_its_reason_to_what_decides_it() -> None:
    assert only(tree(criterion("I", NOT_MET, is_group=True, reason=Reason.PRESENT))).why == ""


def test_nothing_found_is_not_said_beside_what_was_found() -> None:
    assert only(tree(criterion("I.A", reason=Reason.NOT_FOUND, evidence=(FINDING,)))).why == ""
    assert only(tree(criterion("I.A", reason=Reason.NOT_FOUND))).why != ""


def test_the_purposes_of_a_group_are_not_repeated_below_it() -> None:
    on = {"cancer": UNKNOWN}
    group_of_one = criterion("I", UNKNOWN, is_group=True, on_pathways=on)
    found = only(tree(group_of_one, criterion("I.D", UNKNOWN, "I", on_pathways=on)))
    assert (found.why, found.below[0].why) == ("It counts for: Cancer pain.", "")


def test_what_depends_on_the_purpose_has_its_status_for_each() -> None:
    found = only(tree(criterion("I.D", on_pathways={"cancer": MET, "other": UNKNOWN})))
    assert found.why == "It depends on the purpose. Cancer pain: met; Other pain: not documented."


def test_what_counts_for_one_purpose_names_it() -> None:
    assert only(tree(criterion("I.D", on_pathways={"cancer": MET}))).why == "It counts for: Cancer pain."


def test_evidence_is_in_clinical_words_and_names_its_place_in_the_chart() -> None:
    (shown,) = only(tree(criterion("I.A", evidence=(FINDING,)))).evidence
    assert shown == EvidenceView("Sacroiliitis: left (01/05/2026)", "chart-Condition-c-1")


def test_evidence_names_its_place_on_the_timeline_only_if_it_is_drawn() -> None:
    drawn = frozenset({"Condition/c-1"})
    (shown,) = only(tree(criterion("I.A", evidence=(FINDING,)), drawn=drawn)).evidence
    assert shown.timeline == "timeline-Condition-c-1"


@pytest.mark.parametrize(
    "reference", [ORDER, "QuestionnaireResponse/sandbox-answers-1", "https://other.example/fhir/Condition/1", ""]
)
def test_evidence_that_is_not_in_the_chart_names_no_place(reference: str) -> None:
    (shown,) = only(tree(criterion("I.A", evidence=(Evidence(reference, "Sacroiliitis", "", "left"),)))).evidence
    assert shown.chart == ""


def test_the_same_evidence_stands_once() -> None:
    twice = (FINDING, Evidence("Condition/c-2", FINDING.label, FINDING.date, FINDING.value))
    assert len(only(tree(criterion("I.A", evidence=twice))).evidence) == 1


def test_at_most_eight_pieces_of_evidence_are_shown() -> None:
    many = tuple(Evidence(f"Condition/{number}", f"Finding {number}", "", "") for number in range(9))
    assert len(only(tree(criterion("I.A", evidence=many[:8]))).evidence) == 8
    assert len(only(tree(criterion("I.A", evidence=many))).evidence) == 8


def test_an_open_criterion_has_its_question_with_the_answer_that_favors_the_order() -> None:
    found = only(tree(criterion("I.A"))).question
    assert found is not None
    assert (found.text, found.options, found.favors) == ("Is it alpha", (("yes", "Yes"), ("no", "No")), "Yes")
    assert found.field == "answer:ServiceRequest/1|CP.TEST@2025-01|I.A"


@pytest.mark.parametrize(
    "result", [criterion("I.A", MET), criterion("I.A", counted=None), criterion("I.F"), criterion("I.G")]
)
def test_what_is_settled_or_never_asked_has_no_question(result: CriterionResult) -> None:
    assert only(tree(result)).question is None


def test_what_is_not_needed_has_no_question() -> None:
    assert not only(tree(group("I", MET), criterion("I.A", UNKNOWN, "I"))).asks


def test_what_would_matter_once_another_criterion_is_met_can_be_answered_before() -> None:
    assert only(tree(group("I", NOT_MET), criterion("I.A", UNKNOWN, "I"))).asks


def test_an_answer_given_here_is_shown_with_a_button_that_takes_it_back() -> None:
    found = only(tree(criterion("I.A", MET, reason=Reason.ATTESTED), answers={"I.A": "yes"})).question
    assert found is not None
    assert (found.given, found.take_back) == ("Yes", "take-back:ServiceRequest/1|CP.TEST@2025-01|I.A")


def test_the_purpose_is_asked_while_nothing_settles_it() -> None:
    assert [each.field.rpartition("|")[2] for each in tree(criterion("I.A")).questions] == ["pathway"]
    assert tree(criterion("I.A"), pathway="cancer").questions == ()


def test_a_question_about_the_order_stands_beside_the_criteria() -> None:
    side = Question("side", "Which side?")
    found = tree(criterion("I.A"), pathway="cancer", questions=(side,)).questions
    assert [(each.text, [value for value, _ in each.options]) for each in found] == [
        ("Which side?", ["left", "right", "bilateral"])
    ]


def test_a_presumed_purpose_is_said_with_what_it_rests_on() -> None:
    found = tree(criterion("I.A"), presumed=Presumption("cancer", "Cancer pain", (FINDING,)))
    assert "Presumed purpose: Cancer pain (Sacroiliitis: left (01/05/2026))" in found.notes


def test_the_head_counts_the_documented_requirements() -> None:
    assert tree(criterion("I.A"), documented=2, required=3).counts == "2 of 3 requirements documented"
    assert tree(criterion("I.A")).counts == ""
