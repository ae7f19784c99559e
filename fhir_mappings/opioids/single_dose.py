"""Whether a Dosage is one dose, given once: by `timing.repeat.count`, `timing.event`, `timing.code`, or its words."""

import re
from collections.abc import Mapping
from typing import Any

from fhir_mappings.codings import codings, concept_text
from fhir_mappings.opioids.quantities import number

_CODED = re.compile(
    r"(?:once(?: only)?|(?:one|1)[ -]?time(?: only| dose)?|single dose|(?:x ?1|1 ?x)(?: dose)?|stat)(?: prn)?\Z"
)
"""`ONCE`, `1 time`, `X1`, `STAT`: the whole of a code or its text, in lower case."""

_WRITTEN = re.compile(
    r"(?:(?<!\bat )(?<!repeat )(?<!than )\bonce(?: only)?(?:,? (?:one|1) dose)?|\b(?:one|1)[ -]time(?: only| dose)?"
    r"|\bfor (?:one|1) dose|\bx ?1(?: dose)?|\bas a single dose)[ .]*\Z"
)
"""The end of an instruction in words: `4 mg, intravenous, once`; not `two tablets at once`, not `may repeat once`."""

_LONGEST_END = 40
"""The characters at the end of an instruction to look at."""


def is_single_dose(dosage: Mapping[str, Any]) -> bool:
    """Return whether a Dosage is for one dose and no more. A timing that repeats without a count is for several."""
    timing = dosage.get("timing")
    timing = timing if isinstance(timing, Mapping) else {}
    repeat = timing.get("repeat")
    repeat = repeat if isinstance(repeat, Mapping) else {}
    count, most = number(repeat.get("count")), number(repeat.get("countMax"))
    if count is not None:
        return count == 1 and most in (None, 1)
    if any(repeat.get(member) is not None for member in ("frequency", "period", "timeOfDay", "when", "dayOfWeek")):
        return False
    code = timing.get("code")
    coded = [concept_text(code), *(word for coding in codings(code) for word in (coding.code, coding.display))]
    if any(_CODED.match(word.strip().lower()) for word in coded):
        return True
    if any(coded):
        return False
    event, text = timing.get("event"), dosage.get("text")
    if isinstance(event, list) and event:
        return len(event) == 1
    return isinstance(text, str) and _WRITTEN.search(text[-_LONGEST_END:].lower()) is not None
