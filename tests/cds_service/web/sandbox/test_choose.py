"""Choosing a patient: the samples by topic, and the form for any FHIR server."""

import pytest

from cds_service.web.sandbox.choose import Choice, groups
from cds_service.web.site import SampleServer
from tests.support.chart_pages import SAMPLE_ADDRESS, SAMPLES, ChartPages
from tests.support.hook_fakes import NOW
from tests.support.html_page import HtmlPage

SERVER = SampleServer(SAMPLE_ADDRESS, "", NOW.date(), SAMPLES)


@pytest.fixture(name="pages", scope="module")
def _pages() -> ChartPages:
    return ChartPages()


def linked(page: HtmlPage) -> list[str]:
    return [each.partition("patient=")[2] for each in page.attributes("href") if "patient=" in each]


def value_of(page: HtmlPage, name: str) -> str | None:
    """The value of the first field with a name; the form for a case at the end has a token, too."""
    return next(each.get("value") for each in page.named("input") if each.get("name") == name)


def test_samples_stand_together_by_topic() -> None:
    assert [(each.topic, each.size) for each in groups(SERVER)] == [("Fusion", 1), ("Home oxygen", 2)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("", ["sij-one", "oxygen-one", "oxygen-two"]),
        ("OXYGEN", ["oxygen-one", "oxygen-two"]),
        ("oxygen 85%", ["oxygen-one"]),
        ("two", ["sij-one", "oxygen-two"]),
        ("oxygen fusion", []),
    ],
)
def test_a_sample_is_found_if_it_has_every_word(words: str, ids: list[str]) -> None:
    assert [each.id for group in groups(SERVER, words) for each in group.patients] == ids


def test_without_samples_there_are_no_groups() -> None:
    assert groups(None) == ()


def test_the_page_links_to_the_samples(pages: ChartPages) -> None:
    assert linked(pages.get()[1]) == ["sij-one", "oxygen-one", "oxygen-two"]


def test_a_filter_keeps_its_words_and_says_how_many_are_found(pages: ChartPages) -> None:
    _, page = pages.get("/sandbox?q=97")
    assert (linked(page), value_of(page, "q")) == (["oxygen-two"], "97")
    assert "1 found" in page.text


def test_a_filter_without_a_match_says_so(pages: ChartPages) -> None:
    assert "No sample patient has all of these words." in pages.get("/sandbox?q=zebra")[1].text


def test_a_sample_that_does_not_exist_is_404_with_the_list(pages: ChartPages) -> None:
    status, page = pages.get("/sandbox?patient=nobody")
    assert (status, "There is no sample patient with this id" in page.text) == (404, True)
    assert linked(page) != []


def test_what_is_copied_along_with_an_address_an_id_and_a_token_is_taken_off() -> None:
    form = {"server": " https://ehr.example.org/fhir/ ", "patient": " Patient/p-1 ", "token": "Bearer abc "}
    assert Choice.of(form) == Choice("https://ehr.example.org/fhir", "p-1", "abc")


def test_a_token_is_not_in_the_text_of_a_choice() -> None:
    assert "abc" not in repr(Choice("https://ehr.example.org/fhir", "p-1", "abc"))


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ({"server": "ftp://ehr.example.org/fhir"}, "This is not the address of a FHIR server"),
        ({"server": "https://ehr.example.org/fhir?a=b"}, "This is not the address of a FHIR server"),
        ({"server": "https://*.example.org/fhir"}, "This is not the address of a FHIR server"),
        ({"server": ""}, "This is not the address of a FHIR server"),
        ({"patient": "p 1"}, "This is not the id of a patient"),
        ({"patient": "p" * 65}, "This is not the id of a patient"),
        ({"patient": ""}, "This is not the id of a patient"),
        ({"token": "two words"}, "This is not an access token"),
        ({"token": "zwölf"}, "This is not an access token"),
    ],
)
def test_the_form_says_what_is_wrong_with_it(pages: ChartPages, form: dict[str, str], title: str) -> None:
    sent = {"server": "https://ehr.example.org/fhir", "patient": "p-1", "token": "", **form}
    response = pages.client.post("/sandbox/open", data=sent)
    assert (response.status_code, title in response.text) == (400, True)


def test_the_form_comes_back_as_it_was_filled_in(pages: ChartPages) -> None:
    _, page = pages.open("https://ehr.example.org/fhir", "p 1", "abc")
    assert [value_of(page, name) for name in ("server", "patient", "token")] == [
        "https://ehr.example.org/fhir",
        "p 1",
        "abc",
    ]


def test_an_id_of_the_longest_length_is_one() -> None:
    assert Choice(SAMPLE_ADDRESS, "p" * 64).case.patient == "p" * 64


def test_an_empty_form_is_an_error_of_the_user(pages: ChartPages) -> None:
    assert pages.client.post("/sandbox/open").status_code == 400


def test_the_allowed_servers_are_offered() -> None:
    pages = ChartPages(fhir_servers="https://a.example.org/fhir,https://*.example.org/fhir")
    options = [each.get("value") for each in pages.get()[1].named("option")]
    assert options == [SAMPLE_ADDRESS, "https://a.example.org/fhir"]


def test_a_server_that_is_not_listed_is_not_allowed() -> None:
    pages = ChartPages(fhir_servers="https://a.example.org/fhir")
    status, page = pages.open("https://b.example.org/fhir")
    assert (status, "This FHIR server is not allowed" in page.text) == (403, True)


def test_html_in_a_form_stays_text(pages: ChartPages) -> None:
    hostile = '"><script>alert(1)</script>'
    page = pages.open(hostile, hostile, "abc")[1]
    assert [value_of(page, name) for name in ("server", "patient")] == [hostile, hostile]
    assert page.named("script") == []
