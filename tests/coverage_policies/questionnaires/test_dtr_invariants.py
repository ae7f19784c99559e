"""The invariants of Da Vinci DTR 2.2.0 hold for every form and draft, by a FHIRPath engine that is not ours.

They are read from the folder of implementation guides that `CDS_IG_DATA` names; the engine is fhirpathpy.
"""

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from coverage_policies.authoring.cases import judged, load_cases
from coverage_policies.format.library import load_library
from coverage_policies.judging.determination import Determination
from coverage_policies.questionnaires.adaptive import adaptive_questionnaire, contained_questionnaire
from coverage_policies.questionnaires.adaptive_response import adaptive_draft
from coverage_policies.questionnaires.questionnaire import questionnaire
from coverage_policies.questionnaires.response import draft_response, practitioners_response
from tests.support.adaptive_forms import NEXT
from tests.support.forms import BASE, by_link, every_revision, flat, structured
from tests.support.policy_fakes import READ_AT, answers, condition, judge

pytestmark = [
    pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides"),
    pytest.mark.skipif(find_spec("fhirpathpy") is None, reason="fhirpathpy, a FHIRPath engine, is not installed"),
]

OF_ITEMS = ("dtrq-2", "dtrq-3", "dtrq-4", "dtrq-5")
OF_FORMS = ("dtrq-6",)
OF_ORIGINS = ("dtrx-1",)
OF_PACKAGES = ("dtrb-1",)
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


def forms_of(name: str) -> list[dict[str, Any]]:
    """The forms of a revision: standard, adaptive, and contained in a response with every question."""
    by = REVISIONS[name]
    standard = questionnaire(by, BASE)
    asked = [item["linkId"] for item in flat(standard["item"])]
    contained = contained_questionnaire(by, BASE, NEXT, asked, is_last=True)
    return [standard, adaptive_questionnaire(by, BASE, NEXT), contained]


@pytest.mark.parametrize("name", REVISIONS)
def test_the_items_of_every_form_keep_the_invariants(name: str, invariants: dict[str, str]) -> None:
    standard, _, contained = forms_of(name)
    # No invariant of items reads their conditions, in which alone the two forms differ where both have an item.
    for link, item in {**by_link(standard), **by_link(contained)}.items():
        for key in OF_ITEMS:
            assert holds(invariants[key], item), (key, link)


@pytest.mark.requirement("crd:resp-63")
@pytest.mark.parametrize("name", REVISIONS)
def test_every_form_keeps_the_invariants(name: str, invariants: dict[str, str]) -> None:
    assert all(holds(invariants[key], form) for form in forms_of(name) for key in OF_FORMS)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", REVISIONS)
def test_a_package_that_begins_with_its_form_keeps_the_invariants(
    name: str, number: int, invariants: dict[str, str]
) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": forms_of(name)[number]}]}
    assert all(holds(invariants[key], bundle) for key in OF_PACKAGES)


def origins(value: Any) -> Iterator[Any]:
    """Every information-origin in a response."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(child, dict) and str(child.get("url")).endswith("/information-origin"):
            yield child
        yield from origins(child)


DRAFTED = {**load_library().policies, "structured": structured()}


def determinations(name: str) -> list[Determination]:
    """What is determined of some orders under a revision."""
    if name == "structured":
        return [judge(DRAFTED[name], condition("alpha"), answers({"applies": "yes", "pathway": "cancer"}))]
    cases = load_cases(DRAFTED[name])
    return [judged(replace(case, suggests=()), DRAFTED[name]) for case in cases[:: len(cases) // 8]]


@pytest.mark.parametrize("name", DRAFTED)
def test_the_origin_of_every_answer_of_a_draft_keeps_the_invariants(name: str, invariants: dict[str, str]) -> None:
    by, checked = DRAFTED[name], 0
    for found in determinations(name):
        head = {"patient": "Patient/p", "authored": READ_AT}
        for draft in (draft_response(by, found, BASE, **head), adaptive_draft(by, found, BASE, NEXT, **head)):
            for each in origins(draft):
                checked += 1
                assert all(holds(invariants[key], each) for key in OF_ORIGINS)
    assert checked


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
    without_author = {"url": "information-origin", "extension": [{"url": "source", "valueCode": "manual"}]}
    assert not holds(invariants["dtrx-1"], without_author)
    begins_with_response = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "QuestionnaireResponse"}}],
    }
    assert not holds(invariants["dtrb-1"], begins_with_response)
