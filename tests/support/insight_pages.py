"""The pages of insights over a database in memory."""

from typing import Any
from urllib.parse import urlencode

from cds_service.records.database import IN_MEMORY, Database
from cds_service.wiring.records import make_ready
from tests.support.html_page import HtmlPage
from tests.support.record_fakes import RecordedService


class InsightPages:
    """A service with records in memory, and its pages, which are read on March 5, 2026."""

    def __init__(self, **settings: Any) -> None:
        self.database = Database(IN_MEMORY, wait_seconds=2)
        make_ready(self.database)
        self.service = RecordedService(self.database, **settings)

    def html(self, path: str = "", status: int = 200) -> str:
        """The HTML below /insights, well-formed."""
        response = self.service.client.get(f"/insights{path}")
        assert (response.status_code, response.mimetype) == (status, "text/html"), response.text
        HtmlPage(response.text)
        return str(response.text)

    def page(self, path: str = "", status: int = 200) -> HtmlPage:
        """The elements and the text of a page."""
        return HtmlPage(self.html(path, status))

    def csv(self, name: str) -> list[str]:
        """The lines of a CSV file."""
        response = self.service.client.get(f"/insights/{name}")
        assert (response.status_code, response.mimetype) == (200, "text/csv"), response.text
        assert response.text.endswith("\r\n")
        return response.text.split("\r\n")[:-1]

    def replay(self, decision: str, status: int = 200, **fields: Any) -> str:
        """The page after a replay."""
        path = f"/insights/decision?{urlencode({'id': decision})}"
        response = self.service.client.post(path, data=fields, content_type="multipart/form-data")
        assert (response.status_code, response.mimetype) == (status, "text/html"), response.text
        HtmlPage(response.text)
        return str(response.text)
