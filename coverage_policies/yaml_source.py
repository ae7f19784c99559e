"""YAML as policy documents need it: every scalar is text, a key occurs once, and every place has a line number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a file: where it is, what is wrong, how it is written right."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class DocumentError(ValueError):
    """A document that cannot be used, with every problem found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Source:
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


def read(text: str, file: str) -> Source:
    """Read one YAML document. Raises DocumentError with file and line for what is no YAML or names a key twice."""
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise DocumentError([Problem(file, line, f"*{event.anchor} refers to another place; write it out")])
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError([Problem(file, line, f"this is not YAML: {error.problem}")]) from None
    except yaml.YAMLError:
        raise DocumentError([Problem(file, 1, "this is not YAML: a character in it is not allowed")]) from None
    lines: dict[tuple[str | int, ...], int] = {}
    problems: list[Problem] = []
    data = _plain(node, (), file, lines, problems) if node is not None else None
    if problems:
        raise DocumentError(problems)
    return Source(file, data, lines)


def _plain(
    node: Node,
    path: tuple[str | int, ...],
    file: str,
    lines: dict[tuple[str | int, ...], int],
    problems: list[Problem],
) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, SequenceNode):
        return [_plain(child, (*path, i), file, lines, problems) for i, child in enumerate(node.value)]
    found: dict[str, Any] = {}
    if isinstance(node, MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                problems.append(Problem(file, line, "a key must be plain text"))
            elif key.value in found:
                problems.append(Problem(file, line, f"{key.value!r} stands here twice; keep one"))
            else:
                found[key.value] = _plain(value, (*path, key.value), file, lines, problems)
                lines[(*path, key.value)] = line
    return found
