"""Metrics for Prometheus. Every label has one of a few values, all known before any call comes in."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from fhir_mappings.record import Availability

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)
_OUTCOME_OF_STATUS = {401: "unauthenticated", 412: "no-data", 503: "unavailable"}


class Metrics:
    """Counts in this process, or together with the other processes that share a folder.

    Safe to use from several threads. `folder` is that of `shared_folder`, whose context must be entered before this
    module is imported.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and values.ValueClass is values.MutexValue:
            raise RuntimeError("prometheus_client was imported before the context of shared_folder was entered")
        self._folder = folder
        self._registry = registry = CollectorRegistry()
        self._calls = Histogram(
            "cds_call_seconds", "Calls answered, by hook and outcome.", ["hook", "outcome"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._queries = Counter(
            "cds_fhir_queries", "FHIR searches and reads, by resource type and result.", ["resource_type", "result"],
            registry=registry,
        )  # fmt: skip
        self._cards = Counter(
            "cds_cards", "Cards shown, by policy and indicator.", ["policy", "indicator"], registry=registry
        )
        self._overrides = Counter(
            "cds_overrides", "Cards overridden, by policy and reason.", ["policy", "reason"], registry=registry
        )
        self._rejected_tokens = Counter(
            "cds_clients_refused", "Calls answered 401, by what was wrong with the token.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._unavailable = Counter(
            "cds_unavailable", "Requests answered 503, because the database failed.", registry=registry
        )
        self._open_circuits = Gauge(
            "cds_fhir_circuits_open",
            "FHIR servers whose circuit is open, in the process that knows of most.",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def count_call(self, hook: str, outcome: str, seconds: float) -> None:
        """Count a call of a hook, or feedback, and its duration; `outcome` is that of `outcome_of`."""
        self._calls.labels(hook, outcome).observe(seconds)

    def count_query(self, resource_type: str, result: Availability) -> None:
        """Count a FHIR search or read that ended."""
        self._queries.labels(resource_type, result.value).inc()

    def count_card(self, policy: str, indicator: str) -> None:
        """Count a card that was shown."""
        self._cards.labels(policy, indicator).inc()

    def count_override(self, policy: str, reason: str) -> None:
        """Count a card that was overridden."""
        self._overrides.labels(policy, reason).inc()

    def count_rejected_token(self, reason: str) -> None:
        """Count a call that was answered 401."""
        self._rejected_tokens.labels(reason).inc()

    def count_unavailable(self) -> None:
        """Count a request that was answered 503, because the database failed."""
        self._unavailable.inc()

    def set_open_circuits(self, servers: int) -> None:
        """Set the number of FHIR servers whose circuit is open."""
        self._open_circuits.set(servers)

    def exposition(self) -> bytes:
        """Return what this process, or all processes that share the folder, counted, in Prometheus' text format."""
        if self._folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(together)


def forget_process(folder: Path, pid: int) -> None:
    """Drop the gauges of a process that ended; its counters stay."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def outcome_of(status: int, cards: int) -> str:
    """Return the outcome of a call in one word, from its HTTP status and the number of its cards."""
    if status == 200:
        return "cards" if cards else "no-cards"
    return _OUTCOME_OF_STATUS.get(status, "failed" if status >= 500 else "refused")
