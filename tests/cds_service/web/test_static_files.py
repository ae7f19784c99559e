"""The files of the pages: kept by browsers until they change, and what others wrote is what they published."""

import hashlib

import pytest

from cds_service.web.static_files import FILES, VERSIONS
from tests.support.hook_fakes import Service
from tests.support.record_fakes import shipped

HTMX_4_0_1 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""The SHA-256 of dist/htmx.min.js in the npm package htmx.org 4.0.1."""


@pytest.fixture(name="service", scope="module")
def _service() -> Service:
    return Service(shipped())


def test_htmx_is_what_its_authors_published() -> None:
    assert hashlib.sha256(FILES["htmx.min.js"]).hexdigest() == HTMX_4_0_1


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_browser_keeps_the_version_that_a_page_names_and_asks_for_any_other(service: Service, name: str) -> None:
    current, other = (service.client.get(f"/static/{name}?{version}") for version in (VERSIONS[name], "1"))
    assert current.data == other.data == FILES[name]
    assert "immutable" in current.headers["Cache-Control"]
    assert other.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/..%2Fpages.py", "/static/%2e%2e/pages.py"])
def test_nothing_else_is_a_file(service: Service, path: str) -> None:
    assert service.client.get(path).status_code == 404
