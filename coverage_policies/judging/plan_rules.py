"""What the operator of the service knows and no policy text says: payers, effective dates, switches, local order codes.

One YAML file, read as strictly as a policy document. Everything in it is optional.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.strict_yaml import YamlSource, read_yaml
from fhir_mappings.codings import Coding, codings


class LineOfBusiness(Enum):
    """The line of business a patient's plan belongs to."""

    MEDICARE = "medicare"
    NON_MEDICARE = "non-medicare"
    UNKNOWN = "unknown"


class Visibility(Enum):
    """Whether what a text says is shown."""

    ON = "on"
    SHADOW = "shadow"
    """Evaluated and recorded, and not shown."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Payer:
    """A payer that follows one owner's policies, and how it is recognised in a Coverage."""

    name: str
    owner: str
    identifiers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    line: LineOfBusiness = LineOfBusiness.UNKNOWN


@dataclass(frozen=True, slots=True)
class Effective:
    """From when to when a plan applies a text; `until` None while it still does. `source` says who said so."""

    policy: str
    since: date
    until: date | None
    source: str


@dataclass(frozen=True, slots=True)
class VisibilityRule:
    """How the answers of a text are shown; `hooks` empty for all."""

    policy: str
    visibility: Visibility
    hooks: frozenset[str]


@dataclass(frozen=True)
class PlanRules:
    """The operator's rules. `order_codes` maps a code that EHRs send to the codes that policies know."""

    payers: tuple[Payer, ...] = ()
    effective: tuple[Effective, ...] = ()
    visibility_rules: tuple[VisibilityRule, ...] = ()
    order_codes: Mapping[tuple[str, str], tuple[Coding, ...]] = field(default_factory=dict)

    def visibility(self, policy: str, hook: str) -> Visibility:
        """How a text is shown on a hook; the last rule that fits stands."""
        found = Visibility.ON
        for switch in self.visibility_rules:
            if switch.policy in (policy, policy.partition("@")[0]) and (not switch.hooks or hook in switch.hooks):
                found = switch.visibility
        return found

    def mapped(self, codes: Iterable[Coding]) -> tuple[Coding, ...]:
        """The codes of an order with those that local or SNOMED CT codes stand for added, each once."""
        found = list(codes)
        for coding in tuple(found):
            found += self.order_codes.get((coding.system, coding.code), ())
        return tuple(dict.fromkeys(found))


_KINDS = {"string": "text", "array": "a list", "object": "keys with values"}
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_SCHEMA = Draft202012Validator(
    _closed(
        [],
        payers={
            "type": "array",
            "items": _closed(
                ["name", "owner"],
                name=_TEXT,
                owner=_TEXT,
                identifiers=_TEXTS,
                names=_TEXTS,
                classes=_TEXTS,
                line_of_business={"enum": [LineOfBusiness.MEDICARE.value, LineOfBusiness.NON_MEDICARE.value]},
            ),
        },
        effective={
            "type": "array",
            "items": _closed(["policy", "from", "source"], policy=_TEXT, to=_DAY, source=_TEXT, **{"from": _DAY}),
        },
        policies={
            "type": "array",
            "items": _closed(
                ["policy", "show"],
                policy=_TEXT,
                show={"enum": [each.value for each in Visibility]},
                hooks={"type": "array", "items": {"enum": ["order-select", "order-sign"]}, "minItems": 1},
            ),
        },
        order_codes=_TEXT,
    )
)


def load_plan_rules(path: Path, known: Iterable[str]) -> PlanRules:
    """Read the operator's file. `known` are the full names of the library's revisions; other names are an error.

    `order_codes` names a CSV beside it with the columns `system,code,to_system,to_code`. Raises DocumentError with
    everything that is wrong, and how it is written right.
    """
    try:
        source = read_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise DocumentError([Problem(str(path), 1, "the file is not in UTF-8; save it as UTF-8")]) from None
    data = source.data if source.data is not None else {}
    problems = [source.problem(list(error.absolute_path), _explained(error)) for error in _SCHEMA.iter_errors(data)]
    if problems:
        raise DocumentError(list(dict.fromkeys(problems)))
    problems = sorted(_problems(source, data, set(known)), key=lambda problem: problem.line)
    rules = PlanRules(
        payers=tuple(_payer(raw) for raw in data.get("payers", ())),
        effective=() if problems else tuple(_effective(raw) for raw in data.get("effective", ())),
        visibility_rules=tuple(
            VisibilityRule(raw["policy"], Visibility(raw["show"]), frozenset(raw.get("hooks", ())))
            for raw in data.get("policies", ())
        ),
        order_codes=_order_codes(path.parent / data["order_codes"], problems) if "order_codes" in data else {},
    )
    if problems:
        raise DocumentError(problems)
    return rules


def _explained(error: ValidationError) -> str:
    at = ".".join(str(part) for part in error.absolute_path if not isinstance(part, int)) or "the file"
    wanted: Any = error.validator_value
    held: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            return f"{at} lacks {' and '.join(repr(name) for name in wanted if name not in held)}"
        case "additionalProperties":
            known = list(schema["properties"])
            unknown = ", ".join(repr(name) for name in held if name not in known)
            return f"{at} knows no {unknown}; known here: {', '.join(known)}"
        case "enum":
            return f"{at} must be one of {', '.join(wanted)}"
        case "pattern":
            return f"{at} is a day, written like 2025-06-01"
        case "type":
            return f"{at} must be {_KINDS[wanted]}"
        case _:
            return f"{at} must not be empty"


def _problems(source: YamlSource, data: Mapping[str, Any], revisions: set[str]) -> Iterable[Problem]:
    policies = {name.partition("@")[0] for name in revisions}
    for key in ("effective", "policies"):
        for i, raw in enumerate(data.get(key, ())):
            known = revisions if key == "effective" else revisions | policies
            if raw["policy"] not in known:
                held = ", ".join(sorted(revisions))
                yield source.problem((key, i, "policy"), f"no text {raw['policy']!r} is held; there are: {held}")
    for i, raw in enumerate(data.get("effective", ())):
        for name in ("from", "to"):
            if name in raw and _day(raw[name]) is None:
                yield source.problem(("effective", i, name), f"{raw[name]} is no day of the calendar")
        if "to" in raw and raw["to"] < raw["from"]:
            yield source.problem(("effective", i, "to"), f"it ends on {raw['to']}, before it begins on {raw['from']}")
    for i, raw in enumerate(data.get("payers", ())):
        if not {"identifiers", "names", "classes"} & set(raw):
            yield source.problem(("payers", i), "a payer needs identifiers, names or classes to be recognised by")
        for j, identifier in enumerate(raw.get("identifiers", ())):
            if "|" not in identifier:
                what = "an identifier is written system|value, as in http://hl7.org/fhir/sid/us-npi|1234567893"
                yield source.problem(("payers", i, "identifiers", j), what)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _payer(raw: Mapping[str, Any]) -> Payer:
    return Payer(
        raw["name"],
        raw["owner"],
        frozenset(raw.get("identifiers", ())),
        frozenset(name.casefold() for name in raw.get("names", ())),
        frozenset(raw.get("classes", ())),
        LineOfBusiness(raw.get("line_of_business", "unknown")),
    )


def _effective(raw: Mapping[str, Any]) -> Effective:
    until = date.fromisoformat(raw["to"]) if "to" in raw else None
    return Effective(raw["policy"], date.fromisoformat(raw["from"]), until, raw["source"])


def _order_codes(path: Path, problems: list[Problem]) -> Mapping[tuple[str, str], tuple[Coding, ...]]:
    columns = ["system", "code", "to_system", "to_code"]
    found: dict[tuple[str, str], tuple[Coding, ...]] = {}
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))  # spreadsheets begin with a mark
    except (OSError, UnicodeDecodeError):
        problems.append(Problem(str(path), 1, "this file of order codes cannot be read"))
        return found
    if not rows or rows[0] != columns:
        problems.append(Problem(str(path), 1, f"the header must be {','.join(columns)}"))
        return found
    for line, cells in enumerate(rows[1:], start=2):
        if len(cells) != len(columns) or not all(cell.strip() for cell in cells):
            problems.append(Problem(str(path), line, f"a row holds {', '.join(columns)}, none of them empty"))
            continue
        (sent,), (known,) = (codings({"system": cells[i], "code": cells[i + 1]}) for i in (0, 2))
        found[sent.system, sent.code] = (*found.get((sent.system, sent.code), ()), known)
    return found
