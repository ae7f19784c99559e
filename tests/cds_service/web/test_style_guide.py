"""The page with all components."""

from tests.support.html_page import HtmlPage
from tests.support.pictured_pages import PAGES


def test_no_part_of_the_style_guide_is_within_another_one() -> None:
    page = HtmlPage(PAGES["style-guide"]())
    parts = [given for tag, given in page.elements if tag == "section" and given.get("class") == "panel"]
    assert len(parts) == PAGES["style-guide"]().count('</section>\n<section class="panel"') + 1
