"""What breaks a schema, as faults that are worded once for every kind of input. A fault never quotes the input."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class FaultKind(Enum):
    """How an input breaks its schema."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    TYPE = "type"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at a path of the input; `wanted` is the schema's description of what belongs there."""

    path: tuple[str | int, ...]
    kind: FaultKind
    wanted: str


def model_faults(model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    """Yield what pydantic found wrong with the input of a model, every field of which has a description."""
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        kind = _kind(found["type"])
        place = found["loc"][:-1] if kind is FaultKind.UNKNOWN else found["loc"]
        yield Fault(found["loc"], kind, _description(model, place))


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


def _description(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """Return the description of the field at a path; for an item of a list, that of the list."""
    schema = _schema(model)
    found, description = schema, str(schema["description"])
    for part in path:
        found = _resolved(schema, found)
        found = found["items"] if isinstance(part, int) else found["properties"][part]
        description = found.get("description", description)
    return description


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
