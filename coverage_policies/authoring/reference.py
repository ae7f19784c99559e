"""What authors may write in case files, and what determinations say: the keys from the code, the words from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from coverage_policies.authoring.cases import CASE_KEYS, EXPECTED_OF_THE_WHOLE
from coverage_policies.authoring.fact_builder import keys_of_fact, keys_of_order
from coverage_policies.authoring.facts import KINDS
from coverage_policies.format.strict_yaml import read_yaml
from coverage_policies.format.terms import Outcome, Reason, Status

_FILE = Path(__file__).with_name("reference.yaml")
_DAY = date(2026, 3, 16)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key or word, and what it means."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact, or the order: its keys, and an example of each way of writing it, as in a case file."""

    name: str
    says: str
    keys: tuple[Entry, ...]
    examples: tuple[Mapping[str, Any], ...]


def case_keys() -> tuple[Entry, ...]:
    """Return the keys of a case."""
    return _entries(CASE_KEYS, _words()["case"])


def expected_keys() -> tuple[Entry, ...]:
    """Return what `expect` may name besides criteria."""
    return _entries(EXPECTED_OF_THE_WHOLE, _words()["expect"])


def order_keys() -> Kind:
    """Return the order of a case with its keys."""
    written = _words()["order"]
    keys = dict.fromkeys(key for each in written["examples"] for key in keys_of_order(each, _DAY))
    return _kind("order", written, keys)


def fact_kinds() -> tuple[Kind, ...]:
    """Return every kind of fact with its keys: those that its reader asks for while it builds the examples."""
    found = []
    for name in sorted(KINDS):
        written = _words()["facts"][name]
        keys = dict.fromkeys(key for each in written["examples"] for key in keys_of_fact(name, each, _DAY))
        found.append(_kind(name, written, keys))
    return tuple(found)


def statuses() -> tuple[Entry, ...]:
    """Return the statuses of a criterion."""
    return _entries([each.value for each in Status], _words()["statuses"])


def reasons() -> tuple[Entry, ...]:
    """Return the reasons of a status."""
    return _entries([each.value for each in Reason], _words()["reasons"])


def outcomes() -> tuple[Entry, ...]:
    """Return the outcomes of an order, the worst first."""
    return _entries([each.value for each in Outcome], _words()["outcomes"])


@cache
def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_yaml(_FILE.read_text(encoding="utf-8"), str(_FILE)).data
    return found


def _kind(name: str, written: Mapping[str, Any], keys: Mapping[str, None]) -> Kind:
    meanings = _words()["keys"] | written.get("keys", {})
    return Kind(name, written["says"], _entries(keys, meanings), tuple(written["examples"]))


def _entries(names: Sequence[str] | Mapping[str, None], meanings: Mapping[str, str]) -> tuple[Entry, ...]:
    return tuple(Entry(name, meanings[name]) for name in names)
