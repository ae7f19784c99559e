"""Read the plan rules of the operator: one YAML file, checked as strictly as a policy document, all of it optional."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from coverage_policies.format.file_model import FileModel, read_model
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.strict_yaml import YamlSource, read_yaml
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import (
    Effective,
    Payer,
    PlanRules,
    Visibility,
    VisibilityRule,
)
from fhir_mappings.codings import Coding, codings

_COLUMNS = ["system", "code", "to_system", "to_code"]


def _day(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("not a day")
    return date.fromisoformat(value)


_Name = Annotated[str, Field(min_length=1)]
_Day = Annotated[date, BeforeValidator(_day)]


class PayerEntry(FileModel):
    """A payer as the file states it."""

    name: _Name = Field(description="the name of the payer")
    owner: _Name = Field(description="the owner of the policies that it follows")
    identifiers: list[Annotated[str, Field(pattern=r"\|")]] = Field(
        [],
        min_length=1,
        description="a list of identifiers, each written system|value, as in http://hl7.org/fhir/sid/us-npi|1234567893",
    )
    names: list[_Name] = Field([], min_length=1, description="a list of names of the payer, as a Coverage states them")
    classes: list[_Name] = Field(
        [], min_length=1, description="a list of classes of its plans, each written type|value, as in plan|GOLD-1"
    )
    line_of_business: LineOfBusiness | None = Field(
        None, strict=False, description=f"one of {', '.join(LineOfBusiness)}"
    )


class EffectiveEntry(FileModel):
    """The effective dates of a revision as the file states them."""

    policy: _Name = Field(description="the full name of a revision, such as CP.MP.126@2025-04")
    from_: _Day = Field(alias="from", description="the first day, such as 2025-06-01")
    to: _Day | None = Field(None, description="the last day, such as 2025-06-01")
    source: _Name = Field(description="where the plan states these dates")


class VisibilityEntry(FileModel):
    """The visibility of a policy as the file states it."""

    policy: _Name = Field(description="the name of a policy or of a revision, such as CP.MP.126 or CP.MP.126@2025-04")
    show: Visibility = Field(strict=False, description=f"one of {', '.join(each.value for each in Visibility)}")
    hooks: list[str] = Field([], min_length=1, description="a list of hooks")


class PlanRulesFile(FileModel):
    """The file of plan rules."""

    model_config = ConfigDict(
        json_schema_extra={"description": "a mapping with payers, effective, policies, or order_codes"}
    )

    payers: list[PayerEntry] = Field([], description="a list of payers, each a mapping with name and owner")
    effective: list[EffectiveEntry] = Field(
        [], description="a list of effective dates, each a mapping with policy, from, and source"
    )
    policies: list[VisibilityEntry] = Field(
        [], description="a list of visibility rules, each a mapping with policy and show"
    )
    order_codes: str = Field("", min_length=1, description="the name of a CSV file, relative to this file")


def load_plan_rules(path: Path, revisions: Collection[str], hooks: Collection[str]) -> PlanRules:
    """Return the rules of a file, which may name these revisions of the library (by full name) and these hooks.

    `order_codes` names a CSV file with the columns `system,code,to_system,to_code`. Raises DocumentError with every
    problem, each with its line and what to write instead, and OSError if the file cannot be read.
    """
    source = read_yaml(read_text(path), str(path))
    stated = read_model(PlanRulesFile, source)
    problems = sorted(_problems(source, stated, revisions, hooks), key=lambda problem: problem.line)
    order_codes: Mapping[tuple[str, str], tuple[Coding, ...]] = {}
    if stated.order_codes:
        try:
            order_codes = _order_codes(path.parent / stated.order_codes)
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return PlanRules(
        payers=tuple(_payer(entry) for entry in stated.payers),
        effective=tuple(Effective(entry.policy, entry.from_, entry.to, entry.source) for entry in stated.effective),
        visibility_rules=tuple(
            VisibilityRule(entry.policy, entry.show, frozenset(entry.hooks)) for entry in stated.policies
        ),
        order_codes=order_codes,
    )


def _problems(
    source: YamlSource, stated: PlanRulesFile, revisions: Collection[str], hooks: Collection[str]
) -> Iterator[Problem]:
    listed = ", ".join(sorted(revisions))
    for i, payer in enumerate(stated.payers):
        if not (payer.identifiers or payer.names or payer.classes):
            yield source.problem(("payers", i), "a payer needs identifiers, names, or classes that identify it")
    for i, entry in enumerate(stated.effective):
        if entry.policy not in revisions:
            yield source.problem(("effective", i, "policy"), f"there is no such revision; the revisions are: {listed}")
        if entry.to is not None and entry.to < entry.from_:
            yield source.problem(("effective", i, "to"), "the last day is before the first")
    known = {*revisions, *(name.partition("@")[0] for name in revisions)}
    for i, rule in enumerate(stated.policies):
        if rule.policy not in known:
            what = f"there is no such policy or revision; the revisions are: {listed}"
            yield source.problem(("policies", i, "policy"), what)
        for j, hook in enumerate(rule.hooks):
            if hook not in hooks:
                yield source.problem(("policies", i, "hooks", j), f"a hook is one of {', '.join(hooks)}")


def _payer(entry: PayerEntry) -> Payer:
    return Payer(
        entry.name,
        (entry.owner,),
        frozenset(entry.identifiers),
        frozenset(name.casefold() for name in entry.names),
        frozenset(entry.classes),
        entry.line_of_business,
    )


def _order_codes(path: Path) -> Mapping[tuple[str, str], tuple[Coding, ...]]:
    try:
        rows = list(csv.reader(read_text(path).splitlines()))
    except OSError:
        raise DocumentError.at(path, 1, "this file of order codes cannot be read") from None
    if not rows or rows[0] != _COLUMNS:
        raise DocumentError.at(path, 1, f"the header must be {','.join(_COLUMNS)}")
    found: dict[tuple[str, str], tuple[Coding, ...]] = {}
    problems = []
    for line, cells in enumerate(rows[1:], start=2):
        if _is_row(cells):
            (sent,), (known,) = (codings({"system": cells[i], "code": cells[i + 1]}) for i in (0, 2))
            found[sent.system, sent.code] = (*found.get((sent.system, sent.code), ()), known)
        else:
            problems.append(Problem(str(path), line, f"a row must have {', '.join(_COLUMNS)}, none of them empty"))
    if problems:
        raise DocumentError(problems)
    return found


def _is_row(cells: Sequence[str]) -> bool:
    return len(cells) == len(_COLUMNS) and all(cell.strip() for cell in cells)
