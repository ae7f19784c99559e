"""The code systems of a value set: those that the service knows, and those that a folder of policies declares.

A folder declares a system that its EHRs send and nobody else knows in `code_systems.csv`, with the columns
`system,name`.
"""

import csv
import io
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from coverage_policies.format.problems import DocumentError, Problem, read_text
from fhir_mappings.code_systems import NAMES, is_known, system_of

OWN_SYSTEMS = "code_systems.csv"
"""The name of the file in a folder of policies."""
_COLUMNS = ["system", "name"]
_LIKENESS = 0.8


def own_systems(folder: Path) -> frozenset[str]:
    """Return the code systems that a folder declares; none if it has no such file.

    Raises DocumentError for a wrong header, a row with an empty cell, and a system that may be a misspelled known one.
    """
    path = folder / OWN_SYSTEMS
    if not path.is_file():
        return frozenset()
    header, *rows = [*csv.reader(io.StringIO(read_text(path), newline=""))] or [[]]
    if header != _COLUMNS:
        raise _error(path, [(1, f"the header must be {','.join(_COLUMNS)}")])
    problems = []
    for line, cells in enumerate(rows, start=2):
        if len(cells) != len(_COLUMNS) or not all(cells):
            problems.append((line, "a row has the address of a code system and its name"))
        elif is_known(cells[0]) or _close(cells[0]):
            problems.append((line, system_fault(cells[0], ()) or f"{cells[0]} is known; leave it out"))
    if problems:
        raise _error(path, problems)
    return frozenset(cells[0] for cells in rows)


def _error(path: Path, problems: Collection[tuple[int, str]]) -> DocumentError:
    return DocumentError([Problem(str(path), line, what, rule="code-system") for line, what in problems])


def system_fault(system: str, own: Collection[str]) -> str:
    """Return why no chart is read with this code system, and what to write instead; empty if one may be.

    `own` are the systems that the folder declares.
    """
    if is_known(system) or system in own:
        return ""
    if (usual := system_of(system)) != system:
        return f"write {usual}; the service reads {system!r} in a chart as {NAMES[usual]}"
    if close := _close(system):
        return f"{system!r} is not the address of a code system; did you mean {close}?"
    known = ", ".join(f"{address} ({name})" for address, name in NAMES.items())
    return (
        f"{system!r} is not the address of a code system that the service knows; if your EHRs send it, name it in "
        f"{OWN_SYSTEMS} beside your value_sets folder. Known are {known}, and those of HL7"
    )


def _close(system: str) -> str:
    """Return the known address or name that a text may be a misspelling of; empty if there is none."""
    written = {known.casefold(): address for address, name in NAMES.items() for known in (address, name)}
    found = get_close_matches(system.casefold(), written, n=1, cutoff=_LIKENESS)
    return written[found[0]] if found else ""
