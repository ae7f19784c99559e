"""Draws the cards of the sample orders and the pages of the service as pictures, with headless Chromium.

`python -m tests.screenshots`, or `make screenshots`, writes all of them to build/screenshots, and those of the
documentation to docs/images. The pages need Node, and `npm ci --prefix tests/browser`.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any
from zlib import crc32

from tests.support.browser import MISSING, run_script
from tests.support.card_html import card_page
from tests.support.chromium import PROGRAM, take_picture
from tests.support.pictured_pages import PAGES, with_style, words_of
from tests.support.sample_cards import SampleCards, sample_cards

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
DOCUMENTED = ("trial-not-weaned-trial", "sij-posterior-fusion", "trial-two-pathways-trial")
"""The orders whose cards the documentation shows as pictures."""

DOCUMENTED_PAGES = {
    "sandbox-pump-trial": "",
    "sandbox-crd": "",
    "policies-search": "",
    "policies-patient": "#II",
    "insights-criteria": "",
}
"""The pages that the documentation shows as pictures, each from where: as much as a laptop shows of it."""

WIDTH, HEIGHT = 1280, 800
"""Of the screen of a laptop."""
HIGHER = {"sandbox-pump-trial": 1132}
"""What is drawn higher: the timeline is below the order."""

_WIDTHS = (1280, 390)
_ALSO_DARK = ("sandbox-pump-trial", "policies-patient", "insights", "questions", "style-guide")
_SECONDS = 300
_STYLE = ROOT / "cds_service" / "web" / "static" / "pages.css"

_HEADER_BYTES = 33
"""Of a PNG: its signature and its first chunk, which must stay the first."""


def main() -> None:
    """Draw every order that has a card, and every page."""
    if PROGRAM is None:
        sys.exit("Chromium is not installed, so no picture was drawn. Install it, with apt-get install chromium.")
    if MISSING:
        sys.exit(f"No picture was drawn: it {MISSING}.")
    every = ROOT / "build" / "screenshots"
    for folder in (every, IMAGES):
        folder.mkdir(parents=True, exist_ok=True)
    for answer in sample_cards():
        if answer.cards:
            picture = _drawn(answer)
            (every / f"{answer.name}.png").write_bytes(picture)
            if answer.name in DOCUMENTED:
                (IMAGES / f"{answer.name}.png").write_bytes(picture)
    _draw_pages({name: page() for name, page in PAGES.items()}, every)


def stamp(answer: SampleCards) -> bytes:
    """Return the chunk of a PNG that says which cards it shows (PNG, tEXt), so that a test knows an outdated one."""
    return _chunk(card_page(answer.cards))


def page_stamp(html: str) -> bytes:
    """Return the same of a page. Its words count, and not its style, which often changes by what nobody sees."""
    return _chunk(words_of(html))


def _chunk(source: str) -> bytes:
    content = b"tEXtSource\0" + sha256(source.encode()).hexdigest().encode()
    return pack(">I", len(content) - 4) + content + pack(">I", crc32(content))


def _draw_pages(pages: Mapping[str, str], folder: Path) -> None:
    style = _STYLE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        steps: list[dict[str, Any]] = []
        for name, html in pages.items():
            file = Path(temporary) / f"{name}.html"
            file.write_text(with_style(html, style), encoding="utf-8")
            steps += ({"goto": file.as_uri()}, *_pictures_of(name, folder))
            if name in DOCUMENTED_PAGES:
                steps += ({"goto": file.as_uri() + DOCUMENTED_PAGES[name]}, _screen_of(name, folder))
        run_script("drive", {"by": "mouse", "steps": steps}, seconds=_SECONDS)
    for name in DOCUMENTED_PAGES:
        drawn = (folder / f"{name}-screen.png").read_bytes()
        (IMAGES / f"{name}.png").write_bytes(drawn[:_HEADER_BYTES] + page_stamp(pages[name]) + drawn[_HEADER_BYTES:])


def _pictures_of(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    for width in _WIDTHS:
        yield {"picture": str(folder / f"{name}-{width}.png"), "width": width}
        if name in _ALSO_DARK:
            yield {"picture": str(folder / f"{name}-{width}-dark.png"), "width": width, "colorScheme": "dark"}


def _screen_of(name: str, folder: Path) -> dict[str, Any]:
    return {"picture": str(folder / f"{name}-screen.png"), "width": WIDTH, "height": HIGHER.get(name, HEIGHT)}


def _drawn(answer: SampleCards) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        page, png = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(card_page(answer.cards), encoding="utf-8")
        take_picture(page.as_uri(), png)
        drawn = png.read_bytes()
    return drawn[:_HEADER_BYTES] + stamp(answer) + drawn[_HEADER_BYTES:]


if __name__ == "__main__":
    main()
