"""What is wrong with value sets that load: codes that never match, and labels that differ."""

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path

from coverage_policies.authoring.code_forms import code_faults
from coverage_policies.authoring.own_systems import own_systems, system_fault
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.value_sets import TEXT, UNLESS, Row, ValueSet
from fhir_mappings.code_systems import ICD10CM
from fhir_mappings.diagnoses.icd10cm import has_codes_below
from fhir_mappings.study_names import STUDY, is_study

_STEM = 4
_WORD = re.compile(r"[a-z]{3,}")
_SILENT = frozenset(("and", "for", "from", "not", "othe", "spec", "stat", "the", "unsp", "with"))
"""Stems of words that name nothing."""


def value_set_problems(sets: Iterable[ValueSet]) -> Iterator[Problem]:
    """Yield what keeps codes of these value sets from matching, with file and line."""
    own: dict[Path, Collection[str]] = {}
    for each in sets:
        folder = Path(each.source).parent.parent
        if folder not in own:
            try:
                own[folder] = own_systems(folder)
            except DocumentError as error:
                own[folder] = ()
                yield from error.problems
        if not each.rows:
            what = "this value set has no codes, so a clause with it never holds; add some"
            yield Problem(each.source, 1, what, rule="empty-value-set")
        for row in each.rows:
            for rule, what in _row_problems(row, own[folder]):
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


def unlike_labels(own: Iterable[ValueSet], built_in: Iterable[ValueSet]) -> Iterator[Problem]:
    """Yield codes whose label shares no word with that of the same code in a set that ships with the service."""
    shipped = {(row.system, row.code): (each, row) for each in built_in for row in each.rows}
    for each in own:
        for row in each.rows:
            there, other = shipped.get((row.system, row.code), (None, None))
            if there and other and not _stems(row.label) & _stems(other.label):
                what = f"{row.code} is labeled {row.label!r} here and {other.label!r} in the built-in {there.name}"
                yield Problem(each.source, row.line, f"{what}; is it the code that you mean?", rule="unlike-label")


def headings(sets: Iterable[ValueSet]) -> Iterator[Problem]:
    """Yield codes of ICD-10-CM that stand alone although charts record the more detailed codes below them."""
    for each in sets:
        codes = {row.code.rstrip("*") for row in each.rows if row.system == ICD10CM}
        for row in each.rows:
            if row.system == ICD10CM and not row.code.endswith("*") and has_codes_below(row.code):
                below = any(code != row.code and code.startswith(row.code) for code in codes)
                if not below:
                    what = f"{row.code} has codes below it, which it does not match; write {row.code}* for all of them"
                    yield Problem(each.source, row.line, what, rule="heading")


def _stems(label: str) -> set[str]:
    """Return the first letters of each word of a label, which spellings and endings of a word share."""
    return {word[:_STEM] for word in _WORD.findall(label.casefold())} - _SILENT


def _row_problems(row: Row, own: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the rule that a row breaks, and how. `own` are the code systems that its folder declares."""
    if row.system == STUDY and not is_study(row.code):
        yield "code-form", f"{row.code!r} is no study; write a modality and a region, such as `MR lumbar-spine`"
    if row.system not in (TEXT, UNLESS, STUDY):
        if fault := system_fault(row.system, own):
            yield "code-system", fault
        for fault in code_faults(row.system, row.code, has_ended=row.valid_to is not None):
            yield "code-form", fault
    if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
        yield "reversed-dates", f"{row.code} ends before it begins; `from` comes before `to`"


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
