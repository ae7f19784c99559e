"""Imaging: reports, studies, and procedures, by code, by the name of the study, or by modality and body site."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from fhir_mappings.codings import CPT, HCPCS, CodeMatcher, Coding, codings, codings_and_text, concept_text, items
from fhir_mappings.diagnoses import is_only_denied, read_diagnosis
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.procedures import PROCEDURE_PROGRESS, Procedure, Progress, read_event
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.study_names import (
    dicom_modalities,
    is_plain_study,
    modalities_named,
    regions_named,
    regions_of,
    studies,
    studies_named,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A resource type that holds imaging: the elements of its study and its day, and what its status means."""

    name: str
    code: str
    date: str
    progress: Mapping[str, Progress]


_REPORT = _Kind(
    "DiagnosticReport", "code", "effective", dict.fromkeys(("final", "amended", "corrected", "appended"), Progress.DONE)
)
_KINDS = (
    _REPORT,
    _Kind("ImagingStudy", "procedureCode", "started", {"available": Progress.DONE}),
    _Kind("Procedure", "code", "performed", PROCEDURE_PROGRESS),
)
MAX_CONCLUSION_LENGTH = 120
"""How many characters of a conclusion in words are shown."""
MAX_SERIES = 200
"""How many series of a study are read."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a report concludes. `decides` is True if it is coded and the report is final.

    The code has to be one that decides, and no words of the report may deny what it says.
    """

    report: Procedure
    decides: bool
    evidence: Evidence


def imaging(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    """Return the imaging with one of these codes: reports, studies, and procedures.

    A report that is not final is UNCLEAR. Its date is that of the examination, not of issue.
    """
    return record.cached(
        ("imaging", codes), lambda: tuple(each for kind in _KINDS for each, _ in _events(record, kind, codes))
    )


def conclusions(record: PatientRecord, studies_of: CodeMatcher, findings: CodeMatcher) -> tuple[Conclusion, ...]:
    """Return what the reports of these studies conclude of these findings, and every other conclusion in its words."""
    found = []
    for report, resource in _events(record, _REPORT, studies_of):
        conclusion_codes = resource.get("conclusionCode")
        coded = [
            match
            for concept in items(conclusion_codes)
            if findings(codings(concept)) and (match := read_diagnosis(concept).match(findings))
        ]
        words = resource.get("conclusion") or "; ".join(filter(None, map(concept_text, items(conclusion_codes))))
        is_done = report.progress is Progress.DONE and record.is_usable(resource, "conclusionCode")
        if coded:
            said = words if isinstance(words, str) else ""
            decides = is_done and any(each.decides and not is_only_denied(said, each.label) for each in coded)
            value = "" if decides else "to be confirmed"
            evidence = Evidence(report.reference, f"{report.label}: {coded[0].label}", report.evidence.date, value)
            found.append(Conclusion(report, decides, evidence))
        elif isinstance(words, str) and words.strip():
            evidence = Evidence(report.reference, report.label, report.evidence.date, f"concludes: {_short(words)}")
            found.append(Conclusion(report, False, evidence))
    return tuple(found)


def _short(words: str) -> str:
    text = " ".join(words[: 2 * MAX_CONCLUSION_LENGTH].split())
    return text if len(text) <= MAX_CONCLUSION_LENGTH else f"{text[:MAX_CONCLUSION_LENGTH].rsplit(' ', 1)[0]} …"


def _events(record: PatientRecord, kind: _Kind, codes: CodeMatcher) -> Iterator[tuple[Procedure, Resource]]:
    for resource, known in record.cached(("studies", kind.name), partial(_known, record, kind)):
        event = read_event(record, resource, kind.code, kind.date, codes(known), kind.progress)
        if event is not None:
            yield event, resource


def _known(record: PatientRecord, kind: _Kind) -> tuple[tuple[Resource, tuple[Coding, ...]], ...]:
    """Return each resource of a type with the codes of its study, those that its name states included."""
    return tuple((resource, tuple(_codes(resource, kind.code))) for resource in record.of_type(kind.name))


def _codes(resource: Resource, element: str) -> Iterator[Coding]:
    given = codings(resource.get(element))
    yield from given
    if any(coding.system in (CPT, HCPCS) for coding in given):
        return  # a billing code says what the study is, and the sets have all that matter
    names = [coding.display for coding in codings_and_text(resource.get(element))]
    if resource.get("resourceType") == "ImagingStudy":
        yield from _of_dicom(resource, names)
    else:
        yield from studies_named(names)


def _of_dicom(study: Resource, names: list[str]) -> Iterator[Coding]:
    """Yield the studies by modality and body site; what these leave open is taken from the names."""
    series = list(items(study.get("series")))[:MAX_SERIES]
    texts = [*names, *_texts(study.get("description"))]
    if not all(map(is_plain_study, texts)):
        return
    modalities = dicom_modalities(
        codings([*items(study.get("modality")), *(m for s in series for m in items(s.get("modality")))])
    )
    modalities = modalities or frozenset(each for text in texts for each in modalities_named(text))
    sites = [site for each in series for site in items(each.get("bodySite"))]
    regions = regions_of(codings(sites))
    labels = [*texts, *(label for site in sites for label in _texts(site.get("display")))]
    regions |= frozenset(each for label in labels for each in regions_named(label))
    yield from studies(modalities, regions, next(iter(texts), ""))


def _texts(value: Json) -> list[str]:
    return [value] if isinstance(value, str) and value else []
