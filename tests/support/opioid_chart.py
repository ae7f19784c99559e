"""Charts for the opioid tests: orders in one line, and the reading of them around one day.

The anchor is 15 January 2026: the current window is 1 to 14 January, the look-back 15 January to 31 December 2025.
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fhir_mappings.opioids import Dose, DrugLine, Periods, Reduction, opioid_reduction
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth
from tests.support.terms import TERMS

ZONE = ZoneInfo("America/New_York")
ANCHOR = date(2026, 1, 15)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

PERIODS = Periods(look_back=365, current=14, baselines=(14, 90))

OXYCODONE_5, OXYCODONE_10, OXYCODONE_20 = "1049621", "1049683", "1049686"
OXYCODONE_ER_20 = "1049563"
PERCOCET_5 = "1049640"
OXYCODONE_APAP_5 = "1049221"
HYDROCODONE_APAP_10 = "856999"
HYDROMORPHONE_1, HYDROMORPHONE_4 = "897771", "897702"
METHADONE_SOLUTION_1 = "864761"
MORPHINE_15, MORPHINE_ER_15, MORPHINE_ER_30, MORPHINE_SOLUTION_2 = "892582", "891881", "891888", "892589"
MORPHINE_INJECTION = "2003714"
CODEINE_APAP_SOLUTION = "993755"
FENTANYL_12, FENTANYL_25, FENTANYL_50, FENTANYL_IONTOPHORETIC = "577057", "245134", "245135", "1666831"
TRAMADOL_50, TAPENTADOL_50 = "835603", "825411"
BUPRENORPHINE_SL_8 = "351265"
MEPERIDINE_50 = "861467"

ALL_READ = dict.fromkeys(
    ("MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration"),
    Availability.COMPLETE,
)


def quantity(value, code="{tbl}"):
    return {"value": value, "system": "http://unitsofmeasure.org", "code": code}


def sig(dose=1, unit="{tbl}", times=1, period=1, per="d", **members):
    """One Dosage: so many units, so many times per period."""
    dosage = {
        "timing": {"repeat": {"frequency": times, "period": period, "periodUnit": per}},
        "doseAndRate": [{"doseQuantity": quantity(dose, unit)}],
    }
    return {**dosage, **members}


def bounded(dosage, start=None, end=None, days=None):
    """A Dosage that says when it begins and ends."""
    repeat = dict(dosage["timing"]["repeat"])
    if days is not None:
        repeat["boundsDuration"] = quantity(days, "d")
    else:
        repeat["boundsPeriod"] = {key: value for key, value in (("start", start), ("end", end)) if value}
    return {**dosage, "timing": {"repeat": repeat}}


def coded(rxcui, display="a drug"):
    return {"coding": [{"system": RXNORM, "code": rxcui, "display": display}]}


def order(name, rxcui, *dosages, on="2025-01-01", **members):
    """An active MedicationRequest without an end of its own."""
    resource = {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": coded(rxcui) if isinstance(rxcui, str) else rxcui,
        "authoredOn": on,
        "dosageInstruction": list(dosages),
        **members,
    }
    return {key: value for key, value in resource.items() if value not in (None, [])}


def during(name, rxcui, start, end, dosage, **members):
    """A completed MedicationRequest that ran from one day to another."""
    members.setdefault("status", "completed")
    return order(name, rxcui, bounded(dosage, start, end), on=start, **members)


def stopped(resource, reason="Pain resolved"):
    """The same order or statement, stopped for a reason."""
    return {**resource, "status": "stopped", "statusReason": {"text": reason}}


def supplied(days, refills=0, tablets=None):
    """A dispenseRequest for so many days."""
    request = {"expectedSupplyDuration": quantity(days, "d"), "numberOfRepeatsAllowed": refills}
    return {**request, "quantity": quantity(tablets)} if tablets is not None else request


def dispense(name, rxcui, on, days=None, tablets=None, of=None, **members):
    resource = {
        "resourceType": "MedicationDispense",
        "id": name,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": coded(rxcui),
        "whenHandedOver": on,
        "daysSupply": quantity(days, "d") if days is not None else None,
        "quantity": quantity(tablets) if tablets is not None else None,
        "authorizingPrescription": [{"reference": f"MedicationRequest/{of}"}] if of else None,
        **members,
    }
    return {key: value for key, value in resource.items() if value is not None}


def statement(name, rxcui, *dosages, **members):
    resource = {
        "resourceType": "MedicationStatement",
        "id": name,
        "status": "active",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": coded(rxcui) if isinstance(rxcui, str) else rxcui,
        "dosage": list(dosages),
        "effectivePeriod": {"start": "2025-01-01"},
        **members,
    }
    return {key: value for key, value in resource.items() if value not in (None, [])}


def administration(name, rxcui, on, dose, unit="{tbl}", **members):
    return {
        "resourceType": "MedicationAdministration",
        "id": name,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": coded(rxcui),
        "effectiveDateTime": on,
        "dosage": {"dose": quantity(dose, unit)},
        **members,
    }


def another_drug(on="2024-06-01"):
    """A prescription that shows how far back the medication list of this place reaches."""
    statin = {"text": "Atorvastatin 20 MG Oral Tablet"}
    return order("statin", statin, on=on, status="stopped")


def record(*resources, read=datetime(2026, 1, 15, 12, tzinfo=ZONE), availability=None):
    found = [("", resource) for resource in resources]
    return PatientRecord(
        "p", found, read_at=read, zone=ZONE, availability={**ALL_READ, **(availability or {})}, terms=TERMS
    )


def read(*resources, on=ANCHOR, **settings) -> Reduction:
    return opioid_reduction(record(another_drug(), *resources, **settings), on, PERIODS)


def current(*resources, **settings) -> Dose:
    return read(*resources, **settings).current


def halved(*resources, **settings) -> Truth:
    return read(*resources, **settings).reduced_by(Decimal(50))


def mme(low, high) -> Dose:
    return Dose(Decimal(low), None if high is None else Decimal(high))


def line(reduction: Reduction, reference: str) -> DrugLine:
    return next(line for line in reduction.lines if line.reference == reference)
