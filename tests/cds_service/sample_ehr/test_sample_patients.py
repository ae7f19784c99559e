"""The shipped charts and orders are valid, consistent FHIR, and stay so when their dates move."""

import re
from datetime import date, timedelta
from importlib import resources

import pytest

from cds_service.sample_ehr.patients import (
    BARIATRIC_SURGERY,
    CPAP,
    HOME_OXYGEN,
    PAIN_PUMP,
    SAMPLES,
    SI_JOINT_FUSION,
    STORY_DATE,
    sample_store,
)
from coverage_policies.format.terms import Outcome
from fhir_mappings.fhir_json import dumps
from fhir_mappings.validity import faults

FAULTY = {"sij-rich-chart-pelvis-films": "DiagnosticReport.effectiveDateTime"}
ORDERS = [(sample, order) for sample in SAMPLES for order in sample.orders]
EACH_SAMPLE = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
EACH_ORDER = pytest.mark.parametrize(("sample", "order"), ORDERS, ids=[order.file for _, order in ORDERS])


def in_bundle(bundle):
    return [entry["resource"] for entry in bundle["entry"]]


def strings(value, name=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, name)
    elif isinstance(value, str):
        yield name, value


@EACH_SAMPLE
@pytest.mark.parametrize("today", [None, date(2027, 8, 31)])
def test_every_resource_follows_fhir_except_the_intended_one(sample, today):
    for resource in in_bundle(sample.bundle(today)):
        wrong = [fault.path for fault in faults(resource)]
        assert wrong == ([FAULTY[resource["id"]]] if resource["id"] in FAULTY else []), resource["id"]


@EACH_SAMPLE
def test_a_chart_is_a_collection_under_one_address(sample):
    bundle = sample.bundle(None)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert entry["fullUrl"] == f"https://sample-ehr.example/fhir/{resource['resourceType']}/{resource['id']}"
    assert bundle["entry"][0]["resource"]["id"] == sample.id


@EACH_SAMPLE
def test_every_reference_resolves_except_to_the_misfiled_patient(sample):
    drafts = [order.resource(None) for order in sample.orders]
    named = {f"{r['resourceType']}/{r['id']}" for r in [*in_bundle(sample.bundle(None)), *drafts]}
    targets = {v for resource in in_bundle(sample.bundle(None)) for name, v in strings(resource) if name == "reference"}
    for order in sample.orders:
        targets |= {value for name, value in strings(order.resource(None)) if name == "reference"}
    assert targets - named <= {"Patient/somebody-else"}


def test_the_files_are_those_of_the_samples():
    here = resources.files("cds_service.sample_ehr")
    assert {path.name for path in here.joinpath("patients").iterdir()} == {sample.file for sample in SAMPLES}
    assert {path.name for path in here.joinpath("orders").iterdir()} == {order.file for _, order in ORDERS}


@EACH_ORDER
def test_an_order_is_a_draft_for_its_patient_written_on_the_day_of_the_story(sample, order):
    draft = order.resource(None)
    assert faults(draft) == ()
    assert (draft["status"], draft["subject"]["reference"]) == ("draft", f"Patient/{sample.id}")
    assert (draft["authoredOn"], draft["occurrenceDateTime"]) == (STORY_DATE.isoformat(), "2026-03-16")
    assert order.file == f"{draft['id']}.json"


@pytest.mark.parametrize(
    ("policy", "not_covered"),
    [
        (SI_JOINT_FUSION, {Outcome.CASE_REVIEW, Outcome.NOT_APPLICABLE}),
        (PAIN_PUMP, {Outcome.NOT_SUPPORTED}),
        (HOME_OXYGEN, set()),
        (CPAP, {Outcome.NOT_SUPPORTED, Outcome.CASE_REVIEW}),
        (BARIATRIC_SURGERY, set()),
    ],
)
def test_the_samples_cover_every_outcome(policy, not_covered):
    shown = {order.outcome for _, order in ORDERS if order.policy == policy}
    assert shown == set(Outcome) - {Outcome.NOT_EVALUATED} - not_covered


def test_one_store_holds_them_all():
    store = sample_store(None)
    assert store.is_whole
    assert [resource["id"] for _, resource in store.search("Patient", [])] == [sample.id for sample in SAMPLES]
    assert len(store.search("Practitioner", [])) == 3
    mine = store.search("Condition", [("patient", "sij-rich-chart"), ("code", "M79.7")])
    assert [resource["verificationStatus"]["coding"][0]["code"] for _, resource in mine] == ["entered-in-error"]


@EACH_SAMPLE
def test_names_and_record_numbers_are_invented(sample):
    patient = in_bundle(sample.bundle(None))[0]
    assert patient["identifier"][0]["value"].startswith("INVENTED-")


TODAYS = [STORY_DATE, date(2026, 11, 20), date(2028, 2, 29), date(2025, 1, 31)]


@EACH_SAMPLE
@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_every_date_moves_by_the_same_days_and_keeps_its_precision(sample, today):
    days = today - STORY_DATE
    pairs = list(zip(strings(sample.bundle(None)), strings(sample.bundle(today)), strict=True))
    moved = 0
    for (name, before), (same_name, after) in pairs:
        assert name == same_name
        if not re.fullmatch(r"(19|20)\d\d-\d\d(-\d\d(T.*)?)?", before) or before == "2026-02-30":
            continue
        moved += 1
        assert len(after) == len(before)
        assert after[10:] == before[10:]
        if len(before) >= 10:
            assert date.fromisoformat(after[:10]) - date.fromisoformat(before[:10]) == days
    assert moved > 0


@EACH_SAMPLE
def test_values_that_are_not_dates_stay(sample):
    def rest(today):
        return [(n, v) for n, v in strings(sample.bundle(today)) if not re.fullmatch(r"(19|20)\d\d(-\d\d.*)?", v)]

    assert rest(date(2031, 7, 1)) == rest(None)


@EACH_SAMPLE
def test_not_moving_and_moving_to_the_story_date_are_the_same(sample):
    assert dumps(sample.bundle(STORY_DATE)) == dumps(sample.bundle(None))


def test_decimals_survive_the_move():
    assert "31.40" in dumps(next(s for s in SAMPLES if s.id == "sij-rich-chart").bundle(date(2027, 1, 1)))


def test_the_orders_move_with_the_charts():
    today = date(2026, 11, 20)
    for _, order in ORDERS:
        draft = order.resource(today)
        assert draft["authoredOn"] == "2026-11-20"
        assert date.fromisoformat(draft["occurrenceDateTime"]) == today + timedelta(days=14)
