"""The value sets of the policies as FHIR R4 ValueSets: their codes with our labels, by a canonical of their own."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from coverage_policies.format.canonicals import value_set_url
from coverage_policies.format.value_sets import Row, ValueSet
from fhir_mappings.codings import CPT, LOINC, SNOMED

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]")
_LONGEST_ID = 64
_VERSION_DIGITS = 12
_COMMENTS = "http://hl7.org/fhir/StructureDefinition/valueset-concept-comments"
_OWNERS = {
    CPT: "CPT is a registered trademark of the American Medical Association; the labels are no CPT descriptors.",
    LOINC: "LOINC (http://loinc.org) is copyright Regenstrief Institute, Inc. and the LOINC Committee, and is "
    "available at no cost under the license at http://loinc.org/license.",
    SNOMED: "SNOMED CT codes are used by permission of SNOMED International.",
}


def value_set_id(codes: ValueSet) -> str:
    """Return the FHIR id of a value set: its name, with a hyphen for each character that an id cannot have."""
    return _NOT_IN_AN_ID.sub("-", codes.name)[:_LONGEST_ID]


def value_set_version(codes: ValueSet) -> str:
    """Return the version of a value set: the beginning of a SHA-256 of its rows, which changes with any of them."""
    rows = sorted(
        [row.system, row.code, row.label, str(row.valid_from or ""), str(row.valid_to or ""), str(row.decides)]
        for row in codes.rows
    )
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:_VERSION_DIGITS]


def head(codes: ValueSet, canonical_base: str) -> dict[str, Any]:
    """Return the ValueSet without its codes, as an expansion has it."""
    set_id = value_set_id(codes)
    owners = [_OWNERS[system] for system in dict.fromkeys(row.system for row in codes.rows) if system in _OWNERS]
    found = {
        "resourceType": "ValueSet",
        "id": set_id,
        "url": value_set_url(canonical_base, set_id),
        "version": value_set_version(codes),
        "name": f"Codes_{_NOT_IN_A_NAME.sub('_', codes.name)}",
        "title": codes.name.replace("-", " "),
        "status": "active",
        "description": " ".join(_description(codes)),
        "copyright": " ".join(owners),
    }
    return {name: value for name, value in found.items() if value}


def value_set(codes: ValueSet, canonical_base: str) -> dict[str, Any]:
    """Return the ValueSet with the rows that are codes, whenever they are in force; the same rows give the same one.

    A beginning of codes, such as `M54*`, is a filter by a regular expression on the code. Rows of words have no code;
    without any other row there is no `compose`.
    """
    included = list(_included(codes))
    return head(codes, canonical_base) | ({"compose": {"include": included}} if included else {})


def is_code(row: Row) -> bool:
    """Return whether a row is a code, or a beginning of codes, of a system with an address."""
    return ":" in row.system


def is_beginning(row: Row) -> bool:
    """Return whether a row stands for all codes that begin so."""
    return row.code.endswith("*")


def _description(codes: ValueSet) -> Iterator[str]:
    yield "Codes that coverage policies name. The labels are our own."
    words = sum(not is_code(row) for row in codes.rows)
    if words:
        yield f"Left out: {words} rows that find a concept by words or by a study, and are no codes."
    if any(is_code(row) and is_beginning(row) and (row.valid_from or row.valid_to) for row in codes.rows):
        yield "A filter cannot say that a beginning of codes is bounded by dates; $expand gives the codes of today."


def _included(codes: ValueSet) -> Iterator[dict[str, Any]]:
    rows = [row for row in codes.rows if is_code(row)]
    for system in dict.fromkeys(row.system for row in rows):
        by_code: dict[str, list[Row]] = {}
        for row in rows:
            if row.system == system and not is_beginning(row):
                by_code.setdefault(row.code, []).append(row)
        if by_code:
            yield {"system": system, "concept": [_concept(same) for same in by_code.values()]}
    for row in rows:
        if is_beginning(row):
            beginning = f"{re.escape(row.code[:-1])}.*"
            yield {"system": row.system, "filter": [{"property": "code", "op": "regex", "value": beginning}]}


def _concept(same: Sequence[Row]) -> dict[str, Any]:
    """Return the concept of the rows of one code, which are in force at different times."""
    concept: dict[str, Any] = {"code": same[0].code, "display": same[0].label}
    comments = " ".join(comment for row in same for comment in _comments(row))
    return {"extension": [{"url": _COMMENTS, "valueString": comments}], **concept} if comments else concept


def _comments(row: Row) -> Iterator[str]:
    if row.valid_from or row.valid_to:
        start = f"from {row.valid_from.isoformat()} " if row.valid_from else ""
        end = f"to {row.valid_to.isoformat()}" if row.valid_to else ""
        yield f"In force {start}{end}".rstrip() + "."
    if not row.decides:
        yield "Only asks: it never settles a criterion by itself."
