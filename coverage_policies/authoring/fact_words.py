"""The words of a compact fact, and the FHIR data types they stand for. Everything written is text."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from coverage_policies.format.schema_errors import missing, unknown
from fhir_mappings.code_systems import UCUM
from fhir_mappings.codings import CPT, HCPCS, SNOMED, SYSTEMS
from fhir_mappings.fhir_json import Json, NumberBoundsError, bounded_decimal

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_SIDES = {"left": "7771000", "right": "24028007", "bilateral": "51440002"}


class FactError(ValueError):
    """A fact that cannot be built; the message says how it is written right."""


class FactWords:
    """The words of one fact. Each must be asked for; `finish` refuses the rest. A word may be asked for twice."""

    def __init__(self, of: str, written: Json, day: date) -> None:
        if not isinstance(written, Mapping):
            raise FactError(f"{of} must be a mapping such as {{code: …}}")
        self.of = of
        self.day = day
        self.identity = ""
        """The id of the first resource of the fact, for others that refer to it."""
        self._written = dict(written)
        self._known: list[str] = []
        self._has_rest = False

    def take(self, name: str) -> Json:
        """Return the value of a word, None if it does not occur."""
        self._known.append(name)
        return self._written.get(name)

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the words that were asked for so far, whether or not they occur."""
        return tuple(dict.fromkeys(self._known))

    def text(self, name: str, default: str = "") -> str:
        """Return the string under a word."""
        found = self.take(name)
        if found is None:
            return default
        if not isinstance(found, str):
            raise FactError(f"{self.of}.{name} must be text")
        return found

    def needed(self, name: str) -> str:
        """Return the string under a word that must occur."""
        found = self.text(name)
        if not found:
            raise FactError(missing(self.of, {name: ""}))
        return found

    def texts(self, name: str) -> list[str]:
        """Return the strings under a word, one or several."""
        found = self.take(name)
        return [] if found is None else [found] if isinstance(found, str) else list(found)

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """Return the names and strings of the mapping under a word."""
        found = self.take(name)
        if found is None:
            return []
        if not isinstance(found, Mapping) or not all(isinstance(each, str) for each in found.values()):
            raise FactError(f"{self.of}.{name} must be a mapping such as {{loinc 3150-0: 21 %}}")
        return [(key, str(each)) for key, each in found.items()]

    def rest(self) -> dict[str, Json]:
        """Return all that was not asked for yet."""
        found = {name: value for name, value in self._written.items() if name not in self._known}
        self._has_rest = True
        return found

    def finish(self) -> None:
        """Refuse words that nobody asked for."""
        if not self._has_rest and (more := self._written.keys() - set(self._known)):
            raise FactError(unknown(self.of, more, sorted(set(self._known))))


def concept(written: Iterable[str]) -> dict[str, Any]:
    """Return a CodeableConcept of `icd10cm M79.7`, of a bare billing code, or of `text Low back pain`."""
    coding, text = [], ""
    for one in written:
        system, _, code = one.partition(" ")
        if system == "text":
            text = code
        elif system in SYSTEMS and code:
            coding.append({"system": SYSTEMS[system], "code": code})
        elif re.fullmatch(r"\d{4}[\dT]", one):
            coding.append({"system": CPT, "code": one})
        elif re.fullmatch(r"[A-Z]\d{4}", one):
            coding.append({"system": HCPCS, "code": one})
        else:
            raise FactError(f"{one!r} is no code; write it like 'icd10cm M79.7', with one of {', '.join(SYSTEMS)}")
    return ({"coding": coding} if coding else {}) | ({"text": text} if text else {})


def coded(code: str, system: str) -> dict[str, Any]:
    return {"coding": [{"system": TERMINOLOGY + system, "code": code}]}


def moment(written: str) -> str:
    """Return a FHIR dateTime: a day, month, or year as written, a time of day in UTC."""
    return f"{written}:00Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", written) else written


def decimal(written: str) -> Decimal:
    try:
        return bounded_decimal(written)
    except NumberBoundsError:
        raise FactError(f"{written[:40]!r} is no number, or one out of bounds") from None


def quantity(written: str) -> dict[str, Any]:
    """Return a Quantity of `20 mg`, or of a bare number, which counts tablets."""
    value, _, unit = written.partition(" ")
    code = unit or "{tbl}"
    return {"value": decimal(value), "unit": unit or "tablet", "system": UCUM, "code": code}


def reference(kind: str, identity: str) -> dict[str, str]:
    return {"reference": f"{kind}/{identity}"}


def present(**members: Any) -> dict[str, Any]:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def performed(words: FactWords, stem: str) -> dict[str, Any]:
    at, first, last = words.text("at"), words.text("from"), words.text("to")
    if at:
        return {f"{stem}DateTime": moment(at)}
    period = present(start=moment(first), end=moment(last))
    return {f"{stem}Period": period} if period else {}


def body_site(side: str) -> list[dict[str, Any]] | None:
    if not side:
        return None
    if side not in _SIDES:
        raise FactError(f"side must be one of {', '.join(_SIDES)}")
    return [{"coding": [{"system": SNOMED, "code": _SIDES[side], "display": side.capitalize()}]}]


_NUMBERS = (
    *("count", "countMax", "frequency", "frequencyMax", "numberOfRepeatsAllowed", "period", "periodMax", "sequence"),
    *("valueDecimal", "valueInteger", "valuePositiveInt", "valueUnsignedInt"),
    *("number", "numberOfInstances", "numberOfSeries"),
)
_QUANTITY = {"unit", "code"}
"""The members of which a quantity has one beside its value; what else has a value has neither.

A quantity without them, such as the dose of one tablet, is known by its name: `doseQuantity`.
"""


def typed(written: Json, name: str = "", *, is_number: bool = False) -> Json:
    """Return the JSON of a YAML value. All of it is text; the name of the member tells which values are numbers."""
    if isinstance(written, Mapping):
        is_quantity = _QUANTITY & written.keys() or name.endswith("Quantity")
        numbers = (*_NUMBERS, "value") if is_quantity else _NUMBERS
        return {key: typed(each, key, is_number=key in numbers) for key, each in written.items()}
    if isinstance(written, list):
        return [typed(each) for each in written]
    if is_number and re.fullmatch(r"-?\d+(\.\d+)?", written):
        return decimal(written) if "." in written else int(decimal(written))
    return {"true": True, "false": False}.get(written, written)
