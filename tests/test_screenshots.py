"""The pictures in docs/images are of the cards and pages that the service has now."""

import re
from pathlib import Path
from struct import pack, unpack
from zlib import crc32

import pytest

from tests.screenshots import DOCUMENTED, DOCUMENTED_PAGES, HEIGHT, HIGHER, IMAGES, WIDTH, page_stamp, stamp
from tests.support.chromium import NEEDED, PROGRAM, take_picture
from tests.support.pictured_pages import PAGES, with_style, words_of
from tests.support.sample_cards import SampleCards, sample_cards


@pytest.fixture(scope="module")
def answers() -> dict[str, SampleCards]:
    return {answer.name: answer for answer in sample_cards()}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_picture_is_current(name: str, answers: dict[str, SampleCards]) -> None:
    picture = (IMAGES / f"{name}.png").read_bytes()
    assert stamp(answers[name]) in picture, "run `make screenshots` and commit docs/images"


@pytest.mark.parametrize("name", DOCUMENTED_PAGES)
def test_a_picture_of_a_page_is_current(name: str) -> None:
    picture = (IMAGES / f"{name}.png").read_bytes()
    assert page_stamp(PAGES[name]()) in picture, "run `make screenshots` and commit docs/images"


@pytest.mark.parametrize("name", DOCUMENTED_PAGES)
def test_a_picture_of_a_page_has_its_size_and_is_light_to_load(name: str) -> None:
    picture = (IMAGES / f"{name}.png").read_bytes()
    assert unpack(">II", picture[16:24]) == (WIDTH, HIGHER.get(name, HEIGHT))
    assert len(picture) < 250_000


def test_there_is_no_other_picture() -> None:
    assert {path.name for path in IMAGES.glob("*.png")} == {f"{name}.png" for name in (*DOCUMENTED, *DOCUMENTED_PAGES)}


def test_a_drawn_page_has_its_style_and_no_script() -> None:
    page = '<link rel="stylesheet" href="static/pages.css?1"><script defer src="a.js"></script><p>words</p>'
    assert with_style(page, "p { color: red }") == "<style>p { color: red }</style><p>words</p>"


def test_the_words_of_a_page_are_without_what_differs_from_run_to_run() -> None:
    first = words_of("<p>Call 8f6ef0f5-6d0a-4d0f-8a6b-0d6f3cf6f001 took 31 ms at http://127.0.0.1:8001/fhir</p>")
    second = words_of("<p>Call 00000000-6d0a-4d0f-8a6b-0d6f3cf6f001 took 7 ms at http://127.0.0.1:9/fhir</p>")
    assert first == second != words_of("<p>Call took</p>")


def test_a_stamp_is_a_whole_chunk_and_another_card_has_another(answers: dict[str, SampleCards]) -> None:
    first, second = (stamp(answers[name]) for name in DOCUMENTED[:2])
    (length,) = unpack(">I", first[:4])
    assert first[4:15] == b"tEXtSource\0"
    assert len(first) == 4 + 4 + length + 4
    assert first[-4:] == pack(">I", crc32(first[4:-4]))
    assert first != second


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(PROGRAM is None and not NEEDED, reason="needs Chromium")
def test_a_picture_is_as_high_as_its_page(tmp_path: Path) -> None:
    page, png = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text('<!doctype html><body data-height="400"><main>A card</main>', encoding="utf-8")
    take_picture(page.as_uri(), png, width=500)
    found = re.match(rb"\x89PNG\r\n\x1a\n....IHDR(........)", png.read_bytes(), re.DOTALL)
    assert found is not None
    assert unpack(">II", found[1]) == (750, 600)
