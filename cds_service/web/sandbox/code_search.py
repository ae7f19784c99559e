"""Search the codes that the installed policies know as orders: by code, by words of the label, and by policy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from coverage_policies.format.value_sets import TEXT, UNLESS, Row, ValueSet
from fhir_mappings.code_systems import NAMES, NDC
from fhir_mappings.codings import HCPCS, RXNORM, SYSTEMS, Coding

MOST_FOUND = 12
"""How many codes one search shows."""
LONGEST_QUERY = 200
"""How many characters of a query count."""
_SHORT = {system: name for name, system in SYSTEMS.items()}
_DEVICES = ("A4", "A5", "A6", "A7", "A8", "B", "C1", "C2", "E", "K", "L")
"""How the codes of supplies, devices, equipment, and prosthetics begin (HCPCS level II, sections of the CMS file)."""
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class OrderCode:
    """A code that can be ordered, with our label for it and the names of the policies that know it."""

    coding: Coding
    policies: tuple[str, ...]

    @property
    def written(self) -> str:
        """Return the code as policy authors write it, such as `cpt 27279`."""
        return f"{_SHORT.get(self.coding.system, self.coding.system)} {self.coding.code}"

    @property
    def system(self) -> str:
        """Return the name of the code system."""
        return NAMES.get(self.coding.system, self.coding.system)

    @property
    def kind(self) -> str:
        """Return the resource type in which EHRs order it."""
        if self.coding.system in (RXNORM, NDC):
            return "MedicationRequest"
        is_device = self.coding.system == HCPCS and self.coding.code.startswith(_DEVICES)
        return "DeviceRequest" if is_device else "ServiceRequest"


@dataclass(frozen=True, slots=True)
class FoundCodes:
    """What a search found, the best first, and how many more there are."""

    codes: tuple[OrderCode, ...]
    more: int = 0


def order_codes(library: Library) -> tuple[OrderCode, ...]:
    """Return every code that a policy judges, or that it looks for in the orders beside; no prefixes and no words."""
    labels: dict[tuple[str, str], str] = {}
    policies: dict[tuple[str, str], dict[str, None]] = {}
    for policy in library.policies.values():
        for row in _rows(policy, library):
            if row.system not in (TEXT, UNLESS) and not row.code.endswith("*"):
                labels.setdefault((row.system, row.code), row.label)
                policies.setdefault((row.system, row.code), {})[policy.name] = None
    return tuple(OrderCode(Coding(*key, label), tuple(sorted(policies[key]))) for key, label in labels.items())


def _rows(policy: Policy, library: Library) -> Iterator[Row]:
    for entry in policy.orders:
        yield from entry.codes.rows
        for companion in entry.companions:
            yield from companion.codes.rows
    for clause in policy.clauses():
        if clause.operator == "concurrent_order":
            for name in ("in", "beside"):
                yield from _named(clause.arguments.get(name), library).rows


def _named(names: str | list[str] | None, library: Library) -> ValueSet:
    given = [names] if isinstance(names, str) else list(names or ())
    return library.value_sets.union(given) if given else ValueSet("none", ())


def code_written(library: Library, written: str) -> OrderCode | None:
    """Return the code that `written` of one of them names; None if no policy knows it."""
    return next((each for each in order_codes(library) if each.written == written), None)


def search_codes(library: Library, query: str) -> FoundCodes:
    """Return the codes of which every word of a query begins a word of the label, the code, or a policy's name.

    An empty query finds nothing. A code that begins with the query comes first.
    """
    asked = query[:LONGEST_QUERY].casefold().strip()
    words = _WORD.findall(asked)
    if not words:
        return FoundCodes(())
    found = []
    for each in order_codes(library):
        code = each.coding.code.casefold()
        known = (code, *_WORD.findall(each.coding.display.casefold()), *(name.casefold() for name in each.policies))
        known = (*known, *(word for name in each.policies for word in _WORD.findall(name.casefold())))
        if all(any(name.startswith(word) for name in known) for word in words):
            found.append((not code.startswith(asked), each.coding.display.casefold(), code, each))
    found.sort(key=lambda entry: entry[:3])
    codes = tuple(entry[3] for entry in found)
    return FoundCodes(codes[:MOST_FOUND], max(0, len(codes) - MOST_FOUND))
