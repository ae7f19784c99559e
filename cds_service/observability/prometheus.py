"""Metrics for Prometheus, in a registry of their own; shared by the processes of one service where they have a folder.

Import this only after `shared_folder` was entered: the library decides when it is imported whether processes share.
"""

from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from fhir_mappings.record import Availability

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)


class PrometheusMetrics:
    """Counts in this process; within `shared_folder`, together with its other processes."""

    def __init__(self) -> None:
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
        self._refused = Counter(
            "cds_clients_refused", "Calls answered 401, by what was wrong with the token.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._left_alone = Gauge(
            "cds_fhir_circuits_open",
            "FHIR servers that failed and have not answered since, in the process that knows of most.",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def answered(self, hook: str, outcome: str, seconds: float) -> None:
        """A call of a hook, or feedback, was answered after so long."""
        self._calls.labels(hook, outcome).observe(seconds)

    def searched(self, resource_type: str, result: Availability) -> None:
        """A FHIR search or read came to its end."""
        self._queries.labels(resource_type, result.value).inc()

    def shown(self, policy: str, indicator: str) -> None:
        """A card was shown."""
        self._cards.labels(policy, indicator).inc()

    def overridden(self, policy: str, reason: str) -> None:
        """A card was overridden."""
        self._overrides.labels(policy, reason).inc()

    def refused(self, reason: str) -> None:
        """A client was refused."""
        self._refused.labels(reason).inc()

    def circuits_open(self, servers: int) -> None:
        """So many FHIR servers are left alone for a while."""
        self._left_alone.set(servers)

    def exposition(self) -> bytes:
        """What this process counted, in Prometheus' text format."""
        return generate_latest(self._registry)


def exposition_of(folder: Path) -> Callable[[], bytes]:
    """What all processes counted that share a folder, in Prometheus' text format, read when it is asked for."""

    def exposition() -> bytes:
        together = CollectorRegistry()
        MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
        return generate_latest(together)

    return exposition


def expose(app: Flask, exposition: Callable[[], bytes]) -> None:
    """Serve metrics at /metrics. No token is asked for there: keep that address inside."""

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)
