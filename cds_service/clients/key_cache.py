"""The keys of one client, kept: read again when they are old or lack the key of a token, and never in a storm.

PyJWT's own client would fail every token once its cache has run out while the key server is down, would try that server
again for each of them, and holds a lock meanwhile. Here the last good keys serve on for a bounded time, attempts have a
least distance whether they succeed or not, and a token whose key is known waits for at most one attempt in a minute.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cds_service.clients.keys import KeysError, KeySet, PublicKey


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """How often keys are read, in seconds."""

    fresh: float = 300
    """Keys of this age are read again; a key that its owner took back is refused by then."""
    stale: float = 6 * 3600
    """Keys of this age are no longer used, although they could not be read again."""
    apart: float = 10
    """The least time between two attempts."""
    apart_if_known: float = 60
    """The least time between two attempts where the keys at hand do."""
    patience: float = 2.5
    """How long a token waits for an attempt."""
    given_up: float = 30
    """An attempt of this age is forgotten and another may begin."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """How the keys of a client stand: whether they may be used, how old they are, and whether they should be newer.

    `age_seconds` is None where they were never read. Stale are keys that could not be read again when it was time.
    """

    is_usable: bool
    is_stale: bool = False
    age_seconds: float | None = None


class KeyCache:
    """Safe to use from threads. An attempt runs in a thread of its own; what it brings late still counts."""

    def __init__(
        self,
        read: Callable[[], KeySet],
        *,
        monotonic: Callable[[], float],
        report: Callable[[str], None],
        pace: RefreshPolicy,
    ) -> None:
        """`read` gets the keys from where they are, or raises KeysError; `report` is told why they could not be."""
        self._read = read
        self._monotonic = monotonic
        self._report = report
        self._pace = pace
        self._lock = threading.Lock()
        self._keys = KeySet()
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._running: threading.Event | None = None

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed a token with this header; none where there are none or none could be read."""
        found = self._held().candidate_keys(kid, algorithm)
        attempt = self._attempt(is_known=bool(found))
        if attempt is None:
            return found
        attempt.wait(self._pace.patience)
        return self._held().candidate_keys(kid, algorithm)

    def warm_up(self) -> None:
        """Begin reading the keys if it is time, so that the next token need not wait for them."""
        self._attempt(is_known=self.is_usable)

    @property
    def is_usable(self) -> bool:
        """Whether keys are held that are not too old; nothing is read."""
        return self.standing.is_usable

    @property
    def standing(self) -> KeyStatus:
        """How the keys stand; nothing is read."""
        is_usable = bool(self._held().keys)
        with self._lock:
            age = self._monotonic() - self._read_at
            return KeyStatus(is_usable, self._tried_at > self._read_at, age if math.isfinite(age) else None)

    def _held(self) -> KeySet:
        with self._lock:
            return self._keys if self._monotonic() - self._read_at < self._pace.stale else KeySet()

    def _attempt(self, *, is_known: bool) -> threading.Event | None:
        """The attempt to wait for: one begun now, or the running one for a token whose key is not known."""
        with self._lock:
            now = self._monotonic()
            since = now - self._tried_at
            if self._running is not None and since < self._pace.given_up:
                return None if is_known else self._running
            if is_known and now - self._read_at < self._pace.fresh:
                return None
            if since < (self._pace.apart_if_known if is_known else self._pace.apart):
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
