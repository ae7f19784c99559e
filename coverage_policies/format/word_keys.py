"""The keys by which an index finds the rows of words that may occur in a text: by the first word of each row.

The keys may find a row too many, and never miss one that its regular expression, which ignores case, finds in the text.
"""

import re
from collections.abc import Iterable, Iterator

from coverage_policies.format.value_sets import TEXT, keys
from fhir_mappings.codings import Coding

_ANY_TEXT = (TEXT, "")
"""The key of rows that may be in any text: they do not begin with a word in plain letters."""
_WORD = re.compile(r"\w+")
_AS_I = {ord("İ"): "i", ord("ı"): "i"}
"""Regular expressions that ignore case take these for an i; `casefold` does not."""


def row_key(words: str) -> tuple[str, str]:
    """Return the key of a row by its words as a value set has them: `si fusion`, `fusion*`."""
    found = _WORD.match(words)
    if found is None or not found[0].isascii():
        return _ANY_TEXT
    is_prefix = words.endswith("*") and words.rstrip("*") == found[0]
    return TEXT, _folded(found[0]) + "*" * is_prefix


def text_keys(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the key of every row that may occur in one of these texts."""
    yield _ANY_TEXT
    for word in {_folded(found[0]) for text in texts for found in _WORD.finditer(text)}:
        yield from keys(Coding(TEXT, word))


def _folded(word: str) -> str:
    return word.translate(_AS_I).casefold()
