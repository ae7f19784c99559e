"""Whose a resource is: the patient's, plainly another patient's of the same server, or not certain."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum

from fhir_mappings.bundle import Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.references import Address, ChartServer, address_of, addresses

SUBJECT_ELEMENTS = ("subject", "patient", "beneficiary", "for", "individual")
"""The elements that reference the patient of a resource, the usual one first."""

OTHER_SUBJECTS = ("Group", "Device", "Location")
"""What an order may be for instead of a patient (FHIR R4, ServiceRequest.subject)."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")

_NOT_ABOUT_A_PATIENT = {
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "Questionnaire",
}


class Owner(Enum):
    """Whose a resource is."""

    OURS = "ours"
    OTHER = "another patient's"
    UNCERTAIN = "uncertain"
    """Of an unnamed patient, of one on another server, or of a record that may be another one of the same patient."""


def names_a_patient(resource: Resource) -> bool:
    """Return whether a resource is data about a patient: not the patient, and not of a type that has none."""
    return resource.get("resourceType") not in {"Patient", *_NOT_ABOUT_A_PATIENT}


def subject_of(resource: Resource) -> str:
    """Return the reference to the patient of a resource; empty if there is none, such as only an identifier."""
    for member in SUBJECT_ELEMENTS:
        subject = resource.get(member)
        if isinstance(subject, dict):
            reference = subject.get("reference")
            if isinstance(reference, str):
                return reference
    return ""


def is_for_another_patient(
    order: Resource, patient_id: str, server: ChartServer, patients: Iterable[Entry] = ()
) -> bool:
    """Return whether a draft order is for another patient, or for a group, a device, or a location.

    An order that names no subject, or by an identifier only, is the call's own. So is one for a patient with the id of
    the call's on another server, since a gateway has more than one address. `patients` are those sent along, to which a
    URN may point. A bare id is that of a resource of the type that stands beside it.
    """
    booked = {server.local(address_of(each)).name for each in _participants(order)}
    if any(each.startswith("Patient/") for each in booked):
        return f"Patient/{patient_id}" not in booked
    subject = server.local(address_of(subject_of(order)))
    named = {each.get("id") for url, each in patients if url and address_of(url) == subject}
    if named:
        return patient_id not in named
    kind, _, own_id = subject.name.partition("/")
    if not own_id and _ID.match(kind):
        kind, own_id = _type_of_subject(order), kind
    return own_id != patient_id if kind == "Patient" else kind in OTHER_SUBJECTS


def _type_of_subject(order: Resource) -> str:
    """Return the type that the reference to a subject states beside its address (Reference.type); empty if none."""
    for subject in map(order.get, SUBJECT_ELEMENTS):
        if isinstance(subject, dict) and isinstance(subject.get("reference"), str):
            stated = subject.get("type")
            return stated if isinstance(stated, str) else ""
    return ""


def _participants(order: Resource) -> Iterator[str]:
    """Yield the references of those whom an appointment is with; it has no other subject."""
    for participant in items(order.get("participant")) if order.get("resourceType") == "Appointment" else ():
        for actor in items(participant.get("actor")):
            if isinstance(actor.get("reference"), str):
                yield actor["reference"]


def chart_server(patient_id: str, known_as: Iterable[str], entries: Collection[Entry]) -> ChartServer:
    """Return the server of a chart: by its addresses, and by the full URL of the patient, if there is one.

    If neither is known, and all resources and references to the patient are of one server, it is that one.
    """
    known = ChartServer.known_as(known_as).bases
    placed = [entry for entry in entries if entry[0]]
    patients = [(url, each) for url, each in placed if each.get("resourceType") == "Patient"]
    own = _bases((url, each) for url, each in patients if each.get("id") == patient_id)
    seen: set[str] = set()
    if not known:
        subjects = map(address_of, {subject_of(resource) for _, resource in entries})
        seen = _bases(placed) | {each.base for each in subjects if each.name == f"Patient/{patient_id}"} - {""}
    for found in (own, seen):
        if len(found) == 1:
            known |= found
    return ChartServer(known)


def _bases(entries: Iterable[Entry]) -> set[str]:
    """Return the servers of resources, as far as their full URLs tell."""
    return {address.base for entry in entries for address in addresses(*entry)} - {""}


class Ownership:
    """Tells whose resources are, among the entries of one chart."""

    def __init__(self, patient_id: str, server: ChartServer, entries: Iterable[Entry]) -> None:
        self._patient_id = patient_id
        self._server = server
        self._patients = {Address("", f"Patient/{patient_id}"): patient_id}
        """The ids of patients by address on this server, or by URN."""
        linked: list[tuple[str, Address]] = []
        for url, resource in [entry for entry in entries if entry[1].get("resourceType") == "Patient"]:
            own_id = resource.get("id")
            if isinstance(own_id, str):
                for address in map(server.local, addresses(url, resource)):
                    if not address.base:
                        self._patients[address] = own_id
                linked += [(own_id, address) for address in self._links(resource)]
        self._by_subject: dict[str, str] = {}
        """The ids of patients by reference, as far as they were asked for: most are the same."""
        self._same_person = {self._id_at(target) for own_id, target in linked if own_id == patient_id}
        self._same_person |= {own_id for own_id, target in linked if self._id_at(target) == patient_id}

    def _links(self, patient: Resource) -> Iterable[Address]:
        """Return the other records of a patient, such as the one that it was merged into (Patient.link)."""
        for link in items(patient.get("link")):
            other = link.get("other")
            if isinstance(other, Mapping) and isinstance(other.get("reference"), str):
                yield self._server.local(address_of(other["reference"]))

    def _id_at(self, address: Address) -> str:
        """Return the id of the patient at an address of this server; empty if it is no such address."""
        kind, _, own_id = address.name.partition("/")
        known = self._patients.get(address, "")
        return known or (own_id if kind == "Patient" and not address.base else "")

    def of(self, full_url: str, resource: Resource) -> Owner:
        """Return whose a resource is."""
        patient = self.patient_of(full_url, resource)
        if patient == self._patient_id:
            return Owner.OURS
        return Owner.OTHER if patient else Owner.UNCERTAIN

    def patient_of(self, full_url: str, resource: Resource) -> str:
        """Return the id of the patient of a resource on this server; empty if that is not certain.

        What is about no patient, such as a Medication, belongs to the patient of the chart.
        """
        kind = resource.get("resourceType")
        if kind in _NOT_ABOUT_A_PATIENT:
            return self._patient_id
        if kind == "Patient":
            own_id = resource.get("id")
            found = own_id if isinstance(own_id, str) else ""
        else:
            subject = subject_of(resource)
            if subject not in self._by_subject:
                self._by_subject[subject] = self._id_at(self._server.local(address_of(subject)))
            found = self._by_subject[subject]
        if found == self._patient_id:
            return found
        is_elsewhere = bool(full_url) and bool(self._server.local(address_of(full_url)).base)
        return "" if found in self._same_person or is_elsewhere else found
