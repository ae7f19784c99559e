"""The sandbox over the sample patients in memory, driven like its forms: every button posts what the page carries."""

import html
import io
import re
from contextlib import closing
from datetime import date
from typing import Any

from flask.testing import FlaskClient

from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.web.sandbox.case import Case
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource
from tests.support.sandbox import FHIR_SERVER
from tests.support.sandbox import Page as Form
from tests.support.sandbox import Sandbox as Whole

ADDRESS = FHIR_SERVER
_PROBLEM = re.compile(r'<p class="error">(.*?)</p>')


class Page:
    """An answer of the sandbox."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.text: str = response.get_data(as_text=True)
        self.headers = response.headers

    @property
    def case(self) -> Case:
        """The case that the page carries."""
        return Case.parse(self.field("case"))

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
        return Form(self.text).fields[name][0]


class Sandbox:
    """The sandbox, and what it called."""

    def __init__(self, assessor: Assessor, today: date = STORY_DATE) -> None:
        self.client: FlaskClient = Whole(assessor=assessor, today=today).client

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
