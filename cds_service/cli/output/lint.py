"""The findings of lint: as text, as JSON, as annotations of GitHub Actions, and as SARIF 2.1.0."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from coverage_policies.authoring.lint_rules import RULES, Severity
from coverage_policies.format.problems import Problem
from fhir_mappings.fhir_json import dumps

_GITHUB = {Severity.ERROR: "error", Severity.REMARK: "warning"}
_SARIF = {Severity.ERROR: "error", Severity.REMARK: "note"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else many}"


def total(problems: Sequence[Problem]) -> str:
    """Return how many errors and remarks there are, in words."""
    counts = Counter(RULES[problem.rule].severity for problem in problems)
    found = [counted(counts[each], each.value, f"{each.value}s") for each in Severity if counts[each]]
    return " and ".join(found) or "No problems"


def _text(problems: Sequence[Problem]) -> str:
    return "".join(
        f"{each.file}:{each.line}:{each.column}: {RULES[each.rule].severity.value}: {each.what} [{each.rule}]\n"
        for each in problems
    )


def _json(problems: Sequence[Problem]) -> str:
    found = [
        {
            "file": each.file,
            "line": each.line,
            "column": each.column,
            "severity": RULES[each.rule].severity.value,
            "rule": each.rule,
            "message": each.what,
        }
        for each in problems
    ]
    return f"{dumps(found, indent=2)}\n"


def _github(problems: Sequence[Problem]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "".join(
        f"::{_GITHUB[RULES[each.rule].severity]} file={_property(_relative(each.file))},line={each.line},"
        f"col={each.column},title={_property(each.rule)}::{_data(each.what)}\n"
        for each in problems
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(problems: Sequence[Problem]) -> str:
    used = [rule for rule in RULES.values() if any(each.rule == rule.id for each in problems)]
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.says},
            "defaultConfiguration": {"level": _SARIF[rule.severity]},
        }
        for rule in used
    ]
    results = [
        {
            "ruleId": each.rule,
            "level": _SARIF[RULES[each.rule].severity],
            "message": {"text": each.what},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(_relative(each.file))},
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
        }
        for each in problems
    ]
    driver = {"name": "cds-service policies lint", "version": version("cds-coverage-policies"), "rules": rules}
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return f"{dumps(log, indent=2)}\n"


def _relative(file: str) -> str:
    """Return a path from the current folder, as those who read annotations want it; others as they are."""
    path = Path(file).resolve()
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.as_posix()


FORMATS: Mapping[str, Callable[[Sequence[Problem]], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
}
"""How findings can be printed, by the name of the format."""
