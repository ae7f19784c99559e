"""The JSON Schema of a policy document, assembled from the operators: what a document may say, and how."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from coverage_policies.format.operator import phrase
from coverage_policies.format.phrases import POSITIVE
from coverage_policies.format.registry import operators
from coverage_policies.format.schema_check import Check, compiled
from coverage_policies.format.terms import About, LineOfBusiness, PolicyKind, PriorAuthorization, RequestType

_ID = phrase(r"^[A-Za-z0-9]+(?:\.[A-Za-z0-9-]+)*$", "II.D.faber")
_NUMBER = phrase(POSITIVE, "3")
_MONTH = r"^\d{4}-(?:0[1-9]|1[0-2])$"
_DAY = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$"
_STATE = phrase(
    r"^(?:A[KLRSZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOPST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT"
    r"|V[AIT]|W[AIVY])$",
    "TX",
)
"""The postal codes of the states, the District of Columbia, and the territories (USPS Publication 28)."""

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_MENU_TEXT: Mapping[str, Any] = phrase(r"^.{1,80}$", "Posterior approach is clinically necessary")
"""A line of a menu: at most 80 characters."""
_NAMES: Mapping[str, Any] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_CLAUSE: Mapping[str, Any] = {"$ref": "#/$defs/clause"}
_CLAUSES: Mapping[str, Any] = {"$ref": "#/$defs/clauses"}
_CHILDREN: Mapping[str, Any] = {"type": "array", "items": {"$ref": "#/$defs/criterion"}, "minItems": 1}

_CRITERION: dict[str, Any] = {
    "says": _TEXT,
    "says_when_not_met": _TEXT,
    "override": _MENU_TEXT,
    "all": _CHILDREN,
    "any": _CHILDREN,
    "at_least": _NUMBER,
    "of": _CHILDREN,
    "met_when": _CLAUSES,
    "not_met_when": _CLAUSES,
    "show": _CLAUSES,
    "suggest": {
        "type": "object",
        "properties": {"says": _TEXT},
        "required": ["says"],
        "additionalProperties": _TEXT,
        "minProperties": 2,
        "maxProperties": 2,
    },
    "ask": _TEXT,
    "asked": _NUMBER,
    "met_by": {"enum": ["yes", "no"]},
    "about": {"enum": list(About)},
    "needs": _NAMES,
    "on_date_of": _TEXT,
    "if_met": {"const": "case-review"},
    "role": {"enum": ["advisory", "post-procedure", "information"]},
    "for": _NAMES,
    "rules_out": _NAMES,
    "interpretation": _TEXT,
    "note": _TEXT,
}


def _closed(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def document_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12). Every scalar of a document is a string; patterns mark the numbers."""
    criterion = _CRITERION | {"id": _ID, "if_not_met": {"const": "case-review"}}
    section = _CRITERION | {
        "if_not_met": {"enum": ["criteria-not-met", "not-supported", "case-review"]},
        "always": {"const": "not-supported"},
    }
    conditions = dict.fromkeys(("chosen_when", "keep_when", "exclude_when", "presume_when"), _CLAUSES)
    choice = {"says": _TEXT} | conditions
    entry = {
        "codes": _NAMES,
        "sections": {"type": "array", "items": _TEXT},
        **{key: {"$ref": "#/$defs/order_clauses"} for key in ("only_if", "unless", "never_if", "ask_if")},
        "ask": _TEXT,
        "companions": {
            "type": "array",
            "items": _closed(
                {"in": _TEXT, "add": _TEXT, "as": {"enum": list(RequestType)}, "says": _TEXT}, "in", "add", "says"
            ),
            "minItems": 1,
        },
    }
    about_the_order = {
        "type": "object",
        "properties": {name: operators()[name].schema for name in ("order", "concurrent_order")},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    names: dict[str, Any] = {"type": "object", "minProperties": 1, "propertyNames": _ID}
    words = {"type": "object", "minProperties": 2, "propertyNames": phrase(r"^[a-z][a-z0-9-]*$", "first-diagnostic")}
    document = _closed(
        {
            "policy": phrase(r"^[A-Za-z0-9][A-Za-z0-9.-]*$", "CP.MP.126"),
            "revision": phrase(_MONTH, "2025-04"),
            "edition": _NUMBER,
            "title": _TEXT,
            "owner": _TEXT,
            "lines_of_business": {
                "type": "array",
                "items": {"enum": list(LineOfBusiness)},
                "minItems": 1,
            },
            "kind": {"enum": list(PolicyKind)},
            "url": phrase(r"^https?://[^\s/]+(?:/\S*)?$", "https://example.org/policies/CP.MP.126.pdf"),
            "effective": phrase(_DAY, "2025-06-01"),
            "until": phrase(_DAY, "2026-05-31"),
            "states": {"type": "array", "items": _STATE, "minItems": 1},
            "prior_authorization": {"enum": list(PriorAuthorization)},
            "notes": {"type": "array", "items": _TEXT},
            "history": {"type": "array", "items": phrase(_MONTH, "2025-04")},
            "orders": {"type": "array", "items": _closed(entry, "codes", "sections"), "minItems": 1},
            "pathway": _closed(
                {
                    "ask": _TEXT,
                    "choices": words | {"additionalProperties": _closed(choice, "says")},
                },
                "ask",
                "choices",
            ),
            "sections": names | {"additionalProperties": _closed(section, "says")},
        },
        "policy",
        "revision",
        "edition",
        "title",
        "owner",
        "lines_of_business",
        "orders",
        "sections",
    )
    copy = {"id": criterion["id"], "same_as": _TEXT}
    return document | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {
            "criterion": {
                "if": {"type": "object", "required": ["same_as"]},
                "then": _closed(copy, "id", "same_as"),
                "else": _closed(criterion, "id", "says"),
            },
            "clauses": {"if": {"type": "array"}, "then": {"items": _CLAUSE, "minItems": 1}, "else": _CLAUSE},
            "order_clauses": {
                "if": {"type": "array"},
                "then": {"items": about_the_order, "minItems": 1},
                "else": about_the_order,
            },
            "clause": {
                "type": "object",
                "properties": {name: operator.schema for name, operator in operators().items()},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        },
    }


@cache
def document_check() -> Check:
    """Return whether a document follows the schema, without saying what is wrong; the validator does."""
    return compiled(document_schema())


@cache
def document_validator() -> Draft202012Validator:
    """Return the validator of policy documents."""
    return Draft202012Validator(document_schema())
