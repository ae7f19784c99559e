"""One order of each type that Da Vinci CRD knows, with the elements that its profile requires or supports."""

from typing import Any

PATIENT = {"reference": "Patient/p", "display": "A patient"}
CLINICIAN = {"reference": "PractitionerRole/r", "display": "Dr. Rivera"}
CONCEPT = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27279", "display": "A"}], "text": "A"}
PERIOD = {"start": "2026-03-09", "end": "2026-06-09"}
AMOUNT = {"value": 2, "unit": "tablet", "system": "http://unitsofmeasure.org", "code": "{tablet}"}
ENCOUNTER = {"reference": "Encounter/e"}
_COMMON: dict[str, Any] = {
    "id": "o-1",
    "meta": {"versionId": "1", "profile": ["http://example.org/StructureDefinition/local"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">An order</div>'},
    "contained": [{"resourceType": "Location", "id": "here", "name": "Here"}],
    "extension": [{"url": "http://example.org/StructureDefinition/urgency", "valueString": "soon"}],
    "identifier": [{"system": "http://example.org/orders", "value": "1"}],
    "status": "draft",
}
_OF_REQUESTS: dict[str, Any] = {
    "basedOn": [{"reference": "ServiceRequest/referral"}],
    "intent": "order",
    "priority": "routine",
    "subject": PATIENT,
    "encounter": ENCOUNTER,
    "authoredOn": "2026-03-02T10:00:00-05:00",
    "requester": CLINICIAN,
    "reasonCode": [CONCEPT],
    "reasonReference": [{"reference": "Condition/c"}],
    "note": [{"text": "A"}],
}

ORDERS: dict[str, dict[str, Any]] = {
    "Appointment": {
        "resourceType": "Appointment",
        **_COMMON,
        "status": "proposed",
        "serviceCategory": [CONCEPT],
        "serviceType": [CONCEPT],
        "specialty": [CONCEPT],
        "appointmentType": CONCEPT,
        "reasonReference": [{"reference": "Condition/c"}],
        "start": "2026-03-09T09:00:00-05:00",
        "end": "2026-03-09T10:00:00-05:00",
        "basedOn": [{"reference": "ServiceRequest/o-1"}],
        "participant": [
            {"actor": PATIENT, "status": "accepted"},
            {"type": [CONCEPT], "actor": CLINICIAN, "status": "tentative"},
        ],
        "requestedPeriod": [PERIOD],
    },
    "CommunicationRequest": {
        "resourceType": "CommunicationRequest",
        **_COMMON,
        **{name: value for name, value in _OF_REQUESTS.items() if name != "intent"},
        "payload": [
            {
                "extension": [{"url": "http://example.org/content", "valueCodeableConcept": CONCEPT}],
                "contentString": "A report",
            }
        ],
        "occurrenceDateTime": "2026-03-09",
        "recipient": [{"reference": "Organization/a"}],
        "sender": CLINICIAN,
    },
    "DeviceRequest": {
        "resourceType": "DeviceRequest",
        **_COMMON,
        **_OF_REQUESTS,
        "codeCodeableConcept": CONCEPT,
        "parameter": [{"code": CONCEPT, "valueQuantity": AMOUNT}],
        "occurrencePeriod": PERIOD,
        "performer": CLINICIAN,
    },
    "MedicationRequest": {
        "resourceType": "MedicationRequest",
        **_COMMON,
        **_OF_REQUESTS,
        "category": [CONCEPT],
        "reportedBoolean": False,
        "medicationCodeableConcept": CONCEPT,
        "performer": CLINICIAN,
        "dosageInstruction": [
            {
                "text": "2 tablets daily",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": AMOUNT}],
            }
        ],
        "dispenseRequest": {
            "numberOfRepeatsAllowed": 1,
            "quantity": AMOUNT,
            "performer": {"reference": "Organization/a"},
        },
        "substitution": {"allowedBoolean": True},
        "priorPrescription": {"reference": "MedicationRequest/before"},
    },
    "NutritionOrder": {
        "resourceType": "NutritionOrder",
        **_COMMON,
        "intent": "order",
        "patient": PATIENT,
        "encounter": ENCOUNTER,
        "dateTime": "2026-03-02",
        "orderer": CLINICIAN,
        "allergyIntolerance": [{"reference": "AllergyIntolerance/a"}],
        "foodPreferenceModifier": [CONCEPT],
        "excludeFoodModifier": [CONCEPT],
        "oralDiet": {"type": [CONCEPT], "instruction": "A"},
        "supplement": [{"type": CONCEPT, "quantity": AMOUNT}],
        "enteralFormula": {"baseFormulaType": CONCEPT, "administration": [{"quantity": AMOUNT}]},
    },
    "ServiceRequest": {
        "resourceType": "ServiceRequest",
        **_COMMON,
        **_OF_REQUESTS,
        "category": [CONCEPT],
        "doNotPerform": False,
        "code": CONCEPT,
        "quantityQuantity": AMOUNT,
        "occurrenceDateTime": "2026-03-09",
        "performerType": CONCEPT,
        "performer": [CLINICIAN],
        "locationReference": [{"reference": "#here"}],
    },
    "VisionPrescription": {
        "resourceType": "VisionPrescription",
        **_COMMON,
        "created": "2026-03-02",
        "patient": PATIENT,
        "encounter": ENCOUNTER,
        "dateWritten": "2026-03-02",
        "prescriber": CLINICIAN,
        "lensSpecification": [
            {
                "product": CONCEPT,
                "eye": "right",
                "sphere": -2,
                "prism": [{"amount": 1, "base": "down"}],
                "duration": AMOUNT,
            }
        ],
    },
}
"""By resource type; valid in CRD 2.0.1 and in 2.2.1."""


def collection(*resources: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A Bundle of these resources as CRD wants it, each with a fullUrl of its own."""
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{each.get('resourceType')}/{number}", "resource": each}
        for number, each in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **members}
