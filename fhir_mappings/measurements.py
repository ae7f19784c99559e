"""The value of an Observation or of one of its components: a number with its unit, however it is written.

EHRs send a score as Quantity, as integer, as text ("8/10"), or as a coded answer. An entry that only says why there is
no value, such as "not asked", is no measurement.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from fhir_mappings.amounts import Amount, Interval, is_score
from fhir_mappings.codings import LOINC, codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.units import read_unit, unit_named

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
_IN_WORDS = re.compile(
    r"(?P<comparator><=|>=|<|>|≤|≥)? ?(?P<number>-?\d{1,9}(?:\.\d{1,9})?) ?(?P<unit>[^\d\s<>=,;:-][^<>=,;:]{0,39})?\Z"
)
"""A quantity as a text, such as `97 %` or `< 15 mg/dL`."""
_COMPARATORS = {"<": "<", "<=": "<=", "≤": "<=", ">": ">", ">=": ">=", "≥": ">="}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number, None if there is one that cannot be read or may not decide, and its unit, empty for a plain score.

    `amount` is what the number lies between, with its unit as it is written: also of `< 70 %` and of a range, which are
    no single number. None if it cannot be read.
    """

    number: Decimal | None
    unit: str = ""
    amount: Amount | None = field(default=None, compare=False)


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
            return _score(_plain(value))
        case "valueString" if isinstance(value, str):
            return _with_amount(_of_words(value), value)
        case "valueCodeableConcept":
            return _of_answer(value)
        case "valueRange" if isinstance(value, dict):
            return Measurement(None, amount=_of_range(value))
    return Measurement(None)


def _score(number: Decimal | None) -> Measurement:
    return Measurement(number, amount=None if number is None else Amount(Interval.point(Fraction(number))))


def _of_quantity(quantity: Resource) -> Measurement | None:
    if any(each.get("url") == _DATA_ABSENT for each in items(quantity.get("extension"))):
        return None
    number, written = _plain(quantity.get("value")), _unit(quantity)
    if number is None:
        return Measurement(None)
    comparator = quantity.get("comparator")
    interval = _compared(comparator, Fraction(number)) if comparator else Interval.point(Fraction(number))
    amount = Amount(interval, written) if interval is not None and written is not None else None
    unit = next((each for each in (quantity.get("unit"), quantity.get("code")) if isinstance(each, str)), "").strip()
    return Measurement(None if comparator else number, "" if comparator or is_score(unit) else unit, amount)


def _unit(quantity: Resource) -> str | None:
    """Return the unit of a quantity: its code, or its text where that is the one that is known; None if they differ."""
    written = [each.strip() for each in (quantity.get("code"), quantity.get("unit")) if isinstance(each, str)]
    known = [each for each in written if unit_named(each)]
    if len({unit_named(each) for each in known}) > 1:
        return None
    return next(filter(None, (*known, *written)), "")


def _compared(comparator: Json, number: Fraction) -> Interval | None:
    """Return the numbers that a comparator of FHIR R4 leaves open; None for any other one."""
    match comparator:
        case "<" | "<=":
            return Interval(None, number, high_is_open=comparator == "<")
        case ">" | ">=":
            return Interval(number, None, low_is_open=comparator == ">")
    return None


def _of_range(value: Resource) -> Amount | None:
    """Return the amount of a Range with two ends of one unit, or with one end; None for any other."""
    ends = {name: value[name] for name in ("low", "high") if value.get(name) is not None}
    read = {name: _of_quantity(end) for name, end in ends.items() if isinstance(end, dict)}
    amounts = {
        name: found.amount for name, found in read.items() if found and found.amount and found.number is not None
    }
    if not ends or len(amounts) < len(ends) or len({each.unit for each in amounts.values()}) > 1:
        return None
    low, high = (amounts[name].interval.low if name in amounts else None for name in ("low", "high"))
    if low is not None and high is not None and low > high:
        return None
    return Amount(Interval(low, high), next(iter(amounts.values())).unit)


def _with_amount(score: Measurement | None, text: str) -> Measurement | None:
    """Return what a text says with its amount: that of a score, or that of a number with a comparator or a unit."""
    if score is None:
        return None
    if score.number is not None:
        return _score(score.number)
    found = _IN_WORDS.match(" ".join(text[: _LONGEST_TEXT + 1].split())) if len(text) <= _LONGEST_TEXT else None
    if not found or (found["unit"] and not read_unit(found["unit"])):
        return score
    number = Fraction(found["number"])
    comparator = _COMPARATORS.get(found["comparator"] or "")
    interval = _compared(comparator, number) if comparator else Interval.point(number)
    return Measurement(None, amount=Amount(interval, (found["unit"] or "").strip()) if interval else None)


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
        return _score(numbers.pop())
    is_absent = any(each.system in _ABSENT_SYSTEMS for each in known) or (bool(read) and not any(read))
    return None if is_absent and not numbers else Measurement(None)
