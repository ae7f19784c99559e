"""The loop of a payer: select, sign, the form as a DTR client writes it, sign again, and with a changed answer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cds_service.cli.crd_demo import FAVORABLE
from cds_service.sample_ehr.dtr_client import filled_form
from cds_service.sample_ehr.patients import SAMPLES
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from coverage_policies.judging.payer_terms import Covered
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.crd_calls import NOW, CrdService, call, information_of, parts, searchset

SAMPLE = next(each for each in SAMPLES if each.id == "cpap-mild-apnea")
CHART = [each["resource"] for each in SAMPLE.bundle(None)["entry"]]
COVERAGE = next(each for each in CHART if each["resourceType"] == "Coverage")
ORDER = SAMPLE.orders[0].resource(None)
UNFAVORABLE = {**FAVORABLE, "B.initial.events": False}


def rules(if_not_met: Covered) -> PlanRules:
    payers = []
    for each in SAMPLE_PAYERS.payers:
        assert each.terms is not None
        payers.append(replace(each, terms=replace(each.terms, if_not_met=if_not_met)))
    return PlanRules(payers=tuple(payers))


def body(hook: str, order: Any) -> Any:
    made = call(hook, order, prefetch={"coverage": searchset(COVERAGE)})
    made["context"]["patientId"] = SAMPLE.id
    return made


def response(form: Any, answers: Mapping[str, bool | str], minutes: int, **changed: Any) -> Any:
    """The filled in form, authored some minutes before the next call."""
    written = filled_form(
        form,
        answers,
        response_id=f"r-{minutes}",
        patient=f"Patient/{SAMPLE.id}",
        practitioner="Practitioner/sample-pulmonologist",
        order=f"DeviceRequest/{ORDER['id']}",
        coverage=f"Coverage/{COVERAGE['id']}",
        authored=NOW - timedelta(minutes=minutes),
    )
    return {**written, **changed}


class Loop:
    """Signs one order again and again, as the EHR updates it, while forms are added to the chart."""

    def __init__(self, version: str, if_not_met: Covered) -> None:
        self.version, self.rules = version, rules(if_not_met)
        self.service = CrdService(self.rules, *CHART)
        self.order: Any = ORDER

    def told(self, hook: str) -> Any:
        """The coverage information of the order; the order then carries it."""
        answer = self.service.answer(body(hook, self.order), self.version)
        (self.order,) = (each["resource"] for each in answer["systemActions"])
        (found,) = information_of(answer)
        return parts(found)

    def form(self, canonical: str) -> Any:
        """The form, as the service publishes it."""
        url, _, version = canonical.partition("|")
        found = self.service.client.get("/fhir/Questionnaire", query_string={"url": url, "version": version})
        (entry,) = found.json["entry"]
        return entry["resource"]

    def add(self, *forms: Any) -> None:
        """Put forms into the chart; the service is another process on the same database from now on."""
        self.service = CrdService(self.rules, *CHART, *forms, database=self.service.database)


@pytest.mark.parametrize("version", ["2.2", "2.0"])
@pytest.mark.parametrize("if_not_met", [Covered.NOT_COVERED, Covered.CONDITIONAL])
def test_an_order_becomes_covered_by_its_form_and_fails_by_a_changed_answer(version: str, if_not_met: Covered) -> None:
    loop = Loop(version, if_not_met)
    selected = loop.told("order-select")
    assert (selected["covered"], "doc-needed" in selected) == (["conditional"], False)
    signed = loop.told("order-sign")
    assert (signed["covered"], signed["doc-needed"]) == (["conditional"], ["clinical"])
    form = loop.form(signed["questionnaire"][0])
    loop.add(response(form, FAVORABLE, minutes=9))
    supported = loop.told("order-sign")
    assert (supported["covered"], "doc-needed" in supported) == (["covered"], False)
    loop.add(response(form, FAVORABLE, minutes=9), response(form, UNFAVORABLE, minutes=5))
    failed = loop.told("order-sign")
    assert failed["covered"] == [if_not_met.value]
    ids = [each["coverage-assertion-id"] for each in (selected, signed, supported, failed)]
    assert ids == [ids[0]] * 4


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"status": "in-progress"}, id="unfinished"),
        pytest.param({"subject": {"reference": "Patient/another"}}, id="for another patient"),
        pytest.param({"authored": (NOW + timedelta(days=1)).isoformat()}, id="from the future"),
        pytest.param({"authored": datetime(2025, 1, 1, tzinfo=UTC).isoformat()}, id="too old, for another order"),
    ],
)
def test_a_form_that_does_not_count_settles_nothing(changed: Any) -> None:
    loop = Loop("2.2", Covered.NOT_COVERED)
    form = loop.form(loop.told("order-sign")["questionnaire"][0])
    written = response(form, FAVORABLE, minutes=9, **changed)
    if changed.get("authored", "").startswith("2025"):
        written["extension"] = []
    loop.add(written)
    assert "systemActions" not in loop.service.answer(body("order-sign", loop.order))
