"""What a call of ValueSet $expand asks for (FHIR R4, ValueSet $expand; Da Vinci DTR 2.2, DTR Value Set Expansion)."""

from dataclasses import dataclass
from datetime import date, tzinfo

from cds_service.dtr.parameters import Parameters, missing
from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.dates import parse

MOST_CODES = 10_000
"""How many codes one answer has."""
MOST_WORDS = 10
"""How many words a filter may have."""
_UNSUPPORTED = {
    "valueSet": "Send url, the canonical of a value set of this service.",
    "context": "Send url, the canonical of a value set of this service.",
    "contextDirection": "Send url, the canonical of a value set of this service.",
    "exclude-system": "Leave it out.",
    "system-version": "Leave it out.",
    "check-system-version": "Leave it out.",
    "force-system-version": "Leave it out.",
}
"""The parameters that would change which codes are meant, and what to send instead of each."""
QUERY_TYPES = {
    "url": "valueUri",
    "valueSetVersion": "valueString",
    "filter": "valueString",
    "date": "valueDateTime",
    "offset": "valueInteger",
    "count": "valueInteger",
    **dict.fromkeys(_UNSUPPORTED, "valueString"),
}
"""The type of each parameter that a GET may have in its query."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. `version` is empty without one, and `count` None for all codes.

    `words` are those of the filter, in lower case. `place` is where the canonical stands in the call.
    """

    url: str
    version: str
    words: tuple[str, ...]
    offset: int
    count: int | None
    place: str


def read_asked(parameters: Parameters, today: date, zone: tzinfo) -> Asked:
    """Return what the parameters ask for; `today` is the local day in `zone`.

    `activeOnly` and how a code is shown change nothing: only active codes are given, in one language.
    Raise RefusedError with the place: 400 for a faulty parameter, 422 (`not-supported`) for another day than today, and
    for a parameter that would change which codes are meant.
    """
    for name, wanted in _UNSUPPORTED.items():
        if name in parameters:
            raise _not_supported(f"{name} is not supported. {wanted}", parameters.place(name))
    canonical = parameters.canonical("url")
    if canonical is None:
        raise missing("url", "Send the canonical of a value set, with or without |version.")
    url, _, version = canonical.partition("|")
    stated = parameters.string("valueSetVersion") or version
    if version and stated != version:
        says = "valueSetVersion differs from the version in url. Send one of them."
        raise RefusedError(400, Issue("value", says, parameters.place("valueSetVersion")))
    day = parameters.date("date")
    interval = parse(day, zone)
    if interval is not None and not interval.earliest == interval.latest == today:
        raise _not_supported("Value sets are expanded as of today. Leave date out.", parameters.place("date"))
    count = parameters.integer("count")
    return Asked(
        url=url,
        version=stated,
        words=_words(parameters),
        offset=parameters.integer("offset") or 0,
        count=None if count is None else min(count, MOST_CODES),
        place=parameters.place("url"),
    )


def _words(parameters: Parameters) -> tuple[str, ...]:
    words = tuple((parameters.string("filter") or "").casefold().split())
    if len(words) > MOST_WORDS:
        raise RefusedError(
            400, Issue("value", f"Send at most {MOST_WORDS} words to filter by.", parameters.place("filter"))
        )
    return words


def _not_supported(says: str, place: str) -> RefusedError:
    return RefusedError(422, Issue("not-supported", says, place))
