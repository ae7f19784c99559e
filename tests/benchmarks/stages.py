"""Where the CPU time of a call goes: the time within the functions that each stage begins with, without the stages
that they call.
"""

import functools
import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pkgutil import iter_modules
from typing import Any

import coverage_policies.operators
from tests.benchmarks.calls import order_sign
from tests.benchmarks.in_process import InProcess
from tests.support.seams import wrapped

PARSE = "parse and check the body"
ORDERS = "read the orders"
SELECT = "select policies and searches"
CHART = "read the chart"
VALIDATE = "validate resources"
CRITERIA = "criteria, pathways, questions"
CARDS = "build cards, serialize the answer"
HASHES = "records: hashes of chart and determinations"
STORE = "records: rows and transaction"
REST = "the rest: Flask, headers, log line"
OPERATOR = "operator "

SEAMS: tuple[tuple[str, str], ...] = (
    ("cds_service.http.json_body:json_body", PARSE),
    ("cds_service.http.request_body:check_orders", PARSE),
    ("cds_service.hooks.request:read_request", PARSE),
    ("coverage_policies.judging.order_session:read_session", ORDERS),
    ("coverage_policies.judging.assessment:Assessor.candidates", SELECT),
    ("coverage_policies.judging.assessment:Assessor.searches", SELECT),
    ("coverage_policies.judging.plan:plan_of", SELECT),
    ("coverage_policies.judging.policy_selection:select", SELECT),
    ("cds_service.hooks.chart_reader:read_chart", CHART),
    ("fhir_mappings.validity:findings", VALIDATE),
    ("coverage_policies.judging.assessment:Assessor.assess", CRITERIA),
    ("cds_service.hooks.response:respond", CARDS),
    ("cds_service.http.json_body:json_response", CARDS),
    ("cds_service.records.rows:InputDigest.of", HASHES),
    ("cds_service.records.rows:determination_row", HASHES),
    ("cds_service.records.sql_store:SqlStore.store_decision", STORE),
)
"""The functions that begin a stage."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The CPU time of a call in milliseconds, as a whole and by stage, in the order of a call."""

    total: float
    by_stage: tuple[tuple[str, float], ...]


@dataclass(slots=True)
class StageClock:
    """The CPU time of each stage of one call. Time in a stage within another one counts for the inner one only."""

    now: Callable[[], float] = time.thread_time
    spent: dict[str, float] = field(default_factory=dict)
    _stack: list[str] = field(default_factory=list)
    _since: float = 0.0

    def timing(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that does the same as another one, within a stage."""

        @functools.wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            self._enter(stage)
            try:
                return function(*args, **named)
            finally:
                self._leave()

        return timed

    def _enter(self, stage: str) -> None:
        self._count()
        self._stack.append(stage)

    def _leave(self) -> None:
        self._count()
        self._stack.pop()

    def _count(self) -> None:
        now = self.now()
        if self._stack:
            self.spent[self._stack[-1]] = self.spent.get(self._stack[-1], 0.0) + now - self._since
        self._since = now


def operator_seams() -> Iterator[tuple[str, str]]:
    """The checks of every operator, each a stage of its own."""
    for module in iter_modules(coverage_policies.operators.__path__, "coverage_policies.operators."):
        name = module.name.rpartition(".")[2]
        for check in vars(importlib.import_module(module.name)).values():
            if isinstance(check, type) and check.__module__ == module.name and "evaluate" in vars(check):
                yield f"{module.name}:{check.__name__}.evaluate", f"{OPERATOR}`{name}`"


def measure(calls: int) -> Stages:
    """Make so many calls, and return the mean of the fastest quarter: what else runs makes the others slower."""
    body = order_sign()
    found: list[dict[str, float]] = []
    clock = StageClock()
    with InProcess() as service, ExitStack() as stack:
        for name, stage in (*SEAMS, *operator_seams()):
            stack.enter_context(wrapped(name, functools.partial(clock.timing, stage)))
        call = clock.timing(REST, service.answering(body))
        for _ in range(calls + calls // 4):
            clock.spent = {}
            call()
            found.append(clock.spent)
    fastest = sorted(found[calls // 4 :], key=lambda spent: sum(spent.values()))[: max(calls // 4, 1)]
    names = {stage for spent in fastest for stage in spent}
    means = {stage: sum(spent.get(stage, 0.0) for spent in fastest) / len(fastest) * 1000 for stage in names}
    return Stages(sum(means.values()), tuple((stage, means[stage]) for stage in sorted(names, key=_order)))


def _order(stage: str) -> tuple[int, str]:
    stages = (PARSE, ORDERS, SELECT, CHART, VALIDATE, OPERATOR, CRITERIA, CARDS, HASHES, STORE, REST)
    return next(i for i, each in enumerate(stages) if stage.startswith(each)), stage
