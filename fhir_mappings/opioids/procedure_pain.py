"""Whether a prescription is for the pain of a procedure: by the code or the words of its reason."""

import re
from collections.abc import Iterator

from fhir_mappings.codings import ICD10CM, codings, concept_text, items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import PatientRecord

_CODES = ("G89.12", "G89.18")
"""Acute post-thoracotomy pain, and other acute postprocedural pain (ICD-10-CM)."""

_WORDS = re.compile(
    r"\bpost-? ?(?:op|surg|proced|extract)|\bsurg(?:ery|ical)\b|\bprocedur|\boperation\b|\bextraction\b",
    re.IGNORECASE,
)
_NOT_OF_LATE = re.compile(r"chronic|failed|syndrome|persist|history", re.IGNORECASE)


def is_for_procedure(record: PatientRecord, resource: Resource) -> bool:
    """Return whether the reason or the instructions of a prescription name a procedure, and nothing that lasts."""
    concepts = [*items(resource.get("reasonCode")), *_referenced(record, resource)]
    if concepts and any(one.system == ICD10CM and one.code.upper() in _CODES for one in codings(concepts)):
        return True
    words = [concept_text(concept) for concept in concepts]
    for dosage in items(resource.get("dosageInstruction")):
        if needed_for := dosage.get("asNeededCodeableConcept"):
            words.append(concept_text(needed_for))
        words += [text for name in ("text", "patientInstruction") if isinstance(text := dosage.get(name), str)]
    return any(_WORDS.search(text) and not _NOT_OF_LATE.search(text) for text in words)


def _referenced(record: PatientRecord, resource: Resource) -> Iterator[dict[str, object]]:
    for reference in items(resource.get("reasonReference")):
        target = record.resolve(reference, resource)
        yield from (dict(concept) for concept in items(target.get("code") if target else None))
        if isinstance(reference.get("display"), str):
            yield {"text": reference["display"]}
