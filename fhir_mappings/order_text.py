"""How a phrase of an order states values of its attributes. The words for them are data (`OrderTerms`).

A phrase states a value only if it is unambiguous. A phrase with a negation, an alternative, a doubt, or two values of
one attribute is only a hint, which can lead to a question but never decides. What follows `after` or `status post` is
history: it only hints, and makes nothing else doubtful.
"""

import re

from fhir_mappings.order_terms import AttributeTerms, OrderTerms, Reading
from fhir_mappings.short_texts import kept

MAX_PHRASE_LENGTH = 4_000
"""How many characters of a phrase are read. A longer phrase states nothing; the beginning may still hint."""

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

_RESULT = re.compile(
    r"(?<!for )(?<!for pain )\brelie(?:f|ved)\b|\brespon[ds]\w*|\bpositive\b|\bbenefit\w*|\bimprov\w*|\bshow\w*"
    r"|\bconfirmed\b|\bcompleted\b|\bunderwent\b|\bhad\b|\breceived\b|\bsuccess\w*",
    re.IGNORECASE,
)
"""Words that tell how something went, so that it is not what is ordered."""
_NOT_AN_OPERATION = re.compile(
    r"\breferr?al\b|\bconsult\w*|\bevaluat\w*|\bassess\w*|\bfollow\w*|\bvisit\b|\bappointment\b|\bx-?\s?ray\b"
    r"|\bmri?\b|\bct\b(?![\s-]+guid)|\bimaging\b|\bradiograph\w*|\btherapy\b|\bclass\b|\beducat\w*|\bstatus\b|\brefill\w*"
    r"|\binterrogat\w*|\bscreening\b|\bclearance\b|\bcheck\w*|\breprogram\w*|\bprogramming\b|\badjust(?!able)\w*|\banaly[sz]\w*"
    r"|\bmaintenance\b|\bmalfunction\w*|\bdye\b",
    re.IGNORECASE,
)


def read_phrase(
    text: str, terms: OrderTerms, attributes: tuple[str, ...] | None = None, *, around: str = ""
) -> tuple[Reading, ...]:
    """Return what a phrase of an order says about these attributes, or about all of them.

    Of two overlapping values, the more specific one counts ("posterior oblique" is not "posterior"). `around` is what
    may make it something else, if that is more than the phrase. Of a long phrase only the first 4,000 characters count,
    as hints.
    """
    named = terms.names if attributes is None else tuple([name for name in attributes if name in terms.attributes])
    if len(text) > MAX_PHRASE_LENGTH:
        return _readings(text[:MAX_PHRASE_LENGTH], terms, named, around, is_long=True)
    if around:
        return _readings(text, terms, named, around, is_long=False)
    return terms.readings.of(text, named, lambda: _readings(text, terms, named, "", is_long=False))


def _readings(
    text: str, terms: OrderTerms, attributes: tuple[str, ...], around: str, *, is_long: bool
) -> tuple[Reading, ...]:
    past, now = _history(text)
    return tuple(
        reading
        for name in attributes
        for reading in _of_attribute(text, terms.attributes[name], around or text, past, now, is_long=is_long)
    )


def _of_attribute(
    text: str, attribute: AttributeTerms, around: str, past: bytearray, now: str, *, is_long: bool
) -> tuple[Reading, ...]:
    values: dict[str, bool] = {}
    stating: set[str] = set()
    taken = bytearray(len(text))
    for name, value in attribute.values.items():
        for wording in value.wordings:
            for start, end in wording.find(text, around):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    values[name] = values.get(name, False) or not past[start]
                    if wording.states:
                        stating.add(name)
    if not values:
        return ()
    current = [value for value, is_current in values.items() if is_current]
    rest = "".join(" " if is_taken else character for character, is_taken in zip(now, taken, strict=True))
    conflicts = [attribute.values[value].conflicts for value in current]
    is_clear = (
        len(current) == 1
        and not is_long
        and not _AMBIGUOUS.search(rest)
        and not any(words.search(rest) for words in conflicts if words is not None)
        and not (attribute.is_of_event and _RESULT.search(now))
    )
    return tuple(
        Reading(attribute.name, value, is_clear and is_current and value in stating)
        for value, is_current in sorted(values.items())
    )


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
