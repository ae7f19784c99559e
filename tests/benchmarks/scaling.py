"""How the CPU time of a call grows with the chart, the orders, and the opioid prescriptions."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.calls import RESOURCES, order_sign
from tests.benchmarks.in_process import InProcess, least_cpu_ms


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

STEPS = sum(len(sizes) for _, _, sizes, _ in _KINDS)
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
    return tuple(found)


def _least(service: InProcess, body: bytes, rounds: int) -> float:
    answer = service.answering(body)
    answer()
    return least_cpu_ms(answer, rounds)
