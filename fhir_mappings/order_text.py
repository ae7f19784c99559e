"""The words by which orders state approach, implant, side, guidance, purpose, kind of request, performer, and the like.

A phrase states a value only if it is unambiguous. A phrase with a negation, an alternative, a doubt, or two values of
one attribute is only a hint, which can lead to a question but never decides. What follows `after` or `status post` is
history: it only hints, and makes nothing else doubtful.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from fhir_mappings.order_purposes import DEVICES, INDICATIONS, PURPOSES, Finder, tells_a_result
from fhir_mappings.short_texts import Kept, kept

Attribute: TypeAlias = Literal[
    "approach",
    "implant",
    "side",
    "guidance",
    "purpose",
    "occasion",
    "indication",
    "device",
    "route",
    "request",
    "performer",
]
MAX_PHRASE_LENGTH = 4_000
"""How many characters of a phrase are read. A longer phrase states nothing; the beginning may still hint."""
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)
OF_A_REASON: tuple[Attribute, ...] = ("purpose", "occasion", "indication", "device", "request")
"""What the words of a reason may state."""

_PROCEDURE_WORDS = r"(?:approach|route|technique|access|placement|insertion|fusion|fixation|arthrodesis|implant\w*)"
_INJECTION = r"(?:(?!(?:and|or)\b)\w+\s+){0,4}?(?:diagnostic|therapeutic|injection|block)\b"
_LABELED = r"\b(?:approach|route|technique|access)\s*[:=]\s*"

_ONE_SIDED = r"\.?\s+(?:SIJ?\b|sacro-?\s?iliac\b|hip\b|knee\b)"
"""What makes a single letter before it a side: L alone may be lumbar."""

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
        "bilateral": r"\bbilat(?:eral\w*|s?\b)|\bb/l\b|\bboth\s+(?:sides\b|(?:SIJs?|SI|sacro-?iliac)\b)"
        r"|\bleft\s+and\s+right\b|\bright\s+and\s+left\b",
        "left": rf"\bleft\b|\bLT\b|\bL{_ONE_SIDED}|\(L\)|^\s*L\s*$",
        "right": rf"\bright\b|\bRT\b|\bR{_ONE_SIDED}|\(R\)|^\s*R\s*$",
    },
    "guidance": {
        "none": r"\b(?:without|no)\s+(?:any\s+)?(?:image|imaging)(?:\s+guidance)?\b|\bunguided\b|\bblind\s+injection\b",
        "ultrasound": r"\bultraso\w+",
        "fluoroscopy": r"\bfluoro\w*",
        "ct": r"\bCT\b|\bcomputed\s+tomograph\w*",
    },
    "occasion": {
        "first": rf"\b(?:first|1st|initial)\s+{_INJECTION}",
        "second": rf"\b(?:second|2nd)\s+{_INJECTION}|\bconfirmatory\s+{_INJECTION}",
        "later": rf"\b(?:repeat|third|3rd|fourth|4th|another|additional|subsequent|further)\s+{_INJECTION}",
    },
    "route": {
        "intrathecal": r"\bintrathecal\w*|\bintraspinal\w*|\bsubarachnoid\b",
        "epidural": r"\bepidural\w*",
    },
    "request": {
        "replacement": r"\breplac\w+|\bexchang\w+|\bbattery\s+depletion\b"
        r"|\bend\s+of\s+(?:battery\s+)?(?:life|service)\b",
        "revision": r"\brevis\w+|\breposition\w*",
        "removal": r"\bremov\w+|\bexplant\w*",
        "new": r"\b(?:new|initial|first|primary)\s+(?:\w+\s+){0,3}?(?:implant\w*|pump|placement)\b"
        r"|\bpermanent\s+(?:\w+\s+){0,3}?(?:implant\w*|pump|placement)\s+(?:after|following)\s+(?:\w+\s+){0,4}?trial\b",
    },
    "performer": {
        "not-physician": r"\bphysician'?s?\s+(?:assistant|associate)\b|\bPA-C\b|\bCRNA\b|\bchiropract\w*"
        r"|\bnurse\s+(?:practitioner|an(?:a)?esthetist)\b|\bphysical\s+therapist\b",
        "physician": r"\bphysician\b|\bM\.?D\b|\bmedical\s+doctor\b|\bdoctor\s+of\s+(?:osteopathic\s+)?medicine\b",
    },
}


def _finder(pattern: str) -> Finder:
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda text: (match.span() for match in compiled.finditer(text))


_FINDERS: Mapping[Attribute, Mapping[str, Finder]] = {
    **{name: {value: _finder(pattern) for value, pattern in values.items()} for name, values in _VOCABULARY.items()},
    "purpose": PURPOSES,
    "device": DEVICES,
    "indication": INDICATIONS,
}
_OF_THE_PROCEDURE = ("purpose", "occasion")
"""The attributes that a phrase about the result of a procedure does not state."""
_AMBIGUOUS = re.compile(
    r"\bnot?\b|\bnon\b|\bcannot\b|n['’]t\b|\bneither\b|\bnor\b|\beither\b|\bexcept\b|\bunlikely\b|\bunable\b"
    r"|\bmight\b|\bmaybe\b|\bperhaps\b|\bprobabl\w*|\bcontra-?indicat\w*|\bdeclin\w*|\brefus\w*|\ballerg\w*"
    r"|\bintoleran\w*|\bnever\b|\bwithout\b|\bavoid\w*|\brather\b|\binstead\b|\bversus\b|\bvs\b|\bor\b|\bif\b|\bunless\b"
    r"|\bconsider\w*|\bpossibl\w*|\bdiscuss\w*|\bprevious\w*|\bprior\b(?!\s+to\b)|\bfail\w*|\bhistory\b|\bs/p\b|\bafter\b|\?",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r"(?:\bafter\b|(?<!the )\bfollowing\b|\bs/p\b|\bstatus[\s-]post\b)(?P<past>(?:[^,;.\n]|\.(?=\d))*)", re.IGNORECASE
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
    r"|\bmri?\b|\bct\b(?![\s-]+guid)|\bimaging\b|\bradiograph\w*|\btherapy\b|\bclass\b|\beducat\w*|\bstatus\b|\brefill\w*"
    r"|\binterrogat\w*|\bscreening\b|\bclearance\b|\bcheck\w*|\breprogram\w*|\bprogramming\b|\badjust(?!able)\w*|\banaly[sz]\w*"
    r"|\bmaintenance\b|\bmalfunction\w*|\bdye\b",
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
    if is_long:
        return _readings(text[:MAX_PHRASE_LENGTH], attributes, is_long=True)
    return _READ.of(text, attributes, lambda: _readings(text, attributes, is_long=False))


_READ: Kept[tuple[Reading, ...]] = Kept()


def _readings(text: str, attributes: tuple[Attribute, ...], *, is_long: bool) -> tuple[Reading, ...]:
    if is_heart_monitor(text):
        text = _LINQ.sub(lambda match: " " * len(match[0]), text)
    past, now = _history(text)
    found = []
    for attribute in attributes:
        values: dict[str, bool] = {}
        taken = bytearray(len(text))
        for value, find in _FINDERS[attribute].items():
            for start, end in find(text):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    values[value] = values.get(value, False) or not past[start]
        if not values:
            continue
        current = [value for value, is_current in values.items() if is_current]
        rest = "".join(" " if is_taken else character for character, is_taken in zip(now, taken, strict=True))
        clear = (
            len(current) == 1
            and not is_long
            and not _AMBIGUOUS.search(rest)
            and not any(_has_conflicting_approach(value, rest) for value in current)
            and not (attribute in _OF_THE_PROCEDURE and tells_a_result(now))
        )
        found += [Reading(attribute, value, clear and is_current) for value, is_current in sorted(values.items())]
    return tuple(found)


@kept
def without_history(text: str) -> str:
    """Return a phrase with what it says of the past left out: `New pump after a trial` becomes `New pump`."""
    return " ".join(_history(text)[1].split())


def _history(text: str) -> tuple[bytearray, str]:
    """Return which characters are history, and the text with the history and the word before it blanked."""
    past, kept, position = bytearray(len(text)), [], 0
    for match in _HISTORY.finditer(text):
        start, end = match.span("past")
        past[start:end] = b"\1" * (end - start)
        kept += [text[position : match.start()], " " * (end - match.start())]
        position = end
    return past, "".join((*kept, text[position:]))


@kept
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
