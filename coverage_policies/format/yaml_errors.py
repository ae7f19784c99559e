"""What is wrong with a text that is not YAML, in words for those who write policies and not parsers."""

import yaml

_QUOTE = "put text with brackets, braces, colons, or commas in quotes"
_BY_PROBLEM = {
    "mapping values are not allowed in this context": f"a value begins here that has no key of its own; {_QUOTE}, and "
    "indent keys alike",
    "block sequence entries are not allowed in this context": "a list begins on a line of its own, below its key",
    "did not find expected '-' indicator": "the list above goes on with `- `; indent what is no part of it less",
    "found unknown escape character": "a backslash has a meaning between double quotes; use single ones",
    "did not find expected comment or line break": "text that begins with > or | needs quotes",
    "did not find expected alphabetic or numeric character": "text that begins with & or * needs quotes",
}
_INDENTATION = "the line fits no line above; indent keys of one mapping alike"
_AFTER_THE_END = "text goes on after its end; put the whole of it in quotes, and write '' for an apostrophe in it"


def yaml_error(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return what is wrong at the place where a parser stopped, and how to write it right."""
    problem, mark, opened = str(error.problem), error.problem_mark, error.context_mark
    if problem in _BY_PROBLEM:
        return _BY_PROBLEM[problem]
    if opened and mark and problem.startswith("did not find expected ','"):
        bracket = "{" if "mapping" in str(error.context) else "["
        if opened.line == mark.line:
            return f"the {bracket} of this line has no end; {_QUOTE}"
        return f"the {bracket} of line {opened.line + 1} has no end; close it, or {_QUOTE}"
    if opened and problem == "found unexpected end of stream":
        return f"the quotation mark of line {opened.line + 1} has no partner"
    if mark and problem == "found character that cannot start any token":
        character = text.splitlines()[mark.line][mark.column]
        return "a tab; indent with spaces" if character == "\t" else f"text that begins with {character} needs quotes"
    if mark and problem == "did not find expected key":
        before = text.splitlines()[mark.line][: mark.column] if mark.line < len(text.splitlines()) else ""
        return _AFTER_THE_END if before.strip() else _INDENTATION
    return problem
