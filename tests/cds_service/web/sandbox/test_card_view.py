"""A card as an EHR shows it: Markdown without HTML, links that a browser may open, and buttons."""

from typing import Any

import pytest

from cds_service.web.form_view import Badge
from cds_service.web.sandbox.card_view import LinkView, ReasonView, SuggestionView, card_view, rendered

CARD: dict[str, Any] = {
    "uuid": "u",
    "summary": "Not covered",
    "indicator": "warning",
    "source": {"label": "A plan", "url": "https://plan.example"},
}


@pytest.mark.parametrize(
    ("indicator", "words"), [("info", "Information"), ("warning", "Warning"), ("critical", "Critical")]
)
def test_an_indicator_has_a_word_beside_its_color(indicator: str, words: str) -> None:
    assert card_view({**CARD, "indicator": indicator}).indicator.words == words


def test_an_unknown_indicator_is_information() -> None:
    assert card_view({**CARD, "indicator": "other"}).indicator == Badge("Information", "plain")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**Bold**", "<p><strong>Bold</strong></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
        ("[a](https://a.example)", '<p><a href="https://a.example" rel="noreferrer">a</a></p>'),
        ("[a](javascript:x)", "<p>[a](javascript:x)</p>"),
        ("![a](https://a.example/x.png)", '<p>!<a href="https://a.example/x.png" rel="noreferrer">a</a></p>'),
    ],
)
def test_a_detail_is_rendered_without_html_and_images(markdown: str, html: str) -> None:
    assert str(rendered(markdown)).strip() == html


def test_a_detail_may_have_a_table() -> None:
    assert "<td>1</td>" in rendered("| a |\n|---|\n| 1 |")


def test_a_card_without_detail_shows_none() -> None:
    assert card_view(CARD).detail == ""


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://[", "", "relative"])
def test_an_address_that_no_page_may_open_is_shown_as_text(url: str) -> None:
    shown = card_view(
        {**CARD, "source": {"label": "A plan", "url": url}, "links": [{"label": "x", "url": url, "type": "absolute"}]}
    )
    assert shown.source_address == ""
    assert shown.links == (LinkView("x", "", url),)


def test_an_absolute_link_is_opened() -> None:
    linked = {**CARD, "links": [{"label": "Policy", "url": "https://a.example/p#I", "type": "absolute"}]}
    assert card_view(linked).links == (LinkView("Policy", "https://a.example/p#I"),)


SMART = {
    **CARD,
    "links": [{"label": "Answer", "url": "https://cds.example/launch", "type": "smart", "appContext": "c"}],
}


def test_a_smart_link_becomes_the_launch_of_the_ehr() -> None:
    shown = card_view(SMART, lambda app, context: f"https://ehr.example/launch?{app}&{context}")
    assert shown.links == (LinkView("Answer", "https://ehr.example/launch?https://cds.example/launch&c"),)


def test_a_smart_link_without_an_ehr_says_what_an_ehr_would_do() -> None:
    says = "An EHR would launch the app at https://cds.example/launch."
    assert card_view(SMART).links == (LinkView("Answer", "", says),)


def test_the_button_of_a_suggestion_names_the_card_and_its_place() -> None:
    offered = [{"label": "a", "uuid": "1"}, {"label": "b", "uuid": "2"}]
    found = card_view({**CARD, "suggestions": offered}).suggestions
    assert found == (SuggestionView("a", "suggest:u:0"), SuggestionView("b", "suggest:u:1"))


def test_the_override_reasons_have_their_codes_and_words() -> None:
    offered = [{"code": "urgent", "display": "Urgent or emergent", "system": "s"}]
    assert card_view({**CARD, "overrideReasons": offered}).reasons == (ReasonView("urgent", "Urgent or emergent"),)
