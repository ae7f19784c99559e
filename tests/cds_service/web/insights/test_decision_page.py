"""A single decision on its page, and its replay from files, from the stored exchange, and from the sample EHR."""

import io
import json
from typing import Any

import pytest

from cds_service.records.crd_log import accesses
from cds_service.records.database import UnavailableError
from cds_service.records.decision_log import decision
from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.web.insights import replaying
from cds_service.web.site import SampleServer
from fhir_mappings.fhir_json import Json, dumps
from tests.support.crd_records import COVERAGE_INFORMATION
from tests.support.insight_pages import InsightPages
from tests.support.patient_data import leaks, secrets_of
from tests.support.payers_service import KEY_IN_HEX, crd_body, payers_service
from tests.support.record_fakes import NOW, overridden, sample, sample_call
from tests.support.recorded_calls import determination, record_call, record_feedback

HOSTILE = '"><script>alert(1)</script>'
SAMPLES = SampleServer("https://ehr.example/fhir", "token-1", STORY_DATE, ())
SAME = "Input, policies, and answers are the same."


def file(content: Json) -> tuple[io.BytesIO, str]:
    """A file that a browser uploads."""
    return io.BytesIO(dumps(content).encode()), "file.json"


def called(pages: InsightPages) -> tuple[str, Json, Json]:
    """The id of a decision, its request, and the chart behind it."""
    body, chart = sample_call("sij-posterior")
    pages.service.chart = chart
    return pages.service.call(body).headers["X-Request-Id"], body, chart


def crd_called(pages: InsightPages) -> tuple[str, str, Json]:
    """The ids of a decision of a CRD call and of an assertion issued in it, and the chart behind it."""
    body, pages.service.chart = crd_body(*sample("sij-posterior"))
    response = pages.service.crd_call(body)
    (action,) = response.json["systemActions"]
    told = next(each for each in action["resource"]["extension"] if each["url"] == COVERAGE_INFORMATION)
    (issued,) = [each["valueString"] for each in told["extension"] if each["url"] == "coverage-assertion-id"]
    return response.headers["X-Request-Id"], issued, pages.service.chart


@pytest.fixture(name="pages")
def _pages() -> InsightPages:
    return InsightPages()


@pytest.fixture(name="payer")
def _payer() -> InsightPages:
    """Pages of a service that answers for payers and keeps exchanges."""
    made = InsightPages()
    made.service = payers_service(made.database)
    return made


def test_the_page_without_an_id_is_the_form(pages: InsightPages) -> None:
    found = pages.page("/decision")
    assert [each["name"] for each in found.named("input")] == ["id"]


def test_a_decision_shows_its_criteria_cards_feedback_and_policies(pages: InsightPages) -> None:
    name, body, _ = called(pages)
    (card,) = pages.service.cards(body)
    pages.service.send_feedback(overridden(card["uuid"], "urgent"))
    found = pages.page(f"/decision?id={name}")
    for each in (
        name,
        body["hookInstance"],
        "CP.MP.126@2025-04",
        "II.I",
        card["uuid"],
        "reason urgent",
        "criteria-not-met",
    ):
        assert each in found.text
    assert "../policies/CP.MP.126%402025-04#II.I" in found.attributes("href")
    assert pages.html(f"/decision?id={body['hookInstance']}")


def test_the_page_of_a_decision_holds_nothing_of_the_patient(pages: InsightPages) -> None:
    name, body, chart = called(pages)
    secrets = secrets_of(body["context"], chart) - {"X-ray of the pelvis"}  # the words of a criterion, too
    assert leaks(pages.html(f"/decision?id={name}"), secrets) == set()


def test_a_comment_is_mentioned_and_not_shown() -> None:
    pages = InsightPages()
    name = record_call(pages.database, determination(), card="one")
    record_feedback(pages.database, "one", comment="Xanthippe said so")
    html = pages.html(f"/decision?id={name}")
    assert "Xanthippe" not in html
    assert "with a comment" in html


@pytest.mark.parametrize("name", ["nothing", HOSTILE.replace('"', "%22"), "a%00", "x" * 5000])
def test_an_unknown_id_is_404_and_says_which_ids_there_are(pages: InsightPages, name: str) -> None:
    html = pages.html(f"/decision?id={name}", 404)
    assert "coverage-assertion-id" in html
    assert "<script>" not in html


def test_recorded_names_that_look_like_html_stay_text(pages: InsightPages) -> None:
    hostile = determination(HOSTILE, HOSTILE, criteria=[(HOSTILE, HOSTILE, HOSTILE)])
    name = record_call(pages.database, hostile, client=HOSTILE, service=HOSTILE, card=HOSTILE, suppressed=HOSTILE)
    record_feedback(pages.database, HOSTILE, outcome=HOSTILE, reason=HOSTILE, client=HOSTILE)
    assert "<script>" not in pages.html(f"/decision?id={name}")


def test_a_refused_call_has_nothing_to_replay(pages: InsightPages) -> None:
    name = pages.service.call({"hook": "order-sign"}).headers["X-Request-Id"]
    assert "there is no answer to compare" in pages.html(f"/decision?id={name}")
    body, _ = sample_call("sij-posterior")
    assert "It cannot be replayed: the call was answered 400" in pages.replay(name, 400, request_file=file(body))


def test_a_decision_is_the_same_again_from_files_and_from_text(pages: InsightPages) -> None:
    name, body, chart = called(pages)
    assert SAME in pages.replay(name, request_file=file(body), chart_file=file(chart))
    assert SAME in pages.replay(name, request_text=dumps(body), chart_file=file(chart))


def test_a_replay_with_another_chart_says_what_differs(pages: InsightPages) -> None:
    name, body, chart = called(pages)
    empty = {"resourceType": "Bundle", "entry": chart["entry"][:1]}
    html = pages.replay(name, request_file=file(body), chart_file=file(empty))
    assert SAME not in html
    assert "what was read of the chart" in html


def test_the_sample_ehr_is_read_again_where_there_is_one() -> None:
    pages = InsightPages(samples=SAMPLES)
    name, body, _ = called(pages)
    assert SAME in pages.replay(name, request_file=file(body), samples="yes")
    elsewhere = json.loads(dumps(body)) | {"fhirServer": "https://other.example/fhir"}
    assert "did not name the sample EHR" in pages.replay(name, 400, request_file=file(elsewhere), samples="yes")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Its request is not stored"),
        ({"request_text": '{"a":'}, "The request cannot be read"),
        ({"request_text": "[" * 200 + "]" * 200}, "nested"),
        ({"request_text": "{}"}, "The request is not one of this service"),
    ],
)
def test_a_request_that_cannot_be_used_is_named_without_its_content(
    pages: InsightPages, fields: dict[str, Any], says: str
) -> None:
    name, _, _ = called(pages)
    assert says in pages.replay(name, 400, **fields)


@pytest.mark.parametrize(
    ("chart", "says"), [("[1]", "The chart is not a FHIR Bundle"), ("{", "The chart cannot be read")]
)
def test_a_chart_that_cannot_be_used_is_named(pages: InsightPages, chart: str, says: str) -> None:
    name, body, _ = called(pages)
    assert says in pages.replay(name, 400, request_file=file(body), chart_text=chart)


@pytest.mark.parametrize(("characters", "most"), [(500_001, 5_000_000), (300_000, 200_000)])
def test_what_is_too_large_is_said_on_the_page_of_the_decision(characters: int, most: int) -> None:
    pages = InsightPages(max_body_bytes=most)
    name, _, _ = called(pages)
    html = pages.replay(name, 413, request_text="x" * characters)
    assert "The files or the text are too large." in html
    assert name in html


def test_a_replay_that_takes_too_long_says_so(pages: InsightPages, monkeypatch: pytest.MonkeyPatch) -> None:
    name, body, chart = called(pages)
    monkeypatch.setattr(replaying, "_SECONDS", 0.0)
    assert "takes longer than there is time" in pages.replay(name, 400, request_file=file(body), chart_file=file(chart))


def test_a_replay_of_an_unknown_decision_is_404(pages: InsightPages) -> None:
    assert "No decision with this id" in pages.replay("nothing", 404)


def test_a_crd_call_is_replayed_from_its_stored_exchange_after_the_access_is_recorded(payer: InsightPages) -> None:
    name, _, chart = crd_called(payer)
    html = payer.replay(name, source="stored", reason="dispute 17", chart_file=file(chart))
    assert SAME in html
    (access,) = accesses(payer.database, NOW)
    assert (access["who"], access["action"]) == ("anybody (page without login)", "replay")
    assert (access["subject"], access["reason"]) == (name, "dispute 17")


def test_a_crd_call_that_named_a_form_is_replayed_from_what_is_stored_alone(payer: InsightPages) -> None:
    body, payer.service.chart = crd_body(*sample("trial-buprenorphine"))
    name = payer.service.crd_call(body).headers["X-Request-Id"]
    payer.service.chart = {"resourceType": "Bundle", "type": "collection"}
    assert "So is what the service read from the FHIR server" in payer.html(f"/decision?id={name}")
    assert SAME in payer.replay(name, source="stored", reason="dispute 17")


def test_a_crd_call_that_named_no_form_needs_the_chart(payer: InsightPages) -> None:
    name, _, _ = crd_called(payer)
    assert "Not stored is what the service read from the FHIR server" in payer.html(f"/decision?id={name}")
    html = payer.replay(name, source="stored", reason="dispute 17")
    assert "comparisons differ" in html


def test_a_stored_exchange_is_not_opened_without_a_reason(payer: InsightPages) -> None:
    name, _, _ = crd_called(payer)
    assert "Write why you open the stored exchange" in payer.replay(name, 400, source="stored", reason="  ")
    assert accesses(payer.database, NOW) == []


def test_a_stored_exchange_is_not_opened_where_the_access_cannot_be_recorded(
    payer: InsightPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, _ = crd_called(payer)

    def fail(_: object) -> None:
        raise UnavailableError("the database failed")

    monkeypatch.setattr(payer.database, "write", fail)
    monkeypatch.setattr(replaying, "opened_bodies", lambda *_: pytest.fail("opened"))
    assert "The database failed" in payer.replay(name, 503, source="stored", reason="dispute 17")


def test_an_exchange_under_a_lost_key_says_which_key_is_missing(payer: InsightPages) -> None:
    name, _, _ = crd_called(payer)
    other = payers_service(payer.database, "0" * 64)
    payer.service = other
    assert "CDS_ENCRYPTION_KEYS does not have" in payer.replay(name, 400, source="stored", reason="dispute 17")
    assert KEY_IN_HEX not in payer.html(f"/decision?id={name}")


def test_a_coverage_assertion_leads_to_its_decision(payer: InsightPages) -> None:
    name, issued, _ = crd_called(payer)
    found = payer.page(f"/decision?id={issued}")
    assert name in found.text
    assert "covered" in found.text
    assert decision(payer.database, name) is not None


def test_a_database_that_fails_is_said_on_the_page(pages: InsightPages, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise UnavailableError("the database was busy for too long")

    monkeypatch.setattr(pages.database, "reading", fail)
    assert "The database was busy for too long" in pages.html("/decision?id=x", 503)
