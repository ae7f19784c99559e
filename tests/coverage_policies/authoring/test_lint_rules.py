"""The rules of lint: each finding names one that exists, with the severity of the function that found it."""

import ast
from pathlib import Path

from coverage_policies.authoring.lint_rules import RULES, Severity, in_order
from coverage_policies.format.problems import Problem

ROOT = Path(__file__).parents[3]
USED = {
    node.value
    for folder in ("coverage_policies", "cds_service/cli")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "lint_rules.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


def test_every_rule_is_used() -> None:
    assert set(RULES) - USED == set()


def test_a_rule_says_what_must_be_so_in_one_sentence() -> None:
    assert [rule.id for rule in RULES.values() if not rule.says.endswith(".") or ". " in rule.says] == []


def test_the_default_rule_of_a_problem_exists() -> None:
    assert RULES[Problem("f", 1, "what").rule].severity is Severity.ERROR


def test_findings_are_in_the_order_of_their_places_and_each_is_once() -> None:
    first, second, third = Problem("a", 2, "x"), Problem("a", 10, "y", 3), Problem("a", 10, "x", 20)
    other = Problem("b", 1, "x")
    assert in_order([other, third, first, second, first]) == (first, second, third, other)
