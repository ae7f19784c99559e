"""What a record says about its end: the drug was stopped, another order goes on with it, or only this record ended.

FHIR R4 has no date on which a prescription was stopped, and `completed` or `stopped` alone says nothing about what came
after: orders also end because they are renewed, are duplicates, or belong to an encounter that is over.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum

from fhir_mappings.codings import codings, concept_text, has_code, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.notes import note_texts
from fhir_mappings.short_texts import kept


class Ending(Enum):
    """What the status of a record says, with its reason."""

    NONE = "it has not ended"
    RECORD = "this record has ended, and nothing else is said"
    REORDERED = "another order of the same drug goes on with it, at the same dose or another"
    SWITCHED = "another drug goes on with it"
    DUPLICATE = "another order for the same was on record"
    MISTAKE = "the order was a mistake, so nothing of it may have been taken"
    STOPPED = "the drug was stopped"


_ENDED = ("completed", "stopped", "cancelled")
_DUPLICATE_CODE = "sdupther"
_STOPPED_CODES = ("drughigh", "preg", "salg", "sddi", "sintol")
_PAUSED_CODES = ("altchoice", "clarif", "hospadm", "labint", "non-avail", "surg", "washout")
"""HL7 codes by which a drug is only put off, or is still to be clarified (medicationrequest-status-reason, R4)."""

_WORDS: tuple[tuple[re.Pattern[str], Ending], ...] = (
    (
        re.compile(
            r"stop(?:ped)? taking|no longer (?:tak|need|us|indicat|requir|want)|not tak|"
            r"(?:taper|wean)\w{0,3} (?:off|complet|finish|done)"
        ),
        Ending.STOPPED,
    ),
    (re.compile(r"duplicat|\bdup\b"), Ending.DUPLICATE),
    (
        # An error of a part of it, such as the dose or the pharmacy, is corrected by another order.
        re.compile(
            r"(?s)\A(?!.*(?:dos(?:e|age|ing)\b|\bsig\b|direction|instruct|quantity|\bqty\b|strength|frequen|\broute|"
            r"formulary|refill|pharmacy))"
            r".*(?:\berrors?\b|\berroneous|mistak|\b(?:wrong|incorrect) (?:patient|pt|person|chart|drug|med))"
        ),
        Ending.MISTAKE,
    ),
    (
        re.compile(
            r"substitut|formulary|alternat|replac|switch|rotat|convert|in favor of|"
            r"chang\w{0,3} (?:to|(?:in|of) (?:therapy|drug|medication|treatment))|(?:therapy|drug|medication) chang"
        ),
        Ending.SWITCHED,
    ),
    (
        re.compile(
            r"re-?order|renew|refill|re-?prescri|re-?issue|re-?enter|new (?:rx|script|prescription|order)|"
            r"(?<!dis)continu|modif|updat|supersed|adjust|titrat|taper|correct|error|mistake|wrong|chang|(?<!over)dos(?:e|age|ing)|"
            r"\A(?:increas|decreas|reduc)\w*\Z"
        ),
        Ending.REORDERED,
    ),
    (
        re.compile(
            r"transfer|discharg|encounter|admi(?:ssion|tted)|hospital|inpatient|\bvisit|expire|auto|(?:stop|end) date|"
            r"time ?out|\bmov|migrat|conversion|import|clean|hold|held|suspend|pause|temporar|pharmac|stock|availab|"
            r"back-?order|(?:prescrib|manag|follow)\w* (?:by|elsewhere)"
        ),
        Ending.RECORD,
    ),
    (
        re.compile(
            r"\A(?:(?:order )?(?:completed?|stopped|discontinued|cancel+ed|ended|inactive)|other|unknown|unspecified|"
            r"none|misc\w*|not (?:specified|stated|given)|see (?:notes?|comments?)|no reason(?: \w+)?)\Z"
        ),
        Ending.RECORD,
    ),
)
"""What the words of a reason say; the first that is found decides."""


def ending_of(resource: Resource) -> Ending:
    """Return what the status of a resource and its reason say about the end of the drug.

    A reason in words that are not among these is one for which the drug was stopped; a bare code that is not known is
    no reason.
    """
    status, reason = resource.get("status"), resource.get("statusReason")
    if status not in _ENDED:
        return Ending.NONE
    found = _by_reason(reason) if reason else None
    if status == "completed" and found is Ending.STOPPED:
        return Ending.RECORD
    if found in (None, Ending.RECORD) and (notes := note_text(resource)) and _GIVES_WAY.search(notes):
        return Ending.SWITCHED
    return found or Ending.RECORD


def _by_reason(reason: Json) -> Ending | None:
    if has_code(reason, _DUPLICATE_CODE):
        return Ending.DUPLICATE
    words = " ".join(dict.fromkeys(_words(reason))).lower().strip()[:_LONGEST_REASON]
    codes = " ".join(coding.code for coding in codings(reason)).replace("_", " ").lower()[:_LONGEST_REASON]
    found = next((ending for pattern, ending in _WORDS for said in (words, codes) if pattern.search(said)), None)
    is_known_stop = has_code(reason, *_STOPPED_CODES) or re.search(r"[a-z]{3}", words)
    if found is None and is_known_stop and not has_code(reason, *_PAUSED_CODES):
        return Ending.STOPPED
    return found


_LONGEST_REASON = 200

_NOT_TAKEN = re.compile(
    r"\b(?:never|not|(?:did|has|was)n['\N{RIGHT SINGLE QUOTATION MARK}]?t) (?:been )?"
    r"(?:taken|taking|took|filled|picked up|started|dispensed|used)\b|"
    r"\b(?:did not|didn['\N{RIGHT SINGLE QUOTATION MARK}]?t) (?:take|fill|pick up|start|use)\b|\breturned to stock\b",
    re.IGNORECASE,
)


def may_not_have_been_taken(resource: Resource) -> bool:
    """Return whether the reason of a status or a note says that nothing was taken, or that the order was a mistake."""
    reason = resource.get("statusReason")
    if not reason and "note" not in resource:
        return False
    words = " ".join((*_words(reason), note_text(resource)))
    return _NOT_TAKEN.search(words) is not None or ending_of(resource) is Ending.MISTAKE


_GIVES_WAY = re.compile(
    r"\b(?:replaced (?:by|with)|(?:switched|changed|rotated|converted|transitioned) to|in favor of)\b", re.IGNORECASE
)


def _words(reason: Json) -> Iterable[str]:
    for concept in items(reason):
        yield concept_text(concept)
        yield from (coding.display for coding in codings(concept))


def note_text(resource: Resource) -> str:
    """Return the notes of a resource as one text."""
    return " ".join(note_texts(resource))


# --- what an order says about others, and about its own end -----------------------------------------------------------

_REPLACING = re.compile(
    r"(?<!not )\b(?:replaces|replacing|replacement (?:for|of)|instead of|in place of|"
    r"(?:switch|rotat|chang|convert|transition)\w* (?:\w+ )?from)\b([^.;\n]{1,80})",
    re.IGNORECASE,
)
_THEN_STOP = re.compile(r"\bthen (?:stop|discontinue|d/?c)\b(?! (?:by|at|in)\b)", re.IGNORECASE)


def replaced_in_words(resource: Resource, instructions: Iterable[str]) -> str:
    """Return the words that follow `replaces`, `instead of`, and the like in the notes and instructions of an order."""
    found = _REPLACING.findall(note_text(resource)) if "note" in resource else []
    for text in instructions:
        found += _replaced(text)
    return " ".join(found).lower()


@kept
def _replaced(text: str) -> Sequence[str]:
    return tuple(_REPLACING.findall(text))


def are_to_stop(instructions: Iterable[str]) -> bool:
    """Return whether the instructions end the treatment: `for 7 days, then stop`."""
    return any(map(_says_to_stop, instructions))


@kept
def _says_to_stop(text: str) -> bool:
    return _THEN_STOP.search(text) is not None


def instructions_in_words(resource: Resource) -> list[str]:
    """Return the texts of the instructions of an order, those for the patient included."""
    return [
        text
        for dosage in (*items(resource.get("dosageInstruction")), *items(resource.get("dosage")))
        for member in ("text", "patientInstruction")
        if isinstance(text := dosage.get(member), str)
    ]
