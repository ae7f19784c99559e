"""One dosage instruction, and what it says about the dose, read once for all instructions with the same elements.

Few instructions make up most prescriptions, and reading one takes as long as everything else about its prescription.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, NamedTuple

from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json, canonical
from fhir_mappings.opioids.dosage_words import Words, days_in_words, words_of
from fhir_mappings.opioids.dose import check_factor, daily_mme, is_as_needed
from fhir_mappings.opioids.quantities import ContradictionError, Interval, UnconvertibleError
from fhir_mappings.opioids.routes import is_spinal
from fhir_mappings.opioids.sig_tokens import fill_date
from fhir_mappings.opioids.single_dose import is_single_dose
from fhir_mappings.opioids.table import Product
from fhir_mappings.short_texts import Kept

_ELEMENTS = (
    *("text", "patientInstruction", "additionalInstruction", "route", "doseAndRate"),
    *("maxDosePerPeriod", "maxDosePerAdministration", "asNeededBoolean", "asNeededCodeableConcept"),
)
"""The elements of a Dosage that say something about the dose, besides its timing."""

_BOUNDS = ("boundsPeriod", "boundsDuration", "boundsRange")


@dataclass(frozen=True, slots=True)
class Said:
    """What the elements of a Dosage say, whatever the product is."""

    words: Words
    is_single_dose: bool
    is_as_needed: bool
    is_spinal: bool
    days: Interval | None
    """How many days it lasts by its words."""
    fill_date: date | None
    """The day from which it may be filled by its text."""


class Instruction(NamedTuple):
    """A Dosage with its `timing` and `timing.repeat`, which are empty if it has none.

    `bounds` are the days on which `timing.repeat.boundsPeriod` may begin and end, None each if it does not say.
    `content` is the elements that say something about the dose, as JSON, and `said` what they say.
    """

    dosage: Mapping[str, Any]
    timing: Mapping[str, Any]
    repeat: Mapping[str, Any]
    bounds: tuple[DateInterval | None, DateInterval | None]
    content: bytes
    said: Said

    def daily_mme(self, product: Product, supplied: Interval | None) -> "DailyMme":
        """Return the MME per day of a product, as `dose.daily_mme` does."""
        return _DOSES.of(self.content, (product, supplied), lambda: self._daily_mme(product, supplied))

    def _daily_mme(self, product: Product, supplied: Interval | None) -> "DailyMme":
        words = self.said.words
        try:
            check_factor(self.dosage, product, words)
        except UnconvertibleError as error:
            return DailyMme(None, str(error), has_no_factor=True)
        try:
            return DailyMme(daily_mme(self.dosage, product, supplied, words))
        except UnconvertibleError as error:
            return DailyMme(None, str(error), is_contradictory=isinstance(error, ContradictionError))


@dataclass(frozen=True, slots=True)
class DailyMme:
    """The MME per day of an instruction; None if it is not known, and `problem` says why."""

    mme: Interval | None
    problem: str = ""
    has_no_factor: bool = False
    is_contradictory: bool = False


_SAID: Kept[Said] = Kept()
_DOSES: Kept[DailyMme] = Kept()


def instruction_of(dosage: Mapping[str, Any], zone: tzinfo) -> Instruction:
    """Return a Dosage with what it says, its dates as days in the local `zone`."""
    timing = as_object(dosage.get("timing"))
    repeat = as_object(timing.get("repeat"))
    bounds = parse_period(repeat.get("boundsPeriod"), zone)
    content = _content(dosage, timing, repeat)
    return Instruction(dosage, timing, repeat, bounds, content, _SAID.of(content, None, lambda: _read(dosage)))


def _content(dosage: Mapping[str, Any], timing: Mapping[str, Any], repeat: Mapping[str, Any]) -> bytes:
    """Return the elements that say something about the dose, as JSON; begin and end differ in each prescription."""
    unbounded = {member: value for member, value in repeat.items() if member not in _BOUNDS}
    often = {**timing, "repeat": unbounded} if repeat else dosage.get("timing")
    return canonical([often, *map(dosage.get, _ELEMENTS)])


def as_object(value: Json) -> Mapping[str, Any]:
    """Return a JSON object; empty for anything else."""
    return value if value is not None and isinstance(value, (dict, Mapping)) else {}


def _read(dosage: Mapping[str, Any]) -> Said:
    words = words_of(dosage)
    days = days_in_words(words.directions)
    text = dosage.get("text")
    fillable = fill_date(text) if isinstance(text, str) else None
    return Said(words, is_single_dose(dosage), is_as_needed(dosage), is_spinal(dosage), days, fillable)
