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
    pace: Pace | None = None,
) -> Authenticator:
    """Knows these callers; nothing is read yet. `pace` says how often keys are read, unless it is the usual one."""
    pace = pace or replace(Pace(), stale=max(settings.stale_keys_seconds, Pace().fresh))

    def cache(caller: Caller) -> KeyCache:
        report = partial(log.warn, "keys not read", caller=caller.name)
        return KeyCache(
            partial(keys_of, caller), monotonic=monotonic, report=lambda reason: report(reason=reason), pace=pace
        )

    return Authenticator(
        [(caller, cache(caller)) for caller in callers],
        nonces,
        clock,
        skew_seconds=settings.clock_skew_seconds,
        longest_seconds=settings.longest_token_seconds,
    )
