"""The words by which orders state approach, implant, side, guidance, purpose, kind of request, and performer.

A phrase states a value only if it is unambiguous. A phrase with a negation, an alternative, a doubt, or two values of
one attribute is only a hint, which can lead to a question but never decides.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Attribute: TypeAlias = Literal["approach", "implant", "side", "guidance", "purpose", "request", "performer"]
MAX_PHRASE_LENGTH = 4_000
"""How many characters of a phrase are read. A longer phrase states nothing; the beginning may still hint."""
ATTRIBUTES: tuple[Attribute, ...] = ("approach", "implant", "side", "guidance", "purpose", "request", "performer")

_PROCEDURE_WORDS = r"(?:approach|route|technique|access|placement|insertion|fusion|fixation|arthrodesis|implant\w*)"
_LABELED = r"\b(?:approach|route|technique|access)\s*[:=]\s*"

_VOCABULARY: Mapping[Attribute, Mapping[str, str]] = {
    "approach": {
        "posterior-oblique": rf"\bposterior[\s-]+oblique\b|\bpostero-?\s?(?:lateral|oblique)\b"
        rf"|\bposterior[\s-]+lateral\b|\boblique\s+{_PROCEDURE_WORDS}",
        "lateral-transarticular": rf"\blateral[\s,-]+trans-?\s?articular\b|\btrans-?\s?articular[\s,-]+lateral\b"
        rf"|\blateral\s+(?:\w+\s+)?{_PROCEDURE_WORDS}|{_LABELED}lateral\b|^\s*lateral\s*$",
        "posterior": rf"\bposterior(?:ly)?\s+(?:\w+\s+){{0,2}}{_PROCEDURE_WORDS}|\bvia\s+(?:a\s+)?posterior\b"
        rf"|{_LABELED}posterior\b|^\s*posterior\s*$",
    },
    "implant": {
        "not-transfixing": r"\bcorner-?\s?loc\b|\btrans-?\s?fasten\b|\blin-?q\b|\bnon-?\s?transfix\w*"
        r"|\b(?:not|without)\s+(?:\w+\s+){0,2}transfix\w*|\b(?:not|without)\s+cross\w*\s+the\s+(?:si\s+|sacroiliac\s+)?joint\b"
        r"|\bintra-?\s?articular\s+(?:implant|device|allograft|spacer|graft)\w*",
        "transfixing": r"\btransfix\w*|\b(?:cross\w*|across)\s+the\s+(?:si\s+|sacroiliac\s+)?joint\b",
    },
    "side": {
        "bilateral": r"\bbilateral\w*|\bboth\s+sides\b|\bleft\s+and\s+right\b|\bright\s+and\s+left\b",
        "left": r"\bleft\b|\bLT\b",
        "right": r"\bright\b|\bRT\b",
    },
    "guidance": {
        "none": r"\b(?:without|no)\s+(?:any\s+)?(?:image|imaging)(?:\s+guidance)?\b|\bunguided\b|\bblind\s+injection\b",
        "ultrasound": r"\bultraso\w+",
        "fluoroscopy": r"\bfluoro\w*",
        "ct": r"\bCT\b|\bcomputed\s+tomograph\w*",
    },
    "purpose": {
        "pump": r"\bpump\b|\bdrug delivery system\b",
        "obstetric": r"\blabou?r\b|\bobstetric\w*|\bca?esarean\b|\bvaginal delivery\b",
        "post-operative": r"(?<!chronic )(?<!persistent )\bpost-?\s?(?:op(?:erative)?|surgical)\b(?!\s+pain\s+syndrome)"
        r"|\bperi-?\s?operative\b",
        "diagnostic": r"\bdiagnostic\b|\bconfirmatory\b",
        "therapeutic": r"\btherapeutic\b",
    },
    "request": {
        "replacement": r"\breplac\w+|\bexchang\w+|\bbattery\s+depletion\b"
        r"|\bend\s+of\s+(?:battery\s+)?(?:life|service)\b",
        "revision": r"\brevis\w+|\breposition\w*",
        "removal": r"\bremov\w+|\bexplant\w*",
        "new": r"\b(?:new|initial|first|primary)\s+(?:implant\w*|pump|placement)\b",
    },
    "performer": {
        "not-physician": r"\bphysician'?s?\s+(?:assistant|associate)\b|\bPA-C\b|\bCRNA\b|\bchiropract\w*"
        r"|\bnurse\s+(?:practitioner|an(?:a)?esthetist)\b|\bphysical\s+therapist\b",
        "physician": r"\bphysician\b|\bM\.?D\b|\bmedical\s+doctor\b|\bdoctor\s+of\s+(?:osteopathic\s+)?medicine\b",
    },
}
_Span: TypeAlias = tuple[int, int]
_Finder: TypeAlias = Callable[[str], Iterable[_Span]]
_PUMP = re.compile(r"\b(?:pump|intrathecal|epidural|neuraxial|intraspinal|opioid|morphine)\b", re.IGNORECASE)
_TRIAL = re.compile(r"\btrial\b", re.IGNORECASE)


def _pump_trial(text: str) -> Iterable[_Span]:
    """Return the span from the first word for a pump or a trial to the last word for the other one.

    One pattern with both words and anything between them takes quadratic time where one of them is missing.
    """
    pumps, trials = ([match.span() for match in word.finditer(text)] for word in (_PUMP, _TRIAL))
    if not pumps or not trials:
        return ()
    first, last = (pumps[0], trials[-1]) if pumps[0] < trials[0] else (trials[0], pumps[-1])
    return ((first[0], last[1]),)


def _finder(pattern: str) -> _Finder:
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda text: (match.span() for match in compiled.finditer(text))


_FINDERS: Mapping[Attribute, Mapping[str, _Finder]] = {
    attribute: {
        **({"pump-trial": _pump_trial} if attribute == "purpose" else {}),
        **{value: _finder(pattern) for value, pattern in values.items()},
    }
    for attribute, values in _VOCABULARY.items()
}
_AMBIGUOUS = re.compile(
    r"\bnot?\b|\bnon\b|\bcannot\b|n['’]t\b|\bneither\b|\bnor\b|\beither\b|\bexcept\b|\bunlikely\b|\bunable\b"
    r"|\bmight\b|\bmaybe\b|\bperhaps\b|\bprobabl\w*|\bcontra-?indicat\w*|\bdeclin\w*|\brefus\w*|\ballerg\w*"
    r"|\bintoleran\w*|\bnever\b|\bwithout\b|\bavoid\w*|\brather\b|\binstead\b|\bversus\b|\bvs\b|\bor\b|\bif\b|\bunless\b"
    r"|\bconsider\w*|\bpossibl\w*|\bdiscuss\w*|\bprevious\w*|\bprior\b|\bfail\w*|\bhistory\b|\bs/p\b|\bafter\b|\?",
    re.IGNORECASE,
)

_CONFLICTING_APPROACHES = {
    "lateral-transarticular": re.compile(r"\bposter\w*|\bdorsal\w*|\banter\w*|\bobliq\w*", re.IGNORECASE),
    "posterior-oblique": re.compile(r"\blateral\w*|\banter\w*", re.IGNORECASE),
    "posterior": re.compile(r"\blateral\w*|\banter\w*|\bobliq\w*", re.IGNORECASE),
}
"""Words next to an approach that make it ambiguous: `posterior/lateral approach` states none."""
_LINQ = re.compile(r"\blin-?q\b", re.IGNORECASE)
_HEART_MONITOR = re.compile(
    r"\breveal\b|\bmedtronic\b|\bcardiac\b|\bheart\b|\bloop\s+recorder\b|\blinq\W{0,3}(?:ii|2)\b", re.IGNORECASE
)


_NOT_AN_OPERATION = re.compile(
    r"\breferr?al\b|\bconsult\w*|\bevaluat\w*|\bassess\w*|\bfollow\w*|\bvisit\b|\bappointment\b|\bx-?\s?ray\b"
    r"|\bmri?\b|\bct\b|\bimaging\b|\bradiograph\w*|\btherapy\b|\bclass\b|\beducat\w*|\bstatus\b|\brefill\w*"
    r"|\binterrogat\w*|\bscreening\b|\bclearance\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of one attribute in a phrase, and whether the phrase states it or only hints at it."""

    attribute: Attribute
    value: str
    is_stated: bool


def read_phrase(text: str, attributes: tuple[Attribute, ...] = ATTRIBUTES) -> tuple[Reading, ...]:
    """Return what a phrase of an order says about these attributes.

    Of two overlapping values, the more specific one counts ("posterior oblique" is not "posterior"). Ignore the cardiac
    monitor LINQ, which shares its name with a joint implant. Of a long phrase only the first 4,000 characters count, as
    hints.
    """
    is_long = len(text) > MAX_PHRASE_LENGTH
    text = text[:MAX_PHRASE_LENGTH]
    if is_heart_monitor(text):
        text = _LINQ.sub(lambda match: " " * len(match[0]), text)
    found = []
    for attribute in attributes:
        values = set()
        taken = bytearray(len(text))
        for value, find in _FINDERS[attribute].items():
            for start, end in find(text):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    values.add(value)
        rest = "".join(" " if is_taken else character for character, is_taken in zip(text, taken, strict=True))
        clear = (
            len(values) == 1
            and not is_long
            and is_unambiguous(rest)
            and not any(_has_conflicting_approach(v, rest) for v in values)
        )
        found += [Reading(attribute, value, clear) for value in sorted(values)]
    return tuple(found)


def names_an_operation(text: str) -> bool:
    """Return whether a phrase names an operation, rather than a visit, an imaging study, or a plan about one."""
    return is_unambiguous(text) and not _NOT_AN_OPERATION.search(text)


def is_unambiguous(text: str) -> bool:
    """Return whether a phrase has no negation, alternative, or doubt, and is short enough to tell."""
    return len(text) <= MAX_PHRASE_LENGTH and not _AMBIGUOUS.search(text)


def is_heart_monitor(text: str) -> bool:
    """Return whether a phrase is about the insertable cardiac monitor that shares its name with a joint implant."""
    return bool(_HEART_MONITOR.search(text))


def _has_conflicting_approach(value: str, rest: str) -> bool:
    return value in _CONFLICTING_APPROACHES and bool(_CONFLICTING_APPROACHES[value].search(rest))
