"""Value sets of others: a FHIR ValueSet in JSON, a download of the VSAC as spreadsheet or text, or a table.

A download of the Value Set Authority Center has one value set with lines about it above its header, or many with
columns about them. What cannot be taken over is told: filters, other value sets, whole code systems.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from coverage_policies.authoring.workbook import sheets
from coverage_policies.format.problems import DocumentError, read_text
from coverage_policies.format.value_sets import COLUMNS
from fhir_mappings.code_systems import CPT, NAMES, system_of, usual_form
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, parse_json

_SPREADSHEET = b"PK"
"""How a file in the format of Excel begins: it is a ZIP archive."""
_DELIMITERS = "\t|;,"
_CODE = ("code",)
_LABEL = ("descriptor", "description", "display", "label", "name", "title")
_SYSTEM = ("code system oid", "system", "code system", "code system name", "codesystem")
"""The headings of columns, the most reliable first."""
_SET_NAME, _SET_OID = ("value set name", "name"), ("value set oid", "oid")
_VERSION = ("definition version", "version")
_SYSTEM_BY_NAME = {re.sub(r"[\s_-]", "", name.casefold()): address for address, name in NAMES.items()}


class Concept(NamedTuple):
    """A code of a source with its system by the usual address, where that is known, and its label."""

    system: str
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read of a value set: `title` and `source` name it, `left_out` says what was not taken over."""

    title: str
    source: str
    concepts: tuple[Concept, ...]
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return its title as the name of a file."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.casefold()).strip("-")


def read_value_set(path: Path, only: str = "") -> Imported:
    """Read the value set in a file; `only` is the name or OID of one of several.

    A code is in its usual form and occurs once. A code of CPT has no label of the source, since the descriptors are the
    AMA's. Raises DocumentError for a file that has none, or several, and OSError.
    """
    if path.read_bytes()[: len(_SPREADSHEET)] == _SPREADSHEET:
        found = _of_table(path, sheets(path), only)
    else:
        text = read_text(path)
        found = _of_fhir(path, text) if text.lstrip().startswith("{") else _of_table(path, _by_delimiter(text), only)
    if not found.concepts:
        raise DocumentError.at(path, 1, "\n".join(["this value set has no codes to import", *found.left_out]))
    return found


def csv_text(found: Imported, use: str) -> str:
    """Return a value set as its CSV file; `use` is `decides` or `asks`, for every row."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([each.system, each.code, each.label, found.source, "", "", use] for each in found.concepts)
    return written.getvalue()


def _concepts(found: Iterable[tuple[str, str, str]]) -> tuple[Concept, ...]:
    """Return systems, codes, and labels as concepts, each code once and in its usual form."""
    by_code: dict[tuple[str, str], Concept] = {}
    for given, sent, label in found:
        system, code, _ = usual_form(_system(given), sent)
        said = f"CPT {code}: write a label of your own" if system == CPT else " ".join(label.split())
        by_code.setdefault((system, code), Concept(system, code, said or code))
    return tuple(by_code.values())


def _system(given: str) -> str:
    known = system_of(given.strip())
    return known if known in NAMES else _SYSTEM_BY_NAME.get(re.sub(r"[\s_-]", "", known.casefold()), known)


# --- FHIR ------------------------------------------------------------------------------------------------------------


def _of_fhir(path: Path, text: str) -> Imported:
    try:
        read = parse_json(text.encode())
    except ValueError:
        raise DocumentError.at(path, 1, "this is not JSON") from None
    if not isinstance(read, Mapping) or read.get("resourceType") != "ValueSet":
        raise DocumentError.at(path, 1, "this is no ValueSet of FHIR")
    title = _text(read, "title") or _text(read, "name") or path.stem
    source = " ".join(filter(None, (title, _text(read, "url"), _text(read, "version"))))
    if expansion := read.get("expansion"):
        concepts = _concepts(_expanded(expansion))
        return Imported(title, source, concepts, tuple(_not_expanded(expansion, len(concepts))))
    compose = read.get("compose")
    compose = compose if isinstance(compose, Mapping) else {}
    excluded = {(each.system, each.code) for each in _concepts(_enumerated(compose.get("exclude")))}
    concepts = tuple(
        each for each in _concepts(_enumerated(compose.get("include"))) if (each.system, each.code) not in excluded
    )
    left_out = [
        *_not_enumerated(compose.get("include"), "include"),
        *_not_enumerated(compose.get("exclude"), "exclude"),
    ]
    return Imported(title, source, concepts, tuple(left_out))


def _text(of: Mapping[str, Json], name: str) -> str:
    value = of.get(name)
    return value.strip() if isinstance(value, str) else ""


def _expanded(inside: Json) -> Iterator[tuple[str, str, str]]:
    """Yield the codes of an expansion, at every depth, without headings and inactive codes."""
    for each in items(inside.get("contains") if isinstance(inside, Mapping) else None):
        if each.get("abstract") is not True and each.get("inactive") is not True and _text(each, "code"):
            yield _text(each, "system"), _text(each, "code"), _text(each, "display")
        yield from _expanded(each)


def _not_expanded(expansion: Json, count: int) -> Iterator[str]:
    total = expansion.get("total") if isinstance(expansion, Mapping) else None
    if isinstance(total, int) and total > count:
        yield f"the expansion has {total} codes, and the file {count} that count; download all of it"


def _enumerated(parts: Json) -> Iterator[tuple[str, str, str]]:
    for part in items(parts):
        for each in items(part.get("concept")):
            if _text(each, "code"):
                yield _text(part, "system"), _text(each, "code"), _text(each, "display")


def _not_enumerated(parts: Json, key: str) -> Iterator[str]:
    """Yield what a part of a definition says by a rule and not code by code."""
    for part in items(parts):
        system = _text(part, "system")
        for each in items(part.get("filter")):
            rule = " ".join(_text(each, name) for name in ("property", "op", "value"))
            yield f"not imported: {key} {system} where {rule}; import the expansion instead"
        for other in part.get("valueSet") or ():
            yield f"not imported: {key} the value set {other}"
        if system and not part.get("concept") and not part.get("filter"):
            yield f"not imported: {key} all of {system}"


# --- tables ----------------------------------------------------------------------------------------------------------


def _of_table(path: Path, tables: Iterable[list[list[str]]], only: str) -> Imported:
    """Return the value set of the first table with a header; rows without one say something of it."""
    lines: list[list[str]] = []
    header: int | None = None
    above: dict[str, str] = {}
    for table in tables:
        place = _header(table)
        if place is not None and header is None:
            lines, header = table, place
        for line in table if place is None else table[:place]:
            if len(line) > 1:
                above.setdefault(line[0].strip().casefold().rstrip(":"), line[1].strip())
    if header is None:
        what = "there is no row with the headings Code, a label (Descriptor, Description), and Code System"
        raise DocumentError.at(path, 1, what)
    columns = [cell.strip().casefold() for cell in lines[header]]
    rows = [dict(zip(columns, line, strict=False)) for line in lines[header + 1 :] if any(map(str.strip, line))]
    about = [(_first(row, _SET_NAME[:1]), _first(row, _SET_OID)) for row in rows]
    if only:
        rows = [row for row, named in zip(rows, about, strict=True) if only in named]
        if not rows:
            raise DocumentError.at(path, header + 1, f"there is no value set {only!r} in this file")
    elif len(set(about)) > 1:
        names = ", ".join(dict.fromkeys(name or oid for name, oid in about))
        raise DocumentError.at(path, header + 1, f"there are several value sets; choose one with --only: {names}")
    known = above | {name: value for name, value in (rows[0] if rows else {}).items() if name not in _LABEL}
    title = _first(known, _SET_NAME) or path.stem
    source = " ".join(filter(None, (title, _first(known, _SET_OID), _first(known, _VERSION))))
    return Imported(
        title,
        source,
        _concepts(
            (_first(row, _SYSTEM), _first(row, _CODE), _first(row, _LABEL)) for row in rows if _first(row, _CODE)
        ),
    )


def _by_delimiter(text: str) -> list[list[list[str]]]:
    """Return the cells of a text by the delimiter that gives it a header; none if no delimiter does."""
    for delimiter in _DELIMITERS:
        try:
            lines = [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
        except csv.Error:
            continue
        if _header(lines) is not None:
            return [lines]
    return []


def _header(lines: Sequence[Sequence[str]]) -> int | None:
    """Return the place of the row with the headings of a code, its label, and its system."""
    for place, line in enumerate(lines):
        cells = {cell.strip().casefold() for cell in line}
        if all(cells.intersection(wanted) for wanted in (_CODE, _LABEL, _SYSTEM)):
            return place
    return None


def _first(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name].strip() for name in names if row.get(name, "").strip()), "")
