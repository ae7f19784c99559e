"""How the CPU time of a call grows with the chart, the orders, the opioid prescriptions, and the policies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from coverage_policies.format.library import load_library
from tests.benchmarks.calls import RESOURCES, order_sign
from tests.benchmarks.in_process import InProcess, least_cpu_ms
from tests.benchmarks.thousand_policies import generate


@dataclass(frozen=True, slots=True)
class Growth:
    """The CPU time of a call in milliseconds at several sizes of one thing; `name` is also that of the picture."""

    name: str
    unit: str
    points: tuple[tuple[int, float], ...]


_BEYOND_THE_OPIOIDS = 20
_KINDS: tuple[tuple[str, str, tuple[int, ...], Callable[[int], bytes]], ...] = (
    ("resources", "resource in the chart", (100, 1000, 2500, 4990), lambda n: order_sign(resources=n)),
    ("orders", "order", (1, 10, 25, 50), lambda n: order_sign(orders=n)),
    (
        "opioids",
        "opioid prescription",
        (10, 100, 250, 500),
        lambda n: order_sign(opioids=n, resources=max(RESOURCES, n + _BEYOND_THE_OPIOIDS)),
    ),
)

STEPS = sum(len(sizes) for _, _, sizes, _ in _KINDS) + 1
"""How often `measure` reports progress."""


def measure(rounds: int, advance: Callable[[], None]) -> tuple[Growth, ...]:
    """Measure each kind of growth, the least of some rounds at each size."""
    with InProcess() as service:
        found = []
        for name, unit, sizes, make in _KINDS:
            points = []
            for size in sizes:
                points.append((size, _least(service, make(size), rounds)))
                advance()
            found.append(Growth(name, unit, tuple(points)))
    found.append(Growth("policies", "installed policy revision", tuple(_by_policies(rounds))))
    advance()
    return tuple(found)


def _by_policies(rounds: int) -> Iterator[tuple[int, float]]:
    """The same call with the policies of the service, and with a thousand more that are about other orders."""
    with TemporaryDirectory() as name:
        generate(Path(name))
        body = order_sign()
        for library in (load_library(), load_library([Path(name)])):
            with InProcess(library) as service:
                yield len(library.policies), _least(service, body, 4 * rounds)


def _least(service: InProcess, body: bytes, rounds: int) -> float:
    answer = service.answering(body)
    answer()
    return least_cpu_ms(answer, rounds)
