"""What CRD services answer to orders, over HTTP: one coverage information for each, by the rules of each version."""

from decimal import Decimal
from typing import Any

import pytest

from cards.coverage_extension import faults
from cards.crd_versions import CrdVersion
from coverage_policies.judging.payer_terms import (
    CodeTerms,
    Covered,
    GrantedAuthorization,
    Standing,
)
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import dumps, loads
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.crd_calls import (
    ANKLE_BRACE,
    CPT,
    EHR,
    FUSION,
    PATIENT,
    RULES,
    CrdService,
    call,
    configured,
    coverage,
    information_of,
    order,
    parts,
    payer,
    searchset,
)
from tests.support.hook_fakes import FakeEhr, authorization
from tests.support.hostile_fhir import says, serving

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
POSTERIOR = order(orderDetail=[{"text": "posterior approach"}])
DRUG = {
    **{name: value for name, value in order("m-1").items() if name not in ("code", "resourceType")},
    "resourceType": "MedicationRequest",
    "medicationCodeableConcept": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197806"}]
    },
}
BRACE = {
    **{name: value for name, value in order("d-1").items() if name not in ("code", "resourceType")},
    "resourceType": "DeviceRequest",
    "codeCodeableConcept": {"coding": [{"system": HCPCS, "code": ANKLE_BRACE}]},
}
WORDS = order("w-1") | {"code": {"text": "Something for the ankle"}}
SNOMED_ORDER = order("s-1", code="1269349006", system="http://snomed.info/sct")
ALL_FORMS = [order(), POSTERIOR | {"id": "o-2"}, DRUG, BRACE, WORDS, SNOMED_ORDER]


def only(found: list[Any]) -> Any:
    (one,) = found
    return one


@BOTH
@pytest.mark.requirement("7.77")
@pytest.mark.requirement("7.106")
def test_every_order_is_answered_once_whatever_it_is(version: str) -> None:
    answer = CrdService().answer(call("order-sign", *ALL_FORMS), version)
    updated = [f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in answer["systemActions"]]
    assert updated == [f"{each['resourceType']}/{each['id']}" for each in ALL_FORMS]
    assert len(information_of(answer)) == len(ALL_FORMS)


@BOTH
@pytest.mark.requirement("7.80")
@pytest.mark.requirement("7.81")
def test_a_system_action_updates_an_order_and_says_what_it_does(version: str) -> None:
    for action in CrdService().answer(call("order-sign", *ALL_FORMS), version)["systemActions"]:
        assert (action["type"], action["description"]) == ("update", "Add coverage information")
        assert set(action) == {"type", "description", "resource"}
        assert [each["url"] for each in action["resource"]["extension"]] == [
            "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
        ]


@BOTH
@pytest.mark.requirement("7.82")
@pytest.mark.requirement("7.83")
@pytest.mark.requirement("7.91")
def test_every_answer_keeps_the_rules_of_its_version(version: str) -> None:
    service = CrdService()
    for hook in ("order-select", "order-sign"):
        for each in information_of(service.answer(call(hook, *ALL_FORMS), version)):
            assert faults(each, CrdVersion(version)) == ()
            told = parts(each)
            assert [len(told[name]) for name in ("coverage", "covered", "date", "coverage-assertion-id")] == [1] * 4
    assert not [line for line in service.log_lines() if line["level"] == "error"]


@pytest.mark.requirement("7.79")
@pytest.mark.requirement("7.94")
def test_an_order_comes_back_as_it_was_but_for_its_coverage_information() -> None:
    other = {
        "url": COVERAGE_INFORMATION,
        "extension": [{"url": "coverage", "valueReference": {"reference": "Coverage/of-another-payer"}}],
    }
    sent = order(
        extension=[{"url": "urn:theirs", "valueDecimal": Decimal("1.10")}, other],
        contained=[{"resourceType": "Practitioner", "id": "p"}],
        quantityQuantity={"value": Decimal("2.500")},
        _priority={"extension": [{"url": "urn:more", "valueString": "x"}]},
        note=[{"text": "second"}, {"text": "first"}],
    )
    response = CrdService().post(call("order-sign", sent))
    back = loads(response.data)["systemActions"][0]["resource"]
    assert back["extension"][:2] == sent["extension"]
    assert back["extension"][2]["url"] == COVERAGE_INFORMATION
    assert dumps({**back, "extension": None}) == dumps({**sent, "extension": None})
    assert list(back) == list(sent)


def test_an_order_without_extensions_gets_only_ours() -> None:
    back = only(CrdService().answer(call("order-sign", order()))["systemActions"])["resource"]
    assert len(back["extension"]) == 1
    assert {name: value for name, value in back.items() if name != "extension"} == order()


# --- what is said ----------------------------------------------------------------------------------------------------


def test_a_failed_policy_is_not_covered_where_the_operator_says_so_and_names_the_criterion() -> None:
    told = only(CrdService().information(call("order-sign", POSTERIOR)))
    assert told["covered"] == ["not-covered"]
    assert "Order says posterior" in told["reason"][0]["text"]
    assert told["billingCode"] == [{"system": CPT, "code": FUSION}]


def test_a_failed_policy_is_conditional_unless_the_operator_says_otherwise() -> None:
    lenient = PlanRules(payers=(payer("Lakeshore", if_not_met=Covered.CONDITIONAL),))
    told = only(CrdService(lenient).information(call("order-sign", POSTERIOR)))
    assert told["covered"] == ["conditional"]
    assert "Order says posterior" in told["reason"][0]["text"]


@BOTH
def test_an_order_without_a_policy_is_conditional_with_a_sentence(version: str) -> None:
    told = only(CrdService().information(call("order-sign", BRACE), version))
    assert (told["covered"], told["info-needed"]) == (["conditional"], ["OTH"])
    assert "benefits were not checked" in told["reason"][0]["text"]


def test_the_operator_may_answer_for_a_code_without_a_policy() -> None:
    codes = {(HCPCS, ANKLE_BRACE): CodeTerms(covered=Covered.COVERED)}
    told = only(CrdService(PlanRules(payers=(payer("Lakeshore", codes=codes),))).information(call("order-sign", BRACE)))
    assert told["covered"] == ["covered"]


@pytest.mark.requirement("7.75")
def test_an_order_without_a_policy_has_no_card() -> None:
    assert CrdService().answer(call("order-sign", BRACE, WORDS))["cards"] == []


@pytest.mark.requirement("7.97")
@pytest.mark.parametrize(("hook", "asks"), [("order-select", False), ("order-sign", True)])
@BOTH
def test_documents_are_asked_for_at_signing_only(version: str, hook: str, asks: bool) -> None:
    told = only(CrdService().information(call(hook, order()), version))
    assert told["covered"] == ["conditional"]
    assert told.get("doc-needed", []) == (["clinical"] if asks else [])
    assert bool(told.get("questionnaire")) is asks


@pytest.mark.requirement("7.84")
@pytest.mark.requirement("7.102")
def test_the_form_is_named_by_its_canonical_with_the_version() -> None:
    told = only(CrdService().information(call("order-sign", order())))
    (canonical,) = told["questionnaire"]
    base, _, version = canonical.partition("|")
    assert base == "https://cds.example.org/fhir/Questionnaire/CP.MP.126"
    form = CrdService().client.get("/fhir/Questionnaire", query_string={"url": base, "version": version}).json
    assert [each["resource"]["version"] for each in form["entry"]] == [version]


@pytest.mark.requirement("7.88")
def test_an_authorization_on_file_is_satisfied_with_its_number() -> None:
    granted = {("M-1", CPT, FUSION): GrantedAuthorization("PA-77")}
    rules = PlanRules(payers=(payer("Lakeshore", granted=granted),))
    told = only(CrdService(rules).information(call("order-sign", order())))
    assert (told["pa-needed"], told["satisfied-pa-id"]) == (["satisfied"], ["PA-77"])
    other = only(CrdService().information(call("order-sign", order())))
    assert "satisfied-pa-id" not in other


def test_an_order_that_cannot_be_evaluated_is_conditional_and_says_why() -> None:
    changed = order(modifierExtension=[{"url": "urn:x", "valueBoolean": True}])
    told = only(CrdService().information(call("order-sign", changed)))
    assert told["covered"] == ["conditional"]
    assert told["reason"][0]["text"].startswith("This order could not be checked:")


def test_an_order_of_another_patient_is_not_answered_beside_one_of_this() -> None:
    stranger = order("o-2", subject={"reference": "Patient/p-2"})
    answer = CrdService().answer(call("order-sign", order(), stranger))
    assert [each["resource"]["id"] for each in answer["systemActions"]] == ["o-1"]


# --- members ---------------------------------------------------------------------------------------------------------


class Listed:
    """A list of members with one standing for all."""

    def __init__(self, standing: Standing) -> None:
        self.found = standing

    def standing(self, *_asked: Any) -> Standing:
        return self.found


@pytest.mark.parametrize(("standing", "code"), [
    pytest.param(Standing.NO_MEMBER, "no-member-found", marks=pytest.mark.requirement("7.98")),
    pytest.param(Standing.NOT_ACTIVE, "no-active-coverage", marks=pytest.mark.requirement("7.99")),
    pytest.param(Standing.AMBIGUOUS, "coverage-not-found", marks=pytest.mark.requirement("7.99")),
])  # fmt: skip
def test_a_member_without_a_plan_is_not_covered_in_2_2_and_conditional_in_2_0(standing: Standing, code: str) -> None:
    service = CrdService(PlanRules(payers=(payer("Lakeshore", members=Listed(standing)),)))
    new = only(service.information(call("order-sign", order())))
    assert new["covered"] == ["not-covered"]
    assert new["reason"][0]["coding"][0]["code"] == code
    old = only(service.information(call("order-sign", order()), "2.0"))
    assert old["covered"] == ["conditional"]
    assert "coding" not in old["reason"][0]


@pytest.mark.requirement("7.99")
@pytest.mark.parametrize(("members", "covered"), [
    ({"period": {"start": "2025-01-01", "end": "2026-03-02"}}, "conditional"),
    ({"period": {"start": "2025-01-01", "end": "2026-03-01"}}, "not-covered"),
    ({"period": {"start": "2026-03-03"}}, "not-covered"),
    ({"status": "cancelled"}, "not-covered"),
])  # fmt: skip
def test_a_coverage_counts_on_the_days_of_its_period(members: Any, covered: str) -> None:
    held = {"coverage": searchset(coverage(**members))}
    told = only(CrdService().information(call("order-sign", order(), prefetch=held)))
    assert told["covered"] == [covered]


@pytest.mark.requirement("7.99")
@pytest.mark.parametrize(("of_order", "of_coverage", "covered"), [
    ({"authoredOn": "2025-12-30"}, {"start": "2026-01-01"}, "conditional"),
    ({"authoredOn": "2025-12-30"}, {"end": "2025-12-31"}, "not-covered"),
    ({"occurrenceDateTime": "2026-05-01"}, {"end": "2026-05-01"}, "conditional"),
    ({"occurrenceDateTime": "2026-05-02"}, {"end": "2026-05-01"}, "not-covered"),
    ({"occurrenceDateTime": "2026-02-01"}, {"end": "2026-02-01"}, "conditional"),
    ({"occurrenceDateTime": "2026-05"}, {"start": "2026-05-31"}, "conditional"),
    ({"occurrenceDateTime": "2026-05"}, {"end": "2026-05-01"}, "conditional"),
    ({"occurrenceDateTime": "2026-05"}, {"end": "2026-04-30"}, "not-covered"),
])  # fmt: skip
def test_a_plan_counts_on_the_planned_day_else_on_that_of_the_answer(
    of_order: Any, of_coverage: Any, covered: str
) -> None:
    held = {"coverage": searchset(coverage(period=of_coverage))}
    told = only(CrdService().information(call("order-sign", order(**of_order), prefetch=held)))
    assert told["covered"] == [covered]


# --- technical trouble -----------------------------------------------------------------------------------------------


@pytest.mark.requirement("7.50")
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Internal Server Error"])
def test_a_chart_that_could_not_be_read_leaves_the_answer_indeterminate(status: str) -> None:
    service = CrdService(over_http=True)
    with serving(says({}, status)) as server:
        body = call("order-sign", order(), fhirServer=server.base, fhirAuthorization=authorization())
        new, old = (only(service.information(body, version)) for version in ("2.2", "2.0"))
    assert new["covered"] == ["indeterminate"]
    assert new["reason"][0]["coding"][0]["code"] == "technical"
    assert new["reason"][0]["text"]
    assert (old["covered"], old["pa-needed"], old["info-needed"]) == (["conditional"], ["conditional"], ["OTH"])


@pytest.mark.requirement("7.50")
def test_a_part_of_the_chart_that_could_not_be_read_is_said_beside_what_is_open(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (500, {})
    told = only(CrdService(over_http=True).information(call("order-sign", order(), fhirServer=ehr.base)))
    assert told["covered"] == ["conditional"]
    assert [each["coding"][0]["code"] for each in told["reason"] if "coding" in each] == ["technical"]


@pytest.mark.requirement("7.50")
def test_an_order_that_settles_itself_is_answered_although_nothing_could_be_read(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (500, {})
    told = only(CrdService(over_http=True).information(call("order-sign", POSTERIOR, fhirServer=ehr.base)))
    assert told["covered"] == ["not-covered"]


def test_a_chart_that_the_client_offers_no_query_for_is_asked_about_and_is_no_technical_trouble() -> None:
    held = {"coverage": searchset(coverage()), "patient": {"resourceType": "Patient", "id": PATIENT}}
    body = call("order-sign", order(), prefetch=held)
    del body["fhirServer"]
    told = only(CrdService().information(body))
    assert (told["covered"], told["doc-needed"]) == (["conditional"], ["clinical"])
    assert not any("coding" in each for each in told["reason"])


# --- options and versions --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.requirement("7.95")
def test_without_coverage_information_there_are_cards_only(version: str) -> None:
    body = call("order-sign", POSTERIOR, extension=configured(coverage_info=False))
    answer = CrdService().answer(body, version)
    assert "systemActions" not in answer
    assert answer["cards"]


@pytest.mark.requirement("7.40")
@pytest.mark.parametrize(
    "extension",
    [
        {},
        {"davinci-crd.configuration": None},
        {"davinci-crd.configuration": ["coverage-info"]},
        configured(unheard_of=1),
        configured(coverage_info="false", max_cards="2"),
        configured(coverage_info=0, max_cards=-1),
        configured(max_cards=True, guideline=[]),
        {"davinci-crd.requestedVersion": "2.2"},
        {"urn:else": {"a": 1}},
    ],
)
def test_options_of_another_type_or_unknown_change_nothing(extension: Any) -> None:
    plain = CrdService().answer(call("order-sign", POSTERIOR))
    answer = CrdService().answer(call("order-sign", POSTERIOR, extension=extension))
    assert [len(plain[name]) for name in ("cards", "systemActions")] == [
        len(answer[name]) for name in ("cards", "systemActions")
    ]


@pytest.mark.requirement("7.39")
@pytest.mark.parametrize(
    ("version", "requested"), [("2.2", "2.0"), ("2.0", "2.2"), ("2.2", "2.1"), ("2.2", 2.2), ("2.0", "")]
)
def test_another_version_than_that_of_the_service_is_422(version: str, requested: Any) -> None:
    body = call("order-sign", order(), extension={"davinci-crd.requestedVersion": requested})
    response = CrdService().post(body, version)
    assert response.status_code == 422
    assert response.json["issue"][0]["expression"] == ["extension.davinci-crd.requestedVersion"]


@pytest.mark.requirement("7.96")
def test_a_what_if_call_issues_no_assertion() -> None:
    service = CrdService()
    asked = only(service.information(call("order-sign", order(), extension=configured(unsolicited_determ=False))))
    assert service.records.find(asked["coverage-assertion-id"][0]) is None
    assert "satisfied" not in asked.get("pa-needed", [])
    told = only(service.information(call("order-sign", order())))
    assert service.records.find(told["coverage-assertion-id"][0]) is not None


def test_the_answer_of_a_what_if_call_is_issued_when_the_order_comes_back_with_it() -> None:
    service = CrdService()
    answer = service.answer(call("order-sign", order(), extension=configured(unsolicited_determ=False)))
    carrying = only(answer["systemActions"])["resource"]
    assert "systemActions" not in service.answer(call("order-sign", carrying))
    (told,) = map(parts, carrying["extension"])
    assert service.records.find(told["coverage-assertion-id"][0]) is not None


# --- assertion ids ---------------------------------------------------------------------------------------------------


def test_selecting_and_signing_an_order_share_its_assertion_id() -> None:
    service = CrdService()
    ids = [
        only(service.information(call(hook, order())))["coverage-assertion-id"]
        for hook in ("order-select", "order-sign")
    ]
    assert ids[0] == ids[1]


@pytest.mark.requirement("7.92")
def test_each_coverage_has_assertion_ids_of_its_own() -> None:
    service = CrdService()
    told = [
        only(service.information(call("order-sign", order(), prefetch={"coverage": searchset(coverage(name))})))
        for name in ("cov-1", "cov-2")
    ]
    assert told[0]["coverage-assertion-id"] != told[1]["coverage-assertion-id"]


@pytest.mark.requirement("7.93")
@pytest.mark.parametrize("number", range(len(ALL_FORMS)))
@BOTH
def test_an_order_that_comes_back_unchanged_is_not_answered_again(version: str, number: int) -> None:
    service = CrdService()
    first = service.answer(call("order-sign", ALL_FORMS[number]), version)
    carrying = only(first["systemActions"])["resource"]
    second = service.answer(call("order-sign", carrying), version)
    assert "systemActions" not in second
    assert len(second["cards"]) == len(first["cards"])


@BOTH
@pytest.mark.requirement("7.93")
def test_what_an_order_carries_of_payers_does_not_count_as_what_is_ordered(version: str) -> None:
    service = CrdService()
    first = service.answer(call("order-sign", POSTERIOR), version)
    again = service.answer(call("order-sign", only(first["systemActions"])["resource"]), version)
    assert "systemActions" not in again
    proposed = [only(answer["cards"][0]["suggestions"])["actions"][0] for answer in (first, again)]
    assert proposed[0]["type"] == "update"
    assert proposed[0]["resource"] == proposed[1]["resource"]


@pytest.mark.requirement("7.93")
def test_a_changed_order_is_answered_again_under_the_id_that_it_carries() -> None:
    service = CrdService()
    carrying = only(service.answer(call("order-sign", order()))["systemActions"])["resource"]
    changed = carrying | {"id": "stored-7", "orderDetail": [{"text": "posterior approach"}]}
    before = parts(carrying["extension"][0])
    after = only(service.information(call("order-sign", changed)))
    assert after["covered"] == ["not-covered"]
    assert after["coverage-assertion-id"] == before["coverage-assertion-id"]


def test_an_id_that_we_did_not_issue_is_replaced() -> None:
    service = CrdService()
    carrying = only(service.answer(call("order-sign", order()))["systemActions"])["resource"]
    forged = loads(dumps(carrying).replace(parts(carrying["extension"][0])["coverage-assertion-id"][0], "forged-1"))
    (told,) = service.information(call("order-sign", forged))
    assert told["coverage-assertion-id"] != ["forged-1"]


@pytest.mark.requirement("7.137")
def test_an_issued_assertion_leads_to_order_coverage_policy_and_evidence() -> None:
    first = CrdService()
    (told,) = first.information(call("order-sign", POSTERIOR))
    other_process = CrdService(database=first.database)
    found = other_process.records.find(told["coverage-assertion-id"][0])
    assert found is not None
    assert found.content is not None
    assert (found.content.order, found.content.coverage, found.content.patient_id) == (
        "ServiceRequest/o-1",
        "Coverage/cov-1",
        PATIENT,
    )
    assert [(each["policy"], each["outcome"]) for each in found.policies] == [("CP.MP.126", "criteria-not-met")]
    assert any(each["status"] == "not-met" for each in found.content.determinations[0]["criteria"])
    assert EHR not in str(found.policies)


def test_a_restart_in_between_changes_nothing() -> None:
    first = CrdService()
    carrying = only(first.answer(call("order-sign", order()))["systemActions"])["resource"]
    restarted = CrdService(RULES, database=first.database)
    assert "systemActions" not in restarted.answer(call("order-sign", carrying))


@BOTH
def test_a_copy_of_an_order_has_an_assertion_id_of_its_own(version: str) -> None:
    service = CrdService()
    original = only(service.answer(call("order-sign", order()), version)["systemActions"])["resource"]
    carried = parts(original["extension"][0])["coverage-assertion-id"]
    again, copy = original | {"orderDetail": [{"text": "posterior approach"}]}, original | {"id": "o-2"}
    told = service.information(call("order-sign", again, copy), version)
    assert told[0]["coverage-assertion-id"] == carried
    assert told[1]["coverage-assertion-id"] != carried


def test_coverage_information_for_a_coverage_of_another_server_stays() -> None:
    foreign = _carrying(f"https://other.example.org/fhir/Coverage/{coverage()['id']}", "another-1")
    updated = only(CrdService().answer(call("order-sign", order(extension=[foreign])))["systemActions"])["resource"]
    assert updated["extension"][0] == foreign
    assert len(updated["extension"]) == 2


def test_coverage_information_for_the_coverage_by_its_full_url_is_replaced() -> None:
    ours = _carrying(f"{EHR}/Coverage/{coverage()['id']}", "another-1")
    updated = only(CrdService().answer(call("order-sign", order(extension=[ours])))["systemActions"])["resource"]
    assert len(updated["extension"]) == 1


def _carrying(reference: str, assertion_id: str) -> dict[str, Any]:
    return {
        "url": COVERAGE_INFORMATION,
        "extension": [
            {"url": "coverage", "valueReference": {"reference": reference}},
            {"url": "covered", "valueCode": "covered"},
            {"url": "date", "valueDate": "2026-01-01"},
            {"url": "coverage-assertion-id", "valueString": assertion_id},
        ],
    }


# --- orders that reference what is ordered ---------------------------------------------------------------------------

REFERRING = {name: value for name, value in DRUG.items() if name != "medicationCodeableConcept"} | {
    "medicationReference": {"reference": "Medication/x"}
}


@pytest.mark.requirement("7.50")
@pytest.mark.parametrize(("status", "covered"), [(500, "indeterminate"), (404, "conditional")])
def test_a_medication_that_could_not_be_read_is_technical_trouble(ehr: FakeEhr, status: int, covered: str) -> None:
    ehr.answers["Medication/x"] = (status, {})
    told = only(CrdService(over_http=True).information(call("order-sign", REFERRING, fhirServer=ehr.base)))
    assert told["covered"] == [covered]
    assert ("coding" in told["reason"][0]) is (covered == "indeterminate")


UNNAMED_PRODUCT = {"resourceType": "Medication", "id": "x", "code": {"text": "Something for the ankle"}}


@pytest.mark.requirement("7.50")
@pytest.mark.parametrize(
    ("reference", "contained"),
    [
        ({"reference": "#x"}, [UNNAMED_PRODUCT]),
        ({"reference": "Medication/x"}, []),
        ({"display": "Something for the ankle"}, []),
    ],
    ids=["contained", "read", "named"],
)
def test_a_medication_that_is_at_hand_without_a_code_lacks_a_code_whatever_else_could_not_be_read(
    ehr: FakeEhr, reference: dict[str, str], contained: list[dict[str, Any]]
) -> None:
    sent = REFERRING | {"medicationReference": reference, "reasonReference": [{"reference": "Condition/y"}]}
    ehr.answers |= {"Medication/x": (200, UNNAMED_PRODUCT), "Condition/y": (500, {})}
    asked = call("order-sign", sent | ({"contained": contained} if contained else {}), fhirServer=ehr.base)
    told = only(CrdService(over_http=True).information(asked))
    assert (told["covered"], told["info-needed"]) == (["conditional"], ["detail-code"])
