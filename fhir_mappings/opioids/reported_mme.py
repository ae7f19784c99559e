"""Morphine milligram equivalents (MME) per day that a chart states, as computed by an EHR or a monitoring program.

They are only shown: which opioids and factors went into them is not known. Sources: the observation `MME` of AHRQ's
pain management summary, and the MedicationDispense extension of HL7's US Prescription Drug Monitoring Program guide.
"""

import re
from dataclasses import dataclass

from fhir_mappings.codings import codings, concept_text, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids.quantities import number
from fhir_mappings.record import Evidence, PatientRecord

AHRQ_PAIN_SUMMARY = "http://cds.ahrq.gov/cdsconnect/pms"
PDMP_EXTENSION = "http://hl7.org/fhir/us/pdmp/StructureDefinition/pdmp-extension-mme"

_NAMED = re.compile(r"\bmorphine (?:milligram |mg )?equivalen|\bmmes?\b|\bo?medd\b", re.IGNORECASE)
_LABEL = "Morphine milligram equivalents"


@dataclass(frozen=True, slots=True)
class ReportedMme:
    """A stated dose in MME per day, with its day."""

    when: DateInterval | None
    evidence: Evidence


def reported_mme(record: PatientRecord) -> tuple[ReportedMme, ...]:
    """Return every MME per day that an observation or a dispense states."""
    found = []
    for resource in record.of_type("Observation", "MedicationDispense"):
        if resource.get("status") in ("entered-in-error", "cancelled", "declined"):
            continue
        is_dispense = resource["resourceType"] == "MedicationDispense"
        value = _extended(resource) if is_dispense else _observed(resource)
        if value:
            when = record.when(resource.get("whenHandedOver")) if is_dispense else _when(record, resource)
            evidence = Evidence(record.reference(resource), _LABEL, str(when or ""), f"{value} MME/day")
            found.append(ReportedMme(when, evidence))
    return tuple(found)


def _observed(resource: Resource) -> str:
    concept = resource.get("code")
    found = codings(concept)
    coded = any(coding.system == AHRQ_PAIN_SUMMARY and coding.code == "MME" for coding in found)
    if not coded and not any(_NAMED.search(text) for text in (concept_text(concept), *(c.display for c in found))):
        return ""
    quantity = resource.get("valueQuantity")
    return _printed(quantity.get("value") if isinstance(quantity, dict) else resource.get("valueInteger"))


def _extended(resource: Resource) -> str:
    values = [one.get("valueDecimal") for one in items(resource.get("extension")) if one.get("url") == PDMP_EXTENSION]
    return _printed(values[0]) if values else ""


def _printed(value: Json) -> str:
    read = number(value)
    return "" if read is None or read < 0 else f"{float(read):g}"


def _when(record: PatientRecord, resource: Resource) -> DateInterval | None:
    last = parse_period(resource.get("effectivePeriod"), record.zone)[1]
    return record.when(resource.get("effectiveDateTime")) or last
