"""The compiled check of a document: it says yes exactly where jsonschema finds nothing wrong."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from coverage_policies.format import loader
from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.operator import Operator
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.registry import operators
from coverage_policies.format.schema import document_check, document_validator
from coverage_policies.format.schema_check import compiled
from coverage_policies.format.strict_yaml import read_yaml
from coverage_policies.format.value_sets import ValueSets
from tests.support.policy_fakes import SETS, text
from tests.support.terms import TERMS

WORD, WORDS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object", "properties": {"a": WORD}}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string"}, ["", "a"], [None, [], {}]),
        ({"type": "array"}, [[], ["a"]], [None, "a", {}]),
        ({"type": "object"}, [{}, {"a": "b"}], [None, "a", []]),
        ({"enum": ["a", "b"]}, ["a", "b"], ["c", "", ["a"], None]),
        ({"const": "a"}, ["a"], ["b", ["a"], None]),
        ({"pattern": "^a+$"}, ["a", "aa", ["b"], {}, None], ["", "ab"]),
        ({"pattern": "a", "minLength": 2}, ["ab", []], ["a", "bb"]),
        ({"minLength": 1}, ["a", [], {}, None], [""]),
        ({"minItems": 2}, [["a", "b"], "a", {}, None], [["a"], []]),
        ({"items": WORD}, [[], ["a"], "a", {"a": []}], [[[]], ["a", {}]]),
        ({"required": ["a", "b"]}, [{"a": "", "b": "", "c": ""}, "a", []], [{}, {"a": ""}]),
        ({"properties": {"a": WORD}}, [{}, {"a": ""}, {"b": []}, []], [{"a": []}]),
        (OBJECT | {"additionalProperties": False}, [{}, {"a": ""}], [{"b": ""}, {"a": "", "b": ""}, {"a": []}]),
        (OBJECT | {"additionalProperties": WORDS}, [{"a": "", "b": ["c"]}], [{"b": ""}, {"a": []}]),
        ({"propertyNames": {"pattern": "^a"}}, [{}, {"ab": ""}, "b"], [{"b": ""}, {"ab": "", "b": ""}]),
        ({"minProperties": 1, "maxProperties": 2}, [{"a": ""}, {"a": "", "b": ""}, []], [{}, dict.fromkeys("abc", "")]),
        ({"anyOf": [WORD, WORDS]}, ["", [], ["a"]], [{}, [[]], None]),
        ({"if": {"type": "array"}, "then": WORDS, "else": OBJECT}, [["a"], {"a": "b"}], [[[]], {"a": []}, "a"]),
        (
            {"$ref": "#/$defs/d", "$defs": {"d": {"items": {"$ref": "#/$defs/d"}, "minItems": 1}}},
            ["a", [["a"]]],
            [[[]]],
        ),
        ({}, ["", [], {}, None], []),
        ({"examples": ["a"]}, ["", [], {}, None], []),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_keyword_is_checked_as_jsonschema_checks_it(
    schema: dict[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    check, validator = compiled(schema), Draft202012Validator(schema)
    assert [check(value) for value in right + wrong] == [True] * len(right) + [False] * len(wrong)
    assert [validator.is_valid(value) for value in right + wrong] == [True] * len(right) + [False] * len(wrong)


@pytest.mark.parametrize("schema", [{"format": "date"}, {"items": {"oneOf": [WORD]}}, {"$defs": {"d": {"not": WORD}}}])
def test_a_keyword_without_a_check_is_an_error_and_never_ignored(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has no check"):
        compiled(schema)


# --- the document schema ---------------------------------------------------------------------------------------------


def spoiled(value: Any) -> Iterator[Any]:
    """The value with one thing in it replaced, left out, or added, in every place."""
    yield from ("", "9 apples", [], {}, ["x"], {"x": "y"}, None)
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inside in places:
        for other in spoiled(inside):
            changed = copy.copy(value)
            changed[place] = other
            yield changed
        less = copy.copy(value)
        del less[place]
        yield less
    if isinstance(value, dict):
        yield value | {"x": "y"}


WHOLE = text(
    """
    I:
      says: s
      if_not_met: not-supported
      all:
        - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: q, met_by: no, asked: 1}
        - {id: I.B, same_as: I.A}
        - {id: I.C, says: c, at_least: 1, of: [{id: I.C.one, says: o, ask: q, for: [one, two]}]}
    II: {says: s, always: not-supported}
    """,
    orders="""
    - {codes: [the-order, another-order], sections: [I], only_if: {order: {approach: posterior}}}
    """,
    pathway="""
    ask: q
    choices: {one: {says: o, chosen_when: [{condition: {in: alpha}}, {device: {in: beta}}]}, two: {says: t}}
    """,
)


def test_of_a_document_spoiled_anywhere_check_and_validator_say_the_same() -> None:
    whole = read_yaml(WHOLE, "d.yaml").data
    assert document_check()(whole)
    verdicts = []
    for other in spoiled(whole):
        verdicts.append(document_check()(other))
        assert verdicts[-1] == document_validator().is_valid(other), other
    assert {True, False} == set(verdicts)


@pytest.mark.parametrize("operator", operators().values(), ids=list(operators()))
def test_of_a_clause_spoiled_anywhere_check_and_validator_say_the_same(operator: Operator) -> None:
    clause = read_yaml(operator.example, "d.yaml").data["clause"][operator.name]
    check, validator = compiled(operator.schema), Draft202012Validator(operator.schema)
    assert check(clause)
    for other in spoiled(clause):
        assert check(other) == validator.is_valid(other), other


# --- its use ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One item for each document that jsonschema reads."""
    read: list[None] = []

    def validator() -> Draft202012Validator:
        read.append(None)
        return document_validator()

    monkeypatch.setattr(loader, "document_validator", validator)
    return read


def test_a_document_without_faults_costs_no_explanation(explained: list[None]) -> None:
    parse_policy(WHOLE, "d.yaml", ValueSets(SETS, TERMS))
    assert explained == []


def test_a_document_with_a_fault_is_explained(explained: list[None]) -> None:
    with pytest.raises(DocumentError, match="is missing 'says'"):
        parse_policy(text("I: {ask: q}"), "d.yaml", SETS)
    assert len(explained) == 1


def test_every_document_that_ships_follows_the_schema() -> None:
    documents = [path for path in (BUILT_IN / "documents").rglob("*.yaml") if not path.name.endswith(".cases.yaml")]
    assert documents
    for path in documents:
        assert document_check()(read_yaml(path.read_text(encoding="utf-8"), str(path)).data)
