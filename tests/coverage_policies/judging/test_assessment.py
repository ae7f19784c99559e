"""Every order of a call against every text that judges it."""

from dataclasses import replace
from typing import Any

import pytest

from coverage_policies.format.library import Library
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.searches import ANSWERS, CONDITIONS, Search
from coverage_policies.format.terms import LineOfBusiness, Outcome
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.judging.assessment import Assessment, Assessor
from coverage_policies.judging.determination import Alternative, Determination
from coverage_policies.judging.order_session import Session, read_session
from coverage_policies.judging.plan_rules import Payer, PlanRules, Visibility, VisibilityRule
from fhir_mappings.codings import CPT, Coding
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import PatientRecord
from tests.support.policy_fakes import COMPLETE, ENTRY, HEAD, SETS, answers, available, chart, condition, draft, text
from tests.support.terms import TERMS

WORDED = ValueSets(SETS, TERMS)
SECTIONS = "I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}"


def revision(month: str, sections: str = SECTIONS, name: str = "CP.TEST", orders: str = ENTRY) -> Policy:
    written = HEAD.replace("2025-01", month).replace("CP.TEST", name)
    return parse_policy(text(sections, head=written, orders=orders), f"{name}-{month}", WORDED)


def assessor(*policies: Policy, rules: PlanRules | None = None) -> Assessor:
    return Assessor(Library({policy.full_name: policy for policy in policies}, WORDED), rules or PlanRules())


def session(*drafts: Resource) -> Session:
    return read_session([("", each) for each in drafts], [], chart(), PlanRules())


def assess(by: Assessor, among: Session, record: PatientRecord, hook: str = "order-sign") -> tuple[Assessment, ...]:
    return by.assess(among, by.candidates(among, record.today), record, hook)


def searches(by: Assessor, among: Session, hook: str) -> tuple[Search, ...] | None:
    return by.searches(by.candidates(among, chart().today), hook)


def judge_by(policy: Policy, among: Session, record: PatientRecord, by: Assessor | None = None) -> Determination:
    """The determination of the only order by one revision."""
    ((found,),) = [each.determinations for each in assess((by or assessor()).limited_to(policy), among, record)]
    return found


def assessed(by: Assessor, *drafts: Resource, of: tuple[Resource, ...] = ()) -> tuple[Assessment, ...]:
    return assess(by, session(*drafts), chart(*of, availability=available()))


def flat(found: tuple[Assessment, ...]) -> list[tuple[str, str, Outcome]]:
    return [(each.order, each.full_name, each.outcome) for one in found for each in one.determinations]


NEEDED, FAILED = Outcome.DOCUMENTATION_NEEDED, Outcome.CRITERIA_NOT_MET


def test_every_order_is_held_against_every_text_that_speaks_of_it() -> None:
    by = assessor(
        revision("2025-01"), revision("2024-01", name="CP.OTHER", orders="- {codes: another-order, sections: [I]}")
    )
    found = assessed(by, draft(id="a"), draft("10002", id="b"), draft("10003", id="c"), of=(condition("alpha"),))
    assert flat(found) == [
        ("ServiceRequest/a", "CP.TEST@2025-01", FAILED),
        ("ServiceRequest/b", "CP.OTHER@2024-01", FAILED),
    ]


def test_each_order_is_judged_on_its_own_day() -> None:
    by = assessor(revision("2024-01"), revision("2026-03"))
    found = assessed(by, draft(id="a", planned="2026-02-28"), draft(id="b", planned="2026-03-01"))
    assert [(order, text) for order, text, _ in flat(found)] == [
        ("ServiceRequest/a", "CP.TEST@2024-01"),
        ("ServiceRequest/b", "CP.TEST@2026-03"),
    ]


def test_an_order_before_the_oldest_text_is_not_evaluated_and_it_is_told() -> None:
    ((found,),) = [one.determinations for one in assessed(assessor(revision("2026-04")), draft())]
    assert (found.outcome, found.criteria) == (Outcome.NOT_EVALUATED, ())
    assert found.notes == ("No revision of CP.TEST is installed for 2026-03-02; the oldest installed is 2026-04.",)


def test_an_order_that_is_not_evaluated_is_named_by_the_label_of_its_code() -> None:
    ((found,),) = [one.determinations for one in assessed(assessor(revision("2026-04")), draft())]
    assert found.order_label == "Label of 10001"


def test_an_order_that_may_mean_something_else_is_not_evaluated_and_it_is_told() -> None:
    modified = draft(implicitRules="http://example.org/rules")
    ((found,),) = [one.determinations for one in assessed(assessor(revision("2026-01")), modified)]
    assert (found.outcome, found.criteria, found.questions) == (Outcome.NOT_EVALUATED, (), ())
    assert found.obstacle == "the order has implicitRules, which may change its meaning"
    assert found.notes[-1] == "Not evaluated: the order has implicitRules, which may change its meaning."


def test_an_order_that_may_mean_something_else_and_concerns_no_text_gets_no_determination() -> None:
    assert assessed(assessor(revision("2026-01")), draft("10003", implicitRules="http://example.org/rules")) == ()


def test_an_order_that_is_not_evaluated_needs_no_data() -> None:
    by = assessor(revision("2026-01"))
    session = read_session([("", draft(implicitRules="http://example.org/rules"))], [], chart(), by.rules)
    assert by.searches(by.candidates(session, chart().today), "order-sign") is None


def test_the_other_orders_of_the_session_are_seen() -> None:
    by = assessor(revision("2025-01", "I: {says: s, met_when: {concurrent_order: {in: another-order}}, ask: q}"))
    assert flat(assessed(by, draft(id="a"), draft("10002", id="b")))[0][2] is Outcome.SUPPORTED
    assert flat(assessed(by, draft(id="a")))[0][2] is NEEDED


def test_a_text_that_is_switched_off_judges_nothing() -> None:
    rules = PlanRules(visibility_rules=(VisibilityRule("CP.TEST", Visibility.OFF, frozenset({"order-sign"})),))
    by = assessor(revision("2025-01"), rules=rules)
    assert assessed(by, draft()) == ()
    assert len(assess(by, session(draft()), chart(), "order-select")) == 1


def test_a_text_that_is_switched_off_wants_no_data() -> None:
    off = PlanRules(visibility_rules=(VisibilityRule("CP.TEST", Visibility.OFF, frozenset({"order-sign"})),))
    by = assessor(revision("2025-01"), rules=off)
    assert searches(by, session(draft()), "order-sign") is None
    assert searches(by, session(draft()), "order-select") is not None


def test_a_silent_text_is_judged_and_wants_its_data() -> None:
    silent = PlanRules(visibility_rules=(VisibilityRule("CP.TEST", Visibility.SHADOW, frozenset()),))
    by = assessor(revision("2025-01"), rules=silent)
    assert flat(assessed(by, draft(), of=(condition("alpha"),))) == [
        ("ServiceRequest/order-1", "CP.TEST@2025-01", FAILED)
    ]
    assert CONDITIONS in (searches(by, session(draft()), "order-sign") or ())


def test_of_two_neighbors_the_one_that_is_switched_off_is_left_out() -> None:
    off = PlanRules(visibility_rules=(VisibilityRule("CP.TEST@2024-01", Visibility.OFF, frozenset()),))
    by = assessor(revision("2024-01"), replace(revision("2026-06"), history=("2025-01",)), rules=off)
    assert [text for _, text, _ in flat(assessed(by, draft()))] == ["CP.TEST@2026-06"]


def test_a_text_may_be_asked_for_although_it_is_switched_off_and_the_payer_is_another() -> None:
    rules = PlanRules(
        payers=(Payer("P", ("Another owner",), names=frozenset({"p"})),),
        visibility_rules=(VisibilityRule("CP.TEST", Visibility.OFF, frozenset()),),
    )
    by = assessor(revision("2025-01"), rules=rules)
    record = chart(condition("alpha"), COVERED, availability=HELD)
    found = judge_by(revision("2025-01"), session(draft()), record, by)
    assert found.outcome is FAILED


# --- the plan --------------------------------------------------------------------------------------------------------

COVERED: Resource = {
    "resourceType": "Coverage",
    "id": "c",
    "status": "active",
    "beneficiary": {"reference": "Patient/p"},
    "type": {"coding": [{"system": "https://nahdo.org/sopt", "code": "111"}]},
    "payor": [{"display": "Sample Health Plan"}],
}
HELD = available() | {"Coverage": COMPLETE}
KNOWN = Payer("Ours", ("Test Plan",), names=frozenset({"sample health plan"}))


def with_coverage(by: Assessor, **order: Any) -> tuple[Assessment, ...]:
    return assess(by, session(draft(**order)), chart(COVERED, availability=HELD))


def test_an_order_for_a_patient_of_another_payer_is_not_applicable_and_it_is_told() -> None:
    stranger = Payer("Another", ("Another owner",), names=frozenset({"another"}))
    ((found,),) = [
        one.determinations for one in with_coverage(assessor(revision("2025-01"), rules=PlanRules(payers=(stranger,))))
    ]
    assert (found.outcome, found.criteria) == (Outcome.NOT_APPLICABLE, ())
    assert found.notes == ("The payer on file does not use Test Plan policies.",)


def test_an_order_for_a_patient_of_our_payer_is_judged_and_what_comes_first_is_told_first() -> None:
    by = assessor(revision("2025-01"), rules=PlanRules(payers=(KNOWN,)))
    ((found,),) = [one.determinations for one in with_coverage(by)]
    assert found.outcome is NEEDED
    assert found.notes[:2] == (
        "Medicare national and local coverage determinations take precedence.",
        "Policy revision: newest as of the service month; the plan may use another effective date.",
    )


NO_TYPE = {name: value for name, value in COVERED.items() if name != "type"}


@pytest.mark.parametrize(
    ("coverage", "payers", "may_not_apply"),
    [
        (COVERED, (KNOWN,), False),
        (COVERED, (), False),
        (NO_TYPE, (), True),
        (NO_TYPE, (KNOWN,), True),
        (None, (KNOWN,), True),
    ],
)
def test_a_policy_may_not_apply_where_the_line_or_a_configured_payer_is_not_known(
    coverage: Resource | None, payers: tuple[Payer, ...], may_not_apply: bool
) -> None:
    by = assessor(revision("2025-01"), rules=PlanRules(payers=payers))
    (found,) = assess(by, session(draft()), chart(*([coverage] if coverage else []), availability=HELD))
    assert found.may_not_apply is may_not_apply


def test_a_policy_for_every_line_may_not_apply_only_where_payers_are_configured() -> None:
    every = replace(revision("2025-01"), lines_of_business=tuple(LineOfBusiness))
    for payers, may_not_apply in (((), False), ((KNOWN,), True)):
        by = assessor(every, rules=PlanRules(payers=payers))
        (found,) = assess(by, session(draft()), chart(availability=HELD))
        assert found.may_not_apply is may_not_apply


def test_an_assessment_names_the_payer_that_follows_its_policies() -> None:
    stranger = Payer("Another", ("Another owner",), names=frozenset({"another"}))
    for payers, payer in (((KNOWN,), "Ours"), ((stranger,), ""), ((), "")):
        by = assessor(revision("2025-01"), rules=PlanRules(payers=payers))
        (found,) = assess(by, session(draft()), chart(COVERED, availability=HELD))
        assert found.payer == payer


def test_the_coverage_counts_that_is_in_force_on_the_day_of_the_order() -> None:
    by = assessor(revision("2025-01"), rules=PlanRules(payers=(KNOWN,)))
    until = COVERED | {"period": {"end": "2026-03-02"}}
    drafts = session(draft(id="a", planned="2026-03-02"), draft(id="b", planned="2026-03-03"))
    found = assess(by, drafts, chart(until, availability=HELD))
    said = ["No coverage on file for that date." in one.determinations[0].notes for one in found]
    assert said == [False, True]


def test_a_coverage_that_was_set_aside_is_named() -> None:
    crooked = COVERED | {"status": "running"}
    found = assess(assessor(revision("2025-01")), session(draft()), chart(crooked, availability=HELD))
    assert "Not used: Coverage/c, Coverage.status does not follow FHIR R4." in found[0].determinations[0].notes


def test_a_text_may_be_asked_for_whatever_its_date() -> None:
    found = judge_by(revision("2030-01"), session(draft()), chart(condition("alpha")))
    assert (found.full_name, found.outcome) == ("CP.TEST@2030-01", FAILED)


def test_the_data_that_are_needed_are_those_of_the_texts_that_judge() -> None:
    by = assessor(revision("2025-01"))
    assert set(searches(by, session(draft()), "order-sign") or ()) == {ANSWERS, CONDITIONS}
    assert searches(by, session(draft("10003")), "order-sign") is None


# --- several texts side by side --------------------------------------------------------------------------------------


def determination(outcome: Outcome) -> Determination:
    return Determination("P", "2025-01", 1, "t", "o", outcome, chart().today, "today")


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ([Outcome.SUPPORTED, Outcome.SUPPORTED], Outcome.SUPPORTED),
        ([FAILED, Outcome.NOT_SUPPORTED], FAILED),
        ([Outcome.NOT_SUPPORTED, Outcome.NOT_SUPPORTED], Outcome.NOT_SUPPORTED),
        ([FAILED, Outcome.SUPPORTED], NEEDED),
        ([Outcome.SUPPORTED, Outcome.CASE_REVIEW], NEEDED),
        ([FAILED], FAILED),
        ([FAILED, FAILED], FAILED),
        ([Outcome.NOT_SUPPORTED, FAILED, Outcome.NOT_SUPPORTED], FAILED),
        ([FAILED, FAILED, NEEDED], NEEDED),
        ([FAILED, Outcome.NOT_EVALUATED], NEEDED),
        ([Outcome.NOT_SUPPORTED, Outcome.NOT_APPLICABLE], NEEDED),
        ([Outcome.SUPPORTED, Outcome.NOT_APPLICABLE], NEEDED),
        ([Outcome.CASE_REVIEW, Outcome.CASE_REVIEW], Outcome.CASE_REVIEW),
        ([Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE], Outcome.NOT_APPLICABLE),
    ],
)
def test_texts_side_by_side_say_together_what_they_agree_on(outcomes: list[Outcome], together: Outcome) -> None:
    assert Assessment(tuple(map(determination, outcomes))).outcome is together


def test_where_revisions_part_is_told_by_criterion() -> None:
    leaf = "{id: I.A, says: a, not_met_when: {condition: {in: %s}}, ask: q}"
    same = "{id: I.B, says: b, ask: q}"
    one = revision("2024-01", f"I: {{says: s, all: [{leaf % 'alpha'}, {same}]}}")
    two = revision("2025-01", f"I: {{says: s, all: [{leaf % 'beta'}, {same}, {{id: I.C, says: c, ask: q}}]}}")
    both = tuple(judge_by(each, session(draft()), chart(condition("alpha"))) for each in (one, two))
    differences = [
        (each.criterion, [(month, s.value) for month, s in each.statuses]) for each in Assessment(both).differences
    ]
    assert differences == [
        ("I.A", [("2024-01", "not-met"), ("2025-01", "unknown")]),
        ("I.C", [("2025-01", "unknown")]),
    ]


def test_texts_of_different_policies_have_no_criteria_to_part_on() -> None:
    one, two = revision("2025-01"), revision("2025-01", name="CP.OTHER", sections="I: {says: t, ask: q}")
    both = tuple(judge_by(each, session(draft()), chart(condition("alpha"))) for each in (one, two))
    assert Assessment(both).differences == ()


def test_a_text_alone_parts_from_nothing() -> None:
    found = judge_by(revision("2025-01"), session(draft()), chart())
    assert Assessment((found,)).differences == ()


def test_a_group_is_not_said_to_part_beside_its_parts() -> None:
    group = "I: {says: s, all: [{id: I.A, says: a, not_met_when: {condition: {in: %s}}, ask: q}]}"
    one, two = revision("2024-01", group % "alpha"), revision("2025-01", group % "beta")
    both = tuple(judge_by(each, session(draft()), chart(condition("alpha"))) for each in (one, two))
    assert [each.criterion for each in Assessment(both).differences] == ["I.A"]


def test_texts_that_stand_side_by_side_are_one_assessment_with_the_reason_on_each() -> None:
    by = assessor(revision("2024-01"), replace(revision("2026-06"), history=("2025-01",)))
    (found,) = assessed(by, draft())
    assert [each.revision for each in found.determinations] == ["2024-01", "2026-06"]
    why = "The revision of CP.TEST dated 2025-01 is not installed. Checked against the revisions before and after it."
    assert [why in each.notes for each in found.determinations] == [True, True]


# --- the mended order ------------------------------------------------------------------------------------------------

MENDED = """
I:
  says: s
  met_when: {order: {approach: lateral-transarticular}}
  not_met_when: {order: {approach: posterior}}
  suggest: {says: Change the approach, approach: lateral-transarticular}
  ask: q
II: {says: t, not_met_when: {condition: {in: alpha}}, ask: q}
"""
BOTH = "- {codes: the-order, sections: [I, II]}"
POSTERIOR = {"orderDetail": [{"text": "Posterior approach"}, {"text": "Left"}]}


def alternatives(*of: Resource, **order: Any) -> Any:
    by = assessor(revision("2025-01", MENDED, orders=BOTH))
    ((found,),) = [one.determinations for one in assessed(by, draft(**order), of=of)]
    return found.alternatives


def test_an_order_that_could_be_mended_is_shown_mended_with_its_outcome() -> None:
    (found,) = alternatives(**POSTERIOR)
    assert (found.criterion, found.says, found.outcome) == ("I", "Change the approach", NEEDED)
    assert found.resource["orderDetail"] == [{"text": "Left"}, {"text": "Lateral transarticular approach"}]
    assert found.resource["id"] == "order-1"
    assert found.items_left == (1, 1)


def test_an_order_that_cannot_be_changed_without_contradiction_is_not_shown_mended() -> None:
    assert alternatives(**POSTERIOR, extension=[{"url": "urn:x", "valueString": "Posterior approach"}]) == ()
    device = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Posterior approach", "type": "other"}]}
    assert alternatives(**POSTERIOR, contained=[device], supportingInfo=[{"reference": "#d"}]) == ()


def test_a_suggestion_names_every_criterion_that_offers_its_label_under_every_revision() -> None:
    first_section, _, _ = MENDED.partition("II:")
    twice = first_section + first_section.replace("I:", "II:")
    later = replace(revision("2026-06", twice, orders=BOTH), history=("2025-01",))
    by = assessor(revision("2024-01", MENDED, orders=BOTH), later)
    (found,) = assessed(by, draft(**POSTERIOR))
    (suggestion,) = found.suggestions
    assert suggestion.label == "Change the approach"
    assert suggestion.criteria == (("CP.TEST@2024-01", "I"), ("CP.TEST@2026-06", "I"), ("CP.TEST@2026-06", "II"))


def test_a_suggestion_counts_what_stays_open_under_whichever_revision() -> None:
    order = {"resourceType": "ServiceRequest", "id": "order-1"}
    (found,) = assessed(assessor(revision("2025-01")), draft())
    (judged,) = found.determinations
    offers = [Alternative("I", "Change it", order, NEEDED, left) for left in ((2, 3), (1, 2))]
    both = tuple(
        replace(judged, revision=f"202{i}-01", alternatives=(offer,)) for i, offer in enumerate(offers, start=4)
    )
    (suggestion,) = Assessment(both).suggestions
    assert suggestion.items_left == (1, 3)


def test_a_suggestion_that_one_revision_does_not_offer_is_none() -> None:
    by = assessor(revision("2024-01", MENDED, orders=BOTH), replace(revision("2026-06"), history=("2025-01",)))
    (found,) = assessed(by, draft(**POSTERIOR))
    assert len(found.determinations[0].alternatives) == 1
    assert found.suggestions == ()


def test_an_order_that_would_still_fail_is_not_shown_mended() -> None:
    assert alternatives(condition("alpha"), **POSTERIOR) == ()


def test_an_order_that_does_not_fail_is_not_mended() -> None:
    assert alternatives() == ()


def test_an_order_without_an_id_cannot_be_replaced_by_a_mended_one() -> None:
    by = assessor(revision("2025-01", MENDED, orders=BOTH))
    nameless = {name: value for name, value in draft(**POSTERIOR).items() if name != "id"}
    ((found,),) = [one.determinations for one in assessed(by, nameless)]
    assert (found.outcome, found.alternatives) == (FAILED, ())


def test_a_mended_order_is_seen_by_what_looks_at_the_session_in_place_of_the_first() -> None:
    sections = MENDED.replace("{condition: {in: alpha}}", "{concurrent_order: {in: the-order}}")
    by = assessor(revision("2025-01", sections, orders=BOTH))
    ((found,),) = [one.determinations for one in assessed(by, draft(**POSTERIOR))]
    assert len(found.alternatives) == 1


@pytest.mark.parametrize(("urls", "left"), [(["urn:uuid:1"], 0), (["urn:uuid:1", "urn:uuid:2"], 1)])
def test_a_mended_order_keeps_the_name_of_the_first(urls: list[str], left: int) -> None:
    by = assessor(revision("2025-01", MENDED, orders=BOTH))
    said = answers({"II": "yes"})
    drafts = [draft(**POSTERIOR), draft("10002")]
    among = read_session(list(zip(urls, drafts, strict=False)), [], chart(), PlanRules())
    first = assess(by, among, chart(said, availability=available()))[0]
    ((found,),) = [each.alternatives for each in first.determinations]
    assert found.items_left == (left, left)


def test_a_mended_order_carries_the_codes_that_the_operator_maps() -> None:
    rules = PlanRules(order_codes={("urn:local", "F"): (Coding(CPT, "10001"),)})
    by = assessor(revision("2025-01", MENDED, orders=BOTH), rules=rules)
    local = draft(**POSTERIOR) | {"code": {"coding": [{"system": "urn:local", "code": "F"}]}}
    drafts = read_session([("", local)], [], chart(), rules)
    ((found,),) = [one.determinations for one in assess(by, drafts, chart(availability=available()))]
    assert [each.outcome for each in found.alternatives] == [NEEDED]
