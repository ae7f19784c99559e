"""The chart of any FHIR server: what is shown, and what is said when it cannot be read."""

import time
from typing import Any

import pytest
from flask import Flask, Response

from cds_service.web.sandbox.case import Case
from cds_service.wiring.serving import on_loopback
from tests.support.chart_pages import SAMPLE_ADDRESS, ChartPages
from tests.support.hook_fakes import PATIENT_ID, FakeEhr, bundle, condition, outcome
from tests.support.html_page import HtmlPage

PATIENT = {
    "resourceType": "Patient",
    "id": PATIENT_ID,
    "name": [{"family": "Doe", "given": ["Jane"]}],
    "birthDate": "1960-05-01",
    "gender": "female",
}
HOSTILE = '<script>alert("1")</script>'


@pytest.fixture(name="pages", scope="module")
def _pages() -> ChartPages:
    return ChartPages()


@pytest.fixture(name="chart")
def _chart(ehr: FakeEhr) -> FakeEhr:
    """A server with the patient and one condition."""
    ehr.answers[f"Patient/{PATIENT_ID}"] = 200, PATIENT
    known = {**condition("c-1"), "code": {"text": "Fibromyalgia"}, "onsetDateTime": "2024-05-01"}
    ehr.answers["Condition"] = 200, bundle(known)
    return ehr


def named(page: HtmlPage, name: str) -> list[str | None]:
    return [each.get("value") for each in page.named("input") if each.get("name") == name]


def test_an_opened_chart_shows_who_it_is_and_what_is_recorded(pages: ChartPages, chart: FakeEhr) -> None:
    status, page = pages.open(chart.base)
    assert status == 200
    assert "Jane Doe, female, 65, born 05/01/1960" in page.text
    assert "chart-Condition-c-1" in page.attributes("id")


def test_the_token_goes_to_the_server_and_stays_in_the_form(pages: ChartPages, chart: FakeEhr) -> None:
    _, page = pages.open(chart.base, token="secret-1")
    assert {each.get("Authorization") for each in chart.headers} == {"Bearer secret-1"}
    assert set(named(page, "token")) == {"secret-1", None}  # the empty one is for a case to open
    assert "secret-1" not in str(named(page, "case"))


def test_what_is_no_token_never_leaves_the_service(pages: ChartPages, chart: FakeEhr) -> None:
    pages.allow(chart.base)
    given = {"ServiceRequest/a": {"CP.MP.126@2025-04": {"II.E": "no"}}}
    order = {"resourceType": "ServiceRequest", "id": "a", "subject": {"reference": f"Patient/{PATIENT_ID}"}}
    case = Case(chart.base, PATIENT_ID, orders=(order,), answers=given)
    sent = pages.client.post("/sandbox", data={"case": case.dump(), "do": "sign", "token": "secret-\u00e9"})
    assert sent.status_code == 400
    assert "This is not an access token." in sent.text
    assert chart.headers == []


def test_neither_token_nor_patient_is_logged(chart: FakeEhr) -> None:
    pages = ChartPages()
    pages.open(chart.base, token="secret-1")
    chart.answers.clear()
    pages.open(chart.base, "another-9", "secret-2")
    assert [word for word in ("secret", PATIENT_ID, "another-9", "Doe") if word in pages.written.getvalue()] == []


@pytest.mark.parametrize(
    ("answer", "status", "title"),
    [
        ((401, outcome("login")), 403, "The FHIR server refused the access token"),
        ((403, outcome("forbidden")), 403, "The FHIR server refused the access token"),
        ((404, outcome("not-found")), 404, "The FHIR server has no patient with this id"),
        ((410, outcome("deleted")), 404, "The FHIR server has no patient with this id"),
        ((500, outcome()), 502, "The FHIR server answered with an error"),
        ((200, ["no FHIR"]), 502, "There is no FHIR server at this address"),
        ((200, {"a": 1}), 502, "There is no FHIR server at this address"),
    ],
)
def test_a_patient_that_cannot_be_read_is_explained(
    pages: ChartPages, ehr: FakeEhr, answer: Any, status: int, title: str
) -> None:
    ehr.answers[f"Patient/{PATIENT_ID}"] = answer
    found, page = pages.open(ehr.base)
    assert (found, title in page.text) == (status, True)
    assert named(page, "patient") == [PATIENT_ID]


def test_a_server_that_answers_404_to_everything_is_no_fhir_server(pages: ChartPages) -> None:
    with on_loopback(Flask("no fhir")) as address:
        status, page = pages.open(f"{address}/fhir")
    assert (status, "There is no FHIR server at this address" in page.text) == (502, True)


def test_a_server_that_is_down_cannot_be_reached(pages: ChartPages) -> None:
    status, page = pages.open("http://127.0.0.1:9/other")
    assert (status, "The FHIR server cannot be reached" in page.text) == (502, True)


def test_a_slow_server_is_waited_for_as_long_as_a_call_takes(ehr: FakeEhr) -> None:
    def late() -> Response:
        ehr.stopped.wait(20)
        return Response("{}", 200)

    ehr.answers[f"Patient/{PATIENT_ID}"] = late
    begun = time.monotonic()
    status, page = ChartPages(call_timeout_seconds=0.5).open(ehr.base)
    assert (status, "The FHIR server did not answer in time" in page.text) == (504, True)
    assert time.monotonic() - begun < 3


def test_a_part_that_could_not_be_read_is_said_in_its_section(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["Procedure"] = 500, outcome()
    _, page = pages.open(chart.base)
    assert "Records of the type Procedure were not read completely: the server answered 500." in page.text


def test_a_part_that_the_token_does_not_cover_is_said(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["MedicationRequest"] = 403, outcome("forbidden")
    assert "Prescriptions were not read completely: the token does not cover it." in pages.open(chart.base)[1].text


def test_a_type_that_the_server_does_not_offer_is_said(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["MedicationDispense"] = 404, outcome("not-found")
    assert "Dispenses are not offered by this server." in pages.open(chart.base)[1].text


def test_a_sample_whose_server_is_down_says_so_in_place_of_the_chart(pages: ChartPages) -> None:
    status, page = pages.get("/sandbox?patient=sij-one")
    assert (status, "The FHIR server cannot be reached" in page.text) == (200, True)
    assert "chart-problem" in page.attributes("id")


def test_html_in_a_chart_stays_text(pages: ChartPages, chart: FakeEhr) -> None:
    hostile = {**condition("c-2"), "code": {"text": HOSTILE}, "clinicalStatus": {"text": HOSTILE}}
    chart.answers["Condition"] = 200, bundle(hostile)
    chart.answers[f"Patient/{PATIENT_ID}"] = 200, {**PATIENT, "name": [{"text": HOSTILE}]}
    _, page = pages.open(chart.base)
    assert page.text.count(HOSTILE) == 2
    assert all(each.get("src") for each in page.named("script"))


def test_one_resource_is_shown_as_json_digit_by_digit(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["Condition/c-1"] = lambda: Response('{"resourceType": "Condition", "onsetAge": {"value": 0.10}}')
    answer = pages.part("resource", Case(chart.base, PATIENT_ID), reference="Condition/c-1")
    assert (answer.status_code, "&#34;value&#34;: 0.10" in answer.text) == (200, True)


def test_a_very_long_resource_is_cut(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["Condition/c-1"] = 200, {**condition("c-1"), "note": [{"text": "x" * 200_000}]}
    answer = pages.part("resource", Case(chart.base, PATIENT_ID), reference="Condition/c-1")
    assert len(answer.text) < 110_000


@pytest.mark.parametrize("reference", ["Condition/none", "../metadata", "Condition?patient=p-2", ""])
def test_a_resource_that_is_not_there_is_said(pages: ChartPages, chart: FakeEhr, reference: str) -> None:
    chart.answers["Condition/none"] = 404, outcome("not-found")
    answer = pages.part("resource", Case(chart.base, PATIENT_ID), reference=reference)
    assert (answer.status_code, "This resource could not be read" in answer.text) == (200, True)


def test_no_resource_is_read_from_a_server_that_is_not_allowed(ehr: FakeEhr) -> None:
    pages = ChartPages(fhir_servers="https://a.example.org/fhir")
    pages.part("resource", Case(ehr.base, PATIENT_ID), reference="Condition/c-1")
    assert ehr.asked == []


def test_without_scripts_a_resource_is_a_page_that_leads_back(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["Condition/c-1"] = 200, condition("c-1")
    case = Case(chart.base, PATIENT_ID)
    pages.allow(chart.base)
    form = {"case": case.dump(), "token": "secret-1", "reference": "Condition/c-1"}
    page = HtmlPage(pages.client.post("/sandbox/resource", data=form).text)
    assert (named(page, "case"), named(page, "token")) == ([case.dump()], ["secret-1"])
    assert pages.client.post("/sandbox", data={"case": case.dump(), "do": "open"}).status_code == 200


def test_all_records_of_a_long_section_come_on_demand(pages: ChartPages, chart: FakeEhr) -> None:
    chart.answers["Condition"] = 200, bundle(*(condition(f"c-{number}") for number in range(60)))
    shown = pages.open(chart.base)[1]
    answer = HtmlPage(pages.part("section", Case(chart.base, PATIENT_ID), section="problems").text)
    assert [sum(each.startswith("chart-Condition") for each in page.attributes("id")) for page in (shown, answer)] == [
        40,
        60,
    ]


def test_a_section_that_does_not_exist_is_an_error_of_the_user(pages: ChartPages, chart: FakeEhr) -> None:
    assert pages.part("section", Case(chart.base, PATIENT_ID), section="nothing").status_code == 400


@pytest.mark.parametrize("path", ["resource", "section"])
def test_without_a_case_there_is_nothing_to_show(pages: ChartPages, path: str) -> None:
    assert pages.client.post(f"/sandbox/{path}").status_code == 400


def test_a_button_of_the_workspace_leaves_the_chart_alone(pages: ChartPages, chart: FakeEhr) -> None:
    form = {"case": Case(chart.base, PATIENT_ID).dump()}
    pages.client.post("/sandbox", data=form, headers={"HX-Request": "true"})
    assert chart.asked == []


def test_the_token_of_the_sample_server_is_never_in_a_page(pages: ChartPages) -> None:
    response = pages.client.post("/sandbox/open", data={"server": SAMPLE_ADDRESS, "patient": "p-1"})
    assert "sample-token" not in response.text + pages.client.get("/sandbox?patient=sij-one").text
