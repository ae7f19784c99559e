"""YAML as documents need it: text only, keys once, a line for every place."""

import pytest

from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.strict_yaml import read_yaml


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        read_yaml(text, "d.yaml")
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    "scalar", ["no", "yes", "null", "~", "0123", "12:30", "27279", "2025-04", "1.50", "1e3", "0x1F", "true"]
)
def test_every_scalar_is_the_text_that_is_written(scalar: str) -> None:
    assert read_yaml(f"code: {scalar}\n", "d.yaml").data == {"code": scalar}


def test_lists_and_mappings_are_plain() -> None:
    assert read_yaml("a: [1, {b: c}]\nd:\n  e: f\n", "d.yaml").data == {"a": ["1", {"b": "c"}], "d": {"e": "f"}}


def test_nothing_is_read_from_an_empty_file() -> None:
    assert read_yaml("# only a comment\n", "d.yaml").data is None


TEXT = """\
policy: X
sections:
  I:
    all:
      - id: I.A
        says: a
      - id: I.B
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("policy",), (1, 1)),
        (("sections", "I"), (3, 3)),
        (("sections", "I", "all", 0), (5, 9)),
        (("sections", "I", "all", 0, "says"), (6, 9)),
        (("sections", "I", "all", 1, "id"), (7, 9)),
    ],
)
def test_a_problem_has_the_line_and_column_of_its_place(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    line, column = place
    assert read_yaml(TEXT, "d.yaml").problem(path, "wrong") == Problem("d.yaml", line, "wrong", column)


@pytest.mark.parametrize(
    ("text", "place"), [("a: 1\n  b: 2\n", (2, 4)), ("a: {b: 1, b: 2}\n", (1, 11)), ("a: 1\nb: *x\n", (2, 4))]
)
def test_what_cannot_be_read_has_line_and_column_and_the_rule_of_yaml(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(DocumentError) as raised:
        read_yaml(text, "d.yaml")
    (found,) = raised.value.problems
    assert ((found.line, found.column), found.rule) == (place, "yaml")


def test_a_place_that_is_not_written_has_the_line_of_the_nearest_one_above_it() -> None:
    assert read_yaml(TEXT, "d.yaml").problem(("sections", "I", "all", 1, "says"), "wrong").line == 7


def test_a_problem_is_printed_with_file_and_line() -> None:
    assert str(Problem("d.yaml", 7, "what is wrong")) == "d.yaml:7: what is wrong"


def test_a_key_that_stands_twice_is_told_with_the_line_of_the_second() -> None:
    assert problems("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n") == ["d.yaml:5: 'c' occurs twice; keep one"]


def test_every_problem_of_a_file_is_told() -> None:
    assert problems("a: 1\na: 2\nb: 3\nb: 4\n") == [
        "d.yaml:2: 'a' occurs twice; keep one",
        "d.yaml:4: 'b' occurs twice; keep one",
    ]


def test_the_same_key_in_two_mappings_is_no_problem() -> None:
    assert read_yaml("- {a: 1}\n- {a: 2}\n", "d.yaml").data == [{"a": "1"}, {"a": "2"}]


def test_a_key_that_is_no_text_is_told() -> None:
    assert problems("x: 1\n? [a, b]\n: 2\n") == ["d.yaml:2: a key must be plain text"]


@pytest.mark.parametrize(("text", "line"), [("a: [1, 2\nb: 3\n", 2), ("a: 1\n  b: 2\n", 2), ("a: 'open\n", 2)])
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int) -> None:
    (found,) = problems(text)
    assert found.startswith(f"d.yaml:{line}: this is not YAML: ")


_QUOTE = "put text with brackets, braces, colons, or commas in quotes"
_VALUE = f"a value begins here that has no key of its own; {_QUOTE}, and indent keys alike"
_AFTER = "text goes on after its end; put the whole of it in quotes, and write '' for an apostrophe in it"


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("a: {unit: 56 to 59 mm[Hg], x: y}\n", 1, 22, f"the {{ of this line has no end; {_QUOTE}"),
        ("a: [b}}\n", 1, 6, f"the [ of this line has no end; {_QUOTE}"),
        ("a: [b\nc: d\n", 2, 2, f"the [ of line 1 has no end; close it, or {_QUOTE}"),
        ("a: {b: c\nd: e\n", 2, 2, f"the {{ of line 1 has no end; close it, or {_QUOTE}"),
        ("a: b: c\n", 1, 5, _VALUE),
        ("a: b\n   c: d\n", 2, 5, _VALUE),
        ("a:\n\t- b\n", 2, 1, "a tab; indent with spaces"),
        ("a: @x\n", 1, 4, "text that begins with @ needs quotes"),
        ("a: %x\n", 1, 4, "text that begins with % needs quotes"),
        ("a: >= 5\n", 1, 5, "text that begins with > or | needs quotes"),
        ("a: & b\n", 1, 5, "text that begins with & or * needs quotes"),
        ('a: "b\nc: d\n', 3, 1, "the quotation mark of line 1 has no partner"),
        ('a: "\\d"\n', 1, 5, "a backslash has a meaning between double quotes; use single ones"),
        ("a:\n  b: c\n d: e\n", 3, 2, "the line fits no line above; indent keys of one mapping alike"),
        ("a: 'it's'\n", 1, 8, _AFTER),
        ("a: {b: c} d\n", 1, 11, _AFTER),
        ("- a\nb: c\n", 2, 1, "the list above goes on with `- `; indent what is no part of it less"),
        ("a: - b\n", 1, 4, "a list begins on a line of its own, below its key"),
    ],
)
def test_a_slip_is_answered_with_its_place_and_what_to_write(text: str, line: int, column: int, what: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read_yaml(text, "d.yaml")
    (found,) = raised.value.problems
    assert (found.line, found.column, found.what) == (line, column, f"this is not YAML: {what}")


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "a: 1\nb: &x [*x]\n", "a: 1\nb: *x\n"])
def test_a_reference_to_another_place_is_refused(text: str) -> None:
    assert problems(text) == ["d.yaml:2: *x refers to another place; write it out"]


def test_two_documents_in_one_file_are_refused() -> None:
    (found,) = problems("a: 1\n---\nb: 2\n")
    assert found.startswith("d.yaml:2: this is not YAML: ")


def test_a_character_that_yaml_does_not_allow_is_told() -> None:
    assert problems("a: \x07\n") == ["d.yaml:1: this is not YAML: a character in it is not allowed"]


def test_the_message_holds_every_problem_on_its_own_line() -> None:
    error = DocumentError([Problem("a", 1, "x"), Problem("b", 2, "y")])
    assert str(error) == "a:1: x\nb:2: y"
