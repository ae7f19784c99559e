"""Which billing codes the policies cover: a list of codes compared with every revision."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coverage_policies.format.library import Library
from coverage_policies.format.model import OrderEntry, Policy
from coverage_policies.format.problems import DocumentError, Problem, read_text
from fhir_mappings.codings import CPT, HCPCS, SYSTEMS, Coding, codings

_SHAPES = {CPT: re.compile(r"\d{4}[\dA-Z]"), HCPCS: re.compile(r"[A-Z]\d{4}")}


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """A revision that names a code, and the sections that judge it; none if it only names it."""

    policy: Policy
    sections: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """A code and every revision that names it."""

    coding: Coding
    policies: tuple[PolicyAnswer, ...]

    @property
    def is_answered(self) -> bool:
        """Return whether some revision judges it."""
        return any(each.sections for each in self.policies)


def code_coverage(codes: Iterable[Coding], library: Library) -> tuple[CodeAnswer, ...]:
    """Return each code with the revisions that name it, whatever the date."""
    found = []
    for coding in codes:
        policies = [policy for revisions in library.revisions_about([coding]) for policy in revisions]
        found.append(CodeAnswer(coding, tuple(_answers(coding, policies))))
    return tuple(found)


def _answers(coding: Coding, policies: Sequence[Policy]) -> Iterator[PolicyAnswer]:
    for policy in policies:
        entries = policy.entries((coding,), None)
        if entries:
            sections = tuple(dict.fromkeys(name for entry in entries for name in entry.sections))
            yield PolicyAnswer(policy, sections, _label(coding, entries))


def _label(coding: Coding, entries: Sequence[OrderEntry]) -> str:
    match = entries[0].codes.match((coding,))
    return match.label if match else ""


def load_codes(path: Path) -> tuple[Coding, ...]:
    """Return the codes of a file. Raises DocumentError with everything that is wrong in it."""
    return parse_codes(read_text(path), str(path))


def parse_codes(text: str, file: str) -> tuple[Coding, ...]:
    """Return the codes of a file, each once: one per line, or CSV with `system` and `code`.

    A system is a short name (cpt, hcpcs, icd10cm, loinc, rxnorm, snomed) or an address; CPT and HCPCS codes are known
    by their shape. A header may name the columns. Raises DocumentError with every line that cannot be read.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    header: list[str] = []
    found: list[Coding] = []
    problems: list[Problem] = []
    for cells in ([cell.strip() for cell in row] for row in rows):
        names = [cell.lower() for cell in cells]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not (found or problems or header) and "code" in names:
            header = names
            continue
        named = dict(zip(header or ["system", "code"][-len(cells) :], cells, strict=False))
        coding = _coding(named.get("system", ""), named.get("code", ""))
        if coding is None:
            what = "this is no CPT or HCPCS code alone on its line, nor a system and a code, as in icd10cm,M53.3"
            problems.append(Problem(file, rows.line_num, what))
        else:
            found.append(coding)
    if problems:
        raise DocumentError(problems)
    return tuple(dict.fromkeys(found))


def _coding(system: str, code: str) -> Coding | None:
    if system:
        address = SYSTEMS.get(system.lower(), system)
        return next(iter(codings({"system": address, "code": code})), None) if ":" in address else None
    code = code.upper()
    return next((Coding(name, code) for name, shape in _SHAPES.items() if shape.fullmatch(code)), None)
