"""The chart pages of the sandbox over one FHIR server, and invented charts to show."""

import io
from typing import Any

from cds_service.fhir_client.source import FhirOpener
from cds_service.observability.logging import service_log
from cds_service.settings import Settings
from cds_service.web.sandbox.case import Case
from cds_service.web.site import SamplePatient, SampleServer, Site, attach_site
from cds_service.wiring.app import create_app
from fhir_mappings.fhir_json import Resource
from tests.support.hook_fakes import LOOPBACK, NOW, PATIENT_ID
from tests.support.html_page import HtmlPage
from tests.support.record_fakes import shipped

SAMPLE_ADDRESS = "http://127.0.0.1:9/fhir"
SAMPLE_TOKEN = "sample-token"
SAMPLES = (
    SamplePatient("sij-one", "A fusion after two injections.", (), "Fusion"),
    SamplePatient("oxygen-one", "A saturation of 85%.", (), "Home oxygen"),
    SamplePatient("oxygen-two", "A saturation of 97%.", (), "Home oxygen"),
)


def _site(fhir_servers: tuple[str, ...]) -> Site:
    return Site(SampleServer(SAMPLE_ADDRESS, SAMPLE_TOKEN, NOW.date(), SAMPLES), fhir_servers=fhir_servers)


class ChartPages:
    """A service whose sandbox reads a FHIR server, driven through Flask's test client. `written` is its log."""

    def __init__(
        self,
        open_fhir_server: FhirOpener | None = None,
        **settings: Any,
    ) -> None:
        self.written = io.StringIO()
        numbers = iter(range(10**9))
        self._lists_servers = "fhir_servers" in settings
        given = Settings(**LOOPBACK | settings)
        self.app = create_app(
            settings=given,
            assessor=shipped(),
            clock=lambda: NOW,
            new_id=lambda: f"call-{next(numbers)}",
            open_fhir_server=open_fhir_server,
            log=service_log(self.written, lambda: NOW),
            site=_site(given.fhir_servers),
        )

        self.client = self.app.test_client()

    def allow(self, server: str) -> None:
        """Let the sandbox read one more FHIR server, unless the settings list those that it may read."""
        if not self._lists_servers:
            attach_site(self.app, _site((server,)))

    def get(self, path: str = "/sandbox") -> tuple[int, HtmlPage]:
        """The status and the page at a path."""
        response = self.client.get(path)
        return response.status_code, HtmlPage(response.text)

    def open(self, server: str, patient: str = PATIENT_ID, token: str = "") -> tuple[int, HtmlPage]:
        """What the form for any FHIR server answers."""
        self.allow(server)
        form = {"server": server, "patient": patient, "token": token}
        response = self.client.post("/sandbox/open", data=form)
        return response.status_code, HtmlPage(response.text)

    def part(self, name: str, case: Case, **fields: str) -> Any:
        """The response to a button of the chart, pressed with scripts."""
        self.allow(case.fhir_server)
        form = {"case": case.dump(), **fields}
        return self.client.post(f"/sandbox/{name}", data=form, headers={"HX-Request": "true"})


def drug(name: str, label: str = "Oxycodone 5 mg", **members: Any) -> Resource:
    """An active prescription of the patient of the builders."""
    made = {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": label},
        "authoredOn": "2026-02-01",
        **members,
    }
    return {key: value for key, value in made.items() if value is not None}
