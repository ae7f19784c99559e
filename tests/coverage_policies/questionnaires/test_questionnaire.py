"""The form of a revision: its head, and that it is valid FHIR R4."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from coverage_policies.format.editions import Edition
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Policy
from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.forms import BASE, every_revision, flat
from tests.support.policy_fakes import judge, policy

REVISIONS = every_revision()
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"


def extensions(form: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [each for each in form["extension"] if each["url"].endswith(f"/{name}")]


def many(count: int) -> Policy:
    """A revision of one section with this many items."""
    lines = "\n".join(f"    - {{id: I.{number}, says: s, ask: Is it so}}" for number in range(1, count + 1))
    return policy(f"I:\n  says: s\n  all:\n{lines}")


@pytest.mark.parametrize("name", REVISIONS)
def test_the_form_of_every_revision_is_valid_fhir(name: str) -> None:
    Questionnaire.model_validate(questionnaire(REVISIONS[name], BASE))


@pytest.mark.parametrize("name", REVISIONS)
def test_every_item_has_a_text_and_a_link_id_of_its_own(name: str) -> None:
    items = list(flat(questionnaire(REVISIONS[name], BASE)["item"]))
    assert len({item["linkId"] for item in items}) == len(items)
    assert all(item["text"] for item in items)


@pytest.mark.parametrize("name", REVISIONS)
def test_every_condition_names_a_question_of_the_form_that_comes_first(name: str) -> None:
    seen: set[str] = set()
    for item in flat(questionnaire(REVISIONS[name], BASE)["item"]):
        assert {each["question"] for each in item.get("enableWhen", ())} <= seen
        if item["type"] not in ("group", "display"):
            seen.add(item["linkId"])


@pytest.mark.parametrize("name", REVISIONS)
def test_no_item_is_required_since_what_is_not_known_stays_open(name: str) -> None:
    assert not any(item.get("required") for item in flat(questionnaire(REVISIONS[name], BASE)["item"]))


def test_the_head_is_that_of_the_policy() -> None:
    form = questionnaire(load_library().policies["CP.MP.126@2025-04"], f"{BASE}/")
    assert form["id"] == "CP.MP.126-2025-04.2"
    assert form["url"] == f"{BASE}/fhir/Questionnaire/CP.MP.126"
    assert form["version"] == "2025-04.2"
    assert form["title"] == "Sacroiliac joint fusion"
    assert form["publisher"] == "Centene Corporation"
    assert (form["status"], form["subjectType"]) == ("active", ["Patient"])
    assert form["meta"] == {"profile": [f"{DTR}/dtr-std-questionnaire"]}
    assert "derivedFrom" not in form


@pytest.mark.parametrize("name", REVISIONS)
def test_ids_and_names_are_those_that_fhir_allows(name: str) -> None:
    form = questionnaire(REVISIONS[name], BASE)
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", form["id"])
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", form["name"])


def test_the_canonical_is_the_one_that_a_determination_names() -> None:
    by = policy("I: {says: s, ask: Is it so}")
    form = questionnaire(by, BASE)
    assert judge(by).as_json(BASE)["questionnaire"] == f"{form['url']}|{form['version']}"


def test_the_date_is_the_day_on_which_the_edition_was_released() -> None:
    by = replace(policy("I: {says: s, ask: Is it so}"), editions=(Edition(1, "hash", {}, date(2026, 3, 2)),))
    assert questionnaire(by, BASE)["date"] == "2026-03-02"


def test_an_edition_that_was_not_released_has_no_date() -> None:
    assert "date" not in questionnaire(policy("I: {says: s, ask: Is it so}"), BASE)


@pytest.mark.requirement("dtr:spec-53")
@pytest.mark.parametrize(
    ("effective", "until", "period"),
    [
        (None, None, None),
        (date(2026, 1, 1), None, {"start": "2026-01-01"}),
        (date(2026, 1, 1), date(2026, 12, 31), {"start": "2026-01-01", "end": "2026-12-31"}),
    ],
)
def test_the_effective_period_is_what_the_owner_states(
    effective: date | None, until: date | None, period: dict[str, str] | None
) -> None:
    by = replace(policy("I: {says: s, ask: Is it so}"), effective=effective, until=until)
    assert questionnaire(by, BASE).get("effectivePeriod") == period


def test_it_is_for_clinicians_and_for_one_order() -> None:
    form = questionnaire(policy("I: {says: s, ask: Is it so}"), BASE)
    assert extensions(form, "questionnaireAudience")[0]["valueCode"] == "clinical"
    assert extensions(form, "request-specific")[0]["valueBoolean"] is True


@pytest.mark.parametrize(
    ("count", "time"),
    [
        (5, "under-1min"),
        (6, "under-3min"),
        (17, "under-3min"),
        (18, "under-5min"),
        (29, "under-5min"),
        (30, "over-5min"),
    ],
)
def test_the_time_is_ten_seconds_for_each_item(count: int, time: str) -> None:
    (found,) = extensions(questionnaire(many(count), BASE), "estimated-completion-time")
    assert found["extension"] == [{"url": name, "valueCode": time} for name in ("clinicalTime", "totalTime")]
