"""What drives axe-core finds what is wrong with a page, at each width and in each color scheme."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.serving import on_loopback
from tests.support.browser import axe_violations, needs_browser, run_script

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process]

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
PAGES = (
    "/policies?q=27279",
    "/policies/CP.MP.126",
    "/policies/CP.MP.126/diff",
    "/policies/NCD.100.1@2013-09",
)


@pytest.fixture(name="address")
def _address() -> Iterator[str]:
    """The service, on a free port of this machine."""
    settings = Settings()
    app = create_app(settings=settings, assessor=load_assessor(settings), clock=lambda: NOW, new_id=lambda: "id")
    with on_loopback(app) as address:
        yield address


def test_gray_on_white_is_found_in_the_scheme_that_has_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    style = "body{background:#fff;color:#000} @media (prefers-color-scheme: dark) {body{color:#ccc}}"
    page.write_text(
        f'<!doctype html><html lang="en"><title>t</title><style>{style}</style><main><h1>Words</h1></main></html>',
        encoding="utf-8",
    )
    (found,) = axe_violations([page.as_uri()], widths=[390])
    assert (found["id"], found["impact"], found["colorScheme"]) == ("color-contrast", "serious", "dark")
    assert found["nodes"] == ["<h1>Words</h1>"]


def test_a_page_that_is_not_there_is_an_error(address: str) -> None:
    with pytest.raises(AssertionError, match="answered 404"):
        axe_violations([f"{address}/nothing"])


def test_a_script_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"axe\.mjs took longer than 0\.05 s"):
        run_script("axe", {"addresses": [], "widths": [], "colorSchemes": []}, seconds=0.05)
