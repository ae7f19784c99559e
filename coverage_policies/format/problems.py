"""Mistakes in the files of authors and operators, each with its file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a file: where it is, what is wrong, and what to write instead.

    `line` and `column` count from 1. `rule` is the id of the lint rule it breaks (authoring/lint_rules.py).
    """

    file: str
    line: int
    what: str
    column: int = 1
    rule: str = "document"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class DocumentError(ValueError):
    """A file that cannot be used, with every problem found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: Path, line: int, what: str, rule: str = "document") -> "DocumentError":
        """Return the error of a single problem."""
        return cls([Problem(str(path), line, what, rule=rule)])


def read_text(path: Path) -> str:
    """Return the text of a file, without the byte order mark that spreadsheets put before it.

    Raises DocumentError if the file is not UTF-8, and OSError if it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError.at(path, 1, "the file is not UTF-8; save it as UTF-8", "encoding") from None
