"""YAML as policy documents need it: every scalar is text, a key occurs once, and every place has a line and column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.yaml_errors import yaml_error

RULE = "yaml"
"""The rule of what keeps a file from being read at all."""


Mark: TypeAlias = Any
"""Where something is, as the parser says it: libyaml's marks have a type of their own."""


class Place(NamedTuple):
    """Where something is in a file; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlSource:
    """A YAML file read: plain lists, dicts and text, and the mark of each value, by its path.

    The mark of a member is that of its key.
    """

    file: str
    data: Any
    marks: Mapping[tuple[str | int, ...], Mark]

    def place(self, path: Sequence[str | int]) -> Place:
        """Return the place of a path, or of the nearest one above it that is written."""
        nearest = tuple(path)
        while nearest not in self.marks and nearest:
            nearest = nearest[:-1]
        return _place(self.marks.get(nearest))

    def problem(self, path: Sequence[str | int], what: str, rule: str = "document") -> Problem:
        """Return a problem at the place of a path."""
        line, column = self.place(path)
        return Problem(self.file, line, what, column, rule)


def read_yaml(text: str, file: str) -> YamlSource:
    """Read one YAML document. Raises DocumentError with file and line if it is not YAML or has a key twice."""
    try:
        reader = _Reader(yaml.CBaseLoader(text), file)
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        line, column = _place(error.problem_mark)
        what = f"this is not YAML: {yaml_error(error, text)}"
        raise DocumentError([Problem(file, line, what, column, RULE)]) from None
    except yaml.YAMLError:
        what = "this is not YAML: a character in it is not allowed"
        raise DocumentError([Problem(file, 1, what, rule=RULE)]) from None
    if reader.problems:
        raise DocumentError(reader.problems)
    return YamlSource(file, data, reader.marks)


class _Reader:
    """Builds plain data from the events of a YAML parser, which knows no types: every scalar is text."""

    def __init__(self, parser: yaml.CBaseLoader, file: str) -> None:
        self._next: Callable[[], Any] = parser.get_event  # an event; None after the last one
        self._file = file
        self.marks: dict[tuple[str | int, ...], Mark] = {}
        self.problems: list[Problem] = []

    def document(self) -> Any:
        """Return the one document of the file; None if it is empty."""
        data = None
        for event in iter(self._next, None):
            if isinstance(event, DocumentStartEvent) and self.marks:
                raise self._error(event, "this is not YAML: another document begins here; keep one")
            if isinstance(event, NodeEvent):
                data = self._value(event, ())
        return data

    def _value(self, event: Event, path: tuple[str | int, ...]) -> Any:
        self.marks[path] = event.start_mark
        if isinstance(event, ScalarEvent):
            return event.value
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, AliasEvent):
            raise self._error(event, f"*{event.anchor} refers to another place; write it out")
        found: list[Any] = []
        while not isinstance(child := self._next(), SequenceEndEvent):
            found.append(self._value(child, (*path, len(found))))
        return found

    def _mapping(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = event.value if isinstance(event, ScalarEvent) else self._value(event, (*path, ""))
            inside = (*path, str(key))
            value = self._value(self._next(), inside)
            self.marks[inside] = event.start_mark
            if not isinstance(key, str):
                self._problem(_place(event.start_mark), "a key must be plain text")
            elif key in found:
                self._problem(_place(event.start_mark), f"{key!r} occurs twice; keep one")
            else:
                found[key] = value
        return found

    def _problem(self, place: Place, what: str) -> None:
        self.problems.append(Problem(self._file, place.line, what, place.column, RULE))

    def _error(self, event: Event, what: str) -> DocumentError:
        line, column = _place(event.start_mark)
        return DocumentError([Problem(self._file, line, what, column, RULE)])


def _place(mark: Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
