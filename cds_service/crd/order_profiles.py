"""What the order profiles of Da Vinci CRD require beyond FHIR R4, as data.

Sources: the StructureDefinitions profile-servicerequest, profile-devicerequest, profile-medicationrequest,
profile-communicationrequest, profile-nutritionorder, profile-visionprescription, and the appointment profiles of CRD
2.0.1 and of CRD 2.2.1. What is here, both versions require alike.

Only what must be there is here. What the profiles do not allow (a second location, doNotPerform) is an unexpected
element, which a server ignores (found-33). Some constraints are left out because the guide itself breaks them or took
them back:

- The status `draft`, which 2.0.1 fixes: later versions allow any, since a signed order may be revised, and dispatched
  orders are active.
- The times of an Appointment (crd-apt1 and crd-apt2; start, end, and requestedPeriod in 2.0.1): the guide's own example
  request has none, and no answer depends on them.
- The participants of an Appointment: the profile tells them apart by an element that a participant does not have.
- The types of requester and performer: the examples break those of MedicationRequest.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderProfile:
    """The profile of an order type: the elements that an order must have, and the one that references its patient.

    `patient` is empty where the patient is one of several participants.
    """

    required: tuple[str, ...] = ()
    patient: str = "subject"


ORDER_PROFILES: Mapping[str, OrderProfile] = {
    "Appointment": OrderProfile(patient=""),
    "CommunicationRequest": OrderProfile(("authoredOn", "basedOn", "payload", "requester", "subject")),
    "DeviceRequest": OrderProfile(("authoredOn", "requester", "status")),
    "MedicationRequest": OrderProfile(("authoredOn", "requester")),
    "NutritionOrder": OrderProfile(("orderer",), patient="patient"),
    "ServiceRequest": OrderProfile(("authoredOn", "code", "requester")),
    "VisionPrescription": OrderProfile(patient="patient"),
}
"""The types of which there can be orders in a call of CRD."""

WANTED: Mapping[str, str] = {
    "authoredOn": "Send the date or time when the order was written.",
    "basedOn": "Send a reference to what the order fulfills.",
    "code": "Send what is ordered as a coding, as text, or both.",
    "orderer": "Send a reference to the Practitioner or PractitionerRole who orders.",
    "patient": "Send a reference to the Patient.",
    "payload": "Send what is to be communicated.",
    "requester": "Send a reference to the Practitioner or PractitionerRole who orders.",
    "status": "Send the status of the order, such as draft.",
    "subject": "Send a reference to the Patient.",
}
"""What to send in an element that a profile requires."""
