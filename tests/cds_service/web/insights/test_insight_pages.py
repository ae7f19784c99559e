"""The pages of insights: filters, plots, tables, CSV, and what they say where there is nothing."""

import re
from datetime import timedelta

import pytest

from cds_service.records.database import UnavailableError
from cds_service.web.insights import figures
from cds_service.web.insights.sections import PAGES
from cds_service.web.insights.tables import TABLES
from tests.support.insight_pages import InsightPages
from tests.support.recorded_calls import AT, determination, record_call, record_feedback

HOSTILE = '"><script>alert(1)</script>=1+1'
PATHS = ["", "/outcomes", "/feedback", "/criteria"]
FAILS = determination(
    outcome="criteria-not-met",
    criteria=[("I.A", "not-met", "Present"), ("I.B", "met", "attested")],
    targets=["I.A"],
)


@pytest.fixture(name="pages")
def _pages() -> InsightPages:
    """Pages over two calls of a client, one of the sandbox, and feedback."""
    made = InsightPages()
    record_call(made.database, FAILS, card="one", outcome="criteria-not-met", indicator="warning")
    record_call(made.database, determination("CP.B"), at=AT + timedelta(days=1), card="two", milliseconds=40)
    record_call(made.database, client="sandbox", status=412, service="crd-order-sign")
    record_feedback(made.database, "one", reason="urgent")
    record_feedback(made.database, "two", "accepted")
    return made


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_a_plot_with_words_and_a_table_and_a_file_for_each_figure(pages: InsightPages, path: str) -> None:
    found = pages.page(path)
    tags = [tag for tag, _ in found.elements]
    drawings = [each for each in found.named("svg") if each.get("role") == "img"]
    assert drawings
    ids = set(found.attributes("id"))
    for drawing in drawings:
        assert set((drawing["aria-labelledby"] or "").split()) <= ids
    assert tags.count("table") >= 1
    files = {each for each in found.attributes("href") if ".csv" in each}
    assert {f"table-{re.split('[/.]', each)[-2]}" for each in files} <= ids
    assert not found.attributes("style")
    assert [tags.count(tag) for tag in ("main", "h1")] == [1, 1]


def test_test_calls_are_left_out_unless_somebody_includes_them(pages: InsightPages) -> None:
    assert pages.csv("statuses.csv") == ["Service,HTTP status,Calls", "coverage-order-sign,200,2"]
    assert pages.csv("statuses.csv?tests=yes")[2] == "crd-order-sign,412,1"


def test_the_days_are_the_last_thirty_unless_chosen(pages: InsightPages) -> None:
    record_call(pages.database, at=AT - timedelta(days=26))
    record_call(pages.database, at=AT - timedelta(days=27))
    assert len(pages.csv("calls.csv")) == 4
    assert pages.csv("calls.csv?from=2026-03-03&to=2026-03-03")[1:] == ["2026-03-03,coverage-order-sign,1,0,0"]
    assert pages.csv("calls.csv?from=2026-02-01&step=month")[1:] == [
        "2026-02-01,coverage-order-sign,2,0,0",
        "2026-03-01,coverage-order-sign,2,0,0",
    ]


def test_every_table_has_its_figures(pages: InsightPages) -> None:
    rows = {name: pages.csv(f"{name}.csv?criterion=I.A&policy=CP.TEST@2025-01")[1:] for name in TABLES}
    assert rows == {
        "calls": ["2026-03-02,coverage-order-sign,1,0,0"],
        "statuses": ["coverage-order-sign,200,1"],
        "latency": ["2026-03-02,1,20,20,20"],
        "outcomes": ["CP.TEST,2025-01,0,0,0,0,0,1,0,1"],
        "outcomes-over-time": ["2026-03-02,0,0,0,0,0,1,0"],
        "cards": ["criteria-not-met,warning,1,0"],
        "feedback": ["CP.TEST,2025-01,I.A,1,0,1,0.0"],
        "feedback-over-time": ["2026-03-02,0,1"],
        "reasons": ["CP.TEST,2025-01,urgent,1,100.0"],
        "criteria": ["CP.TEST,2025-01,I.A,0,1,0,0"],
        "criteria-reasons": ["CP.TEST,2025-01,I.A,not-met,Present,1"],
        "criterion-over-time": ["2026-03-02,0,1,0"],
    }


def test_a_group_is_in_the_tables_and_not_among_what_fails_or_is_answered_most(pages: InsightPages) -> None:
    statuses = {"II": "not-met", "II.A": "met", "II.A.1": "met", "II.E": "not-met"}
    criteria = [(name, status, "attested") for name, status in statuses.items()]
    record_call(pages.database, determination("CP.MP.126", "2025-04", criteria=criteria))
    query = "?policy=CP.MP.126"
    assert [line.split(",")[2] for line in pages.csv(f"criteria.csv{query}")[1:]] == list(statuses)
    html = pages.html(f"/criteria{query}")
    names = [each.split()[1] for each in re.findall(r'class="plot-label"[^>]*>([^<]*)', html)]
    assert names == ["II.E", "II.A", "II.A.1", "II.E"]  # II.A is asked as a whole, II never is
    assert "<dt>Criteria evaluated</dt><dd>2</dd>" in html
    chosen = pages.html(f"/criteria{query}&criterion=II")
    assert [each.split()[1] for each in re.findall(r'class="plot-label"[^>]*>([^<]*)', chosen)] == ["II", "II"]


@pytest.mark.parametrize("path", PATHS)
def test_names_that_look_like_html_or_formulas_stay_text(path: str) -> None:
    pages = InsightPages()
    hostile = determination(HOSTILE, HOSTILE, criteria=[(HOSTILE, "met", HOSTILE)], targets=[HOSTILE])
    record_call(pages.database, hostile, client=HOSTILE, service=HOSTILE, card=HOSTILE)
    record_feedback(pages.database, HOSTILE, reason=HOSTILE)
    html = pages.html(f"{path}?client=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%3D1%2B1")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_cell_that_looks_like_a_formula_is_text_in_a_file(pages: InsightPages) -> None:
    record_call(pages.database, determination("=cmd|' /C calc'!A0", "@SUM(1)"))
    assert """'=cmd|' /C calc'!A0,'@SUM(1),""" in "\n".join(pages.csv("outcomes.csv"))


def test_an_address_keeps_the_filters_in_every_link_to_another_page(pages: InsightPages) -> None:
    links = pages.page("?policy=CP.B&from=2026-03-01&to=2026-03-04&tests=yes").attributes("href")
    query = "from=2026-03-01&to=2026-03-04&step=day&policy=CP.B&tests=yes"
    assert f"insights/outcomes?{query}" in links
    assert f"insights/calls.csv?{query}" in links


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from=yesterday", "From is not a day"),
        ("to=2026-02-30", "To is not a day"),
        ("from=0001-01-01", "From is not a day"),
        ("to=9999-12-31", "To is not a day"),
        ("from=2026-03-04&to=2026-03-03", "From is after To"),
        ("from=1970-01-01", "more than ten years"),
        ("step=hour", "none of day, week, and month"),
        (f"client={'x' * 201}", "too long"),
        ("policy=%00", "characters that no name has"),
    ],
)
def test_a_wrong_filter_is_named_and_does_not_count(pages: InsightPages, query: str, says: str) -> None:
    assert says in pages.html(f"?{query}", 400)
    assert pages.service.client.get(f"/insights/calls.csv?{query}").status_code == 200


def test_many_days_are_shown_by_a_longer_step(pages: InsightPages) -> None:
    assert pages.csv("calls.csv?from=2025-11-06&step=day")[0].startswith("Day,")
    assert pages.csv("calls.csv?from=2025-11-05&step=day")[0].startswith("Week,")
    assert pages.csv("calls.csv?from=2020-01-01&step=day")[0].startswith("Month,")


def test_a_page_without_calls_says_what_to_do(pages: InsightPages) -> None:
    html = pages.html("?from=2020-01-01&to=2020-01-02")
    assert "Nothing was recorded that these filters choose" in html
    assert "tests=yes" in html
    assert "tests=yes" not in pages.html("?from=2020-01-01&to=2020-01-02&tests=yes").partition("<main")[2].replace(
        'name="tests" value="yes"', ""
    )


def test_a_page_says_where_only_the_newest_calls_count(pages: InsightPages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Only the newest" not in pages.html()
    monkeypatch.setattr(figures, "MOST_CALLS", 1)
    monkeypatch.setattr(figures, "MOST_CALLS_WITH_CARDS", 1)
    assert "Only the newest 1 calls of these days are counted: from 2026-03-03 10:00 on." in pages.html()
    assert "Only the newest 1 calls" in pages.html("/feedback")
    monkeypatch.setattr(figures, "MOST_CALLS", 10)
    monkeypatch.setattr(figures, "MOST_DETERMINATIONS", 1)
    assert "Only the newest 1 determinations are counted here." in pages.html("/criteria")


@pytest.mark.parametrize("path", PATHS)
def test_a_database_that_fails_is_said_on_the_page(
    pages: InsightPages, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise UnavailableError("the database was busy for too long")

    monkeypatch.setattr(pages.database, "reading", fail)
    assert "The database was busy for too long." in pages.html(path, 503)
    assert pages.service.client.get("/insights/calls.csv").status_code == 503


@pytest.mark.parametrize("path", ["/nothing", "/nothing.csv", "/calls.csv/x", "/table"])
def test_other_addresses_are_404(pages: InsightPages, path: str) -> None:
    assert pages.service.client.get(f"/insights{path}").status_code == 404


def test_pages_are_not_stored_by_browsers_and_run_no_inline_script(pages: InsightPages) -> None:
    for path in (*PATHS, "/decision"):
        headers = pages.service.client.get(f"/insights{path}").headers
        assert headers["Cache-Control"] == "no-store"
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
    assert set(PAGES) == {"calls", "outcomes", "feedback", "criteria"}
