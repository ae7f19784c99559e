"""Whether a document follows its JSON Schema, yes or no: the schema is compiled once, into plain functions.

jsonschema finds out what is wrong and where, at many times the price of the bare answer. Most documents are right, so
it reads only the others. Every keyword of the document schema has a check here; another one is an error when the schema
is compiled, and never ignored.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[Any], bool]
"""Whether a value of a document (text, list, mapping, or None) follows a schema."""

_TYPES = {"object": dict, "array": list, "string": str}
_NOTES = {"$schema", "$defs", "description", "examples"}
"""Keywords that demand nothing."""


def compiled(schema: Schema) -> Check:
    """Return the check of a schema. Raises ValueError for a keyword that has no check here."""
    return _Compiler(schema.get("$defs", {})).check(schema)


class _Compiler:
    """Compiles a schema and those inside of it. As in JSON Schema, a keyword ignores the types that it is not about."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._makers: dict[str, Callable[[Schema], Check]] = {
            "type": self._type,
            "$ref": self._reference,
            "enum": self._enum,
            "const": self._const,
            "anyOf": self._any_of,
            **dict.fromkeys(("if", "then", "else"), self._condition),
            **dict.fromkeys(("pattern", "minLength"), self._text),
            **dict.fromkeys(("items", "minItems"), self._list),
            **dict.fromkeys(("properties", "additionalProperties", "required"), self._members),
            **dict.fromkeys(("propertyNames", "minProperties", "maxProperties"), self._names),
        }
        self._definitions: dict[str, Check] = {}
        for name, schema in definitions.items():
            self._definitions[f"#/$defs/{name}"] = self.check(schema)

    def check(self, schema: Schema) -> Check:
        """Return the check of a schema: that all its keywords are followed."""
        if lacking := sorted(schema.keys() - self._makers.keys() - _NOTES):
            raise ValueError(f"the keyword {lacking[0]!r} has no check")
        makers = dict.fromkeys(self._makers[keyword] for keyword in schema if keyword not in _NOTES)
        checks = [make(schema) for make in makers]
        return checks[0] if len(checks) == 1 else _all(checks)

    def _type(self, schema: Schema) -> Check:
        wanted = _TYPES[schema["type"]]
        return lambda value: isinstance(value, wanted)

    def _reference(self, schema: Schema) -> Check:
        definitions, name = self._definitions, schema["$ref"]
        return lambda value: definitions[name](value)

    def _enum(self, schema: Schema) -> Check:
        wanted = list(schema["enum"])
        return lambda value: value in wanted

    def _const(self, schema: Schema) -> Check:
        wanted = schema["const"]
        return lambda value: bool(value == wanted)

    def _any_of(self, schema: Schema) -> Check:
        checks = [self.check(each) for each in schema["anyOf"]]
        return lambda value: any(check(value) for check in checks)

    def _condition(self, schema: Schema) -> Check:
        holds, then, otherwise = (self.check(schema.get(each, {})) for each in ("if", "then", "else"))
        return lambda value: then(value) if holds(value) else otherwise(value)

    def _text(self, schema: Schema) -> Check:
        least = schema.get("minLength", 0)
        search = re.compile(schema.get("pattern", "")).search
        return lambda value: not isinstance(value, str) or (len(value) >= least and search(value) is not None)

    def _list(self, schema: Schema) -> Check:
        least, item = schema.get("minItems", 0), self.check(schema.get("items", {}))
        return lambda value: not isinstance(value, list) or (len(value) >= least and all(map(item, value)))

    def _members(self, schema: Schema) -> Check:
        required = frozenset(schema.get("required", ()))
        known = {name: self.check(each) for name, each in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties", {})
        other: Check = self.check(more) if isinstance(more, Mapping) else lambda _: bool(more)

        def members(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            if not required <= value.keys():
                return False
            return all(known.get(name, other)(member) for name, member in value.items())

        return members

    def _names(self, schema: Schema) -> Check:
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        name = self.check(schema.get("propertyNames", {}))
        return lambda value: (
            not isinstance(value, dict)
            or (least <= len(value) and (most is None or len(value) <= most) and all(map(name, value)))
        )


def _all(checks: list[Check]) -> Check:
    def follows(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - all() of a generator takes twice as long
            if not check(value):
                return False
        return True

    return follows
