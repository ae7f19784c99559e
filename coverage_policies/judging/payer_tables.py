"""The tables of a payer, from CSV files: what it states of codes, and the authorizations that it has granted."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TypeVar

from coverage_policies.format.problems import Problem
from coverage_policies.format.strict_csv import iso_day, read_csv
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Covered, GrantedAuthorization
from fhir_mappings.codings import SYSTEMS, Coding, codings

CODE_COLUMNS = (
    *("system", "code", "prior_authorization", "covered", "expires"),
    *("quantity", "unit", "from", "to"),
)
AUTHORIZATION_COLUMNS = ("member_id", "system", "code", "number", "until")
_QUANTITY = re.compile(r"\d{1,9}(\.\d{1,6})?\Z", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_Value = TypeVar("_Value", bound=Enum)


def read_code_terms(path: Path, problems: list[Problem]) -> Mapping[tuple[str, str], CodeTerms]:
    """Return what a file states of codes, by system and code in their usual form; what is wrong goes to `problems`.

    Raise OSError if the file cannot be read.
    """
    found: dict[tuple[str, str], CodeTerms] = {}

    def row(cells: Mapping[str, str], _line: int) -> None:
        code, terms = _code(cells), _code_terms({column: cells[column].strip() for column in CODE_COLUMNS[2:]})
        if (code.system, code.code) in found:
            raise ValueError("this code has a row already; keep one")
        found[code.system, code.code] = terms

    read_csv(path, [CODE_COLUMNS], f"the header must be {','.join(CODE_COLUMNS)}", row, problems)
    return found


def read_authorizations(path: Path, problems: list[Problem]) -> Mapping[tuple[str, str, str], GrantedAuthorization]:
    """Return the authorizations of a file by member id, system, and code; what is wrong with it goes to `problems`.

    Of several for one member and code, keep the one that lasts longest; if they end on the same day, the last row. The
    problems quote nothing of the file. Raise OSError if the file cannot be read.
    """
    found: dict[tuple[str, str, str], GrantedAuthorization] = {}

    def row(cells: Mapping[str, str], _line: int) -> None:
        member_id, number, until = (cells[column].strip() for column in ("member_id", "number", "until"))
        if not (member_id and number):
            raise ValueError("member_id and number must not be empty")
        code, granted = _code(cells), GrantedAuthorization(number, iso_day(until) if until else None)
        key = member_id, code.system, code.code
        if key not in found or _lasts_as_long(granted, found[key]):
            found[key] = granted

    header = f"the header must be {','.join(AUTHORIZATION_COLUMNS)}"
    read_csv(path, [AUTHORIZATION_COLUMNS], header, row, problems)
    return found


def _lasts_as_long(one: GrantedAuthorization, other: GrantedAuthorization) -> bool:
    return one.until is None or (other.until is not None and one.until >= other.until)


def _code(cells: Mapping[str, str]) -> Coding:
    """Return the code of a row in its usual form."""
    system, code = cells["system"].strip(), cells["code"].strip()
    if not (system and code):
        raise ValueError("system and code must not be empty")
    (found,) = codings({"system": SYSTEMS.get(system, system), "code": code})
    if not _URI.match(found.system):
        raise ValueError(f"the system must be a URL, or one of {', '.join(SYSTEMS)}")
    if found.modifiers:
        raise ValueError("write the code without modifiers")
    return found


def _code_terms(cells: Mapping[str, str]) -> CodeTerms:
    if not any(cells.values()):
        raise ValueError("a row must state something of its code, such as prior_authorization")
    expires, since, until = (iso_day(cells[name]) if cells[name] else None for name in ("expires", "from", "to"))
    if since is not None and until is not None and until < since:
        raise ValueError("to is before from")
    quantity, unit = cells["quantity"], cells["unit"]
    if bool(quantity) != bool(unit):
        raise ValueError("quantity and unit belong together; write both, such as 12 and visits, or neither")
    if quantity and not (_QUANTITY.match(quantity) and Decimal(quantity) > 0):
        raise ValueError("quantity must be a number above 0, such as 12 or 2.5")
    return CodeTerms(
        authorization=_value(Authorization, "prior_authorization", cells),
        covered=_value(Covered, "covered", cells),
        expires=expires,
        quantity=Decimal(quantity) if quantity else None,
        unit=unit,
        since=since,
        until=until,
    )


def _value(kind: type[_Value], column: str, cells: Mapping[str, str]) -> _Value | None:
    if not cells[column]:
        return None
    try:
        return kind(cells[column])
    except ValueError:
        raise ValueError(f"{column} must be {', '.join(str(each.value) for each in kind)}, or empty") from None
