"""What was not done although its status says so: discontinued procedures, and visits to which the patient did not come.

Billing systems close both as completed or finished. A modifier, or words in the type or the reason, tell.
"""

import re
from collections.abc import Iterable

from fhir_mappings.code_systems import DISCONTINUED
from fhir_mappings.codings import codings_and_text
from fhir_mappings.fhir_json import Json
from fhir_mappings.short_texts import kept

_VISIT = r"(?:appointment|visit|session|(?:psycho)?therapy|counseling|treatment|group|program)s?\b"
_END = rf"(?=\s?(?:\Z|[^\w\s]|by\b|{_VISIT}))"
_FILLERS = r"(?: (?:up|in|for|to|the|this|that|his|her|their|any|scheduled|today))*"
_MISSED = re.compile(
    r"\bno[ -]?show(?:s|ed)?\b|\bnon-?attendance\b|\blwbs\b"
    rf"|\b(?:did not|didn['’]?t|failed to) (?:attend|show|arrive|come|present|keep){_FILLERS}{_END}"
    rf"|\b(?:missed|cancel+ed)(?: (?:the|this|his|her|their))? {_VISIT}"
    r"|\b(?:appointment|visit|session) (?:was )?(?:missed|not (?:kept|attended)|cancel+ed)\b"
    rf"|\b(?:patient|client|provider|late|same[ -]day) cancel(?:l?ed|lation)?\b{_END}"
    rf"|(?:\A|[^\w\s] ?)cancel(?:l?ed|lation)\b{_END}"
    r"|\b(?:left|eloped) (?:without|before|prior to) (?:being )?(?:seen|treated|evaluated|treatment|evaluation)\b",
    re.IGNORECASE,
)
"""Words that say that a patient did not come to a visit, or left before it."""


def is_discontinued(modifiers: Iterable[str]) -> bool:
    """Return whether one of these modifiers of a billing code says that the procedure was discontinued."""
    return not DISCONTINUED.isdisjoint(modifiers)


def may_be_undone(concepts: Iterable[Json]) -> bool:
    """Return whether a modifier or words of what was done, and why, say that it was not."""
    for concept in concepts:
        for coding in codings_and_text(concept):
            if coding.modifiers and is_discontinued(coding.modifiers):
                return True
            if coding.display and says_missed(coding.display):
                return True
    return False


@kept
def says_missed(words: str) -> bool:
    """Return whether words say that the patient did not come to a visit, or left before it."""
    return _MISSED.search(" ".join(words.split())) is not None
