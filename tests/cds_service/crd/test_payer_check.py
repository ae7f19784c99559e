"""One Coverage of a payer that the service answers for, or a refusal by the version of CRD."""

from typing import Any

import pytest

from cds_service.fhir_client.memory import ChartInMemory, Store
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization
from coverage_policies.judging.plan_rules import Payer, PlanRules
from tests.support.crd_calls import (
    ANKLE_BRACE,
    CENTENE,
    CPT,
    FUSION,
    IDS,
    LAKESHORE,
    MEDICARE,
    PATIENT,
    RULES,
    CrdService,
    bundle,
    call,
    coverage,
    order,
    payer,
    searchset,
)
from tests.support.hook_fakes import FakeEhr, authorization

STATUS = {"2.2": 400, "2.0": 422}
VERSIONS = pytest.mark.parametrize("version", list(STATUS))
OURS = {"system": IDS, "value": "Lakeshore"}
ORGANIZATION = {"resourceType": "Organization", "id": "org-1", "name": "A plan"}


class CountingChart(ChartInMemory):
    """A chart in memory that remembers what was asked of it."""

    def __init__(self, *resources: Any) -> None:
        super().__init__(Store.from_bundle(bundle({"resourceType": "Patient", "id": PATIENT}, *resources)))
        self.asked: list[str] = []

    def search(self, search: Any, patient_id: str) -> Any:
        self.asked.append(search.resource_type)
        return super().search(search, patient_id)

    def read(self, reference: str) -> Any:
        self.asked.append(reference)
        return super().read(reference)


def sent(*coverages: Any) -> dict[str, Any]:
    return call("order-sign", order(), prefetch={"coverage": searchset(*coverages)})


def refused(service: CrdService, body: Any, version: str) -> str:
    """What the refusal of a call says."""
    response = service.post(body, version)
    assert response.status_code == STATUS[version]
    assert response.json["resourceType"] == "OperationOutcome"
    (issue,) = response.json["issue"]
    assert issue["expression"] == ["prefetch.coverage"]
    return str(issue["diagnostics"])


@VERSIONS
@pytest.mark.requirement("7.100")
def test_a_call_without_coverage_is_refused(version: str) -> None:
    for nothing in (searchset(), None, searchset(coverage(status="entered-in-error"))):
        said = refused(CrdService(), call("order-sign", order(), prefetch={"coverage": nothing}), version)
        assert said.startswith("The patient has no Coverage")


@VERSIONS
def test_null_for_the_coverage_is_a_failure_where_the_patient_is_null_too(version: str) -> None:
    nulls = {"patient": None, "coverage": None}
    assert CrdService(RULES, coverage()).post(call("order-sign", order(), prefetch=nulls), version).status_code == 200


@VERSIONS
@pytest.mark.requirement("7.100")
def test_a_patient_without_coverage_on_the_server_is_refused(version: str) -> None:
    assert refused(CrdService(), call("order-sign", order(), prefetch={}), version).startswith("The patient has no")


@VERSIONS
@pytest.mark.requirement("7.100")
def test_several_coverages_are_refused(version: str) -> None:
    assert refused(CrdService(), sent(coverage("a"), coverage("b")), version).startswith("There are several coverages.")
    on_server = CrdService(RULES, coverage("a"), coverage("b"))
    assert refused(on_server, call("order-sign", order(), prefetch={}), version).startswith("There are several")


@pytest.mark.requirement("7.100")
def test_one_active_coverage_among_ended_ones_is_the_one() -> None:
    (told,) = CrdService().information(sent(coverage("old", status="cancelled"), coverage("new")))
    assert told["coverage"] == [{"reference": "Coverage/new"}]


@VERSIONS
@pytest.mark.requirement("7.100")
def test_a_payer_that_is_not_ours_is_refused_before_anything_is_read(version: str) -> None:
    chart = CountingChart()
    service = CrdService(open_fhir_server=lambda _access, _deadline: chart)
    said = refused(service, sent(coverage(of="Another")), version)
    assert said == "The payor of the Coverage is not one that this service answers for."
    assert chart.asked == []


@VERSIONS
@pytest.mark.requirement("7.100")
def test_a_payor_without_identifier_is_refused(version: str) -> None:
    for payor in ([{"display": "Lakeshore"}], [{"reference": "Organization/org-1"}], []):
        service = CrdService(RULES, ORGANIZATION)
        assert refused(service, sent(coverage(payor=payor)), version).startswith("The payor of the Coverage has no")


def test_a_payer_that_follows_our_policies_but_that_we_do_not_answer_for_is_refused() -> None:
    plain = Payer("Plain", (CENTENE,), identifiers=frozenset({f"{IDS}|Plain"}))
    service = CrdService(PlanRules(payers=(LAKESHORE, plain)))
    assert "not one that this service answers for" in refused(service, sent(coverage(of="Plain")), "2.2")


def test_an_identifier_beside_the_reference_decides_and_the_organization_is_not_read() -> None:
    chart = CountingChart({**ORGANIZATION, "identifier": [{"system": IDS, "value": "Another"}]})
    service = CrdService(open_fhir_server=lambda _access, _deadline: chart)
    payor = [{"reference": "Organization/org-1", "identifier": OURS}]
    assert len(service.information(sent(coverage(payor=payor)))) == 1
    assert "Organization/org-1" not in chart.asked


def test_a_contained_organization_identifies_the_payer() -> None:
    chart = CountingChart()
    service = CrdService(open_fhir_server=lambda _access, _deadline: chart)
    held = coverage(contained=[{**ORGANIZATION, "id": "c", "identifier": [OURS]}], payor=[{"reference": "#c"}])
    assert len(service.information(sent(held))) == 1
    assert not [each for each in chart.asked if "Organization" in each]


def test_without_an_identifier_the_organization_is_read_and_identifies_the_payer() -> None:
    service = CrdService(RULES, {**ORGANIZATION, "identifier": [OURS]})
    assert len(service.information(sent(coverage(payor=[{"reference": "Organization/org-1"}])))) == 1


def test_a_coverage_that_names_the_patient_at_another_address_of_the_server_is_the_one(ehr: FakeEhr) -> None:
    gateway = "https://gateway.example/fhir"
    held = coverage(
        beneficiary={"reference": f"{gateway}/Patient/{PATIENT}"},
        payor=[{"reference": f"{gateway}/Organization/org-1"}],
    )
    ehr.answers["Organization/org-1"] = (200, {**ORGANIZATION, "identifier": [OURS]})
    for sent_coverage in (searchset(held), held):
        body = call("order-sign", order(), prefetch={"coverage": sent_coverage}, fhirServer=ehr.base)
        assert len(CrdService(over_http=True).information(body)) == 1


def test_a_coverage_of_another_patient_at_another_address_is_none(ehr: FakeEhr) -> None:
    held = coverage(beneficiary={"reference": "https://gateway.example/fhir/Patient/p-2"})
    body = call("order-sign", order(), prefetch={"coverage": searchset(held)}, fhirServer=ehr.base)
    assert CrdService(over_http=True).post(body).status_code == 412


def test_a_coverage_without_a_bundle_around_it_is_the_one() -> None:
    (told,) = CrdService().information(call("order-sign", order(), prefetch={"coverage": coverage("bare")}))
    assert told["coverage"] == [{"reference": "Coverage/bare"}]


def test_a_coverage_of_another_patient_is_none() -> None:
    stranger = coverage(beneficiary={"reference": "Patient/p-2"})
    assert CrdService().post(sent(stranger)).status_code in (400, 412)


def test_the_one_coverage_that_is_sent_counts_although_the_server_has_more() -> None:
    service = CrdService(RULES, coverage("b", of="Another"), coverage("c"))
    (told,) = service.information(sent(coverage("a")))
    assert told["coverage"] == [{"reference": "Coverage/a"}]


@VERSIONS
@pytest.mark.requirement("7.48")
def test_without_a_coverage_that_could_be_read_the_call_is_412(version: str, ehr: FakeEhr) -> None:
    ehr.answers["Coverage"] = (500, {})
    body = call("order-sign", order(), prefetch={}, fhirServer=ehr.base, fhirAuthorization=authorization())
    response = CrdService(over_http=True).post(body, version)
    assert response.status_code == 412
    assert response.json["issue"][0]["diagnostics"].startswith("The Coverage was not sent and could not be read.")


@pytest.mark.requirement("7.50")
def test_a_payor_that_could_not_be_read_leaves_the_answer_indeterminate(ehr: FakeEhr) -> None:
    ehr.answers["Organization/org-1"] = (503, {})
    held = searchset(coverage(payor=[{"reference": "Organization/org-1"}]))
    body = call("order-sign", order(), prefetch={"coverage": held}, fhirServer=ehr.base)
    (told,) = CrdService(over_http=True).information(body)
    assert told["covered"] == ["indeterminate"]
    assert told["reason"][0]["coding"][0]["code"] == "technical"


def test_a_payor_that_does_not_exist_is_no_technical_trouble(ehr: FakeEhr) -> None:
    ehr.answers["Organization/org-1"] = (404, {})
    held = searchset(coverage(payor=[{"reference": "Organization/org-1"}]))
    body = call("order-sign", order(), prefetch={"coverage": held}, fhirServer=ehr.base)
    assert CrdService(over_http=True).post(body).status_code == 400


# --- which payer, plan, and member -----------------------------------------------------------------------------------


@VERSIONS
def test_a_coverage_without_id_is_refused_since_no_answer_could_name_it(version: str) -> None:
    nameless = {name: value for name, value in coverage().items() if name != "id"}
    body = call("order-sign", order(), prefetch={"coverage": nameless})
    assert refused(CrdService(), body, version).startswith("The Coverage has no id.")


ALPHA, BETA = payer("Alpha", CENTENE), payer("Beta", MEDICARE)
PLAIN = Payer("Plain", (MEDICARE,), identifiers=frozenset({f"{IDS}|Plain"}))


@VERSIONS
@pytest.mark.parametrize("other", ["Beta", "Plain"])
def test_a_payor_with_identifiers_of_several_configured_payers_is_refused(version: str, other: str) -> None:
    names = [{"system": IDS, "value": each} for each in ("Alpha", other)]
    held = [
        coverage(payor=[{"identifier": each} for each in names]),
        coverage(payor=[{"reference": "#c"}], contained=[{**ORGANIZATION, "id": "c", "identifier": names}]),
        coverage(
            payor=[{"reference": "#c", "identifier": names[0]}],
            contained=[{**ORGANIZATION, "id": "c", "identifier": names[1:]}],
        ),
    ]
    service = CrdService(PlanRules(payers=(BETA, PLAIN, ALPHA)))
    for each in held:
        assert "several payers" in refused(service, sent(each), version)


def test_a_payor_that_is_none_of_ours_beside_ours_changes_nothing() -> None:
    names = [{"identifier": {"system": IDS, "value": each}} for each in ("Nobody", "Lakeshore")]
    assert len(CrdService().information(sent(coverage(payor=names)))) == 1


@pytest.mark.parametrize("status", ["cancelled", "unheard-of"])
def test_a_coverage_that_is_not_active_brings_no_policies_of_its_payer(status: str) -> None:
    ended = coverage("cov-2", of="Alpha", status=status, period={"start": "2025-01-01", "end": "2026-12-31"})
    service = CrdService(PlanRules(payers=(ALPHA, BETA)))
    (told,) = service.information(sent(coverage(of="Beta"), ended))
    assert "questionnaire" not in told
    assert told["reason"][0]["text"].startswith("No medical policy of Beta on file applies to this order.")


TERMS = {
    "without_policy": Covered.COVERED,
    "codes": {(CPT, FUSION): CodeTerms(Authorization.AUTH_NEEDED)},
    "granted": {("M-1", CPT, FUSION): GrantedAuthorization("PA-1")},
}


@pytest.mark.parametrize("members", [
    {"period": {"start": "someday"}},
    {"period": {"start": "2025-01-01", "end": "2026-03"}},
    {"period": {"start": "2026-03"}},
    {"period": {"start": "2025-01-01", "end": "2026-12-31"}, "status": "cancelled"},
    {"status": "unheard-of"},
    {"status": None},
    {"modifierExtension": [{"url": "urn:not", "valueBoolean": True}]},
])  # fmt: skip
def test_a_coverage_that_may_not_be_in_force_covers_nothing(members: Any) -> None:
    service = CrdService(PlanRules(payers=(payer("Lakeshore", **TERMS),)))
    held = {name: value for name, value in coverage(**members).items() if value is not None}
    brace = order(code=ANKLE_BRACE)
    (told,) = service.information(call("order-sign", brace, prefetch={"coverage": searchset(held)}))
    assert told["covered"] == ["conditional"]
    assert "It is not certain that the member has an active plan" in told["reason"][0]["text"]
    (certain,) = service.information(call("order-sign", brace))
    assert certain["covered"] == ["covered"]


@pytest.mark.parametrize(("dates", "period", "covered"), [
    ({"authoredOn": "2026-01-15"}, {"end": "2026-02-10"}, "not-covered"),
    ({"authoredOn": "2026-01-15"}, {"start": "2026-02-10"}, "covered"),
    ({"occurrenceDateTime": "2026"}, {"end": "2026-06-30"}, "conditional"),
    ({"occurrenceDateTime": "2026"}, {"start": "2026-06-30"}, "conditional"),
    ({"occurrenceDateTime": "2026"}, {"start": "2026-01-01", "end": "2026-12-31"}, "covered"),
    ({"occurrenceDateTime": "2027"}, {"end": "2026-12-31"}, "not-covered"),
])  # fmt: skip
def test_a_plan_must_be_in_force_on_every_day_on_which_the_service_may_be(
    dates: Any, period: Any, covered: str
) -> None:
    service = CrdService(PlanRules(payers=(payer("Lakeshore", **TERMS),)))
    held = {"coverage": searchset(coverage(period=period))}
    (told,) = service.information(call("order-sign", order(code=ANKLE_BRACE, **dates), prefetch=held))
    assert told["covered"] == [covered]


@pytest.mark.parametrize(("members", "authorization"), [
    ({}, "satisfied"),
    ({"relationship": {"coding": [{"code": "self"}]}}, "satisfied"),
    ({"subscriber": {"reference": f"https://ehr.example.org/fhir/Patient/{PATIENT}"}}, "satisfied"),
    ({"relationship": {"coding": [{"code": "child"}]}}, "auth-needed"),
    ({"subscriber": {"reference": "Patient/parent"}}, "auth-needed"),
    ({"subscriber": {"reference": "Patient/parent"}, "identifier": [{"value": "M-1"}]}, "auth-needed"),
    ({"subscriber": {"reference": "Patient/x"}, "subscriberId": "F", "identifier": [{"value": "M-1"}]}, "satisfied"),
])  # fmt: skip
def test_an_authorization_of_the_subscriber_is_none_of_a_dependent(members: Any, authorization: str) -> None:
    service = CrdService(PlanRules(payers=(payer("Lakeshore", **TERMS),)))
    (told,) = service.information(sent(coverage(**members)))
    assert told["pa-needed"] == [authorization]
    assert ("satisfied-pa-id" in told) is (authorization == "satisfied")


MEMBER_NUMBER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}]}
RECORD_NUMBER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
CHILD = {"coding": [{"code": "child"}]}


@pytest.mark.parametrize(
    ("members", "is_granted"),
    [
        ({"subscriberId": "M-1"}, True),
        ({"subscriberId": "M-9"}, False),
        ({"subscriberId": "M-9", "identifier": [{"value": "M-1", "type": MEMBER_NUMBER}]}, True),
        ({"subscriberId": "M-9", "identifier": [{"value": "M-1"}]}, False),
        ({"subscriberId": "M-9", "identifier": [{"value": "M-1", "type": RECORD_NUMBER}]}, False),
        ({"subscriberId": None, "identifier": [{"value": "M-1"}]}, True),
        ({"subscriberId": None, "identifier": [{"value": "M-1", "type": RECORD_NUMBER}]}, False),
        ({"subscriberId": "M-1", "relationship": CHILD}, False),
        ({"subscriberId": "M-9", "relationship": CHILD, "identifier": [{"value": "M-1"}]}, True),
    ],
)
def test_an_authorization_is_found_by_an_id_that_is_the_members(members: dict[str, Any], is_granted: bool) -> None:
    granted = {("M-1", CPT, FUSION): GrantedAuthorization("PA-77")}
    held = {name: value for name, value in coverage(**members).items() if value is not None}
    service = CrdService(PlanRules(payers=(payer("Lakeshore", granted=granted),)))
    (told,) = service.information(sent(held))
    assert ("satisfied-pa-id" in told) is is_granted
