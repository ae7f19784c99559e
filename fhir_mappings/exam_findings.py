"""Findings of a physical examination: which test was positive or negative, when, and on which side (Observation)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from msgspec import structs

from fhir_mappings.codings import SNOMED, CodeMatcher, Coding, codings, codings_and_text, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import QUALIFIERS, RecordedSide, Side, agreed_side, body_sites, side_of
from fhir_mappings.procedures import Procedure, Progress, read_event
from fhir_mappings.record import PatientRecord

MAX_COMPONENTS = 100
"""How many components of an observation are read."""
_WORDS = re.compile(r"[a-z+-]+")
_STATUS = {"final": Progress.DONE, "amended": Progress.DONE, "corrected": Progress.DONE}


class TestResult(Enum):
    """What a test showed."""

    __test__ = False

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCLEAR = "unclear"


# SNOMED CT, LOINC answers, and HL7 v3 ObservationInterpretation.
_POSITIVE = {"10828004", "LA6576-8", "LA9633-4", "POS", "positive", "pos", "present", "yes", "+"}
_NEGATIVE = {"260385009", "LA6577-6", "LA9634-2", "NEG", "negative", "neg", "absent", "no", "-"}
_SIDES: dict[str, Side] = {
    **dict.fromkeys(("left", "lt"), "left"),
    **dict.fromkeys(("right", "rt"), "right"),
    **dict.fromkeys(("bilateral", "bilaterally"), "bilateral"),
}
"""Words beside a result that say on which side it was found."""
_SILENT = {"side", "on", "the"}
"""Words beside a result that change nothing in it."""


_Stated: TypeAlias = tuple[TestResult, RecordedSide | None]
"""A result, and the side that is stated with it."""


@dataclass(frozen=True, slots=True)
class ExamFinding:
    """The result of one test. `test` tells when and on which side; it is DONE if the observation is final.

    The side is that of its own code and result, else of the whole observation; unclear if these contradict each other.
    `sites` are its body sites, each with its codes and words, without those that only name a side.
    """

    test: Procedure
    result: TestResult
    sites: tuple[tuple[Coding, ...], ...]


def exam_findings(record: PatientRecord, codes: CodeMatcher) -> tuple[ExamFinding, ...]:
    """Return the results of the tests with one of these codes or names, those in components included."""
    return record.cached(("exam findings", codes), lambda: tuple(_findings(record, codes)))


def _findings(record: PatientRecord, codes: CodeMatcher) -> Iterator[ExamFinding]:
    for observation in record.of_type("Observation"):
        parts = list(items(observation.get("component")))[:MAX_COMPONENTS]
        for part in (observation, *parts):
            match = codes(codings_and_text(part.get("code")))
            if match is None:
                continue
            # The day and the status are those of the whole observation.
            test = read_event(record, observation, "code", "effective", match, _STATUS)
            if test is not None and not (part is observation and parts and not _values(part)):
                result, stated = _result(part)
                named = None if part is observation else side_of(part, record.terms, "code")
                side = _within(test.side, agreed_side(stated, named))
                shown = ", ".join(filter(None, (result.value, side)))
                test = replace(test, side=side, evidence=structs.replace(test.evidence, value=shown))
                yield ExamFinding(test, result, body_sites(observation))


def _within(whole: RecordedSide | None, own: RecordedSide | None) -> RecordedSide | None:
    """Return the side of a result by its own and that of the observation; a test of both sides has results of one."""
    return own if own and whole == "bilateral" else agreed_side(whole, own)


def _values(part: Resource) -> list[Json]:
    return [
        part[name] for name in ("valueCodeableConcept", "valueString", "valueBoolean") if part.get(name) is not None
    ]


def _result(part: Resource) -> _Stated:
    """Return a result that is stated plainly, with its side: by the value, else by the interpretation.

    An interpretation that plainly says the opposite of the value makes it unclear.
    """
    values = [_stated(value) for value in _values(part)]
    interpretations = [_stated(value) for value in items(part.get("interpretation"))]
    side = agreed_side(*[side for _, side in (*values, *interpretations)])
    interpreted = {result for result, _ in interpretations}
    if not values:
        return _one(interpreted), side
    return _one({result for result, _ in values} | _plain(interpreted)), side


def _stated(value: Json) -> _Stated:
    if isinstance(value, bool):
        return (TestResult.POSITIVE if value else TestResult.NEGATIVE), None
    if isinstance(value, str):
        return _of_words(value)
    given = codings(value)
    qualifiers = [QUALIFIERS.get(coding.code) for coding in given if coding.system == SNOMED]
    words = [_of_words(coding.display) for coding in codings_and_text(value)]
    side = agreed_side(*qualifiers, *[side for _, side in words])
    coded, said = _plain({_of_code(coding.code) for coding in given}), {result for result, _ in words}
    return _one(coded | _plain(said) if coded else said), side


def _plain(results: set[TestResult]) -> set[TestResult]:
    return results - {TestResult.UNCLEAR}


def _one(results: set[TestResult]) -> TestResult:
    return next(iter(results)) if len(results) == 1 else TestResult.UNCLEAR


def _of_code(code: str) -> TestResult:
    if code in _POSITIVE:
        return TestResult.POSITIVE
    return TestResult.NEGATIVE if code in _NEGATIVE else TestResult.UNCLEAR


def _of_words(words: str) -> _Stated:
    """Return the result and the side of words that say nothing else: `Positive (right)`."""
    said = [word for word in _WORDS.findall(words[:100].lower()) if word not in _SILENT]
    results = [word for word in said if word not in _SIDES]
    if len(results) > 1:
        return TestResult.UNCLEAR, None
    sides = {_SIDES[word] for word in said if word in _SIDES}
    side = "bilateral" if sides == {"left", "right"} else agreed_side(*sides)
    return (_of_code(results[0]) if results else TestResult.UNCLEAR), side
