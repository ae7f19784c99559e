"""A browser without scripts, for the pages of the sample EHR and of the questionnaire app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

_MOST_REDIRECTS = 10
_SECONDS = 30


@dataclass
class Page:
    """A page: its address, that of its form, and the fields of the form.

    `hidden` are the hidden fields by name, and `questions` the question of each group of radio buttons by the name of
    its field. `buttons` are the values of the buttons.
    """

    url: str
    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._legend: list[str] | None = None
        self._asks = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, value = found.get("name", ""), found.get("value", "")
        if tag == "form" and not self.page.action:
            self.page.action = urljoin(self.page.url, found.get("action", ""))
        elif tag == "legend":
            self._legend = []
        elif tag == "button":
            self.page.buttons.append(value)
        elif tag == "input" and found.get("type") == "hidden":
            self.page.hidden[name] = value
        elif tag == "input" and found.get("type") == "radio":
            self.page.questions[name] = self._asks

    def handle_endtag(self, tag: str) -> None:
        if tag == "legend" and self._legend is not None:
            self._asks, self._legend = " ".join("".join(self._legend).split()), None

    def handle_data(self, data: str) -> None:
        if self._legend is not None:
            self._legend.append(data)


class FormClient:
    """Follows redirects and keeps cookies, also those that a browser sends over http to this machine only."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}

    def open(self, url: str) -> Page:
        """Return the page at an address, after its redirects. Raise requests.HTTPError."""
        return self._sent("GET", url, {})

    def submit(self, page: Page, fields: Mapping[str, str]) -> Page:
        """Return the page after a form, sent with its hidden fields and these. Raise requests.HTTPError."""
        return self._sent("POST", page.action, {**page.hidden, **fields})

    def _sent(self, method: str, url: str, fields: Mapping[str, str]) -> Page:
        for _ in range(_MOST_REDIRECTS):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
            answer = requests.request(
                method, url, data=fields, headers=headers, allow_redirects=False, timeout=_SECONDS
            )
            self._cookies |= {name: value or "" for name, value in answer.cookies.items()}
            if answer.status_code != requests.codes.see_other:
                answer.raise_for_status()
                page = Page(url)
                _Reader(page).feed(answer.text)
                return page
            url, method, fields = urljoin(url, answer.headers["Location"]), "GET", {}
        raise requests.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects")
