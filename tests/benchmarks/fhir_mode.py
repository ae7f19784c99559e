"""Calls without prefetch: the time of a call as a multiple of its slowest query, and how many queries it makes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.benchmarks.calls import http_request, without_prefetch
from tests.benchmarks.load import Clients, Load
from tests.benchmarks.processes import Server, program
from tests.benchmarks.stub_fhir import BASE, QUERIES

DELAYS_MS = (50, 300)
_WARM_UP = 3
_STUB = [sys.executable, "-m", "tests.benchmarks.stub_fhir", "{port}"]


@dataclass(frozen=True, slots=True)
class Queried:
    """The calls while every query takes `delay_ms`, how many queries each made, and its CPU time."""

    delay_ms: int
    load: Load
    queries: float
    cpu_ms: float

    @property
    def multiple(self) -> float:
        """The median of a call as a multiple of the time of a query."""
        return self.load.ms(50) / self.delay_ms


def measure(folder: Path, settings: Mapping[str, str], calls: int) -> tuple[Queried, ...]:
    """Make calls one after another, for each time that a query takes."""
    settings = {**settings, "CDS_FHIR_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with Server(program("service"), folder, settings) as service:
        return tuple(_queried(service, folder, delay, calls) for delay in DELAYS_MS)


def _queried(service: Server, folder: Path, delay_ms: int, calls: int) -> Queried:
    with Server([*_STUB, str(delay_ms)], folder) as stub:
        address = f"http://127.0.0.1:{stub.port}"
        request = http_request(without_prefetch(f"{address}{BASE}"))
        stub.until_listening()
        service.until_answered(request)
        with Clients(service.port, request) as clients:
            clients.run(_WARM_UP)
            queries, cpu = _queries(address), service.cpu_seconds()
            load = clients.run(calls)
            return Queried(
                delay_ms,
                load,
                (_queries(address) - queries) / calls,
                (service.cpu_seconds() - cpu) / calls * 1000,
            )


def _queries(address: str) -> int:
    return int(requests.get(f"{address}{QUERIES}", timeout=10).json())
