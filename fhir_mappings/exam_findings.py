"""Findings of a physical examination: which test was positive or negative, when, and on which side (Observation)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from msgspec import structs

from fhir_mappings.codings import CodeMatcher, Coding, codings, codings_and_text, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.laterality import body_sites
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
_SIDES = {"right", "left", "bilateral", "bilaterally", "side", "on", "the", "rt", "lt"}
"""Words beside a result that change nothing in it."""


@dataclass(frozen=True, slots=True)
class ExamFinding:
    """The result of one test. `test` tells when and on which side; it is DONE if the observation is final.

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
            # The day, the status, and the side are those of the whole observation; only code and result are its own.
            test = read_event(record, observation, "code", "effective", match, _STATUS)
            if test is not None and not (part is observation and parts and not _values(part)):
                result = _result(part)
                shown = ", ".join(filter(None, (result.value, test.side)))
                test = replace(test, evidence=structs.replace(test.evidence, value=shown))
                yield ExamFinding(test, result, body_sites(observation))


def _values(part: Resource) -> list[Json]:
    return [
        part[name] for name in ("valueCodeableConcept", "valueString", "valueBoolean") if part.get(name) is not None
    ]


def _result(part: Resource) -> TestResult:
    """Return a result that is stated plainly, by its value, else by its interpretation."""
    values = _values(part)
    stated = {_meaning(value) for value in values or list(items(part.get("interpretation")))}
    return stated.pop() if len(stated) == 1 else TestResult.UNCLEAR


def _meaning(value: Json) -> TestResult:
    if isinstance(value, bool):
        return TestResult.POSITIVE if value else TestResult.NEGATIVE
    if isinstance(value, str):
        return _of_words(value)
    coded = {_of_code(coding.code) for coding in codings(value)} - {TestResult.UNCLEAR}
    if len(coded) > 1:
        return TestResult.UNCLEAR
    return coded.pop() if coded else _one([_of_words(coding.display) for coding in codings_and_text(value)])


def _one(found: list[TestResult]) -> TestResult:
    return found[0] if found and len(set(found)) == 1 else TestResult.UNCLEAR


def _of_code(code: str) -> TestResult:
    if code in _POSITIVE:
        return TestResult.POSITIVE
    return TestResult.NEGATIVE if code in _NEGATIVE else TestResult.UNCLEAR


def _of_words(words: str) -> TestResult:
    """Return the result of words that say nothing else but the side: `Positive (right)`."""
    said = [word for word in _WORDS.findall(words[:100].lower()) if word not in _SIDES]
    return _of_code(said[0]) if len(said) == 1 else TestResult.UNCLEAR
