"""The invariants of Da Vinci DTR 2.2.0 hold for every form and draft, by a FHIRPath engine that is not ours.

They are read from the folder of implementation guides that `CDS_IG_DATA` names; the engine is fhirpathpy.
"""

import csv
import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from coverage_policies.questionnaires.questionnaire import questionnaire
from coverage_policies.questionnaires.response import draft_response, practitioners_response
from tests.support.forms import BASE, every_revision, flat, structured
from tests.support.policy_fakes import READ_AT, answers, condition, judge

pytestmark = [
    pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides"),
    pytest.mark.skipif(find_spec("fhirpathpy") is None, reason="fhirpathpy, a FHIRPath engine, is not installed"),
]

OF_ITEMS = ("dtrq-2", "dtrq-3", "dtrq-4", "dtrq-5")
OF_FORMS = ("dtrq-6",)
OF_ORIGINS = ("dtrx-1",)
REVISIONS = every_revision()


@pytest.fixture(name="invariants", scope="module")
def _invariants() -> dict[str, str]:
    """The FHIRPath of each invariant by its key."""
    path = Path(os.environ["CDS_IG_DATA"]) / "dtr-2.2.0" / "invariants.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["key"]: row["fhirpath"] for row in csv.DictReader(lines)}


def holds(expression: str, resource: Any) -> bool:
    # An extension inside of one is reached by a path; the engine reads `extension('url')` as a function, too.
    evaluate = import_module("fhirpathpy").evaluate
    model = import_module("fhirpathpy.models").models["r4"]
    return bool(evaluate(resource, expression, {}, model) == [True])


@pytest.mark.parametrize("name", REVISIONS)
def test_the_items_of_every_form_keep_the_invariants(name: str, invariants: dict[str, str]) -> None:
    for item in flat(questionnaire(REVISIONS[name], BASE)["item"]):
        for key in OF_ITEMS:
            assert holds(invariants[key], item), (key, item["linkId"])


@pytest.mark.requirement("crd:resp-63")
@pytest.mark.parametrize("name", REVISIONS)
def test_every_form_keeps_the_invariants(name: str, invariants: dict[str, str]) -> None:
    form = questionnaire(REVISIONS[name], BASE)
    assert all(holds(invariants[key], form) for key in OF_FORMS)


def origins(value: Any) -> Iterator[Any]:
    """Every information-origin in a response."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(child, dict) and str(child.get("url")).endswith("/information-origin"):
            yield child
        yield from origins(child)


def test_the_origin_of_every_answer_of_a_draft_keeps_the_invariants(invariants: dict[str, str]) -> None:
    by = structured()
    found = judge(by, condition("alpha"), answers({"applies": "yes", "pathway": "cancer"}))
    response = draft_response(by, found, BASE, patient="Patient/p", authored=READ_AT)
    checked = list(origins(response))
    assert len(checked) == 2
    assert all(holds(invariants[key], each) for key in OF_ORIGINS for each in checked)


def test_the_origin_of_every_answer_of_a_practitioner_keeps_the_invariants(invariants: dict[str, str]) -> None:
    response = practitioners_response(
        structured(),
        {"applies": "yes", "pathway": "cancer"},
        BASE,
        patient="Patient/p",
        author="Practitioner/dr",
        order={"reference": "ServiceRequest/1"},
        authored=READ_AT,
        status="completed",
    )
    checked = list(origins(response))
    assert len(checked) == 2
    assert all(holds(invariants[key], each) for key in OF_ORIGINS for each in checked)


def test_the_engine_sees_a_form_that_breaks_them(invariants: dict[str, str]) -> None:
    assert not holds(invariants["dtrq-2"], {"linkId": "1", "text": "Which", "type": "choice"})
    assert not holds(invariants["dtrq-3"], {"linkId": "1", "text": "How many", "type": "quantity"})
    form = questionnaire(structured(), BASE)
    form["extension"] = [
        {**each, "extension": each["extension"][1:]} if each["url"].endswith("/estimated-completion-time") else each
        for each in form["extension"]
    ]
    assert not holds(invariants["dtrq-6"], form)
