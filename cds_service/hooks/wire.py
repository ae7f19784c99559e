"""The base of the models of client requests, which validate, type, and describe them in the OpenAPI document."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue, models_json_schema
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from cds_service.hooks.errors import MOST_ISSUES, RefusedError, issue_of
from coverage_policies.format.schema_errors import PlainSchema, model_faults
from fhir_mappings.fhir_json import Json


class WireModel(BaseModel):
    """A JSON object from a client. Additional members are allowed, and a null member counts as absent.

    The description of every field tells a client what to send. The repr has no values, which may be a patient's.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: member for name, member in value.items() if member is not None}
        return value

    def __repr_args__(self) -> Sequence[tuple[str, Any]]:
        return ()


_Model = TypeVar("_Model", bound=WireModel)


def read_model(model: type[_Model], value: Json) -> _Model:
    """Return the model of a parsed request body.

    Raise RefusedError (400) with the path of every fault and what to send there, never a value.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        issues = dict.fromkeys(issue_of(fault) for fault in model_faults(model, error))
        raise RefusedError(400, *islice(issues, MOST_ISSUES)) from None


@dataclass(frozen=True, slots=True)
class Text:
    """The constraints of a string: a pattern for all of it, and its length in characters.

    Unlike pydantic's constraints, they allow lookaheads and lone surrogates, which JSON may contain.
    """

    pattern: str = ""
    min_length: int = 0
    max_length: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        stated: dict[str, Any] = {
            "pattern": self.pattern and f"^{self.pattern}$",
            "minLength": self.min_length,
            "maxLength": self.max_length,
        }
        return handler(schema) | {keyword: limit for keyword, limit in stated.items() if limit}

    def _check(self, value: str) -> str:
        if len(value) < self.min_length:
            raise PydanticKnownError("string_too_short", {"min_length": self.min_length})
        if self.max_length is not None and len(value) > self.max_length:
            raise PydanticKnownError("string_too_long", {"max_length": self.max_length})
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise PydanticKnownError("string_pattern_mismatch", {"pattern": self.pattern})
        return value


UUID = Text(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_uuid(value: str) -> bool:
    """Return whether a text is a UUID of any version, in either case."""
    return re.fullmatch(UUID.pattern, value) is not None


def json_schemas(models: Sequence[type[WireModel]]) -> dict[str, Any]:
    """Return the JSON Schemas of models by class name; they reference each other as OpenAPI components."""
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=PlainSchema,
    )
    return dict(found["$defs"])
