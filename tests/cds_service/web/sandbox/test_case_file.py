"""A saved case opens on another machine and another day, and whatever is no case is refused in words."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.web.sandbox.case import Case, CaseError, Mode
from cds_service.web.sandbox.case_file import opened_case, saved_case
from cds_service.web.site import SampleServer
from coverage_policies.judging.assessment import Assessor
from tests.support.sandbox_pages import ADDRESS, Sandbox

HERE = SampleServer(ADDRESS, "token", STORY_DATE, ())
ELSEWHERE = SampleServer("http://127.0.0.1:9999/fhir", "other", STORY_DATE, ())
ORDER = {"resourceType": "ServiceRequest", "id": "o-1", "occurrenceDateTime": "2026-03-16", "authoredOn": "2026-03"}
ANSWERS = {"ServiceRequest/o-1": {"CP.MP.126@2025-04": {"II.A": "yes", "II.B": "2026-01-02", "II.C": "12"}}}
CASE = Case(ADDRESS, "sij-posterior", mode=Mode.CRD_2_2, orders=(ORDER,), answers=ANSWERS)
WEEK = timedelta(days=7)


def test_a_case_comes_back_as_it_was_saved() -> None:
    assert opened_case(saved_case(CASE, HERE, STORY_DATE), HERE, STORY_DATE) == CASE


def test_the_same_case_makes_the_same_file() -> None:
    assert saved_case(CASE, HERE, STORY_DATE) == saved_case(replace(CASE), HERE, STORY_DATE)


def test_a_case_of_the_sample_ehr_opens_wherever_one_runs() -> None:
    saved = saved_case(CASE, HERE, STORY_DATE)
    assert ADDRESS not in saved
    assert opened_case(saved, ELSEWHERE, STORY_DATE).fhir_server == ELSEWHERE.address


def test_dates_of_orders_and_answers_move_with_the_charts() -> None:
    case = opened_case(saved_case(CASE, HERE, STORY_DATE), HERE, STORY_DATE + WEEK)
    assert case.orders[0]["occurrenceDateTime"] == "2026-03-23"
    assert case.orders[0]["authoredOn"] == "2026-03"
    assert case.answers["ServiceRequest/o-1"]["CP.MP.126@2025-04"] == {
        "II.A": "yes",
        "II.B": "2026-01-09",
        "II.C": "12",
    }


def test_a_case_of_another_server_keeps_its_address_and_its_dates() -> None:
    other = replace(CASE, fhir_server="https://ehr.example/fhir")
    assert opened_case(saved_case(other, HERE, STORY_DATE), None, STORY_DATE + WEEK) == other


def test_a_case_of_the_sample_ehr_is_refused_where_none_runs() -> None:
    with pytest.raises(CaseError, match="none runs here"):
        opened_case(saved_case(CASE, HERE, STORY_DATE), None, STORY_DATE)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"saved": None}, "no day"),
        ({"saved": "yesterday"}, "no day"),
        ({"saved": 7}, "no day"),
        ({"patient": "a b"}, "'pattern' at patient"),
        ({"secret": "Jane Doe"}, "'additionalProperties' at its top"),
        ({"orders": [{"resourceType": "ServiceRequest"}]}, "'required' at orders/0"),
        ({"orders": [ORDER] * 51}, "'maxItems' at orders"),
    ],
)
def test_a_file_that_is_no_case_is_refused_in_words(members: dict[str, Any], says: str) -> None:
    file = json.dumps({**json.loads(saved_case(CASE, HERE, STORY_DATE)), **members})
    with pytest.raises(CaseError, match=says):
        opened_case(file, HERE, STORY_DATE)


@pytest.mark.parametrize("text", ["", "- name: x", "[]", "7", "[" * 1000, "\udcff"])
def test_a_text_that_is_no_json_object_is_refused_in_words(text: str) -> None:
    with pytest.raises(CaseError):
        opened_case(text, HERE, STORY_DATE)


def test_the_page_offers_the_file_and_opens_it(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "add:hcpcs E1390")
    file = saved_case(page.case, HERE, STORY_DATE)
    assert sandbox.upload(file.encode()).case == page.case
    assert sandbox.post({"do": "load", "pasted": file}).case == page.case
    assert 'download="sij-posterior.case.json"' in page.text


def test_a_case_opens_with_a_token_for_its_server_and_never_with_that_of_a_file(sandbox: Sandbox) -> None:
    page = sandbox.start()
    assert '<input type="password" id="case-token" name="token"' in page.text
    page = sandbox.post({"do": "load", "pasted": saved_case(CASE, HERE, STORY_DATE), "token": "secret-1"})
    assert page.field("token") == "secret-1"
    assert "secret-1" not in page.case.dump()


def test_a_case_opened_by_a_script_answers_the_whole_page(sandbox: Sandbox) -> None:
    file = saved_case(replace(CASE, mode=Mode.PLAIN), HERE, STORY_DATE)
    page = sandbox.post({"do": "load", "pasted": file}, script=True)
    assert page.case.patient == CASE.patient
    assert not page.is_part


@pytest.mark.parametrize("sent", [b"", b"\xff\xfe", b"{", b'<script>alert("1")</script>'])
def test_an_upload_that_is_no_case_is_refused(sandbox: Sandbox, sent: bytes) -> None:
    page = sandbox.upload(sent)
    assert page.status == 400
    assert "<script>alert" not in page.text


def test_a_case_saved_on_another_day_is_answered_alike(assessor: Assessor) -> None:
    first = Sandbox(assessor).start("trial-not-weaned")
    later = Sandbox(assessor, STORY_DATE + WEEK)
    page = later.post({"do": "load", "pasted": saved_case(first.case, HERE, STORY_DATE)})
    assert page.case == later.start("trial-not-weaned").case
    assert date.fromisoformat(page.order["authoredOn"]) == STORY_DATE + WEEK
