"""What breaks a schema, in words: the only place that reads the errors of jsonschema and of pydantic.

Neither library's own messages are used. They quote the input, which in a request may be a patient's data.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import Any, TypeAlias

import jsonschema
import pydantic
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from coverage_policies.format.phrases import spelled_right

JsonPath: TypeAlias = Sequence[str | int]

_TYPES = {"object": "a mapping", "array": "a list", "string": "text"}
_ONE = (
    "exactly one operator or argument; of several in a list any one is enough, and where all must hold, each is a "
    "criterion under `all`"
)
_SIZES = {"sections": "at least one section", "pathway.choices": "at least two pathways to choose from"}


def place(path: JsonPath) -> str:
    """Return a path in a YAML file without the indexes of lists, since a line number stands beside it; "" for none."""
    return ".".join(part for part in path if isinstance(part, str))


def missing(where: str, wanted: Mapping[str, str]) -> str:
    """Return the sentence about keys that a mapping needs and does not have, each with its description, if any."""
    named = (f"{name!r} ({wanted[name]})" if wanted[name] else repr(name) for name in sorted(wanted))
    return f"{where} is missing {', '.join(named)}"


def unknown(where: str, names: Collection[str], known: Collection[str]) -> str:
    """Return the sentence about keys that a mapping has and its schema does not, with the closest known ones."""
    said = []
    for name in sorted(names):
        closest = get_close_matches(name, known, n=1, cutoff=0.75)
        said.append(f"{name!r} (did you mean {closest[0]!r}?)" if closest else repr(name))
    return f"{where} has no key {' or '.join(said)}; known keys: {', '.join(known)}"


def not_a_value(name: str, value: str, known: Collection[str]) -> str:
    """Return the sentence about a value that is none of those known, with the closest of them."""
    closest = get_close_matches(value, known, n=1, cutoff=0.75)
    hint = f" (did you mean {closest[0]!r}?)" if closest else ""
    return f"{name} has no value {value!r}{hint}; known values: {', '.join(known)}"


# --- jsonschema: policy documents ------------------------------------------------------------------------------------


def explain(error: jsonschema.ValidationError) -> tuple[JsonPath, str]:
    """Return the path of the deepest cause of an error in a policy document, and what an author should write there.

    The document is the author's own, so the sentence may quote it.
    """
    deepest = max(_causes(error), key=lambda cause: len(cause.absolute_path))
    path = list(deepest.absolute_path)
    return path, _sentence(deepest, place(path) or "the document")


def _causes(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    if not error.context:
        yield error
    for cause in error.context or ():
        yield from _causes(cause)


def _sentence(error: jsonschema.ValidationError, where: str) -> str:
    wanted: Any = error.validator_value
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    names = set(error.instance) if isinstance(error.instance, dict) else set()
    match error.validator:
        case "required":
            return missing(where, dict.fromkeys(set(wanted) - names, ""))
        case "additionalProperties":
            known = sorted(schema["properties"])
            return unknown(where, names - set(known), known)
        case "type":
            return f"{where} must be {_TYPES.get(wanted, wanted)}"
        case "enum":
            return f"{where} must be one of {', '.join(wanted)}, not {error.instance!r}"
        case "const":
            return f"{where} must be {wanted!r}"
        case "pattern":
            example = schema["examples"][0]  # every schema with a pattern has one
            meant = [repr(each) for each in spelled_right(str(error.instance), wanted, example)]
            advice = f"write {' or '.join(meant)}" if meant else f"write it like {example!r}"
            return f"{where} is not valid: {error.instance!r}; {advice}"
        case "maxProperties" | "minProperties":
            return f"{where} must hold {_SIZES.get(where, _ONE)}"
        case "minItems" | "minLength":
            return f"{where} must not be empty"
        case _:
            return f"{where} does not follow the format ({error.validator})"


# --- pydantic: requests and the operator's files ---------------------------------------------------------------------


class FaultKind(Enum):
    """How an input breaks its model."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    TYPE = "type"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at a path of the input; `wanted` describes what belongs there. It never quotes the input.

    For an unknown member `wanted` describes the object that has it, and `known` are the members that object may have.
    """

    path: tuple[str | int, ...]
    kind: FaultKind
    wanted: str
    known: tuple[str, ...] = ()


def model_faults(model: type[BaseModel], error: pydantic.ValidationError) -> Iterator[Fault]:
    """Yield what is wrong with the input of a model, every field of which has a description."""
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        path, kind = found["loc"], _kind(found["type"])
        if kind is FaultKind.UNKNOWN:
            schemas = _schemas(model, path[:-1])
            yield Fault(path, kind, _description(schemas), tuple(_resolved(schemas[0], schemas[-1])["properties"]))
        else:
            yield Fault(path, kind, _description(_schemas(model, path)))


def _kind(error_type: str) -> FaultKind:
    if error_type == "missing":
        return FaultKind.MISSING
    if error_type == "extra_forbidden":
        return FaultKind.UNKNOWN
    return FaultKind.TYPE if error_type.endswith("_type") else FaultKind.VALUE


class PlainSchema(GenerateJsonSchema):
    """Generates JSON Schema without titles; defaults and nulls, which stand for absent members, are left out too."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of the field alone."""
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the schema of the value that is not null."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Return False for every field."""
        return False


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    return model.model_json_schema(schema_generator=PlainSchema)


def _schemas(model: type[BaseModel], path: JsonPath) -> list[Mapping[str, Any]]:
    """Return the schemas that apply along a path, that of the model first."""
    found = [_schema(model)]
    for part in path:
        inside = _resolved(found[0], found[-1])
        found.append(inside["items"] if isinstance(part, int) else inside["properties"][part])
    return found


def _resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _description(schemas: Sequence[Mapping[str, Any]]) -> str:
    """Return the last description of a path; an item of a list has none of its own."""
    return str([schema["description"] for schema in schemas if "description" in schema][-1])
