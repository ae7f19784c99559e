"""The expansion of a value set: its active codes of today (FHIR R4, ValueSet $expand; Da Vinci DTR 2.2, oper-5)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cds_service.dtr.expansion_request import MOST_CODES, Asked
from cds_service.dtr.value_sets import head, is_beginning, is_code
from cds_service.hooks.errors import Issue, RefusedError
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.codings import ICD10CM
from fhir_mappings.diagnoses import LIST_VERSION, codes_below, is_complete, needs_seventh_character, titles

_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Concept:
    """One active code. `version` is that of its code system; empty if it is not known."""

    system: str
    code: str
    display: str
    version: str = ""

    def has(self, words: Iterable[str]) -> bool:
        """Return whether each word, in lower case, begins the code or a word of the display."""
        begun = (self.code.casefold(), *_WORD.findall(self.display.casefold()))
        return all(any(each.startswith(word) for each in begun) for word in words)

    def as_json(self) -> dict[str, str]:
        """Return the element `contains` of an expansion."""
        found = {"system": self.system, "version": self.version, "code": self.code, "display": self.display}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Members:
    """The active codes of a value set on a day; `unlisted` counts the beginnings whose codes cannot all be listed."""

    concepts: tuple[Concept, ...]
    unlisted: int


def members(codes: ValueSet, day: date) -> Members:
    """Return the codes of a value set that are active on a day, those that it names first.

    The codes below a beginning are those of ICD-10-CM, whose list the service has. That list has no seventh characters,
    so a code that needs one is left out, and so are headings, which nobody may bill.
    """
    rows = [row for row in codes.rows if is_code(row) and row.is_valid(day)]
    found: dict[tuple[str, str], Concept] = {}
    for row in rows:
        is_diagnosis = row.system == ICD10CM
        if not is_beginning(row) and (not is_diagnosis or is_complete(row.code)):
            named = Concept(row.system, row.code, row.label, LIST_VERSION if is_diagnosis else "")
            found.setdefault((row.system, row.code), named)
    unlisted = 0
    for row in filter(is_beginning, rows):
        below = tuple(codes_below(row.code[:-1])) if row.system == ICD10CM else ()
        complete = [each for each in below if not needs_seventh_character(each)]
        unlisted += not below or len(complete) < len(below)
        for each in complete:
            display = next(iter(titles(each)), row.label)
            found.setdefault((row.system, each), Concept(row.system, each, display, LIST_VERSION))
    return Members(tuple(found.values()), unlisted)


def expansion(codes: ValueSet, asked: Asked, canonical_base: str, now: datetime, day: date) -> dict[str, Any]:
    """Return the ValueSet with its expansion on a local day, at a moment `now` of that day.

    Raise RefusedError (422, `too-costly`) if none of its codes can be listed, or if there are too many for one answer.
    """
    active = members(codes, day)
    if active.unlisted and not active.concepts:
        says = (
            "The codes of this value set cannot be listed: it has only beginnings of codes. Read its filters instead."
        )
        raise RefusedError(422, Issue("too-costly", says, asked.place))
    matching = [each for each in active.concepts if each.has(asked.words)] if asked.words else active.concepts
    if asked.count is None and len(matching) - asked.offset > MOST_CODES:
        says = (
            f"More than {MOST_CODES} codes are left. Send count, up to {MOST_CODES}, with offset, or a longer filter."
        )
        raise RefusedError(422, Issue("too-costly", says, asked.place))
    count = MOST_CODES if asked.count is None else asked.count
    shown = matching[asked.offset : asked.offset + count]
    resource = head(codes, canonical_base)
    parameters = list(_parameters(resource, asked, active, day))
    found = {
        "extension": [{"url": _UNCLOSED, "valueBoolean": True}] if active.unlisted else None,
        "identifier": uuid5(NAMESPACE_URL, repr(parameters)).urn,
        "timestamp": now.isoformat(timespec="seconds"),
        "total": len(matching),
        "offset": asked.offset,
        "parameter": parameters,
        "contains": [each.as_json() for each in shown],
    }
    return resource | {"expansion": {name: value for name, value in found.items() if value not in (None, [])}}


def _parameters(resource: dict[str, Any], asked: Asked, active: Members, day: date) -> Iterator[dict[str, Any]]:
    """Yield what the content of the expansion depends on; equal parameters mean an equal expansion."""
    yield {"name": "used-valueset", "valueUri": f"{resource['url']}|{resource['version']}"}
    yield {"name": "date", "valueDateTime": day.isoformat()}
    yield {"name": "activeOnly", "valueBoolean": True}
    if asked.words:
        yield {"name": "filter", "valueString": " ".join(asked.words)}
    yield {"name": "offset", "valueInteger": asked.offset}
    if asked.count is not None:
        yield {"name": "count", "valueInteger": asked.count}
    for each in dict.fromkeys(f"{each.system}|{each.version}" for each in active.concepts if each.version):
        yield {"name": "version", "valueUri": each}
    if active.unlisted:
        says = (
            f"{active.unlisted} beginnings of codes are not listed in full: the service has no list of their system, "
            "or their codes need a seventh character."
        )
        yield {"name": "warning", "valueString": says}
