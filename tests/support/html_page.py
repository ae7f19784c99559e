"""The elements and the text of a page of ours."""

from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "input", "hr"}


class HtmlPage(HTMLParser):
    """The elements of a page with their attributes, and its text without that of the style sheet.

    Asserts that every element is closed where it must be.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements of some kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]

    def attributes(self, name: str) -> list[str]:
        """Return the values of an attribute of any element."""
        return [value for _, found in self.elements for key, value in found.items() if key == name and value]
