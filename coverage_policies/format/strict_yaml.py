"""YAML as policy documents need it: every scalar is text, a key occurs once, and every place has a line number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class YamlSource:
    """A YAML file read: plain lists, dicts and text, and the line each value begins on, by its path."""

    file: str
    data: Any
    lines: dict[tuple[str | int, ...], int]

    def problem(self, path: Sequence[str | int], what: str) -> Problem:
        """A problem at a path, or at the nearest place above it that has a line."""
        place = tuple(path)
        while place not in self.lines and place:
            place = place[:-1]
        return Problem(self.file, self.lines.get(place, 1), what)


def read_yaml(text: str, file: str) -> YamlSource:
    """Read one YAML document. Raises DocumentError with file and line for what is no YAML or names a key twice."""
    try:
        reader = _Reader(yaml.parse(text, Loader=yaml.CBaseLoader), file)
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError([Problem(file, line, f"this is not YAML: {error.problem}")]) from None
    except yaml.YAMLError:
        raise DocumentError([Problem(file, 1, "this is not YAML: a character in it is not allowed")]) from None
    if reader.problems:
        raise DocumentError(reader.problems)
    return YamlSource(file, data, reader.lines)


class _Reader:
    """Builds plain data from the events of a YAML parser, which knows no types: every scalar is text."""

    def __init__(self, events: Iterator[Event], file: str) -> None:
        self._events = events
        self._file = file
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.problems: list[Problem] = []

    def document(self) -> Any:
        """The one document of the file; None where there is none."""
        data = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent) and self.lines:
                raise self._error(event, "this is not YAML: another document begins here; keep one")
            if isinstance(event, NodeEvent):
                data = self._value(event, ())
        return data

    def _value(self, event: Event, path: tuple[str | int, ...]) -> Any:
        self.lines[path] = _line(event)
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
            line = _line(event)
            key = self._value(event, (*path, ""))
            value = self._value(next(self._events), (*path, str(key)))
            self.lines[(*path, str(key))] = line
            if not isinstance(key, str):
                self.problems.append(Problem(self._file, line, "a key must be plain text"))
            elif key in found:
                self.problems.append(Problem(self._file, line, f"{key!r} stands here twice; keep one"))
            else:
                found[key] = value
        return found

    def _until(self, end: type[Event]) -> Iterator[Event]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _error(self, event: Event, what: str) -> DocumentError:
        return DocumentError([Problem(self._file, _line(event), what)])


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
