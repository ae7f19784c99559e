"""YAML as policy documents need it: every scalar is text, a key occurs once, and every place has a line and column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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

RULE = "yaml"
"""The rule of what keeps a file from being read at all."""

_HINT = "; put text with brackets, braces, colons, or commas in quotes"


class Place(NamedTuple):
    """Where something is in a file; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlSource:
    """A YAML file read: plain lists, dicts and text, and the line and column of each value, by its path.

    The place of a member is that of its key.
    """

    file: str
    data: Any
    places: dict[tuple[str | int, ...], Place]

    def place(self, path: Sequence[str | int]) -> Place:
        """Return the place of a path, or of the nearest one above it that is written."""
        nearest = tuple(path)
        while nearest not in self.places and nearest:
            nearest = nearest[:-1]
        return self.places.get(nearest, Place(1, 1))

    def problem(self, path: Sequence[str | int], what: str, rule: str = "document") -> Problem:
        """Return a problem at the place of a path."""
        line, column = self.place(path)
        return Problem(self.file, line, what, column, rule)


def read_yaml(text: str, file: str) -> YamlSource:
    """Read one YAML document. Raises DocumentError with file and line if it is not YAML or has a key twice."""
    try:
        reader = _Reader(yaml.parse(text, Loader=yaml.CBaseLoader), file)
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        line, column = _place(error.problem_mark)
        hint = _HINT if "expected ','" in str(error.problem) else ""
        raise DocumentError([Problem(file, line, f"this is not YAML: {error.problem}{hint}", column, RULE)]) from None
    except yaml.YAMLError:
        what = "this is not YAML: a character in it is not allowed"
        raise DocumentError([Problem(file, 1, what, rule=RULE)]) from None
    if reader.problems:
        raise DocumentError(reader.problems)
    return YamlSource(file, data, reader.places)


class _Reader:
    """Builds plain data from the events of a YAML parser, which knows no types: every scalar is text."""

    def __init__(self, events: Iterator[Event], file: str) -> None:
        self._events = events
        self._file = file
        self.places: dict[tuple[str | int, ...], Place] = {}
        self.problems: list[Problem] = []

    def document(self) -> Any:
        """Return the one document of the file; None if it is empty."""
        data = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent) and self.places:
                raise self._error(event, "this is not YAML: another document begins here; keep one")
            if isinstance(event, NodeEvent):
                data = self._value(event, ())
        return data

    def _value(self, event: Event, path: tuple[str | int, ...]) -> Any:
        self.places[path] = _place(event.start_mark)
        if isinstance(event, ScalarEvent):
            return event.value
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, AliasEvent):
            raise self._error(event, f"*{event.anchor} refers to another place; write it out")
        found: list[Any] = []
        for child in self._until(SequenceEndEvent):
            found.append(self._value(child, (*path, len(found))))
        return found

    def _mapping(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._until(MappingEndEvent):
            place = _place(event.start_mark)
            key = self._value(event, (*path, ""))
            value = self._value(next(self._events), (*path, str(key)))
            self.places[(*path, str(key))] = place
            if not isinstance(key, str):
                self._problem(place, "a key must be plain text")
            elif key in found:
                self._problem(place, f"{key!r} occurs twice; keep one")
            else:
                found[key] = value
        return found

    def _until(self, end: type[Event]) -> Iterator[Event]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _problem(self, place: Place, what: str) -> None:
        self.problems.append(Problem(self._file, place.line, what, place.column, RULE))

    def _error(self, event: Event, what: str) -> DocumentError:
        line, column = _place(event.start_mark)
        return DocumentError([Problem(self._file, line, what, column, RULE)])


def _place(mark: Any) -> Place:
    """Return the place of a mark of the parser; libyaml's marks have a type of their own."""
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
