"""Circuit breakers for FHIR servers: after several failed calls in a row, a server is not queried for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MAX_SERVERS = 1000


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class CircuitBreakers:
    """One circuit breaker per FHIR server, within one process.

    The circuit opens for `seconds` after `failures` calls in a row in which the server never answered. Then one trial
    call is let through, and the circuit closes when the server answers. Thread-safe.
    """

    def __init__(
        self,
        *,
        failures: int,
        seconds: float,
        monotonic: Callable[[], float],
        on_change: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Create closed circuits; `on_change` receives the number of open and half-open ones when it may change."""
        self._failures = failures
        self._seconds = seconds
        self._monotonic = monotonic
        self._on_change = on_change
        self._lock = threading.Lock()
        self._circuits: OrderedDict[str, _Circuit] = OrderedDict()

    def allows(self, server: str) -> bool:
        """Return False while the circuit is open. After the cool-down, one trial call is let through."""
        with self._lock:
            circuit = self._circuits.get(server)
            if circuit is None or not circuit.open_until:
                return True
            if self._monotonic() < circuit.open_until:
                return False
            circuit.open_until = self._monotonic() + self._seconds
            return True

    def answered(self, server: str) -> None:
        """Close the circuit of a server that answered, and reset its failures."""
        with self._lock:
            if self._circuits.pop(server, None):
                self._notify()

    def failed(self, server: str) -> None:
        """Count a call that got no answer from a server; report each call once."""
        with self._lock:
            circuit = self._circuit(server)
            circuit.failures += 1
            if circuit.failures >= self._failures:
                circuit.open_until = self._monotonic() + self._seconds
                self._notify()

    def retry_after(self, server: str, seconds: float) -> None:
        """Open the circuit for the `Retry-After` seconds of a server, but no longer than after failures."""
        with self._lock:
            self._circuit(server).open_until = self._monotonic() + min(seconds, self._seconds)
            self._notify()

    def _notify(self) -> None:
        self._on_change(sum(1 for circuit in self._circuits.values() if circuit.open_until))

    def _circuit(self, server: str) -> _Circuit:
        circuit = self._circuits.setdefault(server, _Circuit())
        self._circuits.move_to_end(server)
        if len(self._circuits) > _MAX_SERVERS:
            self._circuits.popitem(last=False)
        return circuit
