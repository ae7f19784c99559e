"""What the third of three equal calls does, counted rather than timed: the first ones fill the caches."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import event

import cds_service
from tests.benchmarks.in_process import InProcess
from tests.support.seams import wrapped

_PRODUCT = str(Path(cds_service.__file__).parents[1])
_PACKAGES = tuple(f"{_PRODUCT}/{name}/" for name in ("cds_service", "cards", "coverage_policies", "fhir_mappings"))


def work_of(service: InProcess, answer: Callable[[], object]) -> Counter[str]:
    """How much of each kind of work the third call does."""
    counts: Counter[str] = Counter()
    answer()
    answer()
    with _counting_statements(service, counts), _counting_functions(counts), _counting_calls(counts):
        answer()
    return counts


@contextmanager
def _counting_statements(service: InProcess, counts: Counter[str]) -> Iterator[None]:
    def executed(sql: str) -> None:
        counts["commits" if sql == "COMMIT" else "SQL statements"] += 1

    service.database.close()  # the next connection reports what SQLite executes, whatever library asks for it
    event.listen(service.database.engine, "connect", lambda connection, _: connection.set_trace_callback(executed))
    yield


@contextmanager
def _counting_functions(counts: Counter[str]) -> Iterator[None]:
    def counting(name: str, how_many: Callable[[Any, Any], int], function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(first: Any, *args: Any, **named: Any) -> Any:
            result = function(first, *args, **named)
            counts[name] += how_many(first, result)
            return result

        return counted

    def one(_first: object, _result: object) -> int:
        return 1

    def of_fhir(model: type, _result: object) -> int:
        return model.__module__.startswith("fhir.resources.")

    def all_of_them(_first: object, result: Sized) -> int:
        return len(result)

    with ExitStack() as stack:
        for function, name, how_many in (
            ("fhir_mappings.orders:read_order", "orders read", one),
            ("fhir_mappings.record:PatientRecord.of_type", "resources taken from the record", all_of_them),
            ("fhir_mappings.validity:findings", "resources checked", one),
            ("pydantic:BaseModel.model_validate", "models of fhir.resources validated", of_fhir),
            ("coverage_policies.format.value_sets:ValueSet.match", "concepts matched with value sets", one),
        ):
            stack.enter_context(wrapped(function, partial(counting, name, how_many)))
        yield


@contextmanager
def _counting_calls(counts: Counter[str]) -> Iterator[None]:
    """Count the calls of our functions, and the pattern searches that they make, through `re` or not."""

    def is_ours(frame: FrameType | None) -> bool:
        return frame is not None and frame.f_code.co_filename.startswith(_PACKAGES)

    def called(frame: FrameType, kind: str, function: Any) -> None:
        if kind == "call" and is_ours(frame):
            counts["function calls"] += 1
        elif kind == "c_call" and isinstance(getattr(function, "__self__", None), re.Pattern):
            counts["searches of patterns"] += is_ours(frame) or (
                frame.f_globals.get("__name__") == "re" and is_ours(frame.f_back)
            )

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)
