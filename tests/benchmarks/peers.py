"""HealthChain beside the service: all answer the same call in turn."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.calls import PATH, http_request, order_sign
from tests.benchmarks.load import Clients, Load
from tests.benchmarks.packages import HEALTHCHAIN, NotInstalledError, healthchain_python
from tests.benchmarks.processes import ROOT, Server, program

_WARM_UP = 20
_ITS_MODULE = {"PYTHONPATH": str(Path(__file__).parent)}
_NAME = HEALTHCHAIN.replace("healthchain==", "HealthChain ")


@dataclass(slots=True)
class Peer:
    """The calls of one server, and the CPU time of each."""

    name: str
    load: Load = field(default_factory=Load)
    cpu_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Peers:
    """Every server that was called; `missing` says why HealthChain was not, empty if it was."""

    peers: tuple[Peer, ...]
    missing: str = ""


def measure(folder: Path, settings: Mapping[str, str], rounds: int) -> Peers:
    """Call each server once in each round, over a connection of its own."""
    try:
        python = healthchain_python()
    except NotInstalledError as error:
        return Peers((), str(error))
    uvicorn = [str(python), "-m", "uvicorn", "healthchain_service:app", "--host", "127.0.0.1", "--port", "{port}"]
    body = order_sign()
    planned = (
        (Peer("this service: judges each criterion, decision on disk"), PATH, program("service"), settings, ROOT),
        (Peer(f"{_NAME}: counts the resources"), "/plain/cds-services/count", uvicorn, _ITS_MODULE, folder),
        (
            Peer(f"{_NAME}: makes its FHIR models of the resources, counts them"),
            "/models/cds-services/count",
            uvicorn,
            _ITS_MODULE,
            folder,
        ),
    )
    with ExitStack() as stack:
        calling = []
        for peer, path, command, environment, cwd in planned:
            server = stack.enter_context(Server(command, folder, environment, cwd))
            request = http_request(body, path)
            server.until_answered(request)
            calling.append((peer, server, stack.enter_context(Clients(server.port, request))))
        for _ in range(_WARM_UP):
            for _, _, clients in calling:
                clients.run(1)
        before = [server.cpu_seconds() for _, server, _ in calling]
        for _ in range(rounds):
            for peer, _, clients in calling:
                peer.load.add(clients.run(1))
        for (peer, server, _), begun in zip(calling, before, strict=True):
            peer.cpu_ms = (server.cpu_seconds() - begun) / rounds * 1000
    return Peers(tuple(peer for peer, _, _ in calling))
