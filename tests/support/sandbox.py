"""The sandbox driven as a browser without scripts drives it: what its form holds, and what a button posts."""

import io
import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from cds_service.cli.sample_app import sample_app
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import FhirOpener
from cds_service.observability.logging import service_log
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, sample_store
from cds_service.settings import Settings
from cds_service.web.sandbox.case import Case
from cds_service.web.site import SamplePatient, SampleServer, Site
from cds_service.wiring.app import create_app
from cds_service.wiring.records import database_in_memory, records_in
from coverage_policies.judging.assessment import Assessor
from tests.support.record_fakes import new_id, shipped

NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
_EHR_PORT = 9
FHIR_SERVER = f"http://127.0.0.1:{_EHR_PORT}/fhir"
_KEY = Pseudonymizer(b"a key for tests, not for anyone's data")
_SPACE = re.compile(r"\s+")
_FORM = "workspace"
_CHECKED = ("radio", "checkbox")
_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page: the fields of its form, the values of its buttons, its text, and the text of elements by their id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.fields: dict[str, list[str]] = defaultdict(list)
        self.options: dict[str, list[str]] = defaultdict(list)
        self.buttons: list[str] = []
        self.links: list[str] = []
        self._written: list[tuple[tuple[str, ...], str]] = []
        self._open: list[tuple[str, str]] = []
        self._select = self._text = ""
        self.feed(html)

    @property
    def cards(self) -> list[str]:
        """The uuids of the cards, in their order."""
        return [name.removeprefix("card:") for name in self.fields if name.startswith("card:")]

    @property
    def text(self) -> str:
        """All text."""
        return _SPACE.sub(" ", " ".join(words for _, words in self._written)).strip()

    def within(self, name: str) -> str:
        """The text of the element with this id."""
        return _SPACE.sub(" ", " ".join(words for ids, words in self._written if name in ids)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append((tag, given.get("id", "")))
        if tag == "button" and "name" in given:
            self.buttons.append(given["value"])
        elif tag == "a":
            self.links.append(given["href"])
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option":
            self._choose(given.get("value", ""), is_selected="selected" in given)
        elif tag == "textarea":
            self._text = given["name"]
            self.fields[self._text] = [""]
        elif (
            tag == "input"
            and "name" in given
            and given.get("form", _FORM) == _FORM
            and (given.get("type") not in _CHECKED or "checked" in given)
        ):
            self.fields[given["name"]].append(given.get("value", ""))

    def _choose(self, value: str, *, is_selected: bool) -> None:
        """Take an option of the open select: the first counts until another one is selected."""
        self.options[self._select].append(value)
        if is_selected or len(self.options[self._select]) == 1:
            self.fields[self._select] = [value]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag
        if tag == "textarea":
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text][0] += data.removeprefix("\n")
        self._written.append((tuple(name for _, name in self._open if name), data))


class Sandbox:
    """The service with its sandbox, the sample patients in memory, and records.

    The charts are those of `today`; the clock stands still. With `launches_apps`, the sample EHR may launch the
    questionnaire app; `launched` has what it was asked for.
    """

    def __init__(
        self,
        *,
        assessor: Assessor | None = None,
        open_fhir_server: FhirOpener | None = None,
        launches_apps: bool = False,
        today: date = STORY_DATE,
        **settings: Any,
    ) -> None:
        # The first call of a process compiles patterns, which takes seconds on a busy machine.
        self.settings = Settings(public_url="http://127.0.0.1:8000", call_timeout_seconds=60, **settings)
        judged = assessor or shipped()
        self.database = database_in_memory(self.settings)
        snapshot = PolicySnapshot.of(judged, self.settings.time_zone, self.settings.answers_valid_days)
        chart = ChartInMemory(sample_store(today))
        self.log = io.StringIO()
        patients = (
            SamplePatient(each.id, each.shows, tuple(order.resource(today) for order in each.orders))
            for each in SAMPLES
        )
        self.launched: list[tuple[str, str, str]] = []
        self.app = create_app(
            settings=self.settings,
            assessor=judged,
            clock=lambda: NOW,
            new_id=new_id,
            open_fhir_server=open_fhir_server or (lambda _access, _deadline: chart),
            records=records_in(self.database, _KEY, self.settings, snapshot, lambda: NOW, monotonic=lambda: 0.0),
            pseudonym=_KEY,
            smart=sample_app(self.settings, _EHR_PORT).clients if launches_apps else None,
            log=service_log(self.log, lambda: NOW),
            site=Site(SampleServer(FHIR_SERVER, "token-of-the-ehr", today, tuple(patients), self._launch)),
        )
        self.client = self.app.test_client()
        self.page = Page("")

    def _launch(self, patient: str, app: str, context: str) -> str:
        self.launched.append((patient, app, context))
        return "http://127.0.0.1:9/launch/1"

    def open(self, patient: str, *orders: int) -> Page:
        """Open a sample patient, with some of the sample orders, by default the first."""
        self.page = self._shown(self.client.get(f"/sandbox?patient={patient}"))
        if orders:
            sample = next(each for each in SAMPLES if each.id == patient)
            chosen = [sample.orders[each].resource(None) for each in orders]
            self.post({"case": self.case.with_orders(*chosen).dump(), "do": "select"})
        return self.page

    @property
    def case(self) -> Case:
        """The case of the page."""
        (text,) = self.page.fields["case"]
        return Case.parse(text)

    def change(self, **values: Any) -> None:
        """Change the case that the page carries."""
        self.page.fields["case"] = [replace(self.case, **values).dump()]

    def press(self, button: str, **chosen: str) -> Page:
        """Press a button of the page, after choosing values of fields; raise ValueError if the page has no such one."""
        value = next((each for each in self.page.buttons if each.startswith(button)), None)
        if value is None:
            raise ValueError(f"no button {button} on the page")
        return self.post({**self.page.fields, **chosen, "do": value})

    def answer(self, link: str, value: str) -> Page:
        """Answer a question by its linkId, and sign again."""
        name = next(each for each in self.page.fields if each.startswith("answer:") and each.endswith(f"|{link}"))
        assert value in self.page.options[name]
        return self.post({**self.page.fields, name: value, "do": "answer"})

    def post(self, fields: dict[str, Any]) -> Page:
        """Post the form of the page with these fields."""
        self.page = self._shown(self.client.post("/sandbox", data=fields))
        return self.page

    def _shown(self, response: Any) -> Page:
        assert (response.status_code, response.mimetype) == (200, "text/html"), response.text
        return Page(response.text)


def chart_of(*resources: Any) -> ChartInMemory:
    """A chart in memory with these resources."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}
    return ChartInMemory(Store.from_bundle(bundle))
