"""Patterns of authors: those that are matched in linear time pass, and each other form is refused with another way."""

import pytest

from coverage_policies.format.pattern_check import LONGEST, PatternError, check_part, check_pattern

LINEAR = (
    r"\bposterior\b",
    r"\bposter\w*|\bdorsal\w*",
    r"\bposterior\s+(?:\w+\s+){0,2}approach\b",
    r"\b(?:the\s+)?\w*tomy\b",
    r"^\W*post-?op\W*$",
    r"(?<!clinical )\btrial\b(?!\s+of\s+labou?r)",
    r"\(L\)",
    r"\bleft\s+hip",
    r"x{1,3}",
    r"a{3}b",
    r"\b(paddle|plate)\s+leads?\b",
    r"\bL\.?\s+knee\b",
    r"\bpain[\s,-]+pump\b",
)

REFUSED = (
    ("(", "no regular expression"),
    ("[a", "no regular expression"),
    ("*a", "no regular expression"),
    (r"\bx" * (LONGEST // 3 + 1), "characters"),
    (r"\b(?P<name>x)", "names of groups and flags"),
    (r"(?s)\bx", "names of groups and flags"),
    (r"\b(?s:x)", "flags"),
    (r"\b(x)\1", "only characters"),
    (r"\b(x)(?(1)y|z)", "only characters"),
    (r"\b(?>x)y", "only characters"),
    (r"\bx++y", "only characters"),
    (r"x?", "matches where nothing is written"),
    (r"\b", "matches where nothing is written"),
    (r"\b(?:x+)+y", "at most 5 times"),
    (r"\b(?:ab|cd)*y", "at most 5 times"),
    (r"\b(?:\w+\s+){0,6}y", "at most 5 times"),
    (r"\b\w{0,400}\w{0,400}y", "may match the same text"),
    (r"\b(?:(?:(?:a?b?){0,5}){0,5}){0,5}y", "too many ways"),
    (r"\b" + "a?" * 20 + "a" * 20, "too many ways"),
    (r"\b\w+\w+y", "may match the same text"),
    (r"\b\w*x\w*y", "may match the same text"),
    (r"\b(?:\w+\s?){0,3}y", "may match the same text"),
    (r"\bx.*y.*z", "may match the same text"),
    (r"\w+tomy", r"begin with \\b"),
    (r"a\w*b", r"begin with \\b"),
    (r"\bx|\w*y", r"begin with \\b"),
)


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_pattern_that_takes_linear_time_passes(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(("pattern", "says"), REFUSED)
def test_a_pattern_that_may_take_longer_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=says):
        check_pattern(pattern)


def test_an_error_tells_where_in_the_pattern_it_is() -> None:
    with pytest.raises(PatternError) as raised:
        check_pattern(r"\bleft [side")
    assert raised.value.position == len(r"\bleft ")


def test_a_part_need_not_begin_at_a_word() -> None:
    check_part(r"approach|implant\w*")
    with pytest.raises(PatternError, match="no regular expression"):
        check_part("(")
