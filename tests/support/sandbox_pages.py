"""The sandbox over the sample patients in memory, driven like its forms: every button posts what the page carries."""

import html
import io
import re
from contextlib import closing
from datetime import date
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from cds_service.fhir_client.memory import ChartInMemory
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, sample_store
from cds_service.settings import Settings
from cds_service.web.sandbox.case import Case
from cds_service.web.site import SamplePatient, SampleServer, Site
from cds_service.wiring.app import create_app
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource
from tests.support.hook_fakes import NOW

ADDRESS = "https://sample.example/fhir"
_CASE = re.compile(r'name="case" value="([^"]*)"')
_PROBLEM = re.compile(r'<p class="error">(.*?)</p>')


class _Fields(HTMLParser):
    """What the fields of a page show, by name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown: dict[str, str] = {}
        self._select = self._textarea = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and "name" in found:
            self.shown.setdefault(found["name"], found.get("value", ""))
        elif tag in ("select", "textarea"):
            self._select, self._textarea = (found["name"], "") if tag == "select" else ("", found["name"])
            self.shown[found["name"]] = ""
        elif tag == "option" and "selected" in found and self._select:
            self.shown[self._select] = found["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._select = self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.shown[self._textarea] = (self.shown[self._textarea] + data).removeprefix("\n")


class Page:
    """An answer of the sandbox."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.text: str = response.get_data(as_text=True)
        self.headers = response.headers

    @property
    def case(self) -> Case:
        """The case that the page carries."""
        found = _CASE.search(self.text)
        assert found, "the page carries no case"
        return Case.parse(html.unescape(found[1]))

    @property
    def order(self) -> Resource:
        """The last order of the case."""
        return self.case.orders[-1]

    @property
    def problems(self) -> list[str]:
        """What could not be done."""
        return [html.unescape(each) for each in _PROBLEM.findall(self.text)]

    @property
    def is_part(self) -> bool:
        """Whether it is the workspace alone."""
        return not self.text.startswith("<!doctype")

    def field(self, name: str) -> str:
        """What a field shows."""
        return _Fields(self.text).shown[name]


class Sandbox:
    """The sandbox, and what it called."""

    def __init__(self, assessor: Assessor, today: date = STORY_DATE) -> None:
        store = ChartInMemory(sample_store(today))
        patients = tuple(SamplePatient(s.id, s.shows, tuple(o.resource(today) for o in s.orders)) for s in SAMPLES)
        numbers = iter(range(10**9))
        app = create_app(
            settings=Settings(),
            assessor=assessor,
            clock=lambda: NOW,
            new_id=lambda: str(UUID(int=next(numbers))),
            open_fhir_server=lambda *_: store,
            log=service_log(io.StringIO(), lambda: NOW),
            site=Site(SampleServer(ADDRESS, "token", today, patients)),
        )
        self.client: FlaskClient = app.test_client()

    def start(self, patient: str = "sij-posterior") -> Page:
        """The workspace of a sample patient, with its first order."""
        return Page(self.client.get("/sandbox", query_string={"patient": patient}))

    def do(self, page: Page, action: str, *, script: bool = False, **fields: Any) -> Page:
        """What a button answers; `o0_day=…` fills in `o0.day`."""
        named = {re.sub(r"^(o\d+)_", r"\1.", name).replace("note_", "note."): value for name, value in fields.items()}
        return self.post({"case": page.case.dump(), "do": action, **named}, script=script)

    def post(self, form: dict[str, Any], *, script: bool = False) -> Page:
        """What a form answers, sent by a script or by the browser itself."""
        headers = {"HX-Request": "true"} if script else {}
        return Page(self.client.post("/sandbox", data=form, headers=headers))

    def upload(self, content: bytes) -> Page:
        """What the upload of a file answers."""
        with closing(
            self.client.post("/sandbox", data={"do": "load", "file": (io.BytesIO(content), "case.json")})
        ) as response:
            return Page(response)
