"""The services that route handlers use, attached to the Flask application."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask import Flask, current_app

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.token_requests import TokenEndpoint
from cds_service.crd.records_protocol import CrdRecords
from cds_service.dtr.service import FormService
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.review import ReviewLimits
from cds_service.hooks.turns import Turns
from cds_service.http.readiness import Check
from cds_service.observability.logging import Log
from cds_service.observability.metrics import Metrics
from cds_service.records.protocol import Records
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from cds_service.smart.app import SmartApp
from coverage_policies.judging.assessment import Assessor

_EXTENSION = "cds_service"


@dataclass(frozen=True, slots=True)
class Services:
    """The services that route handlers use. All are thread-safe.

    `clock` gives the time of a call with its zone, `monotonic` the seconds of a monotonic clock, and `new_id` an id for
    each call. `pseudonym` makes the keyed hashes behind the ids of cards. `override_codes` are the reasons that cards
    offer, `turns` are those of the calls of this process, and `forms` serves forms to DTR clients. `authenticator` is
    None if the service allows unauthenticated calls, and so is `token_endpoint`; `smart` is None if no EHR may launch
    the questionnaire app. `browser_pages` are the blueprints for browsers, which have no client's token.
    """

    settings: Settings
    assessor: Assessor
    records: Records
    crd_records: CrdRecords
    log: Log
    metrics: Metrics
    open_fhir_server: FhirOpener
    authenticator: Authenticator | None
    token_endpoint: TokenEndpoint | None
    checks: Iterable[Check]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[], str]
    pseudonym: Pseudonymizer
    override_codes: frozenset[str]
    turns: Turns
    forms: FormService
    smart: SmartApp | None = None
    browser_pages: frozenset[str] = frozenset()

    @property
    def limits(self) -> ReviewLimits:
        """Return the limits for the review of a call."""
        return ReviewLimits.of(self.settings)

    @property
    def today(self) -> date:
        """Return the local day."""
        return self.clock().astimezone(self.settings.time_zone).date()


def attach(app: Flask, services: Services) -> None:
    """Make the services available to the handlers of an application."""
    app.extensions[_EXTENSION] = services


def services() -> Services:
    """Return the services of the current application."""
    found: Services = current_app.extensions[_EXTENSION]
    return found
