"""The sample EHR, the questionnaire app, and the sandbox, known to each other, for the demonstration and developers."""

from dataclasses import dataclass
from datetime import date

from cds_service.clients.registry import SmartRegistration
from cds_service.records.smart_sessions import SmartSessions
from cds_service.sample_ehr.patients import SAMPLES
from cds_service.sample_ehr.smart.server import SmartApp, SmartServer
from cds_service.settings import Settings
from cds_service.smart.app import CALLBACK
from cds_service.smart.launches import SmartClient
from cds_service.web.site import SamplePatient, SampleServer
from cds_service.wiring.records import database_in_memory
from cds_service.wiring.smart import SmartClients
from cds_service.wiring.system import now

_CLIENT_ID = "coverage-questions"


@dataclass(frozen=True, slots=True)
class SampleApp:
    """What the service and the sample EHR know of each other: the EHR that may launch the app, and its side of it."""

    clients: SmartClients
    smart: SmartServer


def sample_app(settings: Settings, ehr_port: int) -> SampleApp:
    """Return both sides for a sample EHR on this port of 127.0.0.1; the settings have the address of the service."""
    ehr = SmartClient("sample-ehr", SmartRegistration(_CLIENT_ID), (_fhir_address(ehr_port),))
    app = SmartApp(_CLIENT_ID, (f"{settings.public_url.rstrip('/')}{CALLBACK}",))
    return SampleApp(SmartClients([ehr], SmartSessions(database_in_memory(settings), now)), SmartServer([app], now))


def sample_server(ehr_port: int, token: str, today: date, smart: SmartServer) -> SampleServer:
    """Return what the sandbox needs to read the sample EHR on this port of 127.0.0.1, and the orders written today.

    `smart` is its authorization server, which launches apps.
    """

    def launch(patient: str, app_url: str, app_context: str) -> str:
        return f"http://127.0.0.1:{ehr_port}{smart.launch(patient, app_url=app_url, app_context=app_context)}"

    patients = (
        SamplePatient(each.id, each.shows, tuple(order.resource(today) for order in each.orders), each.topic)
        for each in SAMPLES
    )
    return SampleServer(_fhir_address(ehr_port), token, today, tuple(patients), launch)


def _fhir_address(ehr_port: int) -> str:
    return f"http://127.0.0.1:{ehr_port}/fhir"
