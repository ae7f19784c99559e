"""Nineteen facts, each written as a specification has it and as EHRs, pharmacies, and billing systems commonly send it.

Written plainly each settles its criterion. Of the common spellings, at least eleven settle it as well, and at least
eighteen are shown as evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import pytest

from coverage_policies.authoring.fact_builder import chart, order, resources
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Status
from coverage_policies.judging.determination import CriterionResult
from coverage_policies.judging.evaluator import evaluate
from fhir_mappings.orders import read_order
from tests.support.terms import TERMS

DAY = date(2026, 3, 16)
LIBRARY = load_library()
Fact = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """One fact in two spellings. `settles` is whether the common one settles the criterion too, or is only shown."""

    name: str
    policy: str
    criterion: str
    order: Fact
    plain: Sequence[Fact]
    common: Sequence[Fact]
    settles: bool = True


RXNORM, NDC, LOCAL = (
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/ndc",
    "urn:oid:1.2.840.114350",
)
TRIAL = {"code": "62327", "reason": "icd10cm M96.1"}
LUMBAR_MRI = [{"imaging": {"code": "cpt 72148", "at": "2026-01-05"}}]
PSYCHOTHERAPY = [{"procedure": {"code": "cpt 90837", "at": "2026-02-10"}}]
CHOSEN = {"answers": {"pathway": "first-diagnostic"}}
FUSION = {"code": "27279", "side": "right"}
OXYCODONE_5 = {"coding": [{"system": RXNORM, "code": "1049621"}], "text": "oxycodone hydrochloride 5 MG Oral Tablet"}


def prescriptions(drug: Fact, dosages: Sequence[Fact], **more: Any) -> list[Fact]:
    """A regimen at one dose until the end of November, and at another since."""
    days = (("2025-03-01", "2025-11-30"), ("2025-12-01", "2026-06-30"))
    return [
        {
            "MedicationRequest": {
                "status": "active" if i else "completed",
                "intent": "order",
                "medicationCodeableConcept": drug,
                "authoredOn": first,
                "dosageInstruction": [with_bounds(dosage, first, last)],
                **more,
            }
        }
        for i, (dosage, (first, last)) in enumerate(zip(dosages, days, strict=True))
    ]


def with_bounds(dosage: Fact, first: str, last: str) -> Fact:
    timing = dict(dosage.get("timing", {}))
    timing["repeat"] = {**timing.get("repeat", {}), "boundsPeriod": {"start": first, "end": last}}
    return {**dosage, "timing": timing}


def tablets(count: str, **timing: Any) -> Fact:
    return {"doseAndRate": [{"doseQuantity": {"value": count, "unit": "tablet"}}], "timing": timing}


def times(count: str) -> Fact:
    return {"repeat": {"frequency": count, "period": "1", "periodUnit": "d"}}


WEANED = prescriptions(OXYCODONE_5, [tablets("1", **times("4")), tablets("1", **times("2"))])


def scored(score: Any) -> list[Fact]:
    """Two injections with a score an hour before and an hour after each, of 8 and 1."""
    found = []
    for day in ("2026-01-05", "2026-02-02"):
        found.append({"procedure": {"code": "cpt 27096", "at": f"{day}T10:00", "side": "right"}})
        found += [score(f"{day}T09:00:00Z", "8"), score(f"{day}T11:00:00Z", "1")]
    return found


def pain(**value: Any) -> Any:
    def score(at: str, points: str) -> Fact:
        written = {
            name: {**each, "value": points} if isinstance(each, dict) else points for name, each in value.items()
        }
        code = {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}
        return {"Observation": {"status": "final", "code": code, "effectiveDateTime": at, **written}}

    return score


def pain_component(at: str, points: str) -> Fact:
    code = {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}
    part = {"code": code, "valueQuantity": {"value": points, "unit": "{score}"}}
    panel = {"coding": [{"system": "http://loinc.org", "code": "85353-1"}]}
    return {"Observation": {"status": "final", "code": panel, "effectiveDateTime": at, "component": [part]}}


def exams(*names: str) -> list[Fact]:
    side = {"coding": [{"system": "http://snomed.info/sct", "code": "24028007"}]}
    return [
        {
            "Observation": {
                "status": "final",
                "code": {"coding": [{"system": LOCAL, "code": str(n)}], "text": name},
                "bodySite": side,
                "effectiveDateTime": "2026-02-10",
                "valueCodeableConcept": {"text": "Positive"},
            }
        }
        for n, name in enumerate(names)
    ]


PAIRS = [
    Pair(
        "how often, in words",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            OXYCODONE_5,
            [tablets("1", code={"text": "4 TIMES DAILY"}), tablets("1", code={"text": "2 TIMES DAILY"})],
        ),
    ),
    Pair(
        "how often, in a SNOMED CT code",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            OXYCODONE_5,
            [
                tablets("1", code={"coding": [{"system": "http://snomed.info/sct", "code": code}]})
                for code in ("307439001", "229799001")
            ],
        ),
    ),
    Pair(
        "the whole direction in words",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            OXYCODONE_5,
            [{"text": "Take 1 tablet by mouth every 6 hours"}, {"text": "TAKE ONE TABLET BY MOUTH TWICE DAILY"}],
        ),
    ),
    Pair(
        "an ingredient with a dose in mg",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            {"coding": [{"system": RXNORM, "code": "7804", "display": "oxycodone"}]},
            [
                {
                    "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]},
                    "doseAndRate": [{"doseQuantity": {"value": "10", "unit": "mg"}}],
                    "timing": times(count),
                }
                for count in ("4", "2")
            ],
        ),
    ),
    Pair(
        "a product by name and strength",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            {"coding": [{"system": NDC, "code": "00406-0512-01"}], "text": "OXYCODONE HCL 5 MG TABLET"},
            [tablets("1", **times("4")), tablets("1", **times("2"))],
        ),
    ),
    Pair(
        "home medication on the list of the EHR",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        prescriptions(
            OXYCODONE_5, [tablets("1", **times("4")), tablets("1", **times("2"))], intent="plan", reportedBoolean="true"
        ),
        settles=False,
    ),
    Pair(
        "the dose in MME that the EHR computed",
        "CP.MP.173@2024-01",
        "I.A.2.h",
        TRIAL,
        WEANED,
        [
            {
                "Observation": {
                    "status": "final",
                    "code": {"text": "Morphine milligram equivalents (MME) per day"},
                    "effectiveDateTime": "2026-03-01",
                    "valueQuantity": {"value": "15", "unit": "mg/d"},
                }
            }
        ],
        settles=False,
    ),
    Pair(
        "an NSAID product with its quantity",
        "CP.MP.166@2019-08",
        "I.A.4.b",
        {"code": "27096", "side": "right"},
        [{"dispense": {"code": "rxnorm 7258", "at": "2025-10-01", "days": "30"}}, CHOSEN],
        [
            {
                "MedicationRequest": {
                    "status": "completed",
                    "intent": "order",
                    "medicationCodeableConcept": {
                        "coding": [{"system": RXNORM, "code": "311486"}],
                        "text": "meloxicam 7.5 MG Oral Tablet",
                    },
                    "authoredOn": "2025-10-01",
                    "dosageInstruction": [tablets("1", **times("1"))],
                    "dispenseRequest": {"quantity": {"value": "30", "unit": "tablet"}},
                }
            },
            CHOSEN,
        ],
    ),
    Pair(
        "a study under a local code",
        "CP.MP.126@2025-04",
        "II.F.3.scan",
        FUSION,
        LUMBAR_MRI,
        [
            {
                "DiagnosticReport": {
                    "status": "final",
                    "code": {"coding": [{"system": LOCAL, "code": "IMG123", "display": "MRI L-SPINE W/O CONTRAST"}]},
                    "effectiveDateTime": "2026-01-05",
                }
            }
        ],
    ),
    Pair(
        "a study by modality and body part",
        "CP.MP.126@2025-04",
        "II.F.3.scan",
        FUSION,
        LUMBAR_MRI,
        [
            {
                "ImagingStudy": {
                    "status": "available",
                    "started": "2026-01-05",
                    "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}],
                    "description": "LUMBAR SPINE",
                }
            }
        ],
    ),
    Pair(
        "what a report concludes",
        "CP.MP.126@2025-04",
        "II.F.1.clear",
        FUSION,
        [{"condition": {"code": "icd10cm M45.9", "onset": "2020-01-01"}}],
        [{"imaging": {"code": "loinc 36031-3", "at": "2026-01-05", "concludes": "snomed 9631008"}}],
    ),
    Pair(
        "therapy as the type of a visit",
        "CP.MP.173@2024-01",
        "I.A.2.f",
        TRIAL,
        PSYCHOTHERAPY,
        [{"visit": {"code": "cpt 90837", "at": "2026-02-10"}}],
    ),
    Pair(
        "therapy on a claim",
        "CP.MP.173@2024-01",
        "I.A.2.f",
        TRIAL,
        PSYCHOTHERAPY,
        [{"visit": {"as": "claim", "code": "cpt 90837", "at": "2026-02-10"}}],
    ),
    Pair(
        "pain scores in a panel",
        "CP.MP.126@2025-04",
        "II.G",
        FUSION,
        scored(pain(valueQuantity={"unit": "{score}"})),
        scored(pain_component),
    ),
    Pair(
        "pain scores as text",
        "CP.MP.126@2025-04",
        "II.G",
        FUSION,
        scored(pain(valueQuantity={"unit": "{score}"})),
        scored(lambda at, points: pain(valueString="")(at, f"{points}/10")),
    ),
    Pair(
        "an allergy to the drug by name",
        "CP.MP.173@2024-01",
        "II.A.2.f",
        {"code": "62362", "detail": "New implant of a pump with morphine", "reason": "icd10cm M96.1"},
        [{"allergy": {"code": "rxnorm 7052"}}],
        [
            {
                "AllergyIntolerance": {
                    "code": {"text": "Morphine"},
                    "type": "allergy",
                    "clinicalStatus": {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                                "code": "active",
                            }
                        ]
                    },
                }
            }
        ],
    ),
    Pair(
        "provocation tests of the examination",
        "CP.MP.126@2025-04",
        "II.D",
        FUSION,
        [{"answers": {"II.D.faber": "yes", "II.D.gaenslen": "yes", "II.D.thigh-thrust": "yes"}}],
        exams("FABER test", "Gaenslen's test", "Thigh thrust"),
    ),
    Pair(
        "a diagnosis in words",
        "CP.MP.126@2025-04",
        "II.E",
        FUSION,
        [{"condition": {"code": "icd10cm M79.7", "onset": "2024-05-01"}}],
        [
            {
                "Condition": {
                    "code": {"text": "Fibromyalgia"},
                    "clinicalStatus": {
                        "coding": [
                            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
                        ]
                    },
                    "onsetDateTime": "2024-05-01",
                }
            }
        ],
        settles=False,
    ),
    Pair(
        "a procedure code with its modifier",
        "CP.MP.173@2024-01",
        "I.A.2.f",
        TRIAL,
        PSYCHOTHERAPY,
        [{"procedure": {"code": "cpt 90837-95", "at": "2026-02-10"}}],
    ),
]


def judged(pair: Pair, facts: Sequence[Fact]) -> CriterionResult:
    draft = read_order(order(pair.order, 1, DAY), zone=UTC, terms=TERMS)
    given = [each for n, fact in enumerate(facts, 1) for each in resources(fact, n, DAY)]
    by = LIBRARY.policies[pair.policy]
    found = evaluate(by, draft, [], chart(given, DAY, TERMS), draft.anchor(DAY), ignore_code_dates=True)
    return found.criterion(pair.criterion)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_plain_spelling_settles_the_criterion(pair: Pair) -> None:
    assert judged(pair, pair.plain).status is not Status.UNKNOWN


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_common_spelling_settles_it_too_or_is_shown(pair: Pair) -> None:
    result = judged(pair, pair.common)
    assert result.evidence or result.is_group
    assert (result.status is judged(pair, pair.plain).status) is pair.settles


def test_enough_of_the_nineteen_settle() -> None:
    assert (len(PAIRS), sum(pair.settles for pair in PAIRS) >= 11) == (19, True)
