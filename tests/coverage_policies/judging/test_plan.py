"""Whose policies a patient's plan follows, and which line of business it is."""

from datetime import date
from typing import Any, TypeAlias

import pytest

from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan import Plan, needs_payer, plan_of
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import COMPLETE, NOT_OFFERED, UNAVAILABLE, chart

DAY = date(2026, 3, 2)
Lines: TypeAlias = frozenset[LineOfBusiness]

UNKNOWN: Lines = frozenset(LineOfBusiness)
MEDICARE = frozenset({LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE})
ONLY_MEDICAID = frozenset({LineOfBusiness.MEDICAID})
ONLY_COMMERCIAL = frozenset({LineOfBusiness.COMMERCIAL})
NEITHER_MEDICARE = ONLY_MEDICAID | ONLY_COMMERCIAL
NPI = "http://hl7.org/fhir/sid/us-npi"

# Typology codes of the plans below.
ADVANTAGE, ORIGINAL, D_SNP, MEDICAID = "111", "121", "141", "211"
COMMERCIAL, TRICARE, VETERANS = "512", "311", "32"
MEDIGAP, BLUE_MEDIGAP, TRICARE_FOR_LIFE = "523", "623", "3123"
PART_D, DRUG_MANAGER, DENTAL, VISION = "122", "516", "561", "562"
SELF_PAY, NOT_SAID = "81", "9999"

OURS = Payer("Ours", ("Owner",), frozenset({f"{NPI}|1"}), frozenset({"sample health plan"}), frozenset({"plan|GOLD-1"}))
CROOKED = {"class": [{"value": "a class of no kind"}]}
RULES = PlanRules(payers=(OURS,))
NO_RULES = PlanRules()


def pays(kind: str = "", payer: str = "", **members: Any) -> Resource:
    """A coverage of a kind, paid by a payer of that name."""
    found: Resource = {"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": "Patient/p"}}
    found["payor"] = [{"display": payer} if payer else {"reference": "Organization/unread"}]
    if kind:
        found["type"] = {"coding": [{"system": "https://nahdo.org/sopt", "code": kind}]}
    return found | members


def plan(
    *held: Resource,
    rules: PlanRules = RULES,
    coverage: Availability = COMPLETE,
    others: tuple[Resource, ...] = (),
) -> Plan:
    numbered = [each | {"id": f"cov-{i}"} for i, each in enumerate(held)]
    return plan_of(chart(*numbered, *others, availability={"Coverage": coverage}), DAY, rules)


# --- line of business ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "lines"),
    [
        ([ORIGINAL], MEDICARE),
        ([ADVANTAGE], MEDICARE),
        ([D_SNP], MEDICARE),
        ([MEDICAID], ONLY_MEDICAID),
        ([COMMERCIAL], ONLY_COMMERCIAL),
        ([TRICARE], NEITHER_MEDICARE),
        ([VETERANS], NEITHER_MEDICARE),
        ([SELF_PAY], UNKNOWN),
        ([NOT_SAID], UNKNOWN),
        ([""], UNKNOWN),
        ([], UNKNOWN),
        ([ORIGINAL, ADVANTAGE], MEDICARE),
        ([ORIGINAL, MEDICAID], MEDICARE),
        ([ADVANTAGE, D_SNP, MEDICAID], MEDICARE),
        ([MEDICAID, COMMERCIAL], NEITHER_MEDICARE),
        ([ORIGINAL, COMMERCIAL], MEDICARE | ONLY_COMMERCIAL),
        ([ORIGINAL, TRICARE], UNKNOWN),
        ([ORIGINAL, MEDICAID, COMMERCIAL], UNKNOWN),
        ([ORIGINAL, NOT_SAID], UNKNOWN),
        ([COMMERCIAL, NOT_SAID], UNKNOWN),
    ],
)
def test_the_line_of_business_is_that_of_the_kinds_of_plan_on_file(kinds: list[str], lines: Lines) -> None:
    assert plan(*map(pays, kinds)).lines == lines


@pytest.mark.parametrize(
    "aside", [MEDIGAP, BLUE_MEDIGAP, TRICARE_FOR_LIFE, PART_D, DRUG_MANAGER, DENTAL, VISION], ids=lambda code: code
)
class TestACoverageThatNeverChooses:
    def test_alone_it_leaves_the_line_unknown(self, aside: str) -> None:
        assert plan(pays(aside)).lines == UNKNOWN

    def test_alone_it_is_said_that_another_is_missing(self, aside: str) -> None:
        (note,) = plan(pays(aside)).notes
        assert note.endswith("supplements another that is not on file.")

    def test_alone_it_makes_the_payer_no_stranger(self, aside: str) -> None:
        assert plan(pays(aside, "Another Plan")).follows("Owner") is Truth.UNKNOWN

    def test_alone_it_makes_the_payer_no_follower(self, aside: str) -> None:
        assert plan(pays(aside, "Sample Health Plan")).follows("Owner") is Truth.UNKNOWN

    def test_beside_medicare_it_changes_nothing(self, aside: str) -> None:
        assert plan(pays(ORIGINAL), pays(aside, order=1)).lines == MEDICARE

    def test_beside_a_commercial_plan_it_changes_nothing(self, aside: str) -> None:
        assert plan(pays(COMMERCIAL), pays(aside)).lines == ONLY_COMMERCIAL


def test_what_is_the_only_coverage_on_file_is_told() -> None:
    assert plan(pays(PART_D), pays(MEDIGAP)).notes == (
        "The only coverage on file (Medicare supplement, drugs only) supplements another that is not on file.",
    )


@pytest.mark.parametrize(
    ("medicare", "commercial", "lines"), [(1, 2, MEDICARE), (2, 1, ONLY_COMMERCIAL), (5, 9, MEDICARE)]
)
def test_medicare_beside_a_commercial_plan_goes_by_the_one_that_pays_first(
    medicare: int, commercial: int, lines: Lines
) -> None:
    assert plan(pays(ORIGINAL, order=medicare), pays(COMMERCIAL, order=commercial)).lines == lines


@pytest.mark.parametrize(("medicare", "commercial"), [({"order": 1}, {}), ({"order": 1}, {"order": 1})])
def test_where_it_is_not_told_who_pays_first_it_may_be_the_line_of_either(
    medicare: dict[str, Any], commercial: dict[str, Any]
) -> None:
    assert plan(pays(ORIGINAL, **medicare), pays(COMMERCIAL, **commercial)).lines == MEDICARE | ONLY_COMMERCIAL


def test_medicaid_pays_after_medicare_whatever_order_is_stated() -> None:
    assert plan(pays(MEDICAID, order=1), pays(ORIGINAL, order=2)).lines == MEDICARE


def test_a_plan_of_no_stated_kind_that_pays_first_leaves_the_line_unknown() -> None:
    assert plan(pays(NOT_SAID, order=1), pays(COMMERCIAL, order=2)).lines == UNKNOWN


@pytest.mark.parametrize("readable", [ORIGINAL, MEDICAID, COMMERCIAL])
def test_a_coverage_that_cannot_be_read_leaves_the_line_unknown(readable: str) -> None:
    assert plan(pays(readable), pays(readable, **CROOKED)).lines == UNKNOWN


def test_a_coverage_that_cannot_be_read_and_pays_second_does_not_choose() -> None:
    assert plan(pays(COMMERCIAL, order=1), pays(ORIGINAL, order=2, **CROOKED)).lines == ONLY_COMMERCIAL


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (LineOfBusiness.MEDICARE, {LineOfBusiness.MEDICARE}),
        (LineOfBusiness.MEDICARE_ADVANTAGE, {LineOfBusiness.MEDICARE_ADVANTAGE}),
        (LineOfBusiness.COMMERCIAL, MEDICARE),
        (None, MEDICARE),
    ],
)
@pytest.mark.parametrize("kind", [ORIGINAL, D_SNP])
def test_a_known_payer_tells_original_medicare_from_medicare_advantage(
    kind: str, line: LineOfBusiness | None, lines: Lines
) -> None:
    rules = PlanRules(payers=(Payer("Ours", ("Owner",), names=frozenset({"ours"}), line=line),))
    assert plan(pays(kind, "Ours"), rules=rules).lines == lines


@pytest.mark.parametrize("line", LineOfBusiness)
def test_a_known_payer_tells_the_line_where_the_coverage_does_not(line: LineOfBusiness) -> None:
    rules = PlanRules(payers=(Payer("Ours", ("Owner",), names=frozenset({"ours"}), line=line),))
    assert plan(pays(NOT_SAID, "Ours"), rules=rules).lines == {line}


def test_the_kind_on_file_outranks_what_is_known_of_the_payer() -> None:
    rules = PlanRules(payers=(Payer("Ours", ("Owner",), names=frozenset({"ours"}), line=LineOfBusiness.MEDICARE),))
    assert plan(pays(COMMERCIAL, "Ours"), rules=rules).lines == ONLY_COMMERCIAL


def test_what_is_known_of_the_payer_does_not_mend_a_coverage_that_cannot_be_read() -> None:
    rules = PlanRules(payers=(Payer("Ours", ("Owner",), names=frozenset({"ours"}), line=LineOfBusiness.MEDICARE),))
    assert plan(pays("", "Ours", type={"coding": "x"}), rules=rules).lines == UNKNOWN


def test_only_the_coverages_of_the_day_choose() -> None:
    over = pays(COMMERCIAL, period={"end": "2026-03-01"})
    assert plan(over, pays(ORIGINAL, period={"start": "2026-03-02"})).lines == MEDICARE


# --- nothing on file, nothing read -----------------------------------------------------------------------------------


def test_without_a_coverage_on_file_nothing_is_known_and_it_is_told() -> None:
    assert plan() == Plan(UNKNOWN, notes=("No coverage on file for that date.",))


@pytest.mark.parametrize("how", [UNAVAILABLE, NOT_OFFERED])
def test_a_search_that_did_not_bring_everything_leaves_the_plan_unknown_whatever_it_brought(how: Availability) -> None:
    found = plan(pays(ORIGINAL, "Another Plan"), coverage=how)
    assert found == Plan(UNKNOWN, notes=("Could not read the patient's coverage.",))
    assert found.follows("Owner") is Truth.UNKNOWN


def test_where_a_coverage_chooses_there_is_nothing_to_note() -> None:
    assert plan(pays(ORIGINAL), pays(MEDIGAP)).notes == ()


# --- whose policies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known",
    [
        {"payor": [{"identifier": {"system": NPI, "value": "1"}}]},
        {"payor": [{"display": "SAMPLE health plan"}]},
        {"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "GOLD-1"}]},
    ],
    ids=["identifier", "name", "class"],
)
def test_a_payer_is_known_by_its_identifier_its_name_or_its_plan(known: dict[str, Any]) -> None:
    assert plan(pays(ORIGINAL, **known)).follows("Owner") is Truth.YES


@pytest.mark.parametrize(
    "other",
    [
        {"payor": [{"identifier": {"system": NPI, "value": "2"}}]},
        {"payor": [{"identifier": {"system": "urn:other", "value": "1"}}]},
        {"payor": [{"display": "Sample Health Plan of Ohio"}]},
        {"payor": [{"display": "Sample"}]},
        {"payor": [{"display": "Another"}], "class": [{"type": {"coding": [{"code": "group"}]}, "value": "GOLD-1"}]},
    ],
    ids=["another number", "another system", "a longer name", "a shorter name", "another kind of class"],
)
def test_a_payer_that_is_told_and_not_ours_follows_others(other: dict[str, Any]) -> None:
    assert plan(pays(ORIGINAL, **other)).follows("Owner") is Truth.NO


def test_a_payer_that_is_not_told_is_unknown() -> None:
    assert plan(pays(ORIGINAL)).follows("Owner") is Truth.UNKNOWN


def test_a_class_alone_that_is_not_ours_tells_nothing_of_the_payer() -> None:
    other = {"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "SILVER"}]}
    assert plan(pays(ORIGINAL, **other)).follows("Owner") is Truth.UNKNOWN


def test_a_stranger_in_a_coverage_that_cannot_be_read_is_unknown() -> None:
    assert plan(pays(ORIGINAL, "Another Plan", order=0)).follows("Owner") is Truth.UNKNOWN


def test_without_payers_configured_every_payer_is_unknown() -> None:
    assert plan(pays(ORIGINAL, "Another Plan"), rules=NO_RULES).follows("Owner") is Truth.UNKNOWN


def test_a_number_outranks_a_name_that_another_payer_bears() -> None:
    by_name = Payer("By name", ("Name Owner",), names=frozenset({"twin"}))
    by_number = Payer("By number", ("Number Owner",), identifiers=frozenset({f"{NPI}|7"}))
    twin = pays(ORIGINAL, payor=[{"display": "Twin", "identifier": {"system": NPI, "value": "7"}}])
    assert plan(twin, rules=PlanRules(payers=(by_name, by_number))).owners == {"Number Owner": by_number.name}


@pytest.mark.parametrize(
    ("kind", "payor", "rules", "needed"),
    [
        (COMMERCIAL, {"identifier": {"system": NPI, "value": "1"}}, RULES, False),
        ("", {"identifier": {"system": NPI, "value": "1"}}, RULES, False),
        (COMMERCIAL, {"identifier": {"system": NPI, "value": "2"}}, RULES, True),
        (COMMERCIAL, {"identifier": {"system": "urn:other", "value": "1"}}, RULES, True),
        (COMMERCIAL, {"display": "Sample Health Plan"}, RULES, True),
        (COMMERCIAL, {}, RULES, True),
        (COMMERCIAL, {"identifier": {"system": NPI, "value": "1"}}, NO_RULES, False),
        (COMMERCIAL, {}, NO_RULES, False),
        ("", {}, NO_RULES, False),
        (MEDICAID, {}, NO_RULES, True),
        (D_SNP, {}, NO_RULES, True),
        (MEDICAID, {"identifier": {"system": NPI, "value": "1"}}, RULES, True),
        (D_SNP, {"identifier": {"system": NPI, "value": "1"}}, RULES, True),
    ],
)
def test_a_payer_is_read_unless_its_number_or_the_lack_of_any_other_to_compare_it_with_decides(
    kind: str, payor: Resource, rules: PlanRules, needed: bool
) -> None:
    reference = {"reference": "Organization/o", **payor}
    assert needs_payer(pays(kind, payor=[reference]), reference, rules) is needed


def test_one_of_two_payers_that_is_ours_is_enough() -> None:
    assert plan(pays(ORIGINAL, "Another Plan"), pays(COMMERCIAL, "Sample Health Plan")).follows("Owner") is Truth.YES


def test_beside_a_stranger_that_is_not_told_nobody_is_ruled_out() -> None:
    assert plan(pays(ORIGINAL, "Another Plan"), pays(COMMERCIAL)).follows("Owner") is Truth.UNKNOWN


def test_a_plan_may_follow_two_owners() -> None:
    rules = PlanRules(
        payers=(Payer("A", ("Owner A",), names=frozenset({"a"})), Payer("B", ("Owner B",), names=frozenset({"b"})))
    )
    found = plan(pays(ORIGINAL, "A"), pays(COMMERCIAL, "B"), rules=rules)
    assert {owner: found.follows(owner) for owner in ("Owner A", "Owner B", "Owner C")} == {
        "Owner A": Truth.YES,
        "Owner B": Truth.YES,
        "Owner C": Truth.NO,
    }


def test_a_supplement_of_another_payer_beside_ours_is_no_stranger() -> None:
    assert plan(pays(ORIGINAL, "Sample Health Plan"), pays(MEDIGAP)).follows("Stranger") is Truth.NO


# --- Medicaid --------------------------------------------------------------------------------------------------------

TEXAN: Resource = {"resourceType": "Patient", "id": "p", "address": [{"state": "TX"}]}
MISSOURI: Resource = {"resourceType": "Organization", "id": "mo", "name": "MO HealthNet", "address": [{"state": "MO"}]}
OF_MISSOURI = {"payor": [{"reference": "Organization/mo"}]}


@pytest.mark.parametrize("kind", [MEDICAID, D_SNP])
def test_the_state_of_medicaid_is_that_of_the_payer(kind: str) -> None:
    assert plan(pays(kind, **OF_MISSOURI), others=(MISSOURI, TEXAN)).medicaid_state == "MO"


def test_without_a_state_of_the_payer_it_is_the_patients() -> None:
    assert plan(pays(MEDICAID), others=(TEXAN,)).medicaid_state == "TX"


def test_medicaid_of_an_unknown_state_is_still_medicaid() -> None:
    assert plan(pays(MEDICAID)).medicaid_state == "?"


def test_the_state_is_not_taken_from_another_plan() -> None:
    held = pays(ORIGINAL, **OF_MISSOURI), pays(MEDICAID)
    assert plan(*held, others=(MISSOURI, TEXAN)).medicaid_state == "TX"


@pytest.mark.parametrize("kind", [ORIGINAL, COMMERCIAL, TRICARE])
def test_without_medicaid_no_state_comes_first(kind: str) -> None:
    assert plan(pays(kind, **OF_MISSOURI), others=(MISSOURI, TEXAN)).medicaid_state == ""


# --- a payer that the plan rules do not have -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payers", "rules", "names"),
    [
        (["Lakeside Health Plan"], NO_RULES, {"lakeside health plan"}),
        (["Lakeside Health Plan"], RULES, {"lakeside health plan"}),
        (["Sample Health Plan"], RULES, set()),
        (["Lakeside Health Plan", "Another Plan"], NO_RULES, set()),
        ([], NO_RULES, set()),
    ],
)
def test_the_names_of_the_one_payer_that_is_not_known(payers: list[str], rules: PlanRules, names: set[str]) -> None:
    assert plan(*(pays(COMMERCIAL, payer) for payer in payers), rules=rules).unknown_payers == names
