"""`make bench` measures right, and docs/performance.md is the page that it writes."""

import json
import math
import re
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from flask import Flask, Response

from cds_service.wiring.serving import on_loopback
from tests.benchmarks.calls import http_request, order_sign
from tests.benchmarks.fhir_mode import Queried
from tests.benchmarks.forms import LAST, PACKAGE, SIGN, Forms, FormTiming
from tests.benchmarks.levels import Levels
from tests.benchmarks.load import Clients, Load, percentile
from tests.benchmarks.machine import Machine
from tests.benchmarks.page import IMAGES, PAGE, TEMPLATE, Results, lines, page, pictures
from tests.benchmarks.peers import Peer, Peers
from tests.benchmarks.processes import ROOT
from tests.benchmarks.ratios import FLOOR, ORJSON_FLOOR, RECORDED, UNRECORDED, Ratios, Timing
from tests.benchmarks.scaling import Growth
from tests.benchmarks.stages import SEAMS, StageClock, Stages, operator_seams
from tests.benchmarks.stub_fhir import answer
from tests.benchmarks.svg import HEIGHT, bars, curve, ticks
from tests.benchmarks.thousand_policies import FLOOR as FLOOR_OF_LOADING
from tests.benchmarks.thousand_policies import Thousand
from tests.benchmarks.web_pages import HEALTH, PageTiming, WebPages
from tests.support.seams import wrapped

_SVG = "{http://www.w3.org/2000/svg}"
_NOT_SEARCHED = ("Practitioner", "Organization", "Coverage")
"""What the chart has one of, and no template of the policies asks for."""
_PICTURE = re.compile(r"\(images/(performance-\w+\.svg)\)")


def timing(one_ms: float, many_ms: float) -> Timing:
    return Timing(Load([one_ms / 1000] * 3, 0, 1.0), Load([many_ms / 1000] * 3, 0, 1.0), one_ms)


def results(*, has_orjson: bool = True, missing: str = "") -> Results:
    timings = {FLOOR: timing(2, 40), UNRECORDED: timing(8, 200), RECORDED: timing(9, 250)}
    if has_orjson:
        timings[ORJSON_FLOOR] = timing(1, 20)
    load = Load([0.01, 0.02, 0.03], 1, 0.1)
    growth = tuple(
        Growth(name, "thing", ((1, 10.0), (3, 12.0), (5, 16.0))) for name in ("resources", "orders", "opioids")
    )
    return Results(
        machine=Machine((("processor", "some | other"),)),
        ratios=Ratios(timings, 68_900, "" if has_orjson else "no network"),
        stages=Stages(10.0, (("parse", 2.0), ("operator `a`", 7.96), ("operator `b`", 0.04))),
        growth=growth,
        thousand=Thousand(5, 1005, 2000, {FLOOR_OF_LOADING: 0.5, "load": 1.1}, {"order-sign": (0.010, 0.0105)}),
        queried=(Queried(50, load, 20, 12.0),),
        forms=Forms(
            {
                SIGN: FormTiming(70_000, 9_000, Load([0.012], 0, 1.0)),
                PACKAGE: FormTiming(2_000, 30_000, Load([0.016], 0, 1.0)),
                LAST: FormTiming(20_000, 21_000, Load([0.010], 1, 1.0)),
                FLOOR: FormTiming(70_000, 70_000, Load([0.002], 0, 1.0)),
            },
            17,
        ),
        levels=Levels({1: load}, 85.0, 120.0, 5000),
        start_seconds=2.5,
        peers=Peers(() if missing else (Peer("another", load, 13.0),), missing),
        web_pages=WebPages(
            {
                HEALTH: PageTiming(Load([0.002], 0, 1.0)),
                "/policies": PageTiming(Load([0.009], 1, 1.0), 41_200),
                "sign": PageTiming(Load([0.05], 0, 1.0), 9_000, is_whole=False),
            },
            3000,
        ),
    )


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (75, 3), (75.1, 4), (99, 4), (0, 1)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    assert percentile([4, 2, 3, 1], percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 50))


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(10, [0, 2, 4, 6, 8, 10]), (10.1, [0, 5, 10, 15]), (0.3, [0, 0.1, 0.2, 0.3]), (0, [0, 1])],
)
def test_ticks_are_round_and_reach_the_largest_value(largest: float, expected: list[float]) -> None:
    assert ticks(largest) == pytest.approx(expected)


def test_a_curve_is_drawn_to_scale() -> None:
    drawn = ElementTree.fromstring(curve("a curve", "things", [(0, 0), (50, 10), (100, 20)]))  # noqa: S314
    low, middle, high = ((float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in drawn.iter(f"{_SVG}circle"))
    assert middle == pytest.approx([(low[i] + high[i]) / 2 for i in (0, 1)], abs=0.1)
    assert 0 < high[1] < low[1] < HEIGHT


def test_the_dashed_line_of_a_curve_goes_straight_through_its_first_two_points() -> None:
    drawn = ElementTree.fromstring(curve("a curve", "things", [(20, 0), (60, 10), (100, 40)]))  # noqa: S314
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in drawn.iter(f"{_SVG}circle")]
    (dashed,) = (each for each in drawn.iter(f"{_SVG}polyline") if each.get("class") == "straight")
    begin, end = ([float(part) for part in point.split(",")] for point in dashed.get("points", "").split())
    assert begin == pytest.approx(dots[0], abs=0.1)
    assert (end[1] - begin[1]) / 2 == pytest.approx(dots[1][1] - dots[0][1], abs=0.1)
    assert end[1] > dots[2][1]


@pytest.mark.parametrize(
    "draw", [lambda text: curve(text, text, [(1, 1), (2, 2)]), lambda text: bars(text, "", [(text, 1)])]
)
def test_a_picture_escapes_its_text(draw: Callable[[str], str]) -> None:
    drawn = ElementTree.fromstring(draw("a < b & c"))  # noqa: S314
    assert drawn.findtext(f"{_SVG}title") == "a < b & c"
    assert [text.text for text in drawn.iter(f"{_SVG}text")].count("a < b & c") == 2


def test_the_page_has_each_ratio_as_a_line_that_a_script_finds() -> None:
    found = results()
    assert lines(found.ratios) == (
        "decision on disk: 4.50 times the floor",
        "decision on disk at 32 connections: 6.25 times the floor",
    )
    assert all(line in page(found) for line in lines(found.ratios))


def test_the_page_gives_each_ratio_to_both_floors() -> None:
    row = "| order-sign, decision on disk | 9.00 | 4.50 | 9.00 | 250.0 | 6.25 | 12.50 | 9.0 | 4.5 | 0 |"
    assert row in page(results())


def test_the_page_says_what_one_more_costs() -> None:
    assert "| 3 | 12.0 | 1.20 | 1.000 |\n| 5 | 16.0 | 1.60 | 2.000 |" in page(results())


def test_the_page_says_what_a_thousand_policies_cost() -> None:
    written = page(results())
    assert "| load | 1100 | 2.20 |" in written
    assert "| order-sign | 10.00 | 10.50 | 1.05 |" in written


def test_the_page_sums_up_what_takes_little_in_the_order_of_a_call() -> None:
    assert "| operator `a` | 7.96 | 80 |\n| other operators | 0.04 | 0 |\n| **a call** |" in page(results())


def test_the_page_says_why_something_was_not_measured() -> None:
    written = page(results(has_orjson=False, missing="no such package"))
    assert "| floor: orjson, not measured: no network |" in written
    assert "HealthChain: not measured, no such package" in written


def test_the_page_gives_each_page_as_a_multiple_of_the_least_answer() -> None:
    written = page(results())
    assert "| `/policies` | 9.0 | 4.5 | 41 | 1 |\n| sign | 50.0 | 25.0 | – | 0 |" in written


def test_the_page_gives_each_call_of_a_form_as_a_multiple_of_the_floor() -> None:
    written = page(results())
    assert "| `$questionnaire-package` | 16.00 | 8.00 | 2.0 | 30.0 | 0 |" in written
    assert "| `$next-question`, the last | 10.00 | 5.00 | 20.0 | 21.0 | 1 |" in written
    assert "The form takes 17 calls" in written


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for found in (results(), results(has_orjson=False, missing="no such package")):
        for table in re.findall(r"(?:^\|.*\|\n)+", page(found), re.MULTILINE):
            assert len({row.count("|") for row in table.splitlines()}) == 1, table


def test_every_picture_of_the_page_is_drawn_and_no_other() -> None:
    assert set(_PICTURE.findall(page(results()))) == set(pictures(results()))


def test_the_documented_page_is_written_by_the_present_template() -> None:
    written = PAGE.read_text(encoding="utf-8")
    prose = re.split(r"\{\w+\}", TEMPLATE.read_text(encoding="utf-8"))
    assert re.fullmatch(".+".join(map(re.escape, prose)), written, re.DOTALL), "run `make bench`"


def test_the_documented_page_has_its_pictures_and_is_found_from_the_others() -> None:
    names = _PICTURE.findall(PAGE.read_text(encoding="utf-8"))
    assert names
    assert all((IMAGES / name).exists() for name in names)
    for start in ("README.md", "CONTRIBUTING.md"):
        assert "docs/performance.md" in (ROOT / start).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name, _ in (*SEAMS, *operator_seams())])
def test_every_stage_begins_with_a_function_that_there_is(name: str) -> None:
    with wrapped(name, lambda function: function):
        pass


def test_a_wrapped_function_is_wrapped_where_it_was_imported_and_only_meanwhile() -> None:
    here, there = sys.modules["cds_service.hooks.review"], sys.modules["cds_service.http.hooks"]
    original = here.review
    with wrapped("cds_service.hooks.review:review", lambda function: lambda: function):
        assert there.review() is here.review() is original
    assert there.review is here.review is original


def test_time_counts_for_the_innermost_stage() -> None:
    moments = iter([0.0, 1.0, 4.0, 9.0])
    clock = StageClock(now=lambda: next(moments))
    inner = clock.timing("inner", lambda: None)
    clock.timing("outer", inner)()
    assert clock.spent == {"outer": 1.0 + 5.0, "inner": 3.0}


@pytest.mark.parametrize(("sizes", "expected"), [({}, 100), ({"resources": 150}, 150), ({"opioids": 200}, 210)])
def test_a_call_has_a_chart_of_the_size_that_is_asked_for(sizes: dict[str, int], expected: int) -> None:
    chart = json.loads(order_sign(**sizes))["prefetch"].values()
    ids = {entry["resource"]["id"] for each in chart if each for entry in each.get("entry", [{"resource": each}])}
    assert len(ids) == expected - len(_NOT_SEARCHED)


def test_a_call_has_as_many_orders_as_are_asked_for() -> None:
    orders = json.loads(order_sign(orders=5))["context"]["draftOrders"]["entry"]
    assert len({entry["resource"]["id"] for entry in orders}) == 5


def test_the_load_counts_every_call_once_and_what_is_no_answer_as_an_error() -> None:
    app = Flask(__name__)
    answers = iter(["fine", "fails", "fine", "fine", "fails", "fine", "fine"])

    @app.post("/")
    def answer_next() -> Response:
        said = next(answers)
        return Response(said, 200 if said == "fine" else 503)

    with on_loopback(app) as address, Clients(int(address.rpartition(":")[2]), http_request(b"{}", "/"), 3) as clients:
        load = clients.run(7)
    assert (len(load.seconds), load.errors) == (5, 2)
    assert clients.answer == b"fine"


def test_the_stub_answers_a_search_with_the_charts_own_resources() -> None:
    head, _, body = answer("/fhir/Condition?patient=trial-not-weaned").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b'"total":2' in body


def test_the_stub_has_no_resource_that_the_chart_lacks() -> None:
    assert answer("/fhir/Condition/none").startswith(b"HTTP/1.1 404 ")
