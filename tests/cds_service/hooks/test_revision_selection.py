"""The policies and revisions for a patient's plan and the day of service, over HTTP and on the command line."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.hooks import SERVICE_OF_HOOK
from coverage_policies.format.library import Library, load_library
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import (
    Effective,
    Payer,
    PlanRules,
    Visibility,
    VisibilityRule,
)
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.codings import CPT, ICD10CM
from fhir_mappings.fhir_json import Resource
from tests.support.hook_fakes import PATIENT_ID
from tests.support.signings import Chart, cards, carried, coded, printed
from tests.support.signings import service_request as service

SEEDS = ("CP.MP.126@2022-06", "CP.MP.126@2025-04", "CP.MP.166@2019-08", "CP.MP.173@2024-01", "MC.CP.MP.166@2025-12")
OURS = PlanRules(
    payers=(Payer("Sample Health Plan", ("Centene Corporation",), names=frozenset({"sample health plan"})),)
)


@pytest.fixture(name="library", scope="module")
def _library() -> Library:
    held = load_library()
    return Library({name: held.policies[name] for name in SEEDS}, held.value_sets)


def covered(kind: str = "", payer: str = "Sample Health Plan", **more: Any) -> Resource:
    found: Resource = {
        "resourceType": "Coverage",
        "id": f"cov-{kind or 'any'}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/{PATIENT_ID}"},
        "payor": [{"display": payer}],
    }
    typed = {"type": {"coding": [{"system": "https://nahdo.org/sopt", "code": kind}]}} if kind else {}
    return found | typed | more


def order(code: str, day: str = "2026-03-09", **more: Any) -> Resource:
    return service(coded((CPT, code)), occurrenceDateTime=day, **more)


def texts(found: list[dict[str, Any]]) -> list[str]:
    return sorted(f"{each['policy']}@{each['revision']}" for each in found)


def only_card(library: Library, of: Resource, *chart: Resource, rules: PlanRules = OURS, **more: Any) -> dict[str, Any]:
    (card,) = cards(library, of, chart=chart, rules=rules, **more)
    return dict(card)


def told(card: dict[str, Any]) -> str:
    """Return what a card says, without Markdown, and the notes of its determinations."""
    notes = [note for each in carried(card) for note in each.get("notes", ())]
    return "\n".join([card["summary"], card.get("detail", "").replace("\\", ""), *notes])


# --- six patients, one order -----------------------------------------------------------------------------------------

INJECTION, BLOCK, RADIOFREQUENCY, FUSION = "27096", "64451", "64625", "27279"
CP, MC = "CP.MP.166@2019-08", "MC.CP.MP.166@2025-12"
PLANS: dict[str, Chart] = {
    "Medicare": (covered("111"),),
    "commercial": (covered("512"),),
    "Medicaid": (covered("211"),),
    "none on file": (),
    "Medigap only": (covered("523"),),
    "another payer": (covered("512", "Another Plan"),),
}

LCD = "Medicare national and local coverage determinations take precedence."
STATE = "Medicaid rules of the state take precedence."
BOTH = (
    "Line of business not known. "
    "Checked against CP.MP.166 (medicaid, commercial) and MC.CP.MP.166 (medicare-advantage)."
)
NOT_FILED = "No coverage on file for that date."
SUPPLEMENT = "The only coverage on file (Medicare supplement) supplements another that is not on file."
IF_IT_FOLLOWS = "Payer not identified. Applies only if the plan uses Centene Corporation policies."
OLD = "A later revision of CP.MP.166, dated 2020-02, is not installed."
AGE = "This revision is dated August 2019 and may have been superseded."
NOTES = (LCD, STATE, BOTH, NOT_FILED, SUPPLEMENT, IF_IT_FOLLOWS, OLD, AGE)


@pytest.mark.parametrize(
    ("plan", "judging", "notes"),
    [
        ("Medicare", [MC], {LCD}),
        ("commercial", [CP], {OLD, AGE}),
        ("Medicaid", [CP], {STATE, OLD, AGE}),
        ("none on file", [CP, MC], {BOTH, NOT_FILED, IF_IT_FOLLOWS, OLD, AGE}),
        ("Medigap only", [CP, MC], {BOTH, SUPPLEMENT, IF_IT_FOLLOWS, OLD, AGE}),
    ],
)
def test_an_injection_is_evaluated_under_the_policy_of_the_patients_plan_and_the_card_says_so(
    library: Library, plan: str, judging: list[str], notes: set[str]
) -> None:
    card = only_card(library, order(INJECTION), *PLANS[plan])
    assert texts(carried(card)) == judging
    is_known = not notes & {NOT_FILED, SUPPLEMENT}
    assert card["source"]["label"] == ("Sample Health Plan" if is_known else "Centene")
    assert {note for note in NOTES if note in told(card)} == notes


@pytest.mark.parametrize("code", [INJECTION, BLOCK, RADIOFREQUENCY, FUSION])
def test_an_order_for_a_patient_of_another_payer_gets_no_card(library: Library, code: str) -> None:
    assert cards(library, order(code), chart=PLANS["another payer"], rules=OURS) == []


def test_the_command_line_says_why_an_order_for_another_payer_is_not_evaluated(library: Library) -> None:
    (found,) = printed(library, order(INJECTION), chart=PLANS["another payer"], rules=OURS)
    assert found["outcome"] == "not-applicable"
    assert found["notes"] == ["The payer on file does not use Centene Corporation policies."]


@pytest.mark.parametrize("plan", PLANS)
def test_the_command_line_uses_the_same_policies_as_the_cards(library: Library, plan: str) -> None:
    shown = [each for card in cards(library, order(INJECTION), chart=PLANS[plan], rules=OURS) for each in carried(card)]
    found = printed(library, order(INJECTION), chart=PLANS[plan], rules=OURS)
    assert [each for each in found if each["outcome"] != "not-applicable"] == shown


@pytest.mark.parametrize("plan", [name for name in PLANS if name != "another payer"])
def test_a_fusion_is_evaluated_under_the_one_policy_for_every_plan(library: Library, plan: str) -> None:
    card = only_card(library, order(FUSION), *PLANS[plan])
    assert texts(carried(card)) == ["CP.MP.126@2025-04"]


@pytest.mark.parametrize(
    ("plan", "judging"),
    [
        ("Medicare", [("MC.CP.MP.166", "VII", "not-supported")]),
        ("commercial", [("CP.MP.166", "IV", "not-supported")]),
        ("none on file", [("CP.MP.166", "IV", "not-supported"), ("MC.CP.MP.166", "VII", "not-supported")]),
    ],
)
def test_radiofrequency_is_not_supported_by_either_policy(
    library: Library, plan: str, judging: list[tuple[str, str, str]]
) -> None:
    card = only_card(library, order(RADIOFREQUENCY), *PLANS[plan])
    assert card["indicator"] == ("info" if plan == "none on file" else "warning")
    assert sorted((each["policy"], each["section"], each["outcome"]) for each in carried(card)) == judging


@pytest.mark.parametrize("code", [BLOCK, RADIOFREQUENCY])
def test_an_order_that_is_never_supported_gets_no_question_about_its_purpose(library: Library, code: str) -> None:
    assert "What is this injection for?" not in told(only_card(library, order(code), *PLANS["Medicare"]))


def test_a_nerve_block_is_not_supported_under_medicare(library: Library) -> None:
    (found,) = carried(only_card(library, order(BLOCK), *PLANS["Medicare"]))
    assert (found["policy"], found["section"], found["outcome"]) == ("MC.CP.MP.166", "VI", "not-supported")


@pytest.mark.parametrize("plan", ["commercial", "Medicaid"])
def test_a_nerve_block_outside_medicare_gets_no_card(library: Library, plan: str) -> None:
    assert cards(library, order(BLOCK), chart=PLANS[plan], rules=OURS) == []


def test_the_card_for_a_nerve_block_under_an_unknown_plan_names_the_plans_of_the_policy(library: Library) -> None:
    card = only_card(library, order(BLOCK))
    assert (
        "Line of business not known. Checked against MC.CP.MP.166 (medicare-advantage). "
        "No medicaid or commercial policy installed for that date covers this order."
    ) in told(card)


def test_without_configured_payers_every_order_is_evaluated_and_the_card_says_that_it_may_not_apply(
    library: Library,
) -> None:
    card = only_card(library, order(INJECTION), *PLANS["another payer"], rules=PlanRules())
    assert texts(carried(card)) == [CP]
    assert IF_IT_FOLLOWS in told(card)


def test_an_order_without_a_code_gets_the_codes_of_the_policy_of_the_plan(library: Library) -> None:
    words = service({"text": "Left SI joint injection"}, occurrenceDateTime="2026-03-09")
    asking = {plan: texts(carried(only_card(library, words, *PLANS[plan]))) for plan in ("Medicare", "commercial")}
    assert asking == {"Medicare": [MC], "commercial": [CP]}


def test_an_order_without_a_code_under_an_unknown_plan_gets_one_info_card(library: Library) -> None:
    words = service({"text": "Left SI joint injection"}, occurrenceDateTime="2026-03-09")
    card = only_card(library, words)
    assert card["summary"].startswith("Which code do you mean: 27096 or G0260? ")
    assert card["detail"].startswith("**Left SI joint injection**")
    assert "Which code do you mean: 27096 or G0260?" in card["detail"]


# --- opposite tests under an unknown plan ----------------------------------------------------------------------------


def block(day: str, before: int, after: int) -> tuple[Resource, ...]:
    """Return a diagnostic injection on the left side, with a pain score before and after it."""
    subject = {"reference": f"Patient/{PATIENT_ID}"}
    scale = {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}
    done: Resource = {
        "resourceType": "Procedure",
        "id": f"block-{day}",
        "status": "completed",
        "subject": subject,
        "code": coded((CPT, INJECTION), text="Diagnostic block"),
        "bodySite": [{"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}],
        "performedDateTime": f"{day}T15:00:00Z",
    }
    scores: list[Resource] = [
        {
            "resourceType": "Observation",
            "id": f"score-{day}-{hour}",
            "status": "final",
            "subject": subject,
            "code": scale,
            "effectiveDateTime": f"{day}T{hour}:00:00Z",
            "valueInteger": value,
        }
        for hour, value in ((14, before), (16, after))
    ]
    return (done, *scores)


SECOND = {
    "orderDetail": [{"text": "Diagnostic block"}],
    "bodySite": [{"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}],
}


def test_the_policies_differ_on_a_second_block_after_a_successful_one_and_the_card_says_so(library: Library) -> None:
    card = only_card(library, order(INJECTION, **SECOND), *block("2026-02-02", 8, 1))
    assert card["summary"].startswith("Two policies may apply. Medicaid or commercial: ")
    assert card["indicator"] == "info"


@pytest.mark.parametrize(("after", "wants_failure", "wants_success"), [(1, "not-met", "met"), (8, "met", "not-met")])
def test_one_policy_requires_that_the_first_block_failed_and_the_other_that_it_worked(
    library: Library, after: int, wants_failure: str, wants_success: str
) -> None:
    card = only_card(library, order(INJECTION, **SECOND), *block("2026-02-02", 8, after))
    statuses = {(each["policy"], one["id"]): one["status"] for each in carried(card) for one in each["criteria"]}
    assert statuses["CP.MP.166", "I.B.1"] == wants_failure
    assert statuses["MC.CP.MP.166", "II.A"] == wants_success


# --- days of service -------------------------------------------------------------------------------------------------

MEDICARE = PLANS["Medicare"]
OLDER, NEWER = "CP.MP.126@2022-06", "CP.MP.126@2025-04"
NOT_HELD = "The revision of CP.MP.126 dated {} is not installed. Checked against the revisions before and after it."
BY_MONTH = "Policy revision: newest as of the service month; the plan may use another effective date."


@pytest.mark.parametrize(
    ("day", "judging", "note"),
    [
        ("2022-06-01", [OLDER], BY_MONTH),
        ("2023-05-31", [OLDER], BY_MONTH),
        ("2023-06-01", [OLDER, NEWER], NOT_HELD.format("2023-06")),
        ("2023-09-15", [OLDER, NEWER], NOT_HELD.format("2023-06")),
        ("2024-05-01", [OLDER, NEWER], NOT_HELD.format("2024-05")),
        ("2025-03-31", [OLDER, NEWER], NOT_HELD.format("2024-05")),
        ("2025-04-01", [NEWER], BY_MONTH),
        ("2026-01-15", [NEWER], BY_MONTH),
    ],
)
def test_a_fusion_is_evaluated_under_the_revision_of_its_day_or_the_neighboring_ones_and_the_card_says_so(
    library: Library, day: str, judging: list[str], note: str
) -> None:
    card = only_card(library, order(FUSION, day), *MEDICARE)
    assert texts(carried(card)) == judging
    assert note in told(card)


@pytest.mark.parametrize("code", [FUSION, "27278"])
def test_an_order_before_the_oldest_revision_is_not_evaluated_and_the_card_says_why(
    library: Library, code: str
) -> None:
    card = only_card(library, order(code, "2022-05-31"), *MEDICARE)
    (found,) = carried(card)
    assert (found["outcome"], "criteria" in found) == ("not-evaluated", False)
    assert "No revision of CP.MP.126 is installed for 2022-05-31; the oldest installed is 2022-06." in told(card)


@pytest.mark.parametrize(
    ("day", "outcomes"),
    [
        ("2022-06-15", {}),
        ("2023-09-15", {OLDER: "not-applicable", NEWER: "not-applicable"}),
        ("2023-12-31", {OLDER: "not-applicable", NEWER: "not-applicable"}),
        ("2024-01-01", {OLDER: "not-applicable", NEWER: "not-supported"}),
        ("2025-03-15", {OLDER: "not-applicable", NEWER: "not-supported"}),
        ("2025-04-15", {NEWER: "not-supported"}),
        ("2026-01-15", {NEWER: "not-supported"}),
    ],
)
def test_an_implant_that_does_not_cross_the_joint_is_evaluated_while_its_code_is_valid(
    library: Library, day: str, outcomes: dict[str, str]
) -> None:
    found = printed(library, order("27278", day), chart=MEDICARE, rules=OURS)
    assert {text: each["outcome"] for each in found for text in texts([each])} == outcomes


@pytest.mark.parametrize(
    ("day", "indicator"),
    [("2023-12-31", None), ("2024-01-01", "info"), ("2025-03-31", "info"), ("2025-04-01", "warning")],
)
def test_the_card_does_not_warn_if_only_the_later_revision_covers_the_implant(
    library: Library, day: str, indicator: str | None
) -> None:
    found = cards(library, order("27278", day), chart=MEDICARE, rules=OURS)
    assert [card["indicator"] for card in found] == ([indicator] if indicator else [])


@pytest.mark.parametrize("day", ["2024-01-01", "2025-03-31", "2025-04-01"])
def test_the_card_names_the_implant_whichever_revision_covers_it(library: Library, day: str) -> None:
    card = only_card(library, order("27278", day), *MEDICARE)
    assert card["detail"].startswith("**Sacroiliac implant that does not cross the joint**")


@pytest.mark.parametrize(
    ("day", "judging"), [("2022-12-31", []), ("2023-06-01", [OLDER, NEWER]), ("2023-12-31", [OLDER, NEWER])]
)
def test_the_code_of_2023_for_such_an_implant_is_judged_in_2023_only(
    library: Library, day: str, judging: list[str]
) -> None:
    found = [one for card in cards(library, order("0775T", day), chart=MEDICARE, rules=OURS) for one in carried(card)]
    assert texts(found) == judging


@pytest.mark.parametrize(("day", "status"), [("2025-12-31", "met"), ("2026-01-01", "unknown")])
def test_the_code_of_a_fusion_proves_that_the_implant_crosses_the_joint_until_2025(
    library: Library, day: str, status: str
) -> None:
    (found,) = carried(only_card(library, order(FUSION, day), *MEDICARE))
    assert [each["status"] for each in found["criteria"] if each["id"] == "IV"] == [status]


def test_a_partial_day_of_service_counts_by_its_last_day(library: Library) -> None:
    (found,) = carried(only_card(library, order(FUSION, "2022-06"), *MEDICARE))
    assert (found["anchor_date"], texts([found])) == ("2022-06-30", [OLDER])


# --- between two texts -----------------------------------------------------------------------------------------------

POSTERIOR = {"orderDetail": [{"text": "Posterior approach"}]}
FIBROMYALGIA: Resource = {
    "resourceType": "Condition",
    "id": "fm",
    "subject": {"reference": f"Patient/{PATIENT_ID}"},
    "clinicalStatus": coded(("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")),
    "code": coded((ICD10CM, "M79.7")),
    "onsetDateTime": "2022-01-01",
}


@pytest.mark.parametrize(
    ("day", "outcomes", "indicator"),
    [
        ("2023-05-31", ["documentation-needed"], "info"),
        ("2023-09-15", ["documentation-needed", "criteria-not-met"], "info"),
        ("2025-04-01", ["criteria-not-met"], "warning"),
    ],
)
def test_a_posterior_approach_fails_only_the_later_revision_and_is_open_in_between(
    library: Library, day: str, outcomes: list[str], indicator: str
) -> None:
    card = only_card(library, order(FUSION, day, **POSTERIOR), *MEDICARE)
    assert [each["outcome"] for each in carried(card)] == outcomes
    assert card["indicator"] == indicator


def test_the_card_between_two_revisions_names_the_criterion_that_differs(library: Library) -> None:
    card = only_card(library, order(FUSION, "2023-09-15", **POSTERIOR), *MEDICARE)
    assert re.fullmatch(
        r"Two revisions may apply\. 2022-06: \d+ items to document; 2025-04: criteria not met\.", card["summary"]
    )
    assert "- The lateral transarticular approach will be used: 2025-04 not met" in told(card)


def test_an_order_that_fails_both_neighboring_revisions_gets_a_warning(library: Library) -> None:
    card = only_card(library, order(FUSION, "2023-09-15"), *MEDICARE, FIBROMYALGIA)
    assert [each["outcome"] for each in carried(card)] == ["criteria-not-met", "criteria-not-met"]
    assert card["indicator"] == "warning"


# --- days of the injection texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "day", "judging", "outcome"),
    [
        ("Medicare", "2025-12-01", [MC], "documentation-needed"),
        ("Medicare", "2025-11-30", [MC], "not-evaluated"),
        ("Medicare", "2024-07-31", [MC], "not-evaluated"),
        ("commercial", "2019-08-01", [CP], "documentation-needed"),
        ("commercial", "2019-07-31", [CP], "not-evaluated"),
    ],
)
def test_an_injection_before_the_oldest_revision_of_its_line_is_not_evaluated(
    library: Library, plan: str, day: str, judging: list[str], outcome: str
) -> None:
    card = only_card(library, order(INJECTION, day), *PLANS[plan])
    assert [each["outcome"] for each in carried(card)] == [outcome]
    assert texts(carried(card)) == judging


@pytest.mark.parametrize(("day", "said"), [("2020-01-31", False), ("2020-02-01", True)])
def test_the_card_says_from_its_month_on_that_a_revision_followed_the_one_of_2019(
    library: Library, day: str, said: bool
) -> None:
    assert (OLD in told(only_card(library, order(INJECTION, day), *PLANS["commercial"]))) is said


# --- the operator's rules --------------------------------------------------------------------------------------------


def test_the_dates_of_the_operator_override_the_months(library: Library) -> None:
    rules = PlanRules(OURS.payers, (Effective(NEWER, date(2025, 6, 1), None, "Bulletin of May 2025"),))
    days = {day: only_card(library, order(FUSION, day), *MEDICARE, rules=rules) for day in ("2025-05-31", "2025-06-01")}
    assert {day: texts(carried(card)) for day, card in days.items()} == {
        "2025-05-31": [OLDER, NEWER],
        "2025-06-01": [NEWER],
    }
    assert "In effect for the plan since 2025-06-01 (Bulletin of May 2025)." in told(days["2025-06-01"])


def test_the_payer_determines_the_line_if_the_coverage_does_not(library: Library) -> None:
    payer = Payer(
        "Sample", ("Centene Corporation",), names=frozenset({"sample health plan"}), line=LineOfBusiness.MEDICARE
    )
    card = only_card(library, order(INJECTION), covered(), rules=PlanRules((payer,)))
    assert texts(carried(card)) == [MC]


@pytest.mark.parametrize(
    ("visibility", "on_paper"), [(Visibility.ON, [MC]), (Visibility.SHADOW, [MC]), (Visibility.OFF, [])]
)
@pytest.mark.parametrize("text", [MC, "MC.CP.MP.166"])
def test_a_shadow_policy_is_evaluated_but_not_shown_and_one_that_is_off_is_not_evaluated(
    library: Library, visibility: Visibility, on_paper: list[str], text: str
) -> None:
    rules = PlanRules(OURS.payers, visibility_rules=(VisibilityRule(text, visibility, frozenset()),))
    assert texts(printed(library, order(INJECTION), chart=MEDICARE, rules=rules)) == on_paper
    assert len(cards(library, order(INJECTION), chart=MEDICARE, rules=rules)) == (visibility is Visibility.ON)


def test_a_policy_may_be_in_shadow_mode_on_one_hook(library: Library) -> None:
    rules = PlanRules(
        OURS.payers, visibility_rules=(VisibilityRule(MC, Visibility.SHADOW, frozenset({"order-select"})),)
    )
    shown = {
        hook: len(cards(library, order(INJECTION), chart=MEDICARE, rules=rules, hook=hook))
        for hook in ("order-select", "order-sign")
    }
    assert shown == {"order-select": 0, "order-sign": 1}


def test_a_shadow_policy_is_not_on_the_card_of_another_one(library: Library) -> None:
    rules = PlanRules(OURS.payers, visibility_rules=(VisibilityRule(CP, Visibility.SHADOW, frozenset()),))
    assert texts(carried(only_card(library, order(INJECTION), rules=rules))) == [MC]


def test_a_rules_file_is_read_and_followed(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("payers: [{name: N, owner: Centene Corporation, names: [Sample Health Plan]}]\n", encoding="utf-8")
    rules = load_plan_rules(path, library.policies, SERVICE_OF_HOOK)
    assert texts(carried(only_card(library, order(INJECTION), *MEDICARE, rules=rules))) == [MC]
    assert cards(library, order(INJECTION), chart=PLANS["another payer"], rules=rules) == []


# --- payers that have to be read -------------------------------------------------------------------------------------


def test_a_payer_that_only_the_server_has_is_read(library: Library) -> None:
    organization: Resource = {"resourceType": "Organization", "id": "payer", "name": "Sample Health Plan"}
    by_reference = covered("111", payor=[{"reference": "Organization/payer"}])
    card = only_card(library, order(INJECTION), by_reference, organization)
    assert IF_IT_FOLLOWS not in told(card)


def test_a_payer_that_cannot_be_read_is_unknown(library: Library) -> None:
    by_reference = covered("111", payor=[{"reference": "Organization/payer"}])
    assert IF_IT_FOLLOWS in told(only_card(library, order(INJECTION), by_reference))


def test_a_coverage_in_the_prefetch_is_enough(library: Library) -> None:
    held = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": covered("111")}]}
    (card,) = cards(library, order(INJECTION), rules=OURS, prefetch={"coverage": held})
    assert texts(carried(card)) == [MC]
