"""Which FHIR servers are left alone for a while, after calls to them failed one after the other."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_SERVERS = 1000


@dataclass(slots=True)
class _Known:
    failures: int = 0
    until: float = 0.0


class CircuitBreakers:
    """Counts failed calls per server, within one process.

    After `failures` calls in a row to which a server gave no answer at all, it is left alone for `seconds`; then one
    call tries it again, and the others follow once it has answered. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        failures: int,
        seconds: float,
        monotonic: Callable[[], float],
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`watch` hears how many servers are left alone or have not answered since, when that may have changed."""
        self._failures = failures
        self._seconds = seconds
        self._monotonic = monotonic
        self._watch = watch
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def may_ask(self, server: str) -> bool:
        """Whether a call may read this server now; the first one after a rest may, and speaks for the others."""
        with self._lock:
            known = self._known.get(server)
            if known is None or not known.until:
                return True
            if self._monotonic() < known.until:
                return False
            known.until = self._monotonic() + self._seconds
            return True

    def answered(self, server: str) -> None:
        """A server answered: whatever was held against it is forgotten."""
        with self._lock:
            if self._known.pop(server, None):
                self._count()

    def failed(self, server: str) -> None:
        """A call had no answer from a server so far; told once per call."""
        with self._lock:
            known = self._of(server)
            known.failures += 1
            if known.failures >= self._failures:
                known.until = self._monotonic() + self._seconds
                self._count()

    def asked_for_rest(self, server: str, seconds: float) -> None:
        """A server asks to be left alone for so long; it is, though never for longer than after failures."""
        with self._lock:
            self._of(server).until = self._monotonic() + min(seconds, self._seconds)
            self._count()

    def _count(self) -> None:
        self._watch(sum(1 for known in self._known.values() if known.until))

    def _of(self, server: str) -> _Known:
        known = self._known.setdefault(server, _Known())
        self._known.move_to_end(server)
        if len(self._known) > _MOST_SERVERS:
            self._known.popitem(last=False)
        return known
