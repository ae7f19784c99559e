"""The loop of a payer: select, sign, the form as a DTR client writes it, sign again, and with a changed answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cds_service.cli.crd_demo import FAVORABLE
from cds_service.sample_ehr.form_answers import answered, only_answered
from coverage_policies.judging.payer_terms import Covered
from coverage_policies.questionnaires.extensions import RESPONSE, intended_use, response_context, response_coverage
from tests.support.crd_calls import NOW
from tests.support.dtr_calls import COVERAGE, ORDER, PRACTITIONER, SAMPLE
from tests.support.form_loop import Loop, body

UNFAVORABLE = {**FAVORABLE, "B.initial.events": False}


def response(form: Any, answers: Mapping[str, bool | str], minutes: int, **changed: Any) -> Any:
    """The filled in form, read without a package and authored some minutes before the next call."""
    about = [
        response_coverage(f"Coverage/{COVERAGE['id']}"),
        response_context({"reference": f"DeviceRequest/{ORDER['id']}"}),
        intended_use("withorder"),
    ]
    written = {
        "resourceType": "QuestionnaireResponse",
        "id": f"r-{minutes}",
        "meta": {"profile": [RESPONSE]},
        "extension": about,
        "questionnaire": f"{form['url']}|{form['version']}",
        "status": "completed",
        "subject": {"reference": f"Patient/{SAMPLE.id}"},
        "authored": (NOW - timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        "author": {"reference": PRACTITIONER},
        "item": list(only_answered(answered(form.get("item", ()), (), answers, PRACTITIONER))),
    }
    return {**written, **changed}


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
