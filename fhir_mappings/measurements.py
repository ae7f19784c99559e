"""The value of an Observation or of one of its components: a number with its unit, however it is written.

EHRs send a score as Quantity, as integer, as text ("8/10"), or as a coded answer. An entry that only says why there is
no value, such as "not asked", is no measurement.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from fhir_mappings.codings import LOINC, codings, items
from fhir_mappings.fhir_json import Json, Resource

_DIGITS = 40
"""The most digits of a measurement; exact arithmetic with 1e999999999 would never end."""
_LONGEST_TEXT = 60
"""The most characters of a value in words; a longer one is narrative."""

_DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ABSENT_SYSTEMS = (
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
)
_VALUES = (
    *("valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange"),
    *("valueRatio", "valueSampledData", "valueTime", "valueDateTime", "valuePeriod"),
)
"""`value[x]` of Observation and its components (FHIR R4)."""

_ANSWERS = (
    *("LA6111-4", "LA6112-2", "LA6113-0", "LA6114-8", "LA6115-5", "LA10137-0"),
    *("LA10138-8", "LA10139-6", "LA10140-4", "LA10141-2", "LA13942-0"),
)
"""The answers 0 to 10 of numeric rating scales in LOINC, in order (72514-3; hl7-be/patient-monitoring, ScalePain)."""
_NUMBER_OF_ANSWER = {code: Decimal(number) for number, code in enumerate(_ANSWERS)}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER_IN_WORDS = {word: Decimal(number) for number, word in enumerate(_WORDS)} | {"no pain": Decimal(0)}

_SEVERITY = r"none|no(?:ne)? pain|mild|moderate|severe|very severe|worst|worst (?:possible |imaginable )?pain"
_SCORE = re.compile(
    r"(?:pain )?(?:score|level|rating|severity)? ?[:=]? ?(?P<number>\d{1,3}(?:\.\d{1,2})?)"
    rf" ?(?:(?:/|of|out of) ?(?P<top>\d{{1,3}}))?(?: ?[-,:=]? ?\(?(?:{_SEVERITY})(?: pain)?\)?)?\Z"
)
_NOT_TAKEN = re.compile(
    r"\b(?:not (?:asked|done|assessed|obtained|taken|recorded|applicable|available|performed|tested|known)|unable"
    r"|unknown|declin\w*|refus\w*|asleep|sleeping|sedated|unresponsive|non-?verbal|deferred|n/?a)\b"
)
_SCORE_UNITS = (
    *("", "1", "score", "scores", "point", "points", "pts", "nrs", "nprs", "vas", "scale", "pain score"),
    *("/10", "/ 10", "of 10", "out of 10"),
)
"""The units of a plain score, which are none. A unit in braces is an annotation of UCUM, and none either."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number, None if there is one that cannot be read or may not decide, and its unit, empty for a plain score."""

    number: Decimal | None
    unit: str = ""


def measurement(holder: Resource) -> Measurement | None:
    """Return the value of an Observation or component; None if it has none or says that nothing was measured."""
    values = [name for name in _VALUES if holder.get(name) is not None]
    if not values:
        return None
    value = holder[values[0]]
    if len(values) > 1:
        return Measurement(None)
    match values[0]:
        case "valueQuantity" if isinstance(value, dict):
            return _of_quantity(value)
        case "valueInteger":
            return Measurement(_plain(value))
        case "valueString" if isinstance(value, str):
            return _of_words(value)
        case "valueCodeableConcept":
            return _of_answer(value)
    return Measurement(None)


def _of_quantity(quantity: Resource) -> Measurement | None:
    if any(each.get("url") == _DATA_ABSENT for each in items(quantity.get("extension"))):
        return None
    number = _plain(quantity.get("value"))
    if number is None or quantity.get("comparator"):
        return Measurement(None)
    unit = next((each for each in (quantity.get("unit"), quantity.get("code")) if isinstance(each, str)), "")
    return _in_usual_unit(number, unit.strip())


def _in_usual_unit(number: Decimal, unit: str) -> Measurement:
    folded = unit.casefold()
    if folded in _SCORE_UNITS or folded.startswith("{"):
        return Measurement(number)
    return Measurement(number, unit)


def _plain(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if len(number.as_tuple().digits) > _DIGITS or abs(int(number.as_tuple().exponent)) > _DIGITS:
        return None
    return number


def _of_words(text: str) -> Measurement | None:
    """Return the score that a text is; None for a text without any digit that says why there is none."""
    folded = " ".join(text[: _LONGEST_TEXT + 1].casefold().split())
    if folded in _NUMBER_IN_WORDS:
        return Measurement(_NUMBER_IN_WORDS[folded])
    found = _SCORE.match(folded) if len(text) <= _LONGEST_TEXT else None
    if found and found["top"] in (None, "10"):
        return Measurement(Decimal(found["number"]))
    is_absent = _NOT_TAKEN.search(folded) and not any(character.isdigit() for character in folded)
    return None if is_absent else Measurement(None)


def _of_answer(concept: Json) -> Measurement | None:
    """Return the score of a coded answer: by its code, and by its words where they are a score. They must agree."""
    known = codings(concept)
    numbers = {
        _NUMBER_OF_ANSWER[each.code] for each in known if each.system == LOINC and each.code in _NUMBER_OF_ANSWER
    }
    texts = [each.display for each in known] + [each.get("text") for each in items(concept)]
    read = [_of_words(text) for text in texts if isinstance(text, str) and text.strip()]
    numbers |= {each.number for each in read if each and each.number is not None}
    if len(numbers) == 1:
        return Measurement(numbers.pop())
    is_absent = any(each.system in _ABSENT_SYSTEMS for each in known) or (bool(read) and not any(read))
    return None if is_absent and not numbers else Measurement(None)
