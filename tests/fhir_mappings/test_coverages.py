"""Which coverages are in force on a day, what kind each is, and who pays."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_mappings.coverages import Coverage, CoverageKind, coverages, home_state
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability, PatientRecord
from tests.support.terms import TERMS

DAY = date(2026, 3, 15)
SOPT = "https://nahdo.org/sopt"
SOPT_OID = "urn:oid:2.16.840.1.113883.3.221.5"
NPI = "http://hl7.org/fhir/sid/us-npi"


def coverage(**members: Any) -> Resource:
    found = {
        "resourceType": "Coverage",
        "id": "c",
        "status": "active",
        "beneficiary": {"reference": "Patient/p"},
        "payor": [{"display": "Sample Health Plan"}],
    } | members
    return {name: value for name, value in found.items() if value is not None}


def of_type(*codes: str, system: str = SOPT) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def record(*resources: Resource) -> PatientRecord:
    return PatientRecord(
        "p",
        [("", each) for each in resources],
        read_at=datetime(2026, 3, 2, tzinfo=UTC),
        zone=ZoneInfo("America/New_York"),
        availability={"Coverage": Availability.COMPLETE},
        terms=TERMS,
    )


def read(*resources: Resource, on: date = DAY) -> tuple[Coverage, ...]:
    return coverages(record(*resources), on)


def only(*resources: Resource) -> Coverage:
    (found,) = read(*resources)
    return found


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1", CoverageKind.MEDICARE),
        ("11", CoverageKind.MEDICARE),
        ("111", CoverageKind.MEDICARE),
        ("119", CoverageKind.MEDICARE),
        ("121", CoverageKind.MEDICARE),
        ("123", CoverageKind.MEDICARE),
        ("13", CoverageKind.MEDICARE),
        ("19", CoverageKind.MEDICARE),
        ("122", CoverageKind.DRUG_ONLY),
        ("191", CoverageKind.DRUG_ONLY),
        ("291", CoverageKind.DRUG_ONLY),
        ("516", CoverageKind.DRUG_ONLY),
        ("14", CoverageKind.DUAL),
        ("141", CoverageKind.DUAL),
        ("2", CoverageKind.MEDICAID),
        ("211", CoverageKind.MEDICAID),
        ("29", CoverageKind.MEDICAID),
        ("299", CoverageKind.DENTAL_OR_VISION),
        ("3", CoverageKind.GOVERNMENT),
        ("311", CoverageKind.GOVERNMENT),
        ("3113", CoverageKind.GOVERNMENT),
        ("3121", CoverageKind.GOVERNMENT),
        ("32", CoverageKind.GOVERNMENT),
        ("313", CoverageKind.DENTAL_OR_VISION),
        ("3114", CoverageKind.SUPPLEMENT),
        ("3123", CoverageKind.SUPPLEMENT),
        ("5", CoverageKind.COMMERCIAL),
        ("512", CoverageKind.COMMERCIAL),
        ("522", CoverageKind.COMMERCIAL),
        ("523", CoverageKind.SUPPLEMENT),
        ("517", CoverageKind.DENTAL_OR_VISION),
        ("524", CoverageKind.DENTAL_OR_VISION),
        ("561", CoverageKind.DENTAL_OR_VISION),
        ("562", CoverageKind.DENTAL_OR_VISION),
        ("6", CoverageKind.COMMERCIAL),
        ("611", CoverageKind.COMMERCIAL),
        ("623", CoverageKind.SUPPLEMENT),
        ("614", CoverageKind.DENTAL_OR_VISION),
        ("629", CoverageKind.DENTAL_OR_VISION),
        ("4", CoverageKind.UNSPECIFIED),
        ("7", CoverageKind.UNSPECIFIED),
        ("81", CoverageKind.UNSPECIFIED),
        ("95", CoverageKind.UNSPECIFIED),
        ("9999", CoverageKind.UNSPECIFIED),
    ],
)
def test_the_kind_is_that_of_the_longest_beginning_of_the_typology_code(code: str, kind: CoverageKind) -> None:
    assert only(coverage(type=of_type(code))).kind is kind


@pytest.mark.parametrize("system", [SOPT, "http://nahdo.org/sopt", SOPT_OID])
def test_the_typology_goes_by_either_of_its_names(system: str) -> None:
    assert only(coverage(type=of_type("111", system=system))).kind is CoverageKind.MEDICARE


@pytest.mark.parametrize("code", ["EHCPOL", "HMO", "MCPOL", "111"])
def test_a_type_of_another_system_tells_no_kind(code: str) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    assert only(coverage(type=of_type(code, system=system))).kind is CoverageKind.UNSPECIFIED


def test_the_typology_is_found_beside_a_coding_of_another_system() -> None:
    both = {"coding": [*of_type("EHCPOL", system="urn:other")["coding"], *of_type("211")["coding"]]}
    assert only(coverage(type=both)).kind is CoverageKind.MEDICAID


def test_a_typology_code_beyond_the_typology_gives_way_to_the_next_coding() -> None:
    assert only(coverage(type=of_type("99", "512"))).kind is CoverageKind.COMMERCIAL


def test_a_type_in_words_alone_tells_no_kind() -> None:
    assert only(coverage(type={"text": "Medicare"})).kind is CoverageKind.UNSPECIFIED


def test_a_coverage_without_a_type_is_of_no_stated_kind() -> None:
    assert only(coverage()).kind is CoverageKind.UNSPECIFIED


# --- in force --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "holds"),
    [
        ({"start": "2026-03-15"}, True),
        ({"start": "2026-03-16"}, False),
        ({"end": "2026-03-15"}, True),
        ({"end": "2026-03-14"}, False),
        ({"start": "2026-01-01", "end": "2026-12-31"}, True),
        ({"start": "2026-03"}, True),
        ({"start": "2026-04"}, False),
        ({"end": "2026-03"}, True),
        ({"end": "2026-02"}, False),
        ({"start": "2026"}, True),
        ({"end": "2025"}, False),
        ({}, True),
        (None, True),
    ],
)
def test_a_coverage_counts_from_its_first_to_its_last_day_and_without_an_end_for_good(
    period: dict[str, str] | None, holds: bool
) -> None:
    assert bool(read(coverage(period=period))) is holds


def test_a_period_ends_on_the_local_day_of_its_moment() -> None:
    ends = coverage(period={"end": "2026-03-15T03:30:00Z"})
    assert [bool(read(ends, on=date(2026, 3, day))) for day in (14, 15)] == [True, False]


@pytest.mark.parametrize(
    ("status", "counts"), [("active", True), ("draft", False), ("entered-in-error", False), ("cancelled", False)]
)
def test_only_an_active_coverage_counts_without_a_period(status: str, counts: bool) -> None:
    assert bool(read(coverage(status=status))) is counts


def test_a_cancelled_coverage_counts_for_the_days_it_covered() -> None:
    cancelled = coverage(status="cancelled", period={"start": "2026-01-01", "end": "2026-03-15"})
    assert [bool(read(cancelled, on=day)) for day in (DAY, date(2026, 3, 16))] == [True, False]


def test_a_cancelled_coverage_of_unknown_end_does_not_count() -> None:
    assert read(coverage(status="cancelled", period={"start": "2026-01-01"})) == ()


@pytest.mark.parametrize("status", ["draft", "entered-in-error"])
def test_a_draft_and_a_mistake_never_count_whatever_their_period(status: str) -> None:
    assert read(coverage(status=status, period={"start": "2026-01-01", "end": "2026-12-31"})) == ()


def test_the_coverage_of_another_patient_does_not_count() -> None:
    assert read(coverage(beneficiary={"reference": "Patient/other"})) == ()


def test_every_coverage_in_force_is_found() -> None:
    found = read(coverage(id="a"), coverage(id="b"), coverage(id="c", period={"end": "2020"}))
    assert [each.reference for each in found] == ["Coverage/a", "Coverage/b"]


# --- readable --------------------------------------------------------------------------------------------------------


def test_a_whole_coverage_is_readable() -> None:
    whole = coverage(
        type=of_type("111"),
        period={"start": "2026-01-01"},
        order=1,
        **{"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "GOLD-1"}]},
    )
    assert only(whole).is_readable


@pytest.mark.parametrize(
    "crooked",
    [
        {"type": {"coding": "111"}},
        {"period": {"start": "in March"}},
        {"payor": None},
        {"order": 0},
        {"class": [{"value": "GOLD-1"}]},
        {"status": None},
        {"status": 7},
        {"status": "running"},
    ],
    ids=lambda crooked: " ".join(crooked) + str(crooked.get("status", "")),
)
def test_a_coverage_with_a_faulty_element_that_tells_the_plan_is_not_readable_and_is_named(
    crooked: dict[str, Any],
) -> None:
    chart = record(coverage(**crooked))
    (found,) = coverages(chart, DAY)
    assert found.is_readable is False
    assert list(chart.quarantined) == ["Coverage/c"]


def test_a_fault_in_an_element_that_nobody_reads_is_tolerated() -> None:
    assert only(coverage(subscriberId=7)).is_readable


# --- who pays --------------------------------------------------------------------------------------------------------

ORGANIZATION: Resource = {
    "resourceType": "Organization",
    "id": "o",
    "name": "Sample Health Plan",
    "alias": ["SHP", "Sample Advantage"],
    "identifier": [{"system": NPI, "value": "1234567893"}, {"system": "urn:naic", "value": "95567"}],
    "address": [{"city": "Clayton"}, {"state": "MO"}],
}


def _contained(organization: Resource) -> tuple[Resource, ...]:
    return (coverage(payor=[{"reference": "#o"}], contained=[organization]),)


def _on_file(organization: Resource) -> tuple[Resource, ...]:
    return coverage(payor=[{"reference": "Organization/o"}]), organization


@pytest.mark.parametrize("held", [_contained, _on_file], ids=["contained", "on file"])
def test_the_payer_is_the_organization_that_the_coverage_points_at(
    held: Callable[[Resource], tuple[Resource, ...]],
) -> None:
    found = only(*held(ORGANIZATION))
    assert found.identifiers == {f"{NPI}|1234567893", "urn:naic|95567"}
    assert found.names == {"sample health plan", "shp", "sample advantage"}
    assert found.state == "MO"


def test_a_payer_is_named_by_the_display_of_the_reference() -> None:
    found = only(coverage(payor=[{"reference": "Organization/nowhere", "display": " Sample Health PLAN "}]))
    assert (found.names, found.identifiers) == (frozenset({"sample health plan"}), frozenset())


def test_a_payer_is_identified_by_the_identifier_of_the_reference() -> None:
    found = only(coverage(payor=[{"identifier": {"system": NPI, "value": "1234567893"}}]))
    assert found.identifiers == {f"{NPI}|1234567893"}


@pytest.mark.parametrize("identifier", [{"value": "1"}, {"system": NPI}, {"system": NPI, "value": ""}, {}])
def test_an_identifier_that_lacks_its_system_or_value_identifies_nobody(identifier: dict[str, str]) -> None:
    assert only(coverage(payor=[{"identifier": identifier}])).identifiers == frozenset()


def test_a_payer_that_leads_nowhere_has_no_name_and_no_number() -> None:
    found = only(coverage(payor=[{"reference": "Organization/nowhere"}]))
    assert (found.names, found.identifiers, found.state) == (frozenset(), frozenset(), "")


def test_a_person_who_pays_is_no_plan() -> None:
    patient = {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:mrn", "value": "1"}]}
    found = only(coverage(payor=[{"reference": "Patient/p"}]), patient)
    assert (found.names, found.identifiers) == (frozenset(), frozenset())


def test_all_payers_of_a_coverage_are_found() -> None:
    found = only(coverage(payor=[{"display": "A"}, {"display": "B"}]))
    assert found.names == {"a", "b"}


def test_the_classes_are_those_of_the_plan_with_their_kind() -> None:
    classes = [
        {"type": {"coding": [{"system": "http://x/coverage-class", "code": "group"}]}, "value": "G-7"},
        {"type": {"coding": [{"code": "plan"}]}, "value": "GOLD-1"},
        {"type": {"coding": [{"code": "subgroup"}]}, "value": ""},
    ]
    assert only(coverage(**{"class": classes})).classes == {"group|G-7", "plan|GOLD-1"}


@pytest.mark.parametrize(("order", "rank"), [(1, 1), (2, 2), (None, None), (True, None), ("1", None)])
def test_the_rank_is_the_order_where_it_is_a_number(order: Any, rank: int | None) -> None:
    assert only(coverage(order=order)).rank == rank


# --- where the patient lives -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "state"),
    [([{"state": " TX "}], "TX"), ([{"city": "Austin"}, {"state": "TX"}], "TX"), ([{"state": " "}], ""), (None, "")],
)
def test_the_home_state_is_the_first_stated_in_the_patients_addresses(address: Any, state: str) -> None:
    assert home_state(record({"resourceType": "Patient", "id": "p", "address": address})) == state


def test_without_a_patient_no_home_state_is_known() -> None:
    assert home_state(record()) == ""


# --- modifiers -------------------------------------------------------------------------------------------------------

RULES = {"implicitRules": "http://example.org/rules"}


@pytest.mark.parametrize(
    "members",
    [{}, {"status": "draft"}, {"status": "cancelled"}, {"period": {"start": "2019-01-01", "end": "2019-12-31"}}],
    ids=str,
)
def test_a_coverage_with_a_modifier_may_be_in_force_and_is_not_readable(members: dict[str, Any]) -> None:
    assert only(coverage(**members, **RULES)).is_readable is False


def test_a_payer_with_a_modifier_is_not_known() -> None:
    payer = {"resourceType": "Organization", "id": "o", "name": "Sample Health Plan"}
    by_reference = coverage(payor=[{"reference": "Organization/o"}])
    assert only(by_reference, payer).names == {"sample health plan"}
    assert only(by_reference, payer | RULES).names == frozenset()


def test_the_home_of_a_patient_with_a_modifier_is_not_known() -> None:
    patient = {"resourceType": "Patient", "id": "p", "address": [{"state": "TX"}]}
    assert (home_state(record(patient)), home_state(record(patient | RULES))) == ("TX", "")
