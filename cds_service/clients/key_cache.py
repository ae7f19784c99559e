"""Cache the keys of one client; refresh them when they are old or lack the key of a token, at a limited rate.

PyJWT's PyJWKClient rejects every token once its cache expires while the key server is down, asks that server again for
each token, and holds a lock meanwhile. This cache keeps using the last good keys for a bounded time, limits the rate of
attempts whether they succeed or not, and lets a token whose key is cached wait for at most one attempt a minute.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cds_service.clients.keys import KeysError, KeySet, PublicKey


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """When to fetch keys again; all values in seconds."""

    refresh_after: float = 300
    """The age at which keys are fetched again. A revoked key is rejected by then."""
    max_stale: float = 6 * 3600
    """The age at which keys are no longer used, even if they cannot be fetched again."""
    min_interval: float = 10
    """The minimum time between attempts for a token whose key is not cached."""
    min_interval_if_known: float = 60
    """The minimum time between attempts while the cached keys are enough."""
    wait: float = 2.5
    """How long a token waits for an attempt."""
    attempt_timeout: float = 30
    """The age at which a running attempt is abandoned and another one may start."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The status of a client's cached keys.

    `is_stale` means that the last attempt to refresh them failed. `age_seconds` is None if they were never fetched.
    """

    is_usable: bool
    is_stale: bool = False
    age_seconds: float | None = None


class KeyCache:
    """The cached keys of one client. Safe to use from several threads.

    Each attempt runs in a thread of its own; the cache also takes keys that arrive after `wait`.
    """

    def __init__(
        self,
        read: Callable[[], KeySet],
        *,
        monotonic: Callable[[], float],
        report: Callable[[str], None],
        policy: RefreshPolicy,
    ) -> None:
        """Use `read` to fetch the keys, which raises KeysError, and `report` to log why an attempt failed."""
        self._read = read
        self._monotonic = monotonic
        self._report = report
        self._policy = policy
        self._lock = threading.Lock()
        self._keys = KeySet()
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._running: threading.Event | None = None

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """Return the keys that may have signed a token with this `kid` and `alg`; fetch them if necessary."""
        found = self._cached().candidate_keys(kid, algorithm)
        attempt = self._attempt(is_known=bool(found))
        if attempt is None:
            return found
        attempt.wait(self._policy.wait)
        return self._cached().candidate_keys(kid, algorithm)

    def warm_up(self) -> None:
        """Start fetching the keys if a refresh is due, so that the next token does not wait."""
        self._attempt(is_known=self.status.is_usable)

    @property
    def status(self) -> KeyStatus:
        """The status of the keys in the cache; fetches nothing."""
        is_usable = bool(self._cached().keys)
        with self._lock:
            age = self._monotonic() - self._read_at
            return KeyStatus(is_usable, self._tried_at > self._read_at, age if math.isfinite(age) else None)

    def _cached(self) -> KeySet:
        with self._lock:
            return self._keys if self._monotonic() - self._read_at < self._policy.max_stale else KeySet()

    def _attempt(self, *, is_known: bool) -> threading.Event | None:
        """Return the attempt to wait for: a new one, or for a token whose key is not cached the running one."""
        with self._lock:
            now = self._monotonic()
            since = now - self._tried_at
            if self._running is not None and since < self._policy.attempt_timeout:
                return None if is_known else self._running
            if is_known and now - self._read_at < self._policy.refresh_after:
                return None
            if since < (self._policy.min_interval_if_known if is_known else self._policy.min_interval):
                return None
            self._tried_at = now
            self._running = attempt = threading.Event()
        threading.Thread(target=self._run, args=(attempt, now), name="keys of a client", daemon=True).start()
        return attempt

    def _run(self, attempt: threading.Event, begun: float) -> None:
        keys, failure = None, ""
        try:
            keys = self._read()
        except KeysError as error:
            failure = str(error)
        except Exception as error:
            failure = f"reading them failed ({type(error).__name__})"
        with self._lock:
            if self._running is attempt:
                self._running = None
                if keys is not None:
                    self._keys, self._read_at = keys, begun
        attempt.set()
        if failure:
            self._report(failure)
