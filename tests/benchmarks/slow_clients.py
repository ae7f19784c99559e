"""How long a health check and a hook call take while slow clients hold connections open.

    .venv/bin/python tests/benchmarks/slow_clients.py [CONNECTIONS]

Starts `cds-service serve` on the loopback interface with its default processes and threads, and prints the median and
the worst of twenty health checks and of twenty hook calls, in milliseconds: without slow clients, and with 200 (or
CONNECTIONS) of each kind. A request that takes over five seconds counts as failed; after three of those the row ends.
"""

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.hook_fakes import PATIENT, call
from tests.support.served_process import ServedProcess
from tests.support.slow_clients import KINDS, SlowClients

BODY = call(prefetch={"patient": PATIENT, "coverage": None})
REQUESTS = 20
MOST_FAILURES = 3
TIMEOUT = 5.0
NO_CLIENTS = "none"


def timed(method: str, address: str, body: dict[str, Any] | None) -> str:
    """The median and the worst duration of a request, and how many failed."""
    seconds: list[float] = []
    failures = 0
    while len(seconds) < REQUESTS and failures < MOST_FAILURES:
        start = time.monotonic()
        try:
            requests.request(method, address, json=body, timeout=TIMEOUT).raise_for_status()
            seconds.append(time.monotonic() - start)
        except requests.RequestException:
            failures += 1
    if not seconds:
        return f"all {failures} failed"
    figures = f"{statistics.median(seconds) * 1000:5.0f} {max(seconds) * 1000:6.0f}"
    return f"{figures} ({failures} failed)" if failures else figures


def main(connections: int) -> None:
    """Print the table."""
    print(f"{connections} connections, ms: median and worst of {REQUESTS}")
    print(f"{'slow clients':<26} {'/health/live':<24} hook call")
    for kind in (NO_CLIENTS, *KINDS):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            served = ServedProcess(Path(folder), CDS_THREADS="32").until_ready()
            stack.callback(served.stop)
            if kind != NO_CLIENTS:
                stack.enter_context(SlowClients(served.port, kind, connections))
            health = timed("GET", f"{served.address}/health/live", None)
            calls = timed("POST", f"{served.address}/cds-services/coverage-order-sign", BODY)
            print(f"{kind:<26} {health:<24} {calls}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
