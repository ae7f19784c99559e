"""The installed policy revisions, and which of them may be about an order."""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from coverage_policies.format.editions import read_editions
from coverage_policies.format.loader import load_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.order_terms import load_order_terms
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.searches import Search, merge
from coverage_policies.format.value_sets import TEXT, ValueSets, keys, load_value_sets
from coverage_policies.format.word_keys import row_key, text_keys
from fhir_mappings.codings import Coding
from fhir_mappings.order_terms import OrderTerms

BUILT_IN = Path(__file__).parents[1]
"""The folder of the documents and value sets that ship with the service."""


@dataclass(frozen=True)
class Library:
    """The installed revisions by full name (`CP.MP.126@2025-04`), the value sets they use, and the words of orders."""

    policies: Mapping[str, Policy]
    value_sets: ValueSets
    _revisions: Mapping[str, Sequence[Policy]] = field(init=False, repr=False)
    _named_by: Mapping[tuple[str, str], Set[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        revisions: dict[str, list[Policy]] = {}
        named_by: dict[tuple[str, str], set[str]] = {}
        for policy in sorted(self.policies.values(), key=lambda policy: policy.revision):
            revisions.setdefault(policy.name, []).append(policy)
            for row in (row for entry in policy.orders for row in entry.codes.rows):
                for key in [row_key(row.code)] if row.system == TEXT else row.found_by():
                    named_by.setdefault(key, set()).add(policy.name)
        object.__setattr__(self, "_revisions", revisions)
        object.__setattr__(self, "_named_by", named_by)

    @property
    def order_terms(self) -> OrderTerms:
        """Return the words by which orders are read."""
        return self.value_sets.order_terms

    def policy(self, name: str) -> Policy:
        """Return one revision by its full name. Raises KeyError if the library does not have it."""
        return self.policies[name]

    def revisions_about(self, codes: Iterable[Coding], words: Iterable[str] = ()) -> tuple[Sequence[Policy], ...]:
        """Return all revisions, oldest first, of each policy of which some revision may match these codes or words.

        The index by code and by first word keeps this independent of the number of policies. What it finds by a word
        is still to be matched.
        """
        codes = tuple(codes)
        texts = (*words, *(coding.display for coding in codes))
        sought = set(text_keys(texts)).union(*map(keys, codes))
        found = {name for key in sought for name in self._named_by.get(key, ())}
        return tuple(self._revisions[name] for name in sorted(found))

    def revisions_of(self, name: str) -> Sequence[Policy]:
        """Return all revisions of a policy, oldest first; none if it is not installed."""
        return self._revisions.get(name, ())

    def searches(self, policies: Collection[Policy] | None = None) -> tuple[Search, ...]:
        """Return the searches for the data that these revisions need; without an argument, for all of them."""
        return self._searches if policies is None else _searches(policies)

    @cached_property
    def _searches(self) -> tuple[Search, ...]:
        return _searches(self.policies.values())


def _searches(policies: Collection[Policy]) -> tuple[Search, ...]:
    if len(policies) == 1:  # as for most orders; a policy keeps its own searches merged
        return next(iter(policies)).searches()
    return merge(search for policy in policies for search in policy.searches())


def load_names(roots: Sequence[Path]) -> ValueSets:
    """Load the value sets and the words of orders of these folders. Raises DocumentError with everything wrong."""
    terms = load_order_terms(root / "order_terms" for root in roots)
    return load_value_sets((root / "value_sets" for root in roots), terms)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Pause the search for reference cycles: what is loaded stays, and each search would walk over all of it again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collections()
def load_library(folders: Sequence[Path] = ()) -> Library:
    """Load the built-in revisions and those of the operator's folders.

    A folder holds `documents/<policy>/<revision>.yaml`, `documents/lock.json`, `value_sets/<name>.csv`, and
    `order_terms/<attribute>.csv`. Raises DocumentError with everything that is wrong, so that a client can keep what it
    had.
    """
    roots = [BUILT_IN, *folders]
    sets = load_names(roots)
    policies: dict[str, Policy] = {}
    problems: list[Problem] = []
    for root in roots:
        documents = root / "documents"
        if not root.is_dir():
            problems.append(_misplaced(root, "this folder does not exist"))
        elif not any((root / name).is_dir() for name in ("documents", "value_sets", "order_terms")):
            problems.append(_misplaced(root, "this folder contains no `documents`, `value_sets`, or `order_terms`"))
        try:
            editions = read_editions(documents)
        except DocumentError as error:
            problems += error.problems
            editions = {}
        for path in sorted(documents.rglob("*.y*ml")):
            if path.parent.parent != documents or path.suffix != ".yaml":
                what = "the service does not read this file; move it to documents/<policy>/<revision>.yaml"
                problems.append(_misplaced(path, what))
                continue
            if path.name.endswith(".cases.yaml"):
                continue
            try:
                policy = load_policy(path, sets)
            except DocumentError as error:
                problems += error.problems
                continue
            if (path.parent.name, path.stem) != (policy.name, policy.revision):
                wanted = f"{policy.name}/{policy.revision}.yaml"
                what = f"this is {policy.full_name}; its file must be named {wanted}"
                problems.append(_misplaced(path, what))
            if policy.full_name in policies:
                other = policies[policy.full_name].source
                what = f"{policy.full_name} already exists in {other}"
                problems.append(_misplaced(path, what))
            policies[policy.full_name] = replace(policy, editions=editions.get(policy.full_name, ()))
    if problems:
        raise DocumentError(problems)
    return Library(policies, sets)


def _misplaced(path: Path, what: str) -> Problem:
    return Problem(str(path), 1, what, rule="folder")
