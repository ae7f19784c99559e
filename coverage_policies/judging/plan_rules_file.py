"""Read the plan rules of the operator: one YAML file, checked as strictly as a policy document, all of it optional."""

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from coverage_policies.format.file_model import FileModel, read_model
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.strict_csv import NamedTables, iso_day, read_csv
from coverage_policies.format.strict_yaml import YamlSource, read_yaml
from coverage_policies.judging.payer_terms_file import PayerEntry, payer_problems, read_payer
from coverage_policies.judging.plan_rules import Effective, PlanRules, Visibility, VisibilityRule
from fhir_mappings.codings import Coding, codings

_COLUMNS = ("system", "code", "to_system", "to_code")


def _day(value: Any) -> date:
    return iso_day(value if isinstance(value, str) else "")


_Name = Annotated[str, Field(min_length=1)]
_Day = Annotated[date, BeforeValidator(_day)]


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
    problem of this file and of those that it names, each with its line and what to write instead, and OSError if the
    file cannot be read.
    """
    source = read_yaml(read_text(path), str(path))
    stated = read_model(PlanRulesFile, source)
    problems = list(_problems(source, stated, revisions, hooks))
    tables = NamedTables(source, path.parent, problems)
    rules = PlanRules(
        payers=tuple(read_payer(entry, i, tables) for i, entry in enumerate(stated.payers)),
        effective=tuple(Effective(entry.policy, entry.from_, entry.to, entry.source) for entry in stated.effective),
        visibility_rules=tuple(
            VisibilityRule(entry.policy, entry.show, frozenset(entry.hooks)) for entry in stated.policies
        ),
        order_codes=tables.read(("order_codes",), stated.order_codes, _read_order_codes) or {},
    )
    if problems:
        in_order = sorted(problems, key=lambda each: each.line if each.file == source.file else math.inf)
        raise DocumentError(in_order)
    return rules


def files_of_plan_rules(path: Path) -> Iterator[Path]:
    """Yield a file of plan rules, and the CSV files that it names; these only if it can be read."""
    yield path
    try:
        stated = read_model(PlanRulesFile, read_yaml(read_text(path), str(path)))
    except (DocumentError, OSError):
        return
    for name in (stated.order_codes, *(name for payer in stated.payers for name in payer.tables)):
        if name:
            yield path.parent / name


def _problems(
    source: YamlSource, stated: PlanRulesFile, revisions: Collection[str], hooks: Collection[str]
) -> Iterator[Problem]:
    listed = ", ".join(sorted(revisions))
    yield from payer_problems(source, stated.payers)
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


def _read_order_codes(path: Path, problems: list[Problem]) -> Mapping[tuple[str, str], tuple[Coding, ...]]:
    found: dict[tuple[str, str], tuple[Coding, ...]] = {}

    def row(cells: Mapping[str, str], _line: int) -> None:
        if not all(cell.strip() for cell in cells.values()):
            raise ValueError(f"a row must have {', '.join(_COLUMNS)}, none of them empty")
        (sent,) = codings({"system": cells["system"], "code": cells["code"]})
        (known,) = codings({"system": cells["to_system"], "code": cells["to_code"]})
        found[sent.system, sent.code] = (*found.get((sent.system, sent.code), ()), known)

    read_csv(path, [_COLUMNS], f"the header must be {','.join(_COLUMNS)}", row, problems)
    return found
