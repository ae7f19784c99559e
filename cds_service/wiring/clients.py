"""The registered clients that the settings name, and an authenticator for them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from cds_service.clients.access_tokens import AccessTokens
from cds_service.clients.authenticator import Authenticator, Keys
from cds_service.clients.key_cache import KeyCache, RefreshPolicy
from cds_service.clients.key_sources import keys_of
from cds_service.clients.keys import KeySet
from cds_service.clients.registry import Client, load_clients
from cds_service.clients.replay_guard import ReplayGuard
from cds_service.clients.token_requests import TOKEN_ENDPOINT, TokenEndpoint
from cds_service.observability.logging import Log
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings


class NoClientsError(Exception):
    """The settings neither register clients nor allow unauthenticated calls; the message says what to do."""


def clients_of(settings: Settings) -> tuple[Client, ...] | None:
    """Load the registered clients; return None if the settings allow unauthenticated calls.

    Raise NoClientsError, DocumentError for an invalid clients file, OSError for one that cannot be read.
    """
    if settings.allow_unauthenticated and settings.clients:
        raise NoClientsError(
            "CDS_CLIENTS registers clients, but CDS_ALLOW_UNAUTHENTICATED lets anyone call. Set only one of them."
        )
    if settings.allow_unauthenticated:
        return None
    if settings.clients is None:
        raise NoClientsError(
            "No clients are registered. Register them (cds-service clients add, CDS_CLIENTS=FILE), or allow calls "
            "without a token: --allow-unauthenticated or CDS_ALLOW_UNAUTHENTICATED=yes."
        )
    clients = load_clients(settings.clients)
    if not clients:
        raise NoClientsError(f"{settings.clients} registers no clients. Add one with `cds-service clients add`.")
    return clients


def describe_clients(clients: tuple[Client, ...] | None, settings: Settings) -> str:
    """Return a message for the log at start that says who may call."""
    if clients is None:
        return (
            "ANYONE MAY CALL: no token is required. Anyone who can reach this address can send orders, read the "
            "answers, and make the service read the FHIR servers that they name."
        )
    address = settings.public_url.rstrip("/")
    names = ", ".join(client.name for client in clients)
    return f"Clients: {names}. The aud of their tokens is the address they call, below {address} (CDS_PUBLIC_URL)."


def authenticator_of(
    clients: Iterable[Client],
    settings: Settings,
    *,
    replay_guard: ReplayGuard,
    clock: Callable[[], datetime],
    log: Log,
    monotonic: Callable[[], float] = time.monotonic,
    read: Callable[[Client], KeySet] = keys_of,
    policy: RefreshPolicy = RefreshPolicy(),  # noqa: B008
    tester: tuple[Client, Keys] | None = None,
) -> Authenticator:
    """Return an authenticator for these clients; fetch no keys yet.

    `tester` is the test client with its keys, if there is one. `read` fetches the keys of one client. `max_stale` of
    the policy comes from the settings.
    """
    policy = replace(policy, max_stale=max(settings.stale_keys_seconds, policy.refresh_after))

    def cache(client: Client) -> KeyCache:
        report = partial(log.warning, "keys not read", client=client.name)
        return KeyCache(
            partial(read, client), monotonic=monotonic, report=lambda reason: report(reason=reason), policy=policy
        )

    return Authenticator(
        [*((client, cache(client)) for client in clients), *([tester] if tester else [])],
        replay_guard,
        clock,
        skew_seconds=settings.clock_skew_seconds,
        max_lifetime_seconds=settings.longest_token_seconds,
    )


def token_endpoint_of(
    authenticator: Authenticator,
    settings: Settings,
    pseudonym: Pseudonymizer,
    *,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
) -> TokenEndpoint:
    """Return the token endpoint for the clients of an authenticator.

    The key of its access tokens follows from that of the records, which all processes of a service share.
    """
    key = bytes.fromhex(pseudonym("access tokens"))
    tokens = AccessTokens(authenticator.clients, key, public_url=settings.public_url, clock=clock, new_id=new_id)
    return TokenEndpoint(authenticator, tokens, settings.public_url.rstrip("/") + TOKEN_ENDPOINT)
