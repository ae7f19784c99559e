"""The metric data of a call (CRDMetricData): what the model asks for, and nothing of the patient."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.crd.metric_data import Returned, metric_data
from cds_service.fhir_client.source import FhirAccess
from cds_service.hooks.chart_reader import Origin, SearchReport
from cds_service.hooks.errors import Issue
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.review import Review
from cds_service.observability.call_log import Call
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS, PATIENT, PROCEDURES
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.codings import Coding
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.record import Availability
from tests.support.crd_records import INSTANCE, call, coverage_information
from tests.support.patient_data import leaks, secrets_of
from tests.support.record_fakes import NOW, sample_call, shipped
from tests.support.reviews import review_call

RECEIVED = datetime(2026, 3, 5, 15, 0, 0, 123_456, UTC)
ANSWERED = RECEIVED + timedelta(milliseconds=900)
PAYER = Payer("Sample", ("Owner",), frozenset({"http://hl7.org/fhir/sid/us-npi|1234567893", "urn:z|2"}))
NPI = "http://hl7.org/fhir/sid/us-npi"
CPT = "http://www.ama-assn.org/go/cpt"
FORM = "https://cds.example.org/fhir/Questionnaire/CP.MP.126|2025-04.1"


def reviewed(**context: Any) -> tuple[HookRequest, Review]:
    """A sample call and its review; members of the context, or the prefetch, may be replaced."""
    body, chart = sample_call("sij-posterior")
    prefetch = context.pop("prefetch", {})
    request = read_request(body | {"prefetch": prefetch, "context": body["context"] | context})
    return request, review_call(request, shipped(), Settings(), chart=chart, clock=lambda: NOW)


def metrics(**given: Any) -> dict[str, Any]:
    """The metric data of an answered call."""
    members = {"status": 200, "received": RECEIVED, "answered": ANSWERED}
    return metric_data(given.pop("made", call("c1", hook="order-sign")), **(members | given))


@pytest.fixture(name="example", scope="module")
def _example() -> tuple[HookRequest, Review]:
    return reviewed()


def returned(review: Review, *cards: str) -> Returned:
    more = [
        {"url": "pa-needed", "valueCode": "auth-needed"},
        {"url": "doc-needed", "valueCode": "clinical"},
        {"url": "info-needed", "valueCode": "OTH"},
        {"url": "questionnaire", "valueCanonical": FORM},
    ]
    return Returned(review.session.judged[0], (coverage_information("conditional", "a1", *more),), cards)


@pytest.mark.requirement("7.139")
def test_a_call_that_was_answered(example: tuple[HookRequest, Review]) -> None:
    request, review = example
    payer = replace(PAYER, line=LineOfBusiness.MEDICARE_ADVANTAGE)
    review = replace(review, searches=(), answers={})
    found = metrics(payer=payer, request=request, review=review, returned=[returned(review, "guideline")])
    (code,) = review.session.judged[0].codes
    assert found == {
        "source": "payer-src",
        "hookInstance": INSTANCE,
        "hookType": "order-sign",
        "payerId": {"system": NPI, "value": "1234567893"},
        "requestTime": "2026-03-05T15:00:00.123+00:00",
        "responseTime": "2026-03-05T15:00:01.023+00:00",
        "httpResponse": 200,
        "tokenUse": "not-used",
        "request": [
            {
                "type": "ServiceRequest",
                "orderDetail": [{"coding": [{"system": CPT, "code": code.code}]}],
                "response": [
                    {
                        "type": "coverage-info",
                        "focus": ["ServiceRequest"],
                        "coverageInfo": [
                            {
                                "covered": "conditional",
                                "paNeeded": "auth-needed",
                                "docNeeded": ["clinical"],
                                "infoNeeded": ["OTH"],
                                "questionnaire": [{"reference": FORM, "adaptive": False, "response": False}],
                                "assertionId": "a1",
                                "businessLine": {"text": "medicare-advantage"},
                            }
                        ],
                    },
                    {"type": "guideline", "focus": ["ServiceRequest"]},
                ],
            }
        ],
    }


def test_a_call_that_was_refused_before_it_was_read() -> None:
    refused = Call("c1", 0.0, hook="order-sign")
    issues = [Issue("required", "userId is required.", "context.userId"), Issue("value", "Send it.")]
    assert metrics(made=refused, status=400, issues=issues) == {
        "source": "payer-src",
        "hookType": "order-sign",
        "requestTime": "2026-03-05T15:00:00.123+00:00",
        "responseTime": "2026-03-05T15:00:01.023+00:00",
        "httpResponse": 400,
        "issue": [{"code": "required"}, {"code": "value"}],
        "tokenUse": "not-used",
    }


def test_a_payer_without_identifiers_has_none() -> None:
    assert "payerId" not in metrics(payer=Payer("Sample", ("Owner",)))


@pytest.mark.parametrize(
    ("answers", "use"),
    [
        ({}, "not-used"),
        ({"conditions": ("200",)}, "used"),
        ({"conditions": ("403 forbidden",), "procedures": ("200", "404")}, "used"),
        ({"conditions": ("403 forbidden",), "procedures": ("401",)}, "rejected"),
        ({"conditions": ("no answer in time",)}, "rejected"),
        ({"a": ("not asked",), "b": ("not sent in time", "private address, not registered")}, "not-used"),
    ],
)
def test_the_use_of_the_token(
    example: tuple[HookRequest, Review], answers: Mapping[str, tuple[str, ...]], use: str
) -> None:
    request, review = example
    assert metrics(request=request, review=replace(review, answers=answers))["tokenUse"] == use


@pytest.mark.parametrize("access", [None, FhirAccess("https://ehr.example/fhir")])
def test_without_a_token_none_is_used(example: tuple[HookRequest, Review], access: FhirAccess | None) -> None:
    request, review = example
    read = replace(review, answers={"conditions": ("200",)})
    assert metrics(request=replace(request, fhir=access), review=read)["tokenUse"] == "not-used"


def test_resources_are_counted_by_type_and_apart_for_prefetch(example: tuple[HookRequest, Review]) -> None:
    reports = [
        (PATIENT, Origin.PREFETCH, 1),
        (CONDITIONS, Origin.QUERY, 3),
        (replace(CONDITIONS, key="other"), Origin.QUERY, 2),
        (replace(CONDITIONS, key="third"), Origin.PREFETCH, 4),
        (replace(CONDITIONS, key="both"), Origin.BOTH, 5),
        (PROCEDURES, Origin.QUERY, 0),
        (PROCEDURES, Origin.NOT_READ, 0),
    ]
    searches = tuple(SearchReport(search, origin, n, Availability.COMPLETE) for search, origin, n in reports)
    request, review = example
    assert metrics(request=request, review=replace(review, searches=searches))["resources"] == [
        {"type": "Patient", "count": 1, "prefetch": True},
        {"type": "Condition", "count": 5, "prefetch": False},
        {"type": "Condition", "count": 4, "prefetch": True},
        {"type": "Condition", "count": 5},
    ]


@pytest.mark.parametrize(
    ("coding", "is_given"),
    [
        (Coding(CPT, "27279"), True),
        (Coding(CPT, "0775T"), True),
        (Coding(CPT, "Xanthippe"), False),
        (Coding(CPT, "272790"), False),
        (Coding("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "E0470"), True),
        (Coding("http://snomed.info/sct", "387713003"), True),
        (Coding("http://loinc.org", "72514-3"), True),
        (Coding("http://www.nlm.nih.gov/research/umls/rxnorm", "7052"), True),
        (Coding("http://hl7.org/fhir/sid/ndc", "0002-8215-01"), True),
        (Coding("http://hl7.org/fhir/sid/ndc", "1960-01-01"), False),
        (Coding("urn:of-the-ehr", "27279"), False),
    ],
)
def test_only_codes_that_have_the_form_of_their_system_are_given(
    example: tuple[HookRequest, Review], coding: Coding, is_given: bool
) -> None:
    order = replace(example[1].session.judged[0], codes=(coding,))
    (found,) = metrics(returned=[Returned(order)])["request"]
    codes = [{"system": coding.system, "code": coding.code}]
    assert found == {"type": "ServiceRequest"} | ({"orderDetail": [{"coding": codes}]} if is_given else {})


# --- who called -------------------------------------------------------------------------------------------------------


def npi(value: str, system: str = NPI) -> Json:
    return [{"system": "urn:of-the-ehr", "value": "7"}, {"system": system, "value": value}]


DOCTOR = {"resourceType": "Practitioner", "id": "doc", "identifier": npi("1111111112")}
OTHER = {"resourceType": "Practitioner", "id": "other", "identifier": npi("3333333334")}
CLINIC = {"resourceType": "Organization", "id": "clinic", "identifier": npi("2222222228")}
ROLE = {
    "resourceType": "PractitionerRole",
    "id": "role",
    "practitioner": {"reference": "Practitioner/doc"},
    "organization": {"reference": "Organization/clinic"},
}
VISIT = {"resourceType": "Encounter", "id": "visit", "serviceProvider": {"reference": "Organization/clinic"}}


def who(prefetch: Json, *, user: str = "Practitioner/doc", requester: Json = None, encounter: str = "") -> list[str]:
    """The values of providerId and groupId, empty without one."""
    body, _ = sample_call("sij-posterior")
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    order["requester"] = requester or {}
    request = read_request(
        body | {"prefetch": prefetch, "context": body["context"] | {"userId": user, "encounterId": encounter}}
    )
    found = metrics(request=request)
    assert all(found[name]["system"] == NPI for name in ("providerId", "groupId") if name in found)
    return [found.get(name, {}).get("value", "") for name in ("providerId", "groupId")]


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prefetch": {}}, ["", ""]),
        ({"prefetch": {"user": DOCTOR}}, ["1111111112", ""]),
        ({"prefetch": {"orders": bundle(OTHER, bundle(DOCTOR))}}, ["1111111112", ""]),
        ({"prefetch": {"a": ROLE, "b": bundle(DOCTOR, CLINIC)}, "user": "PractitionerRole/role"},
         ["1111111112", "2222222228"]),
        ({"prefetch": {"user": DOCTOR, "encounter": VISIT, "c": CLINIC}, "encounter": "visit"},
         ["1111111112", "2222222228"]),
        ({"prefetch": {"user": OTHER}, "requester": {"reference": "Practitioner/other"}}, ["3333333334", ""]),
        ({"prefetch": {"a": DOCTOR, "b": OTHER}, "requester": {"reference": "Practitioner/other"}}, ["1111111112", ""]),
        ({"prefetch": {}, "requester": {"type": "Organization", "identifier": npi("2222222228")[1]}},
         ["", "2222222228"]),
        ({"prefetch": {}, "requester": {"identifier": npi("3333333334")[1]}}, ["3333333334", ""]),
        ({"prefetch": {"user": DOCTOR | {"identifier": npi("11111")}}}, ["", ""]),
        ({"prefetch": {"user": DOCTOR | {"identifier": npi("1111111112", "urn:ssn")}}}, ["", ""]),
        ({"prefetch": {"user": [None, "x", {"resourceType": 7}], "b": "Practitioner/doc", "c": None}}, ["", ""]),
    ],
)  # fmt: skip
def test_the_npi_of_the_user_and_of_the_organization(given: Any, expected: list[str]) -> None:
    assert who(**given) == expected


# --- the model of the guide, and the patient -------------------------------------------------------------------------


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The paths of all members, without those inside of a FHIR data type."""
    for name, member in value.items():
        yield f"{at}{name}"
        for each in member if isinstance(member, list) else [member]:
            if isinstance(each, dict) and not name.endswith("Id") and name not in ("orderDetail", "businessLine"):
                yield from paths(each, f"{at}{name}.")


@pytest.mark.requirement("7.139")
@pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")
def test_every_member_is_one_of_the_logical_model(example: tuple[HookRequest, Review]) -> None:
    request, review = example
    data = Path(os.environ["CDS_IG_DATA"])
    model = json.loads((data / "crd-2.0.1" / "StructureDefinition-CRDMetricData.json").read_text(encoding="utf-8"))
    elements = {each["path"].partition(".")[2] for each in model["snapshot"]["element"]}
    found = metrics(
        payer=replace(PAYER, line=LineOfBusiness.MEDICAID),
        request=request,
        review=review,
        returned=[returned(review, "guideline")],
        issues=[Issue("value", "x")],
    )
    # CRD 2.2.1 has `orderDetail` and `response` in `request`, one per order, with the type of the order.
    flat = {path.removeprefix("request.") for path in paths(found)} - {"request", "type"}
    assert len(flat) > 20
    assert flat <= elements
    codes = (data / "crd-2.2.1" / "CodeSystem-crd-metric-codes.json").read_text(encoding="utf-8")
    assert all(f'"code": "{found[name]}"' in codes for name in ("source", "hookType", "tokenUse"))


@pytest.mark.requirement("7.138")
@pytest.mark.parametrize("name", ["sij-posterior", "sij-rich-chart", "trial-not-weaned"])
def test_metric_data_hold_nothing_of_the_patient(name: str) -> None:
    body, chart = sample_call(name)
    request = read_request(body | {"prefetch": {"everything": chart}})
    review = review_call(request, shipped(), Settings(), chart=chart, clock=lambda: datetime(2037, 1, 1, tzinfo=UTC))
    answers = [Returned(each, (coverage_information("covered", "a1"),)) for each in review.session.judged]
    found = metrics(request=request, review=review, payer=PAYER, returned=answers)
    forbidden = secrets_of(body["context"], chart) | {"xanthippe", "Coverage/cov-9", "PA-xanthippe"}
    forbidden -= {each["value"] for each in (found.get("providerId"), found.get("groupId")) if each}
    assert len(forbidden) > 20
    assert leaks(dumps(found | {"requestTime": "", "responseTime": ""}), forbidden) == set()
