"""An authenticator from what the operator registered."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from cds_service.call_log import CallLog
from cds_service.callers.authenticator import Authenticator
from cds_service.callers.key_cache import KeyCache, Pace
from cds_service.callers.key_sources import keys_of
from cds_service.callers.keys import KeySet
from cds_service.callers.nonces import Nonces
from cds_service.callers.registered import Caller
from cds_service.settings import Settings


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
