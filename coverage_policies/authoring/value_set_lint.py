"""What is wrong with value sets that load: codes that never match, and labels that differ."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from coverage_policies.format.problems import Problem
from coverage_policies.format.value_sets import TEXT, UNLESS, Row, ValueSet
from fhir_mappings.codings import ICD10CM, SYSTEMS
from fhir_mappings.study_names import STUDY, is_study

_WITHOUT_DOT = 3
"""How many characters an ICD-10-CM code has before its dot."""


def value_set_problems(sets: Iterable[ValueSet]) -> Iterator[Problem]:
    """Yield what keeps codes of these value sets from matching, with file and line."""
    for each in sets:
        if not each.rows:
            what = "this value set has no codes, so a clause with it never holds; add some"
            yield Problem(each.source, 1, what, rule="empty-value-set")
        for row in each.rows:
            for rule, what in _row_problems(row):
                yield Problem(row.file or each.source, row.line, what, rule=rule)
        yield from _twice(each)


def label_problems(sets: Iterable[ValueSet]) -> Iterator[Problem]:
    """Yield codes that have another label elsewhere in their folder: one of the two may be another code than was meant.

    Owners may label a code each in their own words.
    """
    first: dict[tuple[Path, str, str], tuple[ValueSet, Row]] = {}
    for each in sets:
        for row in each.rows:
            other_set, other = first.setdefault((Path(each.source).parent, row.system, row.code), (each, row))
            if not _are_alike(row.label, other.label):
                there = f"{other.label!r} in {other_set.source}:{other.line}"
                what = f"{row.code} is labeled {row.label!r} here and {there}; one label may only continue the other"
                yield Problem(row.file or each.source, row.line, what, rule="differing-label")


def _row_problems(row: Row) -> Iterator[tuple[str, str]]:
    """Yield the rule that a row breaks, and how."""
    if row.system == STUDY and not is_study(row.code):
        yield "code-form", f"{row.code!r} is no study; write a modality and a region, such as `MR lumbar-spine`"
    if row.system not in (TEXT, UNLESS, STUDY) and ":" not in row.system:
        yield "code-system", f"{row.system!r} is not the address of a code system; {_right_system(row.system)}"
    if row.code != row.code.strip():
        yield "code-form", f"there is a space before or after {row.code.strip()}; remove it"
    code = row.code.rstrip("*")
    if row.system == ICD10CM and len(code) > _WITHOUT_DOT and "." not in code:
        yield "code-form", f"an ICD-10-CM code has its dot: {code[:_WITHOUT_DOT]}.{row.code[_WITHOUT_DOT:]}"
    if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
        yield "reversed-dates", f"{row.code} ends before it begins; `from` comes before `to`"


def _right_system(written: str) -> str:
    """Say how to write a system that is not an address: the one with this name, or all that are known."""
    known = {name.casefold(): address for name, address in SYSTEMS.items()}
    if written.casefold() in known:
        return f"write {known[written.casefold()]}"
    return f"known are {', '.join(sorted(set(SYSTEMS.values())))}"


def _are_alike(label: str, other: str) -> bool:
    one, two = sorted((label.casefold(), other.casefold()), key=len)
    return two.startswith(one)


def _twice(each: ValueSet) -> Iterator[Problem]:
    """Yield rows that repeat a code for the same days: one of them is never used."""
    by_code: dict[tuple[str, str], list[Row]] = {}
    for row in each.rows:
        for other in by_code.setdefault((row.system, row.code), []):
            begin = max(row.valid_from or date.min, other.valid_from or date.min)
            end = min(row.valid_to or date.max, other.valid_to or date.max)
            if begin <= end:
                what = f"{row.code} is in line {other.line} already; keep one"
                yield Problem(row.file or each.source, row.line, what, rule="double-code")
        by_code[row.system, row.code].append(row)
