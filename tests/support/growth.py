"""How work grows with its input: CPU time at one size and at four times the size."""

import gc
import json
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]
_ROUNDS = 2
_TRIES = 3
_MOST = 9.0
"""Work that is linear takes 4 times as long at four times the size, quadratic work 16 times."""
_NOISE_SECONDS = 0.02
_CONTROL_ITEMS = 50_000


def seconds(work: Work) -> float:
    """Return the least CPU time of this thread of several rounds.

    The garbage of other tests is collected before and not meanwhile: that takes as long as there is garbage.
    """
    found = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            started = time.thread_time()
            work()
            found.append(time.thread_time() - started)
            if found[-1] > 1:
                break
    finally:
        gc.enable()
    return min(found)


def growth(prepare: Callable[[int], Work], size: int) -> float:
    """Return how many times as long the work takes at four times the size; little work counts as none."""
    small, large = seconds(prepare(size)), seconds(prepare(4 * size))
    return (large + _NOISE_SECONDS) / (small + _NOISE_SECONDS)


def is_linear(prepare: Callable[[int], Work], size: int) -> bool:
    """Return whether work grows about as fast as parsing JSON does in the same run.

    What else the machine does can only make it look steeper, so one of several tries is enough.
    """
    control = max(4.0, growth(_parsing, _CONTROL_ITEMS))
    return any(growth(prepare, size) < _MOST * control / 4 for _ in range(_TRIES))


def _parsing(items: int) -> Work:
    text = json.dumps([{"a": 1}] * items)

    def parse() -> Any:
        return json.loads(text)

    return parse
