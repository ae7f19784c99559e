"""Draws the cards of the sample orders as pictures, with headless Chromium.

`python -m tests.screenshots` writes all of them to build/screenshots, and those of the documentation to docs/images, or
`make screenshots`.
"""

import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from struct import pack
from zlib import crc32

from tests.support.card_html import card_page
from tests.support.chromium import PROGRAM, take_picture
from tests.support.sample_cards import SampleCards, sample_cards

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
DOCUMENTED = ("trial-not-weaned-trial", "sij-posterior-fusion", "trial-two-pathways-trial")
"""The orders whose cards the documentation shows as pictures."""

_HEADER_BYTES = 33
"""Of a PNG: its signature and its first chunk, which must stay the first."""


def main() -> None:
    """Draw every order that has a card."""
    if PROGRAM is None:
        sys.exit("Chromium is not installed, so no picture was drawn. Install it, with apt-get install chromium.")
    every = ROOT / "build" / "screenshots"
    for folder in (every, IMAGES):
        folder.mkdir(parents=True, exist_ok=True)
    for answer in sample_cards():
        if answer.cards:
            picture = _drawn(answer)
            (every / f"{answer.name}.png").write_bytes(picture)
            if answer.name in DOCUMENTED:
                (IMAGES / f"{answer.name}.png").write_bytes(picture)


def stamp(answer: SampleCards) -> bytes:
    """Return the chunk of a PNG that says which page it shows (PNG, tEXt), so that a test knows an outdated one."""
    content = b"tEXtSource\0" + sha256(card_page(answer.cards).encode()).hexdigest().encode()
    return pack(">I", len(content) - 4) + content + pack(">I", crc32(content))


def _drawn(answer: SampleCards) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        page, png = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(card_page(answer.cards), encoding="utf-8")
        take_picture(page.as_uri(), png)
        drawn = png.read_bytes()
    return drawn[:_HEADER_BYTES] + stamp(answer) + drawn[_HEADER_BYTES:]


if __name__ == "__main__":
    main()
