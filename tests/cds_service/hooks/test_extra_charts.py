"""Charts that nobody here wrote: FHIR Bundles in the folder that the variable CDS_EXTRA_CHARTS names."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.request import read_request
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.bundle import entries
from fhir_mappings.fhir_json import Json, loads
from tests.support.reviews import review_call

FOLDER = os.environ.get("CDS_EXTRA_CHARTS", "")
CHARTS = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []
TEXTS = {"27279": "CP.MP.126@2025-04", "62327": "CP.MP.173@2024-01"}

pytestmark = pytest.mark.skipif(not CHARTS, reason="CDS_EXTRA_CHARTS names no folder with charts")


def determination(chart: Json, code: str, anchor: date) -> Determination:
    """One order for the chart's patient on a day inside the chart's own years."""
    (patient,) = [resource for _, resource in entries(chart) if resource["resourceType"] == "Patient"]
    draft: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": code}]},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "occurrenceDateTime": anchor.isoformat(),
    }
    request = {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": patient["id"],
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft}]},
        },
    }
    assessor = Assessor(load_library(), PlanRules())
    found = review_call(
        read_request(request),
        assessor,
        Settings(),
        chart=chart,
        policy=assessor.library.policy(TEXTS[code]),
        clock=lambda: datetime(anchor.year, anchor.month, anchor.day, 12, tzinfo=UTC),
    )
    (only,) = found.determinations
    return only


def days_of(chart: Json) -> list[date]:
    """A day early, in the middle and late in the chart."""
    starts = sorted(
        str(resource["period"]["start"])[:10]
        for _, resource in entries(chart)
        if resource["resourceType"] == "Encounter"
    )
    return [date.fromisoformat(starts[len(starts) * part // 10]) for part in (3, 6, 9)]


@pytest.mark.parametrize("code", TEXTS)
@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem[:20])
def test_a_us_core_chart_gets_an_answer_and_no_resource_is_quarantined(path: Path, code: str) -> None:
    chart = loads(path.read_bytes())
    for anchor in days_of(chart):
        found = determination(chart, code, anchor)
        assert found.outcome in (Outcome.DOCUMENTATION_NEEDED, Outcome.CRITERIA_NOT_MET)
        assert found.criteria
        assert not [note for note in found.notes if note.startswith("Not used")]


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem[:20])
def test_without_dosages_on_record_a_wean_is_neither_met_nor_failed(path: Path) -> None:
    chart = loads(path.read_bytes())
    for anchor in days_of(chart):
        assert determination(chart, "62327", anchor).criterion("I.A.2.h").status.value == "unknown"
