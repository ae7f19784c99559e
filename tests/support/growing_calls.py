"""Calls made to be slow to answer, of any size: one for each way in which input has been slow."""

from collections.abc import Callable
from typing import Any

from coverage_policies.format.library import load_library
from fhir_mappings.codings import CPT, ICD10CM, LOINC, RXNORM
from tests.support.hook_fakes import PATIENT_ID, bundle, call

_SUBJECT = {"reference": f"Patient/{PATIENT_ID}"}
_SCORE = {"coding": [{"system": LOINC, "code": "72514-3"}]}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _signing(order: dict[str, Any], **found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a call for one order, with what every search finds as prefetch, by resource type."""
    request = call(prefetch={"patient": {"resourceType": "Patient", "id": PATIENT_ID}, "coverage": bundle()})
    request["context"]["draftOrders"]["entry"][0]["resource"] |= order
    for search in load_library().searches():
        request["prefetch"][search.key] = bundle(*found.get(search.resource_type, ()))
    return request


def _resource(kind: str, number: int, **members: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": f"{kind}-{number}", "subject": _SUBJECT, **members}


def _pain(count: int) -> dict[str, Any]:
    code = _coded(CPT, "27096")
    done = [
        _resource("Procedure", i, status="completed", code=code, performedDateTime=f"2026-02-02T10:00:00.{i:06}Z")
        for i in range(count)
    ]
    scores = [
        _resource(
            "Observation",
            i,
            status="final",
            code=_SCORE,
            effectiveDateTime=f"2026-02-02T{9 if i % 2 else 12}:00:00.{i:06}Z",
            valueQuantity={"value": 8 if i % 2 else 2, "unit": "{score}"},
        )
        for i in range(count)
    ]
    return _signing({"code": code}, Procedure=done, Observation=scores)


def _opioids(count: int) -> dict[str, Any]:
    dose = {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}
    prescribed = [
        _resource(
            "MedicationRequest",
            i,
            status="active",
            intent="order",
            authoredOn="2026-01-01",
            medicationCodeableConcept=_coded(RXNORM, "892582"),
            dosageInstruction=[
                {
                    "timing": {"repeat": {"frequency": 1 + i % 9, "period": 1, "periodUnit": "d"}},
                    **dose,
                }
            ],
        )
        for i in range(count)
    ]
    return _signing({"code": _coded(CPT, "62362")}, MedicationRequest=prescribed)


def _fibromyalgia(**members: Any) -> dict[str, Any]:
    return _signing({}, Condition=[_resource("Condition", 1, code=_coded(ICD10CM, "M79.7"), **members)])


def _purposes(count: int) -> dict[str, Any]:
    done = [
        _resource(
            "Procedure",
            i,
            status="completed",
            code=_coded(CPT, "27096"),
            reasonCode=[{"text": "diagnostic therapeutic " * 20}] * 5,
        )
        for i in range(count)
    ]
    return _signing({"code": _coded(CPT, "27096")}, Procedure=done)


CALLS: dict[str, tuple[Callable[[int], dict[str, Any]], int]] = {
    "words": (lambda n: _signing({"note": [{"text": "pump " * n}]}), 5_000),
    "notes": (lambda n: _signing({"note": [{"text": "left right pump trial " * 150}] * n}), 60),
    "details": (lambda n: _signing({"orderDetail": [{"text": f"left pump {i}"} for i in range(n)]}), 1_000),
    "a long code": (lambda n: _signing({"code": _coded(CPT, "6" * n)}), 50_000),
    "faults of one element": (lambda n: _fibromyalgia(category=[0] * n), 10_000),
    "unknown members": (lambda n: _fibromyalgia(**{f"x{i}": 1 for i in range(n)}), 5_000),
    "purposes": (_purposes, 60),
    "pain scores": (_pain, 80),
    "opioids": (_opioids, 80),
    "contained devices": (
        lambda n: _signing(
            {
                "contained": [{"resourceType": "Device", "id": f"c{i}"} for i in range(n)],
                "supportingInfo": [{"reference": f"#c{i}"} for i in range(n)],
            }
        ),
        500,
    ),
}
"""By name, a function that makes a call of some size, and a size at which it is well measured."""
