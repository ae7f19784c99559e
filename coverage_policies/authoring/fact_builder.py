"""Case files' facts, orders, and charts as FHIR R4 resources and a patient record.

Whatever is built follows FHIR; a case that needs a malformed resource writes it out under `fhir`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from coverage_policies.authoring.fact_words import FactError, FactWords, body_site, concept, moment, present, reference
from coverage_policies.authoring.facts import KINDS, build
from coverage_policies.authoring.order_facts import dispensing, dosages, order_details, parameters, quantity
from coverage_policies.format.registry import resource_types
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.ownership import SUBJECT_ELEMENTS
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.validity import element_names, faults

PATIENT = "patient-1"
"""The patient every case is about."""
OTHER_PATIENT = "patient-2"
_PATIENT_KINDS = ("patient", "Patient")
"""The facts whose resource is the patient of the case."""


def resources(fact: Json, number: int, day: date) -> tuple[Resource, ...]:
    """Return the resources of one fact, named after its kind and `number`. Raises FactError for what cannot be built.

    `day` is the day of the case, on which answers are given unless they say when. Any fact may say
    `patient: other` and give its own `id`.
    """
    if not isinstance(fact, Mapping) or len(fact) != 1:
        raise FactError("a fact is one word for its kind with what is known of it")
    ((kind, written),) = fact.items()
    if kind not in KINDS and not element_names(kind):
        raise FactError(f"there is no fact {kind!r}; known are {', '.join(sorted(KINDS))} and FHIR R4 resource types")
    words = FactWords(kind, written, day)
    patient = {"": PATIENT, "other": OTHER_PATIENT}.get(words.text("patient"))
    if patient is None:
        raise FactError(f"{kind}.patient must be 'other'")
    identity = words.text("id", patient if kind in _PATIENT_KINDS else f"{kind.replace('_', '-')}-{number}")
    words.identity = identity
    found = build(kind, words)
    words.finish()
    built = []
    for i, resource in enumerate(found):
        name = identity if i == 0 else f"{identity}-score-{i}"
        built.append(_checked(resource | {"id": name} | _about(resource["resourceType"], patient)))
    return tuple(built)


def _about(resource_type: str, patient: str) -> dict[str, dict[str, str]]:
    names = element_names(resource_type)
    subject = next((name for name in SUBJECT_ELEMENTS if name in names), None)
    return {subject: reference("Patient", patient)} if subject else {}


def order(written: Json, number: int, day: date) -> Resource:
    """Return a draft order, planned for `day` unless it says otherwise. Raises FactError for what cannot be built.

    `detail`, `drug`, `implant`, `side`, `reason`, `reason_reference`, `performer`, `encounter` and `note` are where an
    order states such things in FHIR; `planned: none` leaves the day of service open. `quantity`, `supply`, `refills`,
    `dose`, `every`, and `flow` are how much it asks for, `specialty` that of the one who orders, `place` where it is to
    be performed, and `acquisition: rent` or `purchase` a modifier of a billing code.
    """
    words = FactWords("order", written, day)
    kind = words.text("as", "ServiceRequest")
    code, planned = concept(words.texts("code")), words.text("planned", day.isoformat())
    planned = "" if planned == "none" else moment(planned)
    details = [{"text": text} for text in words.texts("detail")] + [concept([drug]) for drug in words.texts("drug")]
    performer = words.texts("performer")
    because = words.texts("reason_reference")
    implant, note, visit = words.text("implant"), words.text("note"), words.text("encounter")
    found = present(
        resourceType=kind,
        id=words.text("id", f"order-{number}"),
        status=words.text("status", "draft"),
        intent=words.text("intent", "order"),
        doNotPerform=words.text("do_not_perform") == "yes" or None,
        subject=reference("Patient", PATIENT),
        encounter=reference("Encounter", visit) if visit else None,
        authoredOn=moment(words.text("authored")),
        reasonCode=[concept([reason]) for reason in words.texts("reason")],
        reasonReference=[{"reference": target} for target in because],
        note=[{"text": note}] if note else None,
    )
    side = body_site(words.text("side"))
    if kind == "MedicationRequest":
        found |= {"medicationCodeableConcept": code, "authoredOn": found.get("authoredOn", planned)}
        found |= present(dosageInstruction=dosages(words), dispenseRequest=dispensing(words))
    elif kind == "DeviceRequest":
        found |= present(codeCodeableConcept=code, occurrenceDateTime=planned, parameter=parameters(words))
    else:
        details += order_details(words)
        amount, place = words.text("quantity"), concept(words.texts("place"))
        found |= present(code=code, occurrenceDateTime=planned, orderDetail=details, bodySite=side)
        found |= present(performerType=concept(performer), quantityQuantity=quantity(amount) if amount else None)
        found |= present(locationCode=[place] if place else None)
    if specialty := words.texts("specialty"):
        role = {"resourceType": "PractitionerRole", "id": "requester", "specialty": [concept(specialty)]}
        found |= {"contained": [role], "requester": {"reference": "#requester"}}
    if implant:
        device = {
            "resourceType": "Device",
            "id": "implant",
            "deviceName": [{"name": implant, "type": "user-friendly-name"}],
        }
        found |= {"contained": [*found.get("contained", ()), device], "supportingInfo": [{"reference": "#implant"}]}
    words.finish()
    return _checked(found)


def chart(
    facts: Iterable[Resource],
    today: date,
    terms: OrderTerms,
    *,
    unavailable: Iterable[str] = (),
    not_offered: Iterable[str] = (),
) -> PatientRecord:
    """Return the patient's record, read at noon of `today` (UTC): every search succeeded except those named."""
    availability = dict.fromkeys(resource_types(), Availability.COMPLETE)
    availability |= dict.fromkeys(unavailable, Availability.UNAVAILABLE)
    availability |= dict.fromkeys(not_offered, Availability.NOT_OFFERED)
    return PatientRecord(
        PATIENT,
        [("", resource) for resource in facts],
        read_at=datetime.combine(today, time(12), UTC),
        zone=UTC,
        availability=availability,
        terms=terms,
    )


def _checked(resource: dict[str, Any]) -> Resource:
    wrong = faults(resource)
    if wrong:
        what = "; ".join(f"{fault.path} ({fault.what})" for fault in wrong)
        raise FactError(f"this makes no FHIR R4 resource: {what}")
    return resource
