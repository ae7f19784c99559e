"""Which determinations are shown, as which card."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from cards.build import build_cards as build
from cards.links import Addresses
from cards.style import CardStyle
from coverage_policies.format.model import APPLIES
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Alternative, CriterionResult, Determination, Question
from fhir_mappings.record import Evidence
from tests.support.determinations import determination

PLAIN = CardStyle()


def build_cards(
    determinations: Iterable[Determination], hook: str, style: CardStyle = PLAIN
) -> tuple[dict[str, Any], ...]:
    """Return the cards of determinations that stand alone."""
    return tuple(card for _, card in build([Assessment((each,)) for each in determinations], hook, style, counter()))


def counter() -> Callable[[Assessment], UUID]:
    numbers = itertools.count(1)
    return lambda _: UUID(int=next(numbers))


def alternative(criterion: str, says: str) -> Alternative:
    return Alternative(criterion, says, {"resourceType": "ServiceRequest", "id": "1"}, Outcome.DOCUMENTATION_NEEDED)


SHOWN = {
    Outcome.NOT_SUPPORTED: ("warning", "warning"),
    Outcome.CRITERIA_NOT_MET: ("warning", "warning"),
    Outcome.NOT_EVALUATED: (None, "info"),
    Outcome.DOCUMENTATION_NEEDED: ("info", "info"),
    Outcome.CASE_REVIEW: ("info", "info"),
    Outcome.SUPPORTED: (None, "info"),
    Outcome.NOT_APPLICABLE: (None, None),
}


@pytest.mark.parametrize(("outcome", "indicators"), SHOWN.items(), ids=lambda value: str(value))
def test_each_outcome_is_shown_as_the_table_of_outcomes_says(
    outcome: Outcome, indicators: tuple[str | None, str | None]
) -> None:
    for hook, indicator in zip(("order-select", "order-sign"), indicators, strict=True):
        cards = build_cards([determination(outcome)], hook)
        assert [card["indicator"] for card in cards] == ([indicator] if indicator else [])


def test_a_failure_under_a_policy_that_may_not_be_the_patients_is_no_warning() -> None:
    for may_not_apply, indicator in ((True, "info"), (False, "warning")):
        found = Assessment((determination(Outcome.NOT_SUPPORTED),), may_not_apply=may_not_apply)
        ((_, card),) = build([found], "order-select", PLAIN, counter())
        assert card["indicator"] == indicator


@pytest.mark.parametrize(("hook", "count"), [("order-select", 0), ("order-sign", 1)])
def test_whether_a_policy_applies_is_asked_only_at_signing(hook: str, count: int) -> None:
    asking = determination(Outcome.DOCUMENTATION_NEEDED, questions=(Question(APPLIES, "Is it a trial?"),))
    assert len(build_cards([asking], hook)) == count
    unread = determination(Outcome.NOT_EVALUATED, questions=(Question(APPLIES, "Is it a trial?"),))
    assert len(build_cards([unread], hook)) == count


def test_another_question_is_asked_at_selection_as_well() -> None:
    asking = determination(Outcome.DOCUMENTATION_NEEDED, questions=(Question("I.A", "Is it chronic?"),))
    assert len(build_cards([asking], "order-select")) == 1


def of_procedure(order: str, outcome: Outcome = Outcome.DOCUMENTATION_NEEDED, **more: object) -> Determination:
    return determination(outcome, order=order, **{"sections": ("II",), **more})


def orders_of(cards: Iterable[dict[str, Any]]) -> list[list[str]]:
    carried = (card["extension"]["cds-service.determination"] for card in cards)
    return [[each["order"] for each in found] if isinstance(found, list) else [found["order"]] for found in carried]


ONE, TWO = Question("A", "Is it so?"), Question("B", "Is it?")


def test_codes_of_one_procedure_share_the_card_of_the_worst_with_the_fewest_questions() -> None:
    codes = [
        of_procedure("a", questions=(ONE, TWO)),
        of_procedure("b", questions=(ONE,), order_label="Pump"),
        of_procedure("c", Outcome.SUPPORTED, order_label="Catheter"),
    ]
    for order in itertools.permutations(codes):
        (card,) = build_cards(order, "order-sign")
        assert orders_of([card]) == [["b", "a", "c"]]
        assert "*Also for: Fusion; Catheter. CP.TEST" in card["detail"]


@pytest.mark.parametrize(
    "other",
    [
        {"sections": ("III",)},
        {"anchor_date": date(2026, 3, 3)},
        {"revision": "2026-01"},
        {"side": "right"},
        {"alternatives": (alternative("II.A", "Change it"),)},
    ],
)
def test_orders_of_another_procedure_have_cards_of_their_own(other: dict[str, object]) -> None:
    two = [of_procedure("a", side="left"), of_procedure("b", **other)]
    assert len(build_cards(two, "order-sign")) == 2


@pytest.mark.parametrize("outcome", [Outcome.DOCUMENTATION_NEEDED, Outcome.SUPPORTED])
def test_an_order_that_further_sections_judge_speaks_for_one_that_fewer_judge(outcome: Outcome) -> None:
    is_open = outcome is not Outcome.SUPPORTED
    stationary = of_procedure("stationary", outcome, questions=(ONE,) if is_open else ())
    portable = of_procedure("portable", outcome, sections=("II", "P"), questions=(ONE, TWO) if is_open else ())
    for order in itertools.permutations((stationary, portable)):
        assert orders_of(build_cards(order, "order-sign")) == [["portable", "stationary"]]


@pytest.mark.parametrize(
    "portable",
    [
        of_procedure("portable", sections=("II", "P"), questions=(TWO,)),
        of_procedure("portable", Outcome.SUPPORTED, sections=("II", "P")),
        of_procedure("portable", sections=("P",), questions=(ONE, TWO)),
    ],
)
def test_an_order_that_does_not_say_everything_of_another_has_a_card_of_its_own(portable: Determination) -> None:
    stationary = of_procedure("stationary", questions=(ONE,))
    assert len(build_cards((stationary, portable), "order-sign")) == 2


def test_an_order_without_a_side_shares_the_card_of_one_side() -> None:
    three = [of_procedure("a", side="left"), of_procedure("b", side="right"), of_procedure("c")]
    assert orders_of(build_cards(three, "order-sign")) == [["a", "c"], ["b"]]


def test_an_order_that_fails_on_something_else_has_a_card_of_its_own() -> None:
    failed = [CriterionResult(name, Status.NOT_MET, "s", counted=Status.NOT_MET) for name in ("II.A", "II.B")]
    two = [of_procedure(str(i), Outcome.CRITERIA_NOT_MET, criteria=(failed[i],)) for i in range(2)]
    assert orders_of(build_cards(two, "order-sign")) == [["0"], ["1"]]
    same = [of_procedure(str(i), Outcome.CRITERIA_NOT_MET, criteria=(failed[0],)) for i in range(2)]
    assert orders_of(build_cards(same, "order-sign")) == [["0", "1"]]


def test_every_outcome_has_a_row_in_the_table() -> None:
    assert set(SHOWN) == set(Outcome)


@pytest.mark.requirement("7.63")
def test_cards_and_suggestions_have_uuids_of_their_own_and_the_same_ones_again() -> None:
    better = (alternative("II.A", "Change it"), alternative("II.B", "Change more"))
    found = [determination(Outcome.CRITERIA_NOT_MET, alternatives=better), determination(Outcome.CASE_REVIEW)]
    cards = build_cards(found, "order-sign")
    ids = [card["uuid"] for card in cards] + [s["uuid"] for card in cards for s in card.get("suggestions", ())]
    assert [str(UUID(each)) for each in ids] == ids
    assert len(set(ids)) == 4
    assert build_cards(found, "order-sign") == cards


def test_the_worst_outcome_comes_first_whatever_the_order_of_the_determinations() -> None:
    mixed = [
        determination(Outcome.SUPPORTED),
        determination(Outcome.DOCUMENTATION_NEEDED),
        determination(Outcome.NOT_SUPPORTED),
    ]
    for permutation in itertools.permutations(mixed):
        outcomes = [
            card["extension"]["cds-service.determination"]["outcome"] for card in build_cards(permutation, "order-sign")
        ]
        assert outcomes == ["not-supported", "documentation-needed", "supported"]


@pytest.mark.requirement("7.58")
def test_a_summary_stays_under_140_characters_whatever_the_order_is_called() -> None:
    long = determination(Outcome.DOCUMENTATION_NEEDED, order_label="Very long name of an order " * 20)
    (card,) = build_cards([long], "order-sign")
    assert 0 < len(card["summary"]) < 140


@pytest.mark.requirement("7.56")
def test_a_card_has_no_null_and_no_empty_member() -> None:
    def empties(value: object, path: str = "") -> list[str]:
        if value in (None, "", [], {}, ()):
            return [path]
        if isinstance(value, dict):
            return [found for key, child in value.items() for found in empties(child, f"{path}.{key}")]
        if isinstance(value, list | tuple):
            return [found for i, child in enumerate(value) for found in empties(child, f"{path}[{i}]")]
        return []

    for outcome in Outcome:
        for card in build_cards([determination(outcome)], "order-sign"):
            assert empties(card) == []


@pytest.mark.requirement("7.70")
def test_every_card_but_the_supported_one_can_be_overridden_with_six_reasons() -> None:
    for outcome in set(Outcome) - {Outcome.NOT_APPLICABLE}:
        (card,) = build_cards([determination(outcome)], "order-sign")
        reasons = card.get("overrideReasons", [])
        assert len({reason["code"] for reason in reasons}) == (0 if outcome is Outcome.SUPPORTED else 6)
        assert all(reason["system"] and reason["display"] for reason in reasons)


@pytest.mark.requirement("7.64")
def test_suggestions_replace_the_draft_order_and_come_with_a_selection_behavior() -> None:
    mended = {"resourceType": "ServiceRequest", "id": "1", "orderDetail": [{"text": "Lateral transarticular approach"}]}
    better = Alternative("II.I", "Plan the lateral approach", mended, Outcome.DOCUMENTATION_NEEDED)
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET, alternatives=(better,))], "order-sign")
    assert card["selectionBehavior"] == "at-most-one"
    assert card["suggestions"][0]["label"] == "Plan the lateral approach"
    assert card["suggestions"][0]["actions"] == [
        {"type": "update", "description": "Plan the lateral approach", "resource": mended}
    ]


def test_a_suggestion_is_never_preselected() -> None:
    one = (alternative("II.A", "Change it"),)
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET, alternatives=one)], "order-sign")
    assert card["suggestions"][0]["isRecommended"] is False


def test_a_client_gets_the_selection_behavior_that_it_knows() -> None:
    one = (alternative("II.A", "Change it"),)
    style = CardStyle(selection_behavior="any")
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET, alternatives=one)], "order-sign", style)
    assert card["selectionBehavior"] == "any"


def test_a_client_that_cannot_update_deletes_the_order_and_creates_the_changed_one_without_its_id() -> None:
    changed = {"resourceType": "ServiceRequest", "id": "1", "status": "draft"}
    better = Alternative("II.I", "Change it", changed, Outcome.DOCUMENTATION_NEEDED)
    (card,) = build_cards(
        [determination(Outcome.CRITERIA_NOT_MET, alternatives=(better,))],
        "order-sign",
        CardStyle(actions="delete-create"),
    )
    assert card["suggestions"][0]["actions"] == [
        {"type": "delete", "description": "Remove the order as drafted", "resourceId": "ServiceRequest/1"},
        {
            "type": "create",
            "description": "Change it",
            "resource": {"resourceType": "ServiceRequest", "status": "draft"},
        },
    ]


@pytest.mark.parametrize(
    ("left", "label"),
    [
        ((0, 0), "Change it"),
        ((0, 1), "Change it (at most 1 item stays open)"),
        ((1, 1), "Change it (1 item stays open)"),
        ((4, 6), "Change it (4 to 6 items stay open)"),
    ],
)
def test_a_suggestion_says_how_many_items_stay_open(left: tuple[int, int], label: str) -> None:
    one = (replace(alternative("II.A", "Change it"), items_left=left),)
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET, alternatives=one)], "order-sign")
    (suggestion,) = card["suggestions"]
    assert suggestion["label"] == label
    assert suggestion["actions"][0]["description"] == "Change it"


def test_two_criteria_with_one_label_make_one_suggestion() -> None:
    better = (alternative("II.A", "Change it"), alternative("II.B", "Change more"), alternative("II.C", "Change it"))
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET, alternatives=better)], "order-sign")
    assert [each["label"] for each in card["suggestions"]] == ["Change it", "Change more"]


def test_each_card_comes_with_the_assessment_it_was_made_from() -> None:
    outcomes = (Outcome.SUPPORTED, Outcome.NOT_APPLICABLE, Outcome.NOT_SUPPORTED)
    assessments = [Assessment((determination(each),)) for each in outcomes]
    pairs = build(assessments, "order-sign", PLAIN, counter())
    assert [assessment for assessment, _ in pairs] == [assessments[2], assessments[0]]
    for assessment, card in pairs:
        assert card["extension"]["cds-service.determination"] == assessment.determinations[0].as_json()


def test_without_suggestions_there_is_no_selection_behavior() -> None:
    (card,) = build_cards([determination(Outcome.CRITERIA_NOT_MET)], "order-sign")
    assert "selectionBehavior" not in card
    assert "suggestions" not in card


@pytest.mark.requirement("7.60")
def test_every_card_has_a_source_and_links_only_to_what_can_be_read() -> None:
    pages = Addresses(policy_pages="https://cds.example.org/policies")
    for outcome in (Outcome.CRITERIA_NOT_MET, Outcome.SUPPORTED):
        assessments = [Assessment((determination(outcome, section="II"),))]
        ((_, linked),) = build(assessments, "order-sign", PLAIN, counter(), pages)
        ((_, plain),) = build(assessments, "order-sign", PLAIN, counter())
        assert plain["source"]["label"] == linked["source"]["label"] == "Test Plan"
        assert [each["url"] for each in linked["links"]] == ["https://cds.example.org/policies/CP.TEST@2025-01#II"]
        assert "links" not in plain


def test_the_determination_travels_in_the_extension_with_every_criterion() -> None:
    failed = CriterionResult(
        "II.E",
        Status.NOT_MET,
        "No generalized pain",
        reason=Reason.PRESENT,
        evidence=(Evidence("Condition/fm-1", "Fibromyalgia", "2024-05-01"),),
        counted=Status.NOT_MET,
    )
    found = determination(Outcome.CRITERIA_NOT_MET, failed, section="II", notes=("a",))
    (card,) = build_cards([found], "order-sign")
    assert card["extension"]["cds-service.determination"] == {
        "policy": "CP.TEST",
        "revision": "2025-01",
        "edition": 1,
        "section": "II",
        "order": "ServiceRequest/1",
        "outcome": "criteria-not-met",
        "anchor_date": "2026-03-02",
        "criteria": [
            {
                "id": "II.E",
                "status": "not-met",
                "reason": "Present",
                "says": "No generalized pain",
                "evidence": [{"reference": "Condition/fm-1", "label": "Fibromyalgia", "date": "2024-05-01"}],
            }
        ],
        "notes": ["a"],
    }


def test_a_supported_order_gets_one_line() -> None:
    (card,) = build_cards([determination(Outcome.SUPPORTED)], "order-sign")
    assert card["summary"] == "All requirements documented: fusion (CP.TEST). Not a coverage decision."
    assert "detail" not in card


def test_a_supported_order_says_what_was_not_read_and_not_used() -> None:
    found = determination(Outcome.SUPPORTED, unread=("Condition", "Basic"), unused=2)
    (card,) = build_cards([found], "order-sign")
    assert card["summary"].endswith("Not all data could be used.")
    assert "Not read completely: Basic, problem list. 2 records not used." in card["detail"]
