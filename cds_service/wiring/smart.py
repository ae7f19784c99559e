"""Assemble the questionnaire app from the clients that register it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cds_service.clients.registry import Client
from cds_service.cookie_sessions import SealedSessions
from cds_service.fhir_client.addresses import is_protected
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.review import ReviewLimits
from cds_service.records.order_keys import order_keys
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from cds_service.smart.app import CALLBACK, SmartApp
from cds_service.smart.forms import Forms
from cds_service.smart.launch_context import ContextKey
from cds_service.smart.launches import Launches, SmartClient
from cds_service.smart.responses import Responses
from cds_service.smart.sessions import Sessions
from cds_service.wiring.clients import NoClientsError
from coverage_policies.judging.assessment import Assessor


@dataclass(frozen=True, slots=True)
class SmartClients:
    """The EHRs that may launch the questionnaire app, and where its sessions are kept."""

    clients: Sequence[SmartClient]
    sessions: SealedSessions


def smart_clients_of(clients: Iterable[Client], settings: Settings) -> tuple[SmartClient, ...]:
    """Return the clients that register the app, each with its secret.

    Raise NoClientsError if a secret cannot be read, or if browsers would not send the cookie of a session to the public
    address: they send it over https, and over http to this machine only.
    """
    found = tuple(
        SmartClient(each.name, each.smart, each.fhir_servers, _secret(each)) for each in clients if each.smart
    )
    if found and not is_protected(settings.public_url):
        raise NoClientsError(
            f"The client {found[0].name} registers the questionnaire app (smart), which needs https: set "
            "CDS_PUBLIC_URL to the https address at which browsers reach the service."
        )
    return found


def smart_app(
    registered: SmartClients,
    settings: Settings,
    assessor: Assessor,
    pseudonym: Pseudonymizer,
    *,
    http: FhirClients,
    open_fhir_server: FhirOpener,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> SmartApp:
    """Return the app. `http` sends its own requests; `open_fhir_server` opens the source of a chart."""
    address = settings.public_url.rstrip("/")

    def new_deadline() -> Deadline:
        return Deadline(settings.call_timeout_seconds, monotonic)

    sessions = Sessions(registered.sessions, clock)
    contexts = ContextKey(bytes.fromhex(pseudonym("launch context", "1") + pseudonym("launch context", "2")))
    return SmartApp(
        address=address,
        launches=Launches(
            registered.clients,
            sessions,
            contexts,
            redirect_uri=f"{address}{CALLBACK}",
            requests_to=http.requests_to,
            new_deadline=new_deadline,
            clock=clock,
        ),
        sessions=sessions,
        contexts=contexts,
        forms=Forms(
            assessor,
            ReviewLimits.of(settings),
            open_fhir_server=open_fhir_server,
            order_keys=partial(order_keys, pseudonym),
            max_orders=settings.max_orders,
            clock=clock,
            monotonic=monotonic,
        ),
        responses=Responses(http.requests_to, new_deadline),
    )


def _secret(client: Client) -> str:
    if client.smart is None or client.smart.secret_file is None:
        return ""
    try:
        secret = client.smart.secret_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise NoClientsError(f"{client.name}: its secret_file cannot be read ({type(error).__name__}).") from None
    if not secret:
        raise NoClientsError(f"{client.name}: its secret_file is empty.")
    return secret
