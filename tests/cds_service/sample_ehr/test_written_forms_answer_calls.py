"""A form that a launched app writes to the sample EHR answers the next hook call."""

import requests

from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import LOOPBACK
from tests.support.reviews import review_call
from tests.support.sample_ehr_launches import PATIENT, START, Ehr

SAMPLE = next(sample for sample in SAMPLES if sample.id == PATIENT)
FORM = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": "https://payer.example/fhir/Questionnaire/CP.MP.173|2024-01.2",
    "basedOn": [{"reference": "ServiceRequest/trial-buprenorphine-trial"}],
    "status": "completed",
    "subject": {"reference": f"Patient/{PATIENT}"},
    "authored": "2026-03-02T09:30:00Z",
    "author": {"reference": "Practitioner/sample-pain-physician"},
    "item": [
        {"linkId": "I.A.2.h", "answer": [{"valueBoolean": True}]},
        {"linkId": "I.A.2.0.intractable", "answer": [{"valueBoolean": True}]},
    ],
}


def edited(link_id, value):
    items = [
        each if each["linkId"] != link_id else each | {"answer": [{"valueBoolean": value}]} for each in FORM["item"]
    ]
    return FORM | {"status": "amended", "item": items}


def test_a_written_form_decides_and_an_edited_one_decides_anew():
    ehr = Ehr()
    bearer = ehr.bearer()
    assessor = Assessor(load_library(), PlanRules())

    def outcome(address):
        call = hook_call(
            SAMPLE,
            SAMPLE.orders[0],
            fhir_server=f"{address}/fhir",
            token="static",
            today=STORY_DATE,
            new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        )
        found = review_call(read_request(call), assessor, Settings(**LOOPBACK), clock=lambda: START)
        return [each.outcome for each in found.determinations]

    with on_loopback(ehr.app) as address:
        assert outcome(address) == [Outcome.DOCUMENTATION_NEEDED]
        written = requests.post(f"{address}/fhir/QuestionnaireResponse", json=FORM, headers=bearer, timeout=10)
        assert written.status_code == 201
        assert outcome(address) == [Outcome.SUPPORTED]
        no_longer_weaned = edited("I.A.2.h", False) | {"id": written.json()["id"]}
        assert requests.put(written.headers["Location"], json=no_longer_weaned, headers=bearer, timeout=10).ok
        assert outcome(address) == [Outcome.CRITERIA_NOT_MET]
