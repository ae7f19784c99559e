"""A patient laid over a policy: the status of each criterion on the page of a revision, for operators alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess, FhirSource, UnreadableSource
from cds_service.sample_ehr.patients import STORY_DATE, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.web.sandbox.case import Case
from cds_service.web.site import SamplePatient, SampleServer, Site, attach_site
from cds_service.wiring.serving import on_loopback
from fhir_mappings.bundle import reference_of
from tests.support.hook_fakes import Service
from tests.support.html_page import HtmlPage
from tests.support.policy_pages import HOSTILE, service, shipped
from tests.support.smart_loop import sample_of

TOKEN = "sample-token"
PATIENT = "sij-posterior"
UNDOCUMENTED = "sij-nearly-empty"
POLICY = "/policies/CP.MP.126@2025-04"


@pytest.fixture(name="samples", scope="module")
def _samples() -> Iterator[SampleServer]:
    patients = []
    for sample in map(sample_of, (PATIENT, UNDOCUMENTED)):
        orders = tuple(each.resource(STORY_DATE) for each in sample.orders)
        patients.append(SamplePatient(sample.id, sample.shows, orders))
    with on_loopback(create_sample_ehr(sample_store(STORY_DATE), token=TOKEN)) as address:
        yield SampleServer(f"{address}/fhir", TOKEN, STORY_DATE, tuple(patients))


@pytest.fixture(name="operator", scope="module")
def _operator(samples: SampleServer) -> Service:
    return service(shipped(), samples, signs_in=True)


def case_of(samples: SampleServer, patient: str = PATIENT) -> Case:
    """A sample patient with the orders to try."""
    found = samples.patient(patient)
    assert found is not None
    return Case(samples.address, patient).with_orders(*found.orders)


def sent(of: Service, case: Case, path: str = POLICY, **more: str) -> Any:
    """The response to a case that is laid over a policy."""
    form = {"case": case.dump(), "order": reference_of(case.orders[0]) if case.orders else "", **more}
    return of.client.post(f"{path}/patient", data=form)


def laid(of: Service, case: Case, path: str = POLICY, status: int = 200, **more: str) -> HtmlPage:
    """The page with a case laid over a policy."""
    response = sent(of, case, path, **more)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    return HtmlPage(response.text)


def section(page: HtmlPage, name: str) -> str:
    """The class of the section of a criterion."""
    return next(str(each["class"]) for each in page.named("section") if each.get("id") == name)


def test_each_criterion_has_the_color_and_words_of_its_status(operator: Service, samples: SampleServer) -> None:
    page = laid(operator, case_of(samples))
    assert section(page, "II.I") == "level3 laid bad"
    assert section(page, "II.A") == "level3 laid open"
    words = " ".join(page.text.split())
    assert "Order says posterior. Policy covers the lateral transarticular approach only." in words


def test_a_section_that_does_not_judge_the_order_says_so(operator: Service, samples: SampleServer) -> None:
    page = laid(operator, case_of(samples))
    assert section(page, "I") == "level2"
    assert "This section does not judge the order." in page.text


def test_any_revision_can_be_laid_under_a_patient_whether_or_not_it_is_in_force(
    operator: Service, samples: SampleServer
) -> None:
    words = " ".join(laid(operator, case_of(samples), "/policies/CP.MP.126@2022-06").text.split())
    assert "Not in force today" in words
    assert "judged by this revision alone as of" in words


def test_a_policy_that_is_not_about_the_order_says_so(operator: Service, samples: SampleServer) -> None:
    page = laid(operator, case_of(samples), "/policies/NCD.240.4@2008-03")
    assert "Policy does not apply" in page.text


def test_browsers_do_not_store_the_page(operator: Service, samples: SampleServer) -> None:
    assert sent(operator, case_of(samples)).headers["Cache-Control"] == "no-store"


def test_nothing_of_the_patient_is_logged(operator: Service, samples: SampleServer) -> None:
    laid(operator, case_of(samples))
    assert PATIENT not in operator.written.getvalue()


def test_without_operators_there_is_no_such_page(samples: SampleServer) -> None:
    assert sent(service(shipped()), case_of(samples)).status_code == 404


def test_a_server_that_is_not_on_the_list_is_not_read(operator: Service, samples: SampleServer) -> None:
    case = replace(case_of(samples, UNDOCUMENTED), fhir_server="http://127.0.0.1:9/fhir")
    page = laid(operator, case, status=422, token="t")
    assert "it is not registered for the client or in CDS_FHIR_SERVERS" in page.text


def test_what_is_no_token_is_not_sent(samples: SampleServer) -> None:
    asked: list[str] = []

    def open_fhir_server(access: FhirAccess, _deadline: Deadline) -> FhirSource:
        asked.append(access.token)
        return UnreadableSource(access.server, ())

    listed = replace(samples, address="http://127.0.0.1:9/other")
    of = service(shipped(), listed, signs_in=True, open_fhir_server=open_fhir_server)
    attach_site(of.app, Site(listed, fhir_servers=(samples.address,)))
    laid(of, case_of(samples, UNDOCUMENTED), status=422, token="two words")
    assert asked == []
    laid(of, case_of(samples, UNDOCUMENTED), status=422, token="one-word")
    assert set(asked) == {"one-word"}


def test_a_server_that_refuses_the_token_is_said_to_be_unreadable(samples: SampleServer) -> None:
    other = service(shipped(), replace(samples, token="wrong"), signs_in=True)
    page = laid(other, case_of(samples, UNDOCUMENTED), status=422)
    assert "could not read any patient data" in page.text


def test_an_order_that_decides_alone_is_shown_with_what_was_not_read(samples: SampleServer) -> None:
    page = laid(service(shipped(), replace(samples, token="wrong"), signs_in=True), case_of(samples))
    assert section(page, "II.I") == "level3 laid bad"
    assert "Not read completely: " in page.text


def test_an_order_that_the_case_does_not_have_is_said_to_be_missing(operator: Service, samples: SampleServer) -> None:
    for order in ("ServiceRequest/none", "", HOSTILE):
        page = laid(operator, case_of(samples), status=422, order=order)
        assert "The case has no such order to judge." in page.text
        assert HOSTILE not in page.text


@pytest.mark.parametrize("case", ["", "{", "[]", "{}", '{"format": 1}', HOSTILE, "[" * 5_000])
def test_what_is_no_case_gets_a_page_that_quotes_nothing(operator: Service, case: str) -> None:
    response = operator.client.post(f"{POLICY}/patient", data={"case": case})
    assert response.status_code == 400
    assert "This case cannot be read" in response.text
    assert "alert(" not in response.text


def test_a_revision_that_is_not_installed_is_404(operator: Service, samples: SampleServer) -> None:
    assert sent(operator, case_of(samples), "/policies/CP.MP.126").status_code == 404


def test_texts_of_an_order_stay_text(operator: Service, samples: SampleServer) -> None:
    case = case_of(samples)
    order = {**case.orders[0], "note": [{"text": HOSTILE}], "patientInstruction": HOSTILE}
    order["code"] = {**order["code"], "text": HOSTILE}
    page = laid(operator, case.with_orders(order))
    assert "script" not in [tag for tag, each in page.elements if "src" not in each]
    assert not any(each.startswith("javascript") for each in page.attributes("href"))
