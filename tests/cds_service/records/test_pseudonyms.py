"""Pseudonyms, canonical JSON, and the snapshot of the policies in force."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from cds_service.records.policy_snapshot import PolicySnapshot, rules_hash
from cds_service.records.pseudonyms import Pseudonymizer, key_in, random_key
from coverage_policies.judging.member_list import MemberList, Membership
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    Contact,
    Covered,
    GrantedAuthorization,
    PayerTerms,
)
from coverage_policies.judging.plan_rules import Effective, Payer, PlanRules, Visibility, VisibilityRule
from fhir_mappings.codings import CPT, Coding
from fhir_mappings.order_terms import NO_TERMS
from tests.support.record_fakes import shipped
from tests.support.terms import TERMS

ZONE = ZoneInfo("America/New_York")


def test_a_hash_depends_on_key_kind_and_every_part() -> None:
    keyed = Pseudonymizer(b"a" * 32)
    found = {
        keyed("order", "a", "b"),
        keyed("order", "ab"),
        keyed("order", "a", "b", ""),
        keyed("user", "a", "b"),
        Pseudonymizer(b"b" * 32)("order", "a", "b"),
    }
    assert len(found) == 5
    assert keyed("order", "a", "b") == Pseudonymizer(b"a" * 32)("order", "a", "b")
    assert keyed("order", "\ud800") != keyed("order", "\ud801")
    assert keyed.name != Pseudonymizer(b"b" * 32).name


def test_all_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    for n in range(20):
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(key_in, [tmp_path / f"folder-{n}" / "key"] * 8))) == 1
        assert [path.name for path in (tmp_path / f"folder-{n}").iterdir()] == ["key"]
    assert random_key() != random_key()


def test_a_snapshot_names_every_policy_and_changes_with_each() -> None:
    assessor = shipped()
    snapshot = PolicySnapshot.of(assessor, ZONE, 90)
    assert set(snapshot.policies) == set(assessor.library.policies)
    assert snapshot.name == PolicySnapshot.of(assessor, ZONE, 90).name
    name, version = next(iter(snapshot.policies.items()))
    others = [
        replace(snapshot, policies={**snapshot.policies, name: replace(version, edition=99)}),
        replace(snapshot, policies={other: each for other, each in snapshot.policies.items() if other != name}),
        PolicySnapshot.of(assessor, ZoneInfo("Europe/Vienna"), 90),
        PolicySnapshot.of(assessor, ZONE, 91),
    ]
    assert len({snapshot.name, *(other.name for other in others)}) == 5


def test_different_rules_have_different_hashes_whatever_the_order_of_sets() -> None:
    names = frozenset(f"name {n}" for n in range(50))
    payer = Payer("Plan", ("Owner",), names=names)
    rules = PlanRules(payers=(payer,))
    same = PlanRules(payers=(replace(payer, names=frozenset(sorted(names, reverse=True))),))
    assert rules_hash(rules, ZONE, 90, NO_TERMS) == rules_hash(same, ZONE, 90, NO_TERMS)
    others = [
        PlanRules(),
        replace(rules, payers=(replace(payer, owners=("Other",)),)),
        replace(rules, effective=(Effective("CP.MP.126@2025-04", date(2025, 4, 1), None, "plan"),)),
        replace(rules, visibility_rules=(VisibilityRule("CP.MP.126", Visibility.SHADOW, frozenset()),)),
        replace(rules, order_codes={("a", "b"): (Coding("c", "d"),)}),
    ]
    assert len({rules_hash(each, ZONE, 90, NO_TERMS) for each in (rules, *others)}) == 6
    assert rules_hash(rules, ZONE, 90, TERMS) != rules_hash(rules, ZONE, 90, NO_TERMS)


TERMS_OF_PAYER = PayerTerms(codes={(CPT, "27279"): CodeTerms(Authorization.AUTH_NEEDED, quantity=Decimal(1), unit="u")})


def hash_with(terms: PayerTerms | None) -> str:
    return rules_hash(PlanRules(payers=(Payer("Plan", ("Owner",), terms=terms),)), ZONE, 90, NO_TERMS)


def test_whatever_the_terms_of_a_payer_state_changes_the_hash() -> None:
    others = [
        None,
        PayerTerms(),
        replace(TERMS_OF_PAYER, if_supported=Covered.COVERED),
        replace(TERMS_OF_PAYER, if_not_met=Covered.NOT_COVERED),
        replace(TERMS_OF_PAYER, without_policy=Covered.NOT_COVERED),
        replace(
            TERMS_OF_PAYER, codes={(CPT, "27279"): CodeTerms(Authorization.NO_AUTH, quantity=Decimal(1), unit="u")}
        ),
        replace(
            TERMS_OF_PAYER, codes={(CPT, "27279"): CodeTerms(Authorization.AUTH_NEEDED, quantity=Decimal(2), unit="u")}
        ),
        replace(TERMS_OF_PAYER, contact=Contact(phone="1")),
        replace(TERMS_OF_PAYER, members=MemberList([])),
    ]
    assert len({hash_with(each) for each in (TERMS_OF_PAYER, *others)}) == 10


def test_members_and_authorizations_that_change_daily_leave_the_hash_as_it_is() -> None:
    one, two = (MemberList([(member, Membership(date(2025, 1, 1)))]) for member in ("M-1", "M-2"))
    assert hash_with(PayerTerms(members=one)) == hash_with(PayerTerms(members=two))
    granted = {("M-1", CPT, "27279"): GrantedAuthorization("A-1")}
    assert hash_with(PayerTerms(granted=granted)) == hash_with(PayerTerms())
