"""The work of an opioid history grows with its length, by the number of lines of code that run."""

import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest

from fhir_mappings import opioids
from fhir_mappings.opioids import opioid_reduction
from fhir_mappings.opioids.history import MAX_LINES
from fhir_mappings.opioids.reduction import TOO_MANY
from tests.support.opioid_chart import (
    ANCHOR,
    HYDROCODONE_APAP_10,
    MORPHINE_ER_15,
    OXYCODONE_5,
    PERIODS,
    dispense,
    order,
    record,
    sig,
    statement,
    stopped,
    supplied,
)

SIZE = 30
MOST = 4.2
"""Work that is linear is 4 times as much for four times as many resources; sorting and the look-back change little."""

_PACKAGE = opioids.__file__.removesuffix("__init__.py")


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of the package run, where each round of a comprehension counts."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        return counted if frame.f_code.co_filename.startswith(_PACKAGE) else None

    def counted(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def day(number: int, every: int = 28) -> str:
    """Return a day so far before the anchor that the last of a short history and of a long one is the same."""
    return (ANCHOR - timedelta(days=every * number + 7)).isoformat()


def renewed(number: int) -> list[dict[str, Any]]:
    return [order(f"m{number}", OXYCODONE_5, sig(), on=day(number), status="completed", dispenseRequest=supplied(28))]


def changed(number: int) -> list[dict[str, Any]]:
    one = order(f"m{number}", OXYCODONE_5, sig(number % 3 + 1), on=day(number), dispenseRequest=supplied(28))
    return [stopped(one, "Reorder")]


def switched(number: int) -> list[dict[str, Any]]:
    drug = (OXYCODONE_5, MORPHINE_ER_15, HYDROCODONE_APAP_10)[number % 3]
    one = order(f"m{number}", drug, sig(), on=day(number), status="completed", dispenseRequest=supplied(28))
    return [one | {"note": [{"text": "replaces oxycodone"}]}]


def short(number: int) -> list[dict[str, Any]]:
    return [
        order(f"m{number}", OXYCODONE_5, sig(), on=day(number, 40), status="completed", dispenseRequest=supplied(5))
    ]


def duplicate(number: int) -> list[dict[str, Any]]:
    one = order(f"m{number}", OXYCODONE_5, sig(), on=day(number, 90), dispenseRequest=supplied(28))
    return [stopped(one, "Duplicate")]


def stopped_and_dispensed(number: int) -> list[dict[str, Any]]:
    ordered = order(f"m{number}", OXYCODONE_5, sig(), on=day(number), dispenseRequest=supplied(28))
    return [stopped(ordered), dispense(f"d{number}", OXYCODONE_5, day(number), days=28, tablets=28)]


def dispensed(number: int) -> list[dict[str, Any]]:
    return [dispense(f"d{number}", OXYCODONE_5, day(number), days=28, tablets=28, of="m0")]


def unknown(number: int) -> list[dict[str, Any]]:
    return [order(f"m{number}", {"text": f"compound {number}"}, sig(), on=day(number), dispenseRequest=supplied(28))]


def without_end(number: int) -> list[dict[str, Any]]:
    return [order(f"m{number}", OXYCODONE_5, sig(number % 3 + 1), on=day(number))]


def reported(number: int) -> list[dict[str, Any]]:
    period = {"start": day(number), "end": day(number - 1)}
    return [statement(f"s{number}", OXYCODONE_5, sig(), effectivePeriod=period, status="completed")]


def dated_by_month(number: int) -> list[dict[str, Any]]:
    (one,) = changed(number)
    return [one | {"authoredOn": one["authoredOn"][:7]}]


HISTORIES = (
    *(renewed, changed, switched, short, duplicate, stopped_and_dispensed, dispensed, unknown, without_end, reported),
    dated_by_month,
)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_four_times_as_long_a_history_takes_about_four_times_the_work(
    history: Callable[[int], list[dict[str, Any]]],
) -> None:
    assert work(history, 4 * SIZE) < MOST * work(history, SIZE)


def work(history: Callable[[int], list[dict[str, Any]]], size: int) -> int:
    """Return the work for a history of so many orders or dispenses, without the readings that are kept."""
    found = [resource for number in range(size) for resource in history(number)]
    assert len(found) <= MAX_LINES
    opioid_reduction(record(*found), ANCHOR, PERIODS)
    chart = record(*found)
    reductions = []
    lines = lines_run(lambda: reductions.append(opioid_reduction(chart, ANCHOR, PERIODS)))
    assert reductions[0].problem != TOO_MANY
    return lines
