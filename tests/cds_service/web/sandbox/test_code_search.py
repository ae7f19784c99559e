"""The search finds every code that an installed policy knows as an order."""

import pytest

from cds_service.web.sandbox.code_search import MOST_FOUND, code_written, order_codes, search_codes
from coverage_policies.format.library import load_library
from tests.support.sandbox_pages import Sandbox

LIBRARY = load_library()


def found(query: str) -> list[str]:
    return [each.coding.code for each in search_codes(LIBRARY, query).codes]


@pytest.mark.parametrize("query", ["27279", "  27279 ", "minimally sacroiliac", "SACROILIAC minim", "cp.mp.126 2727"])
def test_an_order_is_found_by_code_words_and_policy(query: str) -> None:
    assert found(query)[0] == "27279"


@pytest.mark.parametrize("query", ["", "   ", "?!", "zzz", "27279 oxygen"])
def test_a_query_that_names_no_order_finds_none(query: str) -> None:
    assert found(query) == []


def test_a_code_that_begins_with_the_query_comes_before_labels() -> None:
    assert found("E04")[0].startswith("E04")


def test_a_search_shows_the_first_codes_and_counts_the_others() -> None:
    result = search_codes(LIBRARY, "CP.MP.173")
    assert len(result.codes) == MOST_FOUND
    assert result.more > 0


def test_every_code_of_every_order_entry_is_found() -> None:
    rows = {
        (row.system, row.code)
        for policy in LIBRARY.policies.values()
        for entry in policy.orders
        for row in entry.codes.rows
        if row.system not in ("text", "unless") and not row.code.endswith("*")
    }
    assert rows <= {(each.coding.system, each.coding.code) for each in order_codes(LIBRARY)}


def test_an_order_that_a_policy_looks_for_beside_is_found() -> None:
    assert "49215" in found("49215")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("cpt 27279", "ServiceRequest"),
        ("hcpcs E1390", "DeviceRequest"),
        ("hcpcs C1772", "DeviceRequest"),
        ("hcpcs G0260", "ServiceRequest"),
        ("hcpcs J2274", "ServiceRequest"),
    ],
)
def test_a_code_is_ordered_as_the_resource_that_ehrs_use(written: str, kind: str) -> None:
    code = code_written(LIBRARY, written)
    assert code is not None
    assert code.kind == kind


def test_the_search_answers_buttons_that_add_the_codes(sandbox: Sandbox) -> None:
    text = sandbox.client.get("/sandbox/codes", query_string={"q": "27279"}).text
    assert 'value="add:cpt 27279"' in text
    assert "<html" not in text


def test_a_query_of_markup_stays_text(sandbox: Sandbox) -> None:
    text = sandbox.client.get("/sandbox/codes", query_string={"q": "<script>alert(1)</script>"}).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
