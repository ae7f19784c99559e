"""Who may call as the settings say, and an authenticator that knows them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.key_cache import KeyCache, Pace
from cds_service.clients.key_sources import keys_of
from cds_service.clients.keys import KeySet
from cds_service.clients.registry import Caller, load_callers
from cds_service.clients.replay_guard import Nonces
from cds_service.observability.call_log import CallLog
from cds_service.settings import Settings


class NobodyMayCallError(Exception):
    """The settings do not say who may call; the message says what to do."""


def callers_of(settings: Settings) -> tuple[Caller, ...] | None:
    """The registered callers; None where anyone may call, which the settings must say.

    Raises NobodyMayCallError, DocumentError for a file that is wrong, OSError for one that cannot be read.
    """
    if settings.allow_anyone and settings.callers:
        raise NobodyMayCallError(
            "CDS_CALLERS says who may call, and CDS_ALLOW_ANYONE that anyone may; keep one of them"
        )
    if settings.allow_anyone:
        return None
    if settings.callers is None:
        raise NobodyMayCallError(
            "no callers are registered, so nobody may call. Register them (cds-service callers add, CDS_CALLERS=FILE), "
            "or say that anyone may call, without a token: --allow-anyone or CDS_ALLOW_ANYONE=yes"
        )
    callers = load_callers(settings.callers)
    if not callers:
        raise NobodyMayCallError(f"{settings.callers} registers no caller; add one with cds-service callers add")
    return callers


def who_may_call(callers: tuple[Caller, ...] | None, settings: Settings) -> str:
    """What the operator should know at start, in a sentence."""
    if callers is None:
        return (
            "ANYONE MAY CALL: no token is asked for. Whoever reaches this address can send orders, read the answers, "
            "and make the service read the FHIR servers they name."
        )
    address = settings.public_url.rstrip("/")
    names = ", ".join(caller.name for caller in callers)
    return f"Callers: {names}. The aud of their tokens is the address they call, below {address} (CDS_PUBLIC_URL)."


def authenticator_of(
    callers: Iterable[Caller],
    settings: Settings,
    *,
    nonces: Nonces,
    clock: Callable[[], datetime],
    log: CallLog,
    monotonic: Callable[[], float] = time.monotonic,
    read: Callable[[Caller], KeySet] = keys_of,
    pace: Pace = Pace(),  # noqa: B008
) -> Authenticator:
    """Knows these callers; nothing is read yet.

    `read` gets the keys of one from where they are, at the `pace` given but for the time that the settings state.
    """
    pace = replace(pace, stale=max(settings.stale_keys_seconds, pace.fresh))

    def cache(caller: Caller) -> KeyCache:
        report = partial(log.warn, "keys not read", caller=caller.name)
        return KeyCache(
            partial(read, caller), monotonic=monotonic, report=lambda reason: report(reason=reason), pace=pace
        )

    return Authenticator(
        [(caller, cache(caller)) for caller in callers],
        nonces,
        clock,
        skew_seconds=settings.clock_skew_seconds,
        longest_seconds=settings.longest_token_seconds,
    )
