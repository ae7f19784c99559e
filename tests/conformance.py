"""Writes docs/conformance.md: which requirement is checked by which tests, and which is not, with the reason.

`python tests/conformance.py` writes it, or `make conformance`. The requirements are in tests/requirements.csv, those
that no test checks yet in tests/requirements-later.csv; tests name what they check: `@pytest.mark.requirement("7.1")`.

tests/crd-requirements.csv has the conformance statements of Da Vinci CRD 2.2.1 for a server, in our words, and
tests/dtr-requirements.csv those of DTR 2.2.0. `how` says whether tests check one: those of the requirements in `items`,
and those that name it, such as "crd:hook-16".
"""

import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "conformance.md"

_HEAD = """# Conformance

Written by `make conformance` from the lists of requirements in tests/ and from the tests; do not edit.

Each requirement is stated in our own words; the source is the standard it comes from, and PRUDENT means that no
standard asks for it. What no test checks says why. The last two parts have every statement that
[Da Vinci CRD 2.2.1](#statements-of-da-vinci-crd-221) and [Da Vinci DTR 2.2.0](#statements-of-da-vinci-dtr-220) make
about a server.

{counts}
"""
_GUIDE_HEAD = """## Statements of Da Vinci {guide}

The statements of the guide about {kind} servers, in our own words, by their ids in it. A number such as 7.77 means the
tests of that requirement above. *Reviewed* means that no test can show it, *not applicable* that it permits something
or is about something that the service does not do.

{counts}

| id | level | statement | how |
|---|---|---|---|
"""
_HOW = {"tests": "checked by tests"} | {how: how for how in ("reviewed", "not met", "not applicable")}
_PARTS = (
    (19, "Discovery"),
    (40, "Requests"),
    (55, "Prefetch and FHIR access"),
    (76, "Cards"),
    (106, "Coverage information (Da Vinci CRD)"),
    (112, "Other card types (Da Vinci CRD)"),
    (116, "Errors"),
    (126, "Security"),
    (128, "CORS"),
    (131, "Time"),
    (135, "Feedback"),
    (140, "Records"),
)
"""The last number of each part of the checklist, and what the part is about."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement; `reason` says why no test checks it yet, and is empty where one does."""

    id: str
    level: str
    source: str
    statement: str
    reason: str = ""

    @property
    def number(self) -> int:
        """Its number in the checklist."""
        return int(self.id.removeprefix("7."))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a guide. `how` is `tests`, `reviewed`, `not met`, or `not applicable`; `why` explains it."""

    id: str
    level: str
    statement: str
    how: str
    items: str
    why: str

    @property
    def is_binding(self) -> bool:
        """Whether it is a SHALL, or has one."""
        return self.level.startswith("SHALL")


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide of Da Vinci, by its short name and its version."""

    name: str
    version: str

    @property
    def title(self) -> str:
        """The guide as a heading names it."""
        return f"{self.name.upper()} {self.version}"

    def statements(self) -> list[Statement]:
        """All that it says about a server, in the order of the list."""
        return [Statement(**row) for row in _rows(TESTS / f"{self.name}-requirements.csv")]

    def mark(self, statement: Statement) -> str:
        """How a test names a statement."""
        return f"{self.name}:{statement.id}"


CRD = Guide("crd", "2.2.1")
DTR = Guide("dtr", "2.2.0")
GUIDES = (CRD, DTR)


def requirements() -> list[Requirement]:
    """All of them, in the order of the checklist."""
    found = [Requirement(**row) for name in ("", "-later") for row in _rows(TESTS / f"requirements{name}.csv")]
    return sorted(found, key=lambda each: each.number)


def named_by_tests(folder: Path) -> dict[str, list[str]]:
    """The tests that name a requirement, as `file::name`, by its id."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, ids in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for each in ids:
                found.setdefault(each, []).append(f"{path.relative_to(folder).as_posix()}::{name}")
    return found


def page() -> str:
    """The page as it should stand in docs/."""
    stated, tests = requirements(), named_by_tests(TESTS)
    checked = [each for each in stated if each.id in tests]
    must = [each for each in checked if each.level == "MUST"]
    counts = f"{len(checked)} of {len(stated)} requirements are checked, {len(must)} of them MUST."
    parts = [_HEAD.format(counts=counts)]
    first = 0
    for last, title in _PARTS:
        rows = [_row(each, tests.get(each.id, [])) for each in stated if first < each.number <= last]
        parts.append(f"## {title}\n\n| id | level | requirement | source | checked by |\n|---|---|---|---|---|\n")
        parts[-1] += "".join(rows)
        first = last
    return "\n".join([*parts, *(_guide_part(guide, tests) for guide in GUIDES)])


def _guide_part(guide: Guide, tests: dict[str, list[str]]) -> str:
    stated = guide.statements()
    binding = [each for each in stated if each.is_binding]
    counted = ((how, sum(each.how == how for each in binding)) for how in dict.fromkeys(each.how for each in stated))
    counts = ", ".join(f"{count} {_HOW[how]}" for how, count in counted)
    counts = f"Of {len(stated)} statements {len(binding)} are a SHALL: {counts}."
    head = _GUIDE_HEAD.format(guide=guide.title, kind=guide.name.upper(), counts=counts)
    return head + "".join(_statement_row(each, tests.get(guide.mark(each), [])) for each in stated)


def _statement_row(each: Statement, tests: list[str]) -> str:
    how = "" if each.how == "tests" else f"**{each.how}**" if each.how == "not met" else f"*{each.how}*"
    by = "<br>".join([*([each.items.replace(" ", ", ")] if each.items else []), *(f"`{test}`" for test in tests)])
    said = ": ".join(filter(None, (how, each.why))) if how else each.why
    return f"| {each.id} | {each.level} | {each.statement} | {'<br>'.join(filter(None, (by, said)))} |\n"


def _row(each: Requirement, tests: list[str]) -> str:
    by = "<br>".join(f"`{test}`" for test in tests) if tests else f"**not yet**: {each.reason}"
    return f"| {each.id} | {each.level} | {each.statement} | {each.source or '–'} | {by} |\n"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _marked(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Each test function with the requirements it names."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            ids = [each for decorator in node.decorator_list for each in _named(decorator)]
            if ids:
                yield node.name, ids


def _named(decorator: ast.expr) -> Iterator[str]:
    for node in ast.walk(decorator):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
