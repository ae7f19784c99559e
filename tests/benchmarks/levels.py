"""Concurrency, memory, and the start of the service with the decision on disk."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.calls import http_request, order_sign
from tests.benchmarks.load import Clients, Load
from tests.benchmarks.processes import Server, program

CALLS = 5000
LEVELS = {1: 400, 8: 1200, 32: 1600}
"""How many calls are made over so many connections."""
_REST_AT = 8
_PARTS = 4
STEPS = len(LEVELS) + _PARTS
"""How often `measure` reports progress."""
_COMMAND = [
    *(sys.executable, "-c", "import sys; from cds_service.cli.main import main; main(sys.argv[1:])"),
    *("serve", "--port", "{port}", "--allow-unauthenticated"),
]


@dataclass(frozen=True, slots=True)
class Levels:
    """The calls at each number of connections, and the memory of a worker in MiB at the start and after all calls."""

    by_connections: Mapping[int, Load]
    mib_at_start: float
    mib_after: float
    calls: int


def measure(folder: Path, settings: Mapping[str, str], share: float, advance: Callable[[], None]) -> Levels:
    """Make a share of 5,000 calls, at each level and then at 8 connections."""
    request = http_request(order_sign())
    calls = round(CALLS * share)
    found = {}
    with Server(program("service"), folder, settings) as server:
        server.until_answered(request)
        at_start = server.resident_mib()
        for connections, planned in LEVELS.items():
            with Clients(server.port, request, connections) as clients:
                clients.run(connections)
                found[connections] = clients.run(round(planned * share))
            advance()
        left = calls - sum(round(planned * share) for planned in LEVELS.values())
        for _ in range(_PARTS):
            with Clients(server.port, request, _REST_AT) as clients:
                clients.run(left // _PARTS)
            advance()
        return Levels(found, at_start, server.resident_mib(), calls)


def seconds_to_first_answer(folder: Path, settings: Mapping[str, str], starts: int) -> float:
    """The least time of some starts, from executing `cds-service serve` to the first answer to a hook call."""
    request = http_request(order_sign())
    found = []
    for _ in range(starts):
        with Server(_COMMAND, folder, settings) as server:
            found.append(server.until_answered(request))
    return min(found)
