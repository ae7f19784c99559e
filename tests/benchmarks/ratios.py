"""How long an order-sign call takes, as a ratio to the least that any answer to it must do on the same web server."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.calls import http_request, order_sign
from tests.benchmarks.load import Clients, Load
from tests.benchmarks.packages import NotInstalledError, orjson_folder
from tests.benchmarks.processes import ROOT, Server, program

FLOOR = "floor"
ORJSON_FLOOR = "orjson-floor"
UNRECORDED = "unrecorded"
RECORDED = "service"
CONNECTIONS = 32
_WARM_UP = 20


@dataclass(slots=True)
class Timing:
    """One server: its calls at one connection and at many, and the CPU time of a call at one."""

    one: Load = field(default_factory=Load)
    many: Load = field(default_factory=Load)
    cpu_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Ratios:
    """Every server by name, the size of the call, and why there is no floor with orjson, if there is none."""

    timings: Mapping[str, Timing]
    body_bytes: int
    no_orjson: str = ""

    def ratio(self, name: str, floor: str = FLOOR) -> float:
        """How many times the median of the floor the median of a server is, at one connection."""
        return self.timings[name].one.ms(50) / self.timings[floor].one.ms(50)

    def ratio_at_many(self, name: str, floor: str = FLOOR) -> float:
        """The same at many connections."""
        return self.timings[name].many.ms(50) / self.timings[floor].many.ms(50)


def measure(folder: Path, settings: Mapping[str, str], rounds: int, bursts: int, advance: Callable[[], None]) -> Ratios:
    """Call all servers in turn: once each over one connection, then in bursts over many."""
    body = order_sign()
    request = http_request(body)
    paths, no_orjson = _environments(settings)
    timings = {name: Timing() for name in paths}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Server(program(name), folder, environment)) for name, environment in paths.items()
        }
        for server in servers.values():
            server.until_answered(request)
            with Clients(server.port, request, CONNECTIONS) as clients:
                clients.run(2 * CONNECTIONS)
        advance()
        _over_one_connection(servers, request, timings, rounds)
        advance()
        for _ in range(bursts):
            for name, server in servers.items():
                with Clients(server.port, request, CONNECTIONS) as clients:
                    timings[name].many.add(clients.run(4 * CONNECTIONS))
            advance()
    return Ratios(timings, len(body), no_orjson)


def _over_one_connection(
    servers: Mapping[str, Server], request: bytes, timings: Mapping[str, Timing], rounds: int
) -> None:
    with ExitStack() as stack:
        clients = {name: stack.enter_context(Clients(server.port, request)) for name, server in servers.items()}
        for _ in range(_WARM_UP):
            for each in clients.values():
                each.run(1)
        before = {name: server.cpu_seconds() for name, server in servers.items()}
        for _ in range(rounds):
            for name, each in clients.items():
                timings[name].one.add(each.run(1))
        for name, server in servers.items():
            timings[name].cpu_ms = (server.cpu_seconds() - before[name]) / rounds * 1000


def _environments(settings: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], str]:
    """The environment of each server, and why there is no server with orjson."""
    found = {name: dict(settings) for name in (FLOOR, UNRECORDED, RECORDED)}
    try:
        found[ORJSON_FLOOR] = {**settings, "PYTHONPATH": f"{ROOT}{os.pathsep}{orjson_folder()}"}
    except NotInstalledError as error:
        return found, str(error)
    return found, ""
