"""The reasons to override a card: first the one that fits the finding, then those that fit every card."""

from typing import Any

import pytest

from cards.override_reasons import SYSTEM, override_codes, override_reasons
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.determination import CriterionResult, Determination
from tests.support.determinations import criterion, determination

LIBRARY = load_library()
OVERRIDES = [
    (each.id, each.override) for policy in LIBRARY.policies.values() for each in policy.walk() if each.override
]
COMMON = [
    "Patient will self-pay",
    "Documented elsewhere",
    "Urgent or emergent",
    "Patient's plan uses different criteria",
    "Clinical judgment",
    "Other",
]


def result(name: str, override: str, status: Status = Status.NOT_MET) -> CriterionResult:
    return criterion(name, status, override=override)


def not_met(*criteria: CriterionResult, **more: Any) -> Determination:
    return determination(Outcome.CRITERIA_NOT_MET, *criteria, section="I", **more)


def test_the_reason_of_the_finding_comes_first_and_its_code_names_policy_and_criterion() -> None:
    first, *rest = override_reasons([not_met(result("I.A", "Needed"))])
    assert first == {"code": "CP.TEST#I.A", "system": SYSTEM, "display": "Needed"}
    assert [each["display"] for each in rest] == COMMON


@pytest.mark.parametrize(
    ("criteria", "first"),
    [
        ((result("I.A", "One"), result("I.B", "Two")), "One"),
        ((result("I.A", ""), result("I.B", "Two")), "Two"),
        ((result("II.A", "Other section"), result("I.B", "Two")), "Two"),
        ((result("I.A", "Open", Status.UNKNOWN), result("I.B", "Two")), "Two"),
        ((result("I.A", "Met", Status.MET),), COMMON[0]),
        ((), COMMON[0]),
    ],
)
def test_the_first_criterion_that_fails_gives_the_reason(criteria: tuple[CriterionResult, ...], first: str) -> None:
    displays = [each["display"] for each in override_reasons([not_met(*criteria)])]
    assert displays[0] == first
    assert displays[-6:] == COMMON
    assert len(displays) <= 7


def test_the_first_policy_of_a_card_that_fails_gives_the_reason() -> None:
    several = [not_met(), not_met(result("I.A", "Needed"), policy="CP.OTHER")]
    assert override_reasons(several)[0]["code"] == "CP.OTHER#I.A"


def test_every_code_that_a_card_offers_is_known_again() -> None:
    codes = override_codes(LIBRARY.policies.values())
    assert {each["code"] for each in override_reasons([])} < codes
    assert "CP.MP.126#II.I" in codes
    assert override_codes([]) == {each["code"] for each in override_reasons([])}


@pytest.mark.parametrize(("criterion", "override"), OVERRIDES)
def test_a_reason_of_ours_is_one_short_line(criterion: str, override: str) -> None:
    assert criterion
    assert override[0].isupper()
    assert override[-1].isalpha()
    assert len(override) <= 80
