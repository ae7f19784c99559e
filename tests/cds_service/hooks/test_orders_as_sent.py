"""Orders as EHRs send them: several resource types, code systems, codes, and orders, with and without codes."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from coverage_policies.format.library import Library, load_library
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.codings import CPT, HCPCS, RXNORM, SNOMED, Coding
from fhir_mappings.fhir_json import Resource
from tests.support.signings import Determinations, cards, coded, ordered, printed, shown
from tests.support.signings import service_request as service

FUSION, PUMP = "CP.MP.126", "CP.MP.173"
MORPHINE_INJECTION = "1728783"

Ask: TypeAlias = Callable[..., Determinations]


@pytest.fixture(name="library", scope="module")
def _library() -> Library:
    """Return a library with only the fusion and pump policies of the day."""
    held = load_library()
    texts = ("CP.MP.126@2025-04", "CP.MP.173@2024-01")
    return Library({name: held.policies[name] for name in texts}, held.value_sets)


def _told(library: Library, *orders: Resource, **more: Any) -> Determinations:
    """Return the output of the command line without the orders that get no card."""
    return [each for each in printed(library, *orders, **more) if each["outcome"] != "not-applicable"]


@pytest.fixture(name="ask", params=[shown, _told], ids=["cards", "command"])
def _ask(request: pytest.FixtureRequest, library: Library) -> Ask:
    """Return what HTTP and the command line say about draft orders."""
    return lambda *orders, **more: request.param(library, *orders, **more)


def judged(found: Determinations) -> list[tuple[str, str]]:
    """Return the order and policy of each determination, sorted by name."""
    return sorted((each["order"], each["policy"]) for each in found)


# --- the pump: procedure, device, drug -------------------------------------------------------------------------------

PUMP_TYPE = coded((HCPCS, "E0783"))
DEVICE: Resource = {"resourceType": "Device", "id": "pump", "type": PUMP_TYPE}
TO_DEVICE = {"reference": "Device/pump"}
TRIAL_DRUG = coded((HCPCS, "J2274"))
DRUG: Resource = {"resourceType": "Medication", "id": "drug", "code": TRIAL_DRUG}
TO_DRUG = {"reference": "Medication/drug"}
FOR_A_TRIAL = {"reasonCode": [{"text": "Intrathecal morphine trial"}]}
"""The sign without which a drug that has other uses is not asked about."""


@pytest.mark.parametrize(
    ("order", "section"),
    [
        (service(coded((CPT, "62362"))), "II"),
        (ordered("DeviceRequest", "codeCodeableConcept", PUMP_TYPE), "II"),
        (ordered("MedicationRequest", "medicationCodeableConcept", TRIAL_DRUG, **FOR_A_TRIAL), "I"),
    ],
    ids=["procedure", "device", "drug"],
)
def test_a_pump_order_is_evaluated_in_every_resource_type(ask: Ask, order: Resource, section: str) -> None:
    (found,) = ask(order)
    assert (found["order"], found["policy"], found["section"]) == (f"{order['resourceType']}/o-1", PUMP, section)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (HCPCS, "E0783"),
        ("http://www.nlm.nih.gov/research/umls/hcpcs", "E0783"),
        ("http://terminology.hl7.org/CodeSystem/hcpcs-Level-II", "E0783"),
        ("https://bluebutton.cms.gov/resources/codesystem/hcpcs/", "e0783"),
        (CPT, "E0783"),
        (HCPCS, "E0783-NU"),
    ],
)
def test_a_device_code_is_known_however_it_and_its_system_are_written(ask: Ask, system: str, code: str) -> None:
    found = ask(ordered("DeviceRequest", "codeCodeableConcept", coded((system, code))))
    assert judged(found) == [("DeviceRequest/o-1", PUMP)]


@pytest.mark.parametrize(("system", "code"), [(HCPCS, "27279"), (CPT, "27279-RT"), ("CPT", "27279 50")])
def test_a_procedure_code_is_known_however_it_and_its_system_are_written(ask: Ask, system: str, code: str) -> None:
    assert judged(ask(service(coded((system, code))))) == [("ServiceRequest/o-1", FUSION)]


@pytest.mark.parametrize(("system", "code"), [(CPT, "27279-53"), (CPT, "272790"), ("http://ehr.example/cpt", "27279")])
def test_a_code_in_no_form_of_its_system_is_ignored(ask: Ask, system: str, code: str) -> None:
    assert judged(ask(service(coded((system, code))))) == []


BY_REFERENCE = {
    "device": (ordered("DeviceRequest", "codeReference", TO_DEVICE), DEVICE),
    "drug": (ordered("MedicationRequest", "medicationReference", TO_DRUG, **FOR_A_TRIAL), DRUG),
}


@pytest.mark.parametrize(("order", "target"), BY_REFERENCE.values(), ids=BY_REFERENCE)
class TestWhatAnOrderPointsAt:
    def name(self, order: Resource) -> str:
        return f"{order['resourceType']}/o-1"

    def test_may_be_a_draft_beside_it(self, ask: Ask, order: Resource, target: Resource) -> None:
        assert judged(ask(order, target)) == [(self.name(order), PUMP)]

    def test_may_be_contained(self, ask: Ask, order: Resource, target: Resource) -> None:
        element = "codeReference" if "codeReference" in order else "medicationReference"
        held = order | {"contained": [target], element: {"reference": f"#{target['id']}"}}
        assert judged(ask(held)) == [(self.name(order), PUMP)]

    def test_may_have_come_as_prefetch(self, ask: Ask, order: Resource, target: Resource) -> None:
        assert judged(ask(order, prefetch={"own": target})) == [(self.name(order), PUMP)]

    def test_may_have_come_in_a_bundle_of_the_prefetch(self, ask: Ask, order: Resource, target: Resource) -> None:
        held = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": target}]}
        assert judged(ask(order, prefetch={"own": held})) == [(self.name(order), PUMP)]

    def test_may_be_on_the_server_alone(self, ask: Ask, order: Resource, target: Resource) -> None:
        assert judged(ask(order, chart=(target,))) == [(self.name(order), PUMP)]

    def test_may_be_on_the_server_as_another_patients(self, ask: Ask, order: Resource, target: Resource) -> None:
        held = target | ({"patient": {"reference": "Patient/other"}} if target is DEVICE else {})
        assert judged(ask(order, chart=(held,))) == [(self.name(order), PUMP)]

    def test_may_be_nowhere_and_then_nothing_is_said(self, ask: Ask, order: Resource, target: Resource) -> None:
        assert ask(order, chart=(target | {"id": "another"},)) == []

    def test_is_no_order_itself(self, ask: Ask, order: Resource, target: Resource) -> None:
        assert ask(order | {"status": "revoked"}, target) == []


def test_a_drug_for_a_trial_is_evaluated(ask: Ask) -> None:
    (found,) = ask(ordered("MedicationRequest", "medicationCodeableConcept", TRIAL_DRUG, **FOR_A_TRIAL))
    assert found["outcome"] == "documentation-needed"


def test_a_drug_that_may_be_for_anything_else_is_silent(ask: Ask) -> None:
    assert ask(ordered("MedicationRequest", "medicationCodeableConcept", TRIAL_DRUG)) == []


def test_a_drug_with_an_rxnorm_code_of_no_policy_is_ignored(ask: Ask) -> None:
    tablets = coded((RXNORM, "1049621"))
    assert ask(ordered("MedicationRequest", "medicationCodeableConcept", tablets)) == []


def test_a_drug_with_an_rxnorm_code_and_a_billing_code_is_evaluated(ask: Ask) -> None:
    both = coded((RXNORM, MORPHINE_INJECTION), (HCPCS, "J2274"))
    assert judged(ask(ordered("MedicationRequest", "medicationCodeableConcept", both, **FOR_A_TRIAL))) == [
        ("MedicationRequest/o-1", PUMP)
    ]


def test_an_rxnorm_code_that_the_operator_maps_is_evaluated(ask: Ask) -> None:
    rules = PlanRules(order_codes={(RXNORM, MORPHINE_INJECTION): (Coding(HCPCS, "J2274"),)})
    drug = coded((RXNORM, MORPHINE_INJECTION))
    order = ordered("MedicationRequest", "medicationCodeableConcept", drug, **FOR_A_TRIAL)
    assert judged(ask(order, rules=rules)) == [("MedicationRequest/o-1", PUMP)]


# --- several codings, other codes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "codes",
    [
        (("urn:local", "F1"), (CPT, "27279")),
        ((CPT, "27279"), (SNOMED, "1")),
        ((CPT, "27279"), (CPT, "99999")),
        ((CPT, "27279"), (CPT, "27279")),
    ],
)
def test_any_coding_that_a_policy_knows_is_enough_and_counts_once(ask: Ask, codes: tuple[tuple[str, str], ...]) -> None:
    assert judged(ask(service(coded(*codes)))) == [("ServiceRequest/o-1", FUSION)]


def test_an_order_with_codes_of_two_policies_is_evaluated_under_both(ask: Ask) -> None:
    assert judged(ask(service(coded((CPT, "27279"), (CPT, "62362"))))) == [
        ("ServiceRequest/o-1", FUSION),
        ("ServiceRequest/o-1", PUMP),
    ]


def test_a_billing_code_in_an_extension_of_the_order_is_found(ask: Ask) -> None:
    order = service(coded((SNOMED, "1")), orderDetail=[coded((CPT, "27279"))])
    assert judged(ask(order)) == [("ServiceRequest/o-1", FUSION)]


MAPPED = PlanRules(
    order_codes={
        (SNOMED, "609588000"): (Coding(CPT, "27280"),),
        ("urn:local", "SI-FUSE"): (Coding(CPT, "27279"),),
    }
)


@pytest.mark.parametrize(("system", "code"), [(SNOMED, "609588000"), ("urn:local", "SI-FUSE")])
def test_a_snomed_or_local_code_that_the_operator_maps_is_evaluated(ask: Ask, system: str, code: str) -> None:
    assert judged(ask(service(coded((system, code))), rules=MAPPED)) == [("ServiceRequest/o-1", FUSION)]


@pytest.mark.parametrize(("system", "code"), [(SNOMED, "609588000"), ("urn:local", "SI-FUSE")])
def test_a_snomed_or_local_code_without_a_mapping_is_ignored(ask: Ask, system: str, code: str) -> None:
    assert ask(service(coded((system, code)))) == []


def test_a_mapped_code_is_evaluated_while_its_target_is_valid(ask: Ask) -> None:
    rules = PlanRules(order_codes={("urn:local", "X"): (Coding(CPT, "0775T"),)})
    assert ask(service(coded(("urn:local", "X"))), rules=rules) == []


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "policy"),
    [("Left SI joint fusion", FUSION), ("Implant intrathecal pain pump", PUMP), ("Intrathecal opioid trial", PUMP)],
)
def test_an_order_without_a_code_gets_an_info_card_that_asks_for_the_code(
    library: Library, text: str, policy: str
) -> None:
    (card,) = cards(library, service({"text": text}))
    assert card["indicator"] == "info"
    assert card["summary"].endswith(f"? Needed to check policy {policy}.")
    assert card["detail"].startswith(f"**{text}**")


def test_the_card_lists_the_possible_codes(library: Library) -> None:
    (card,) = cards(library, service({"text": "Left SI joint fusion"}))
    assert "Which code do you mean: 27279, 27280, or 27278?" in card["detail"]


def test_the_text_counts_next_to_an_unknown_code(ask: Ask) -> None:
    local = {"coding": [{"system": "urn:local", "code": "F1", "display": "Sacroiliac joint fusion"}]}
    (found,) = ask(service(local))
    assert (found["policy"], found["outcome"]) == (FUSION, "documentation-needed")
    assert "criteria" not in found


@pytest.mark.parametrize(
    "order",
    [
        ordered("DeviceRequest", "codeCodeableConcept", {"text": "Intrathecal pain pump"}),
        ordered("MedicationRequest", "medicationCodeableConcept", {"text": "Intrathecal opioid trial dose"}),
    ],
    ids=lambda order: order["resourceType"],
)
def test_a_device_or_drug_without_a_code_gets_the_info_card_too(ask: Ask, order: Resource) -> None:
    (found,) = ask(order)
    assert (found["policy"], "criteria" in found) == (PUMP, False)


def test_a_device_with_a_name_but_no_type_gets_the_info_card_with_that_name(library: Library) -> None:
    device: Resource = {"resourceType": "Device", "id": "pump", "deviceName": [{"name": "Intrathecal pain pump"}]}
    (card,) = cards(library, ordered("DeviceRequest", "codeReference", TO_DEVICE), device)
    assert card["summary"].endswith(f"? Needed to check policy {PUMP}.")
    assert card["detail"].startswith("**Intrathecal pain pump**")


@pytest.mark.parametrize(
    "text",
    [
        "Referral to spine surgery for SI joint fusion",
        "Consult: SI joint fusion",
        "Visit after SI joint fusion",
        "CT to assess SI joint fusion",
        "X-ray SI joint fusion hardware",
        "Physical therapy, SI joint fusion protocol",
        "Pain pump refill",
        "Pain pump interrogation",
        "Possible SI joint fusion",
        "Lumbar fusion",
    ],
)
def test_referrals_visits_imaging_and_other_operations_get_no_card(ask: Ask, text: str) -> None:
    assert ask(service({"text": text})) == []


def test_text_next_to_a_known_code_gets_no_info_card(ask: Ask) -> None:
    (found,) = ask(service(coded((CPT, "27279"), text="SI joint fusion")))
    assert len(found["criteria"]) > 1


# --- several orders in one signing -----------------------------------------------------------------------------------

SEVERAL = (
    service(coded((CPT, "27279")), "fusion"),
    service(coded((CPT, "62362")), "pump"),
    service(coded((CPT, "27278")), "spacer"),
    service(coded((CPT, "99213")), "visit"),
)


def test_each_order_of_a_call_is_evaluated(ask: Ask) -> None:
    assert judged(ask(*SEVERAL)) == [
        ("ServiceRequest/fusion", FUSION),
        ("ServiceRequest/pump", PUMP),
        ("ServiceRequest/spacer", FUSION),
    ]


def test_each_card_names_its_order(library: Library) -> None:
    named = {card["extension"]["cds-service.determination"]["order"]: card for card in cards(library, *SEVERAL)}
    assert {order: card["detail"].splitlines()[0] for order, card in named.items()} == {
        "ServiceRequest/fusion": "**Minimally invasive sacroiliac fusion**",
        "ServiceRequest/pump": "**Programmable spinal drug pump, implant or replacement**",
        "ServiceRequest/spacer": "**Sacroiliac implant that does not cross the joint**",
    }


def test_two_orders_of_one_code_are_evaluated_separately(ask: Ask) -> None:
    left, right = (service(coded((CPT, "27279")), side, orderDetail=[{"text": side}]) for side in ("left", "right"))
    assert judged(ask(left, right)) == [("ServiceRequest/left", FUSION), ("ServiceRequest/right", FUSION)]


def test_a_failing_order_does_not_affect_the_others_of_the_call(ask: Ask) -> None:
    posterior = service(coded((CPT, "27279")), "a", orderDetail=[{"text": "Posterior approach"}])
    outcomes = {each["order"]: each["outcome"] for each in ask(posterior, service(coded((CPT, "27279")), "b"))}
    assert outcomes == {"ServiceRequest/a": "criteria-not-met", "ServiceRequest/b": "documentation-needed"}


def test_each_order_of_a_call_is_evaluated_on_its_own_day(ask: Ask) -> None:
    days = ("2026-03-09", "2026-04-09")
    orders = [service(coded((CPT, "27279")), day, occurrenceDateTime=day) for day in days]
    assert sorted(each["anchor_date"] for each in ask(*orders)) == list(days)


@pytest.mark.parametrize(
    "written", ["2026-04-09T08:00:00", "2026-04-09T08:00:00+0000", "2026-04-09 08:00", "2026-04-09T24:00:00Z"]
)
def test_a_planned_date_with_a_faulty_time_is_its_plain_day(ask: Ask, written: str) -> None:
    (found,) = ask(service(coded((CPT, "27279")), occurrenceDateTime=written))
    assert found["anchor_date"] == "2026-04-09"
    assert "Look-back periods end on 2026-04-09 (planned service date)." in found["notes"]


def test_a_planned_date_that_cannot_be_read_is_named(ask: Ask) -> None:
    (found,) = ask(service(coded((CPT, "27279")), occurrenceDateTime="in April"))
    said = "date of the order; the planned service date is not a date"
    assert f"Look-back periods end on 2026-03-02 ({said})." in found["notes"]
