"""The pages for operators behind a login, as the settings name them."""

from collections.abc import Callable, Iterable
from datetime import datetime

from cds_service.clients.registry import Client
from cds_service.clients.sandbox import SandboxKey
from cds_service.cookie_sessions import SealedSessions
from cds_service.fhir_client.addresses import is_protected
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.login.login import CALLBACK, Login
from cds_service.login.provider import Provider, Registration
from cds_service.login.sessions import LoginSessions
from cds_service.observability.logging import Log
from cds_service.settings import Settings
from cds_service.web.site import Site


class NoLoginError(Exception):
    """The settings turn the pages for operators on, and do not say how operators sign in; the message says what to do.

    It holds no secret.
    """


def registration_of(settings: Settings) -> Registration | None:
    """Return how the service is registered with the identity provider; None if the pages for operators are off.

    Raise NoLoginError if a setting is missing, or if browsers would send the cookie of a session unencrypted.
    """
    if not settings.operator_pages:
        return None
    issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    if not issuer or not client_id or not secret:
        given = {"CDS_OIDC_ISSUER": issuer, "CDS_OIDC_CLIENT_ID": client_id, "CDS_OIDC_CLIENT_SECRET": secret}
        missing = ", ".join(name for name, value in given.items() if not value)
        raise NoLoginError(
            f"CDS_OPERATOR_PAGES is on, and operators cannot sign in. Set {missing}, or turn the pages off "
            "(docs/pages.md)."
        )
    if not is_protected(settings.public_url):
        raise NoLoginError(
            "The login of operators needs https: set CDS_PUBLIC_URL to the https address at which browsers reach the "
            "service."
        )
    if not is_protected(issuer):
        raise NoLoginError("CDS_OIDC_ISSUER must be https; plain http is for an identity provider on this machine.")
    return Registration(
        issuer=issuer,
        client_id=client_id,
        redirect_uri=f"{settings.public_url.rstrip('/')}{CALLBACK}",
        claim=settings.operator_claim,
        client_secret=secret.get_secret_value(),
    )


def operator_site(
    registration: Registration,
    settings: Settings,
    clients: Iterable[Client],
    *,
    sessions: SealedSessions,
    key: SandboxKey | None,
    clock: Callable[[], datetime],
    log: Log,
) -> Site:
    """Return the pages for operators of one process.

    `clients` are the registered ones, whose FHIR servers the sandbox may read beside those of the settings. `key` is
    None where the service asks no client for a token.
    """
    provider = Provider(
        registration,
        requests_to=FhirClients(settings, warn=log.warning).requests_to,
        new_deadline=lambda: Deadline(settings.call_timeout_seconds),
        clock=clock,
    )
    servers = (*settings.fhir_servers, *(server for client in clients for server in client.fhir_servers))
    login = Login(provider, LoginSessions(sessions, clock), settings.operator_values)
    return Site(login=login, fhir_servers=servers, key=key)


def describe_operators(settings: Settings) -> str:
    """Return a message for the log at start that says who may open the pages for operators."""
    who = f"whose {settings.operator_claim} has one of CDS_OPERATOR_VALUES"
    if not settings.operator_values:
        who = "without exception: set CDS_OPERATOR_CLAIM and CDS_OPERATOR_VALUES unless it signs in operators only"
    return f"Operators are the users of {settings.oidc_issuer} {who}."
