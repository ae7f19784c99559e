"""What the pages for operators need, attached to the Flask application: who may open them, and what they show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from flask import Flask, current_app

from cds_service.clients.registry import Client
from cds_service.clients.sandbox import SandboxKey, sandbox_client
from cds_service.fhir_client.addresses import usable_address
from cds_service.fhir_client.allowlist import ServerTrust, trust_of
from cds_service.login.login import Login
from cds_service.records.stored import StoredRecords
from fhir_mappings.fhir_json import Resource

_EXTENSION = "cds_service.site"


@dataclass(frozen=True, slots=True)
class SamplePatient:
    """A patient that the sandbox offers: the id, one sentence about what the chart shows, and draft orders to try.

    `topic` is what the orders are about, such as `Home oxygen`.
    """

    id: str
    shows: str
    orders: tuple[Resource, ...]
    topic: str = ""


@dataclass(frozen=True, slots=True)
class SampleServer:
    """The FHIR server with the sample patients, the token for it, and the day on which their orders are written.

    `launch` returns the address that launches an app for a patient, from the id, the app's launch address, and its
    `appContext`; None if the sample EHR launches no app.
    """

    address: str
    token: str
    today: date
    patients: tuple[SamplePatient, ...]
    launch: Callable[[str, str, str], str] | None = None

    def patient(self, patient_id: str) -> SamplePatient | None:
        """Return the sample patient with an id."""
        return next((each for each in self.patients if each.id == patient_id), None)


@dataclass(frozen=True, slots=True)
class Site:
    """The pages for operators.

    `samples` is the sample EHR, None if none is running. `has_style_guide` adds the page with all components, for those
    who work on the pages. `login` is None where everybody is the operator. `fhir_servers` are those that the sandbox
    may read beside the sample EHR, in the form of `settings.FHIR_SERVER`. `key` signs its calls; it is None where the
    service asks no client for a token. `records` are those that insights show; without them there are no such pages.
    """

    samples: SampleServer | None = None
    has_style_guide: bool = False
    login: Login | None = None
    fhir_servers: tuple[str, ...] = ()
    key: SandboxKey | None = None
    records: StoredRecords | None = None

    @property
    def client(self) -> Client:
        """Return the test client, as which the sandbox calls the hooks."""
        return sandbox_client(self._servers)

    @property
    def offered_servers(self) -> tuple[str, ...]:
        """Return the FHIR servers that a form can offer, the sample EHR first; patterns with * only match addresses."""
        return tuple(each for each in self._servers if "*" not in each)

    def allows(self, address: str) -> bool:
        """Return whether the sandbox may read the FHIR server at an address, and send it a token."""
        trusted = (ServerTrust.NAMED, ServerTrust.PUBLIC)
        return bool(usable_address(address)) and trust_of(address, "", self._servers) in trusted

    def token_for(self, address: str, given: str) -> str:
        """Return the token for the FHIR server at an address: that of the sample EHR, or the one that the user gave."""
        return self.samples.token if self.samples and address == self.samples.address else given

    @property
    def _servers(self) -> tuple[str, ...]:
        own = (self.samples.address,) if self.samples else ()
        return tuple(dict.fromkeys((*own, *self.fhir_servers)))


def attach_site(app: Flask, site: Site) -> None:
    """Make the site available to the pages of an application."""
    app.extensions[_EXTENSION] = site


def site() -> Site | None:
    """Return the site of the current application; None if it serves only the policies and the questionnaire app."""
    found: Site | None = current_app.extensions.get(_EXTENSION)
    return found


def operator_site() -> Site:
    """Return the site of the current application, for what only exists with one. Raise RuntimeError without."""
    found = site()
    if found is None:
        raise RuntimeError("there are no pages for operators")
    return found
