"""The base of the models of YAML files that an operator writes: they check a file and type what it says."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.schema_errors import FaultKind, missing, model_faults, place, unknown
from coverage_policies.format.strict_yaml import YamlSource


class FileModel(BaseModel):
    """A mapping in a YAML file, with no keys but its own.

    Every field, and the model of a whole file, has a description that completes the sentence "it must be …".
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


_Model = TypeVar("_Model", bound=FileModel)


def read_model(model: type[_Model], source: YamlSource) -> _Model:
    """Return the model of a file; an empty file is an empty mapping.

    Raises DocumentError with every problem, in the order of their lines.
    """
    try:
        return model.model_validate({} if source.data is None else source.data)
    except ValidationError as error:
        problems = dict.fromkeys(_problems(model, source, error))
        raise DocumentError(sorted(problems, key=lambda problem: problem.line)) from None


def _problems(model: type[_Model], source: YamlSource, error: ValidationError) -> Iterator[Problem]:
    lacking: dict[tuple[str | int, ...], dict[str, str]] = {}
    for fault in model_faults(model, error):
        *parent, name = fault.path or ("",)
        if fault.kind is FaultKind.MISSING:
            lacking.setdefault(tuple(parent), {})[str(name)] = fault.wanted
        elif fault.kind is FaultKind.UNKNOWN:
            yield source.problem(fault.path, unknown(_where(parent), [str(name)], fault.known))
        else:
            yield source.problem(fault.path, f"{_where(fault.path)} must be {fault.wanted}")
    for path, wanted in lacking.items():
        yield source.problem(path, missing(_where(path), wanted))


def _where(path: tuple[str | int, ...] | list[str | int]) -> str:
    return place(path) or "the file"
