"""Small charts for the tests of the readings: one line per resource, everything valid unless a test says otherwise.

The chart is read on 2 March 2026 at noon in New York, for Patient/p.
"""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fhir_mappings.codings import LOINC, Coding, Match
from fhir_mappings.ownership import chart_server
from fhir_mappings.record import PatientRecord
from tests.support.terms import TERMS

ZONE = ZoneInfo("America/New_York")
READ_AT = datetime(2026, 3, 2, 12, tzinfo=ZONE)
SYSTEM = "http://example.org/codes"
PATIENT = {"reference": "Patient/p"}


def knows(*decides, asks=()):
    """A code test that knows these codes, whatever their system; one that only asks makes the concept ask."""

    def test(codings):
        given = [coding.code for coding in codings]
        if any(code in asks for code in given):
            return Match("Asked", False)
        return Match("Known", True) if any(code in decides for code in given) else None

    return test


KNOWN = knows("known")
ASKED = knows(asks=("known",))


def concept(code="known", system=SYSTEM, **more):
    return {"coding": [{"system": system, "code": code, **more}]}


def status_of(code):
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/any", "code": code}]}


def record(*resources, patient="p", read_at=READ_AT, zone=ZONE, availability=None, unasked=(), server=""):
    """A record of resources, each bare or with its full URL as a pair."""
    entries = [each if isinstance(each, tuple) else ("", each) for each in resources]
    return PatientRecord(
        patient,
        entries,
        read_at=read_at,
        zone=zone,
        availability=availability or {},
        terms=TERMS,
        unasked=unasked,
        server=chart_server(patient, [server], entries),
    )


def resource(kind, **members):
    """A resource of this patient. A member given as None is left out."""
    made = {"resourceType": kind, "id": "x", "subject": PATIENT, **members}
    return {name: value for name, value in made.items() if value is not None}


def condition(clinical="active", verification="confirmed", **members):
    """A confirmed, active condition; either status may be given as a code, as None or, by its element, as it is."""
    made = {
        "clinicalStatus": status_of(clinical) if clinical else None,
        "verificationStatus": status_of(verification) if verification else None,
        "code": concept(),
        **members,
    }
    return resource("Condition", **made)


def procedure(at="2026-01-05T10:00:00-05:00", **members):
    made = {"status": "completed", "code": concept(), "performedDateTime": at, **members}
    return resource("Procedure", **made)


def score(number, at, name="s", code="72514-3", **members):
    """A pain score; its number may be given as text, so that it is exact."""
    value = Decimal(number) if isinstance(number, str) else number
    made = {
        "status": "final",
        "code": concept(code, LOINC),
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": "{score}"},
        **members,
    }
    return resource("Observation", id=name, **made)


def codes_of(codings):
    return [coding.code for coding in codings]


def coding(code, system=SYSTEM, display=""):
    return Coding(system, code, display)
