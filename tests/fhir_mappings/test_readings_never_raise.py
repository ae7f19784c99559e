"""No reading raises on FHIR-shaped junk."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_mappings.allergies import allergies
from fhir_mappings.amounts import Amount, Interval, printed
from fhir_mappings.answers import answer_forms, newest
from fhir_mappings.attendance import is_by_specialty, is_in_person
from fhir_mappings.codings import RXNORM, Coding, Match, codings, concept_text
from fhir_mappings.condition_course import Times, conditions_on
from fhir_mappings.condition_history import known_conditions, there_within
from fhir_mappings.conditions import unidentified
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.days_covered import days_covered
from fhir_mappings.demographics import patients
from fhir_mappings.devices import devices
from fhir_mappings.drug_exposure import stretches, supplies
from fhir_mappings.drug_use import stops, uses
from fhir_mappings.family_history import family_history
from fhir_mappings.imaging import conclusions, imaging
from fhir_mappings.measurement_states import is_recorded
from fhir_mappings.medications import medications
from fhir_mappings.observations import measurements, observations
from fhir_mappings.order_amounts import KINDS
from fhir_mappings.order_edit import restated, with_value
from fhir_mappings.order_replacement import recoded, with_quantity
from fhir_mappings.order_statements import (
    notes_of,
    with_detail,
    with_drug,
    with_notes,
    with_planned_day,
    with_reason,
    with_side,
    without_item,
    words_of,
)
from fhir_mappings.orders import read_order
from fhir_mappings.pain_relief import Window, reliefs
from fhir_mappings.plans import plans
from fhir_mappings.pregnancy import PregnancyCodes, pregnancy_on
from fhir_mappings.procedures import latest_on_or_before, procedures
from fhir_mappings.visits import recorded_visits, unidentified_visits
from tests.support.fhir_builders import PATIENT, ZONE, record
from tests.support.terms import TERMS

pytestmark = pytest.mark.slow

ELEMENTS = {
    "Condition": "code clinicalStatus verificationStatus onsetDateTime onsetPeriod abatementDateTime abatementPeriod"
    " abatementString recordedDate category encounter",
    "Encounter": "status period class type serviceType reasonCode participant contained",
    "ChargeItem": "status code occurrenceDateTime occurrencePeriod performer context contained",
    "ExplanationOfBenefit": "status use item billablePeriod careTeam",
    "PractitionerRole": "practitioner specialty",
    "Procedure": "code status performedDateTime performedPeriod performedString",
    "DiagnosticReport": "code status effectiveDateTime effectivePeriod issued",
    "ImagingStudy": "procedureCode status started",
    "CarePlan": "status intent category activity period",
    "ServiceRequest": "code status intent doNotPerform authoredOn occurrenceDateTime occurrencePeriod occurrenceTiming"
    " orderDetail reasonCode reasonReference bodySite supportingInfo note contained extension"
    " quantityQuantity quantityRange quantityRatio locationCode locationReference performerType performer requester"
    " patientInstruction text",
    "DeviceRequest": "codeCodeableConcept codeReference status doNotPerform note contained authoredOn supportingInfo"
    " parameter requester performer",
    "Observation": "code status effectiveDateTime effectiveInstant effectivePeriod valueQuantity valueInteger"
    " valueRange valueString component hasMember method",
    "AllergyIntolerance": "code clinicalStatus verificationStatus type reaction onsetDateTime recordedDate",
    "MedicationRequest": "medicationCodeableConcept medicationReference status intent doNotPerform authoredOn contained"
    " dispenseRequest orderDetail dosageInstruction statusReason meta",
    "MedicationDispense": "medicationCodeableConcept status whenHandedOver whenPrepared daysSupply dosageInstruction"
    " authorizingPrescription",
    "MedicationStatement": "medicationCodeableConcept status effectivePeriod dateAsserted dosage",
    "Device": "type status deviceName manufacturer modelNumber",
    "Patient": "birthDate gender extension",
    "FamilyMemberHistory": "status dataAbsentReason date relationship bornDate bornPeriod ageAge estimatedAge"
    " deceasedAge condition",
    "QuestionnaireResponse": "status questionnaire author authored basedOn item contained",
}

WORDS = st.sampled_from(
    [
        *("active", "resolved", "confirmed", "refuted", "completed", "final", "available", "in-progress", "order"),
        *("finished", "billed", "claim", "AMB"),
        *(
            "2026",
            "2026-02",
            "2026-02-30",
            "2026-03-01",
            "2026-03-01T10:00:00Z",
            "2026-03-01T10:00",
            "0001-01-01T00:00:00Z",
        ),
        *(
            "9999-12-31T23:59:59Z",
            "Patient/p",
            "Practitioner/d",
            "Device/x",
            "PractitionerRole/x",
            "Encounter/x",
            "Condition/x",
            "#x",
            "#",
            "urn:uuid:x",
            "",
        ),
        *("morphine", "not posterior approach", "CornerLoc", "yes", "\ud800", "allergy", "http://loinc.org", "/"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([Decimal("1.5"), Decimal("1e400"), Decimal("-1e-400"), Decimal("-0.0")])
    | WORDS
)
KEYS = st.sampled_from(
    [
        *("coding", "code", "system", "display", "text", "start", "end", "value", "unit", "comparator"),
        *("reference", "type", "id", "resourceType", "item", "answer", "linkId", "valueBoolean", "valueCoding"),
        *("valueString", "valueCodeableConcept", "url", "extension", "activity", "detail", "status"),
        *(
            "substance",
            "name",
            "event",
            "timing",
            "repeat",
            "periodUnit",
            "boundsPeriod",
            "validityPeriod",
            "lastUpdated",
        ),
        *("doNotPerform", "codeReference", "deviceName", "contained"),
        *("individual", "actor", "productOrService", "careTeamSequence", "sequence", "qualification", "role"),
        *("modifier", "locationCodeableConcept", "servicedDate", "servicedPeriod", "encounter", "specialty"),
    ]
)
RUBBISH = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
CODING = st.fixed_dictionaries({}, optional={"system": LEAVES, "code": LEAVES, "display": LEAVES})
CONCEPT = st.fixed_dictionaries({}, optional={"coding": st.lists(CODING | LEAVES, max_size=2), "text": LEAVES})
PERIOD = st.fixed_dictionaries({}, optional={"start": WORDS, "end": WORDS})
QUANTITY = st.fixed_dictionaries({}, optional={"value": LEAVES, "unit": LEAVES, "code": WORDS, "comparator": LEAVES})
REFERENCE = st.fixed_dictionaries({}, optional={"reference": LEAVES, "type": LEAVES})
VALUE = LEAVES | CONCEPT | st.lists(CONCEPT, max_size=2) | PERIOD | QUANTITY | REFERENCE | RUBBISH


def rubbish(*kinds):
    """Resources of these types whose every element may hold anything; the patient is right, so that they are read."""
    return st.sampled_from(kinds).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"resourceType": st.just(kind), "subject": st.just(PATIENT), "patient": st.just(PATIENT)},
            optional=dict.fromkeys([*ELEMENTS[kind].split(), "id", "meta", "note", "bogus"], VALUE),
        )
    )


def charts(*kinds):
    return st.lists(st.tuples(LEAVES.map(str) | st.just("urn:uuid:x"), rubbish(*kinds)), max_size=4)


def anything(codes):
    return Match("Something", True) if tuple(codes) else None


WINDOW = Window(timedelta(hours=24), timedelta(hours=24), following_days=3, is_region=lambda site: bool(site))


def relief(chart):
    done = procedures(chart, anything)
    return [each.printed for each in reliefs(chart, done, anything, WINDOW)]


def taken(chart):
    return stretches([each.days for each in supplies(chart, anything) if each.days], chart.today)


def states(chart):
    found = measurements(chart, anything)
    return [(printed(each.amount), is_recorded(chart, each, anything, limited)) for each in found]


def limited(codes):
    return Match("Something", True, value=Amount(Interval(), "%")) if tuple(codes) else None


def _times(chart):
    year, days = CalendarPeriod(12, "months"), CalendarPeriod(14, "days")
    return Times(chart.today, chart.today, "", year, days, days)


def past(chart):
    times = _times(chart)
    return [there_within(each, times.acute, times) for each in known_conditions(chart, anything, times)]


def pregnant(chart):
    codes = PregnancyCodes(*[anything] * 6)
    term, days = CalendarPeriod(42, "weeks"), CalendarPeriod(14, "days")
    return pregnancy_on(chart, codes, chart.today, term=term, unknown_week=days)


def attended(chart):
    found = (*recorded_visits(chart, None), *recorded_visits(chart, anything), *unidentified_visits(chart))
    return [(is_in_person(chart, each), is_by_specialty(chart, each, anything)) for each in found]


READINGS = {
    "conditions": (("Condition", "Encounter"), lambda chart: conditions_on(chart, anything, _times(chart))),
    "past conditions": (("Condition", "Encounter"), past),
    "patient": (("Patient",), patients),
    "family history": (
        ("FamilyMemberHistory",),
        lambda chart: family_history(chart, anything, lambda _: False),
    ),
    "pregnancy": (("Condition", "Observation", "Procedure", "Encounter"), pregnant),
    "unidentified conditions": (("Condition",), lambda chart: unidentified(chart, lambda _: False)),
    "procedures": (("Procedure",), lambda chart: latest_on_or_before(procedures(chart, anything), chart.today)),
    "visits": (("Encounter", "ChargeItem", "ExplanationOfBenefit", "PractitionerRole"), attended),
    "imaging": (("DiagnosticReport", "ImagingStudy", "Procedure"), lambda chart: imaging(chart, anything)),
    "conclusions": (("DiagnosticReport", "ImagingStudy"), lambda chart: conclusions(chart, anything, anything)),
    "plans": (("CarePlan", "ServiceRequest", "Procedure"), lambda chart: plans(chart, anything)),
    "observations": (("Observation",), lambda chart: observations(chart, anything)),
    "states of measurements": (("Observation",), states),
    "pain relief": (("Procedure", "Observation"), relief),
    "allergies": (("AllergyIntolerance",), lambda chart: allergies(chart, anything)),
    "medications": (
        ("MedicationDispense", "MedicationRequest", "MedicationStatement"),
        lambda chart: medications(chart, anything),
    ),
    "supplies": (("MedicationDispense", "MedicationRequest", "MedicationStatement"), taken),
    "drugs taken now": (
        ("MedicationDispense", "MedicationRequest", "MedicationStatement"),
        lambda chart: uses(chart, anything, chart.today, CalendarPeriod(1, "years")),
    ),
    "stops": (("MedicationRequest", "MedicationStatement"), lambda chart: stops(chart, anything)),
    "days covered": (
        ("MedicationDispense",),
        lambda chart: days_covered(chart, anything, chart.today - timedelta(days=100), chart.today),
    ),
    "devices": (("Device",), lambda chart: devices(chart, anything)),
    "answers": (
        ("QuestionnaireResponse",),
        lambda chart: newest(answer_forms(chart)),
    ),
}

BOUNDED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("name", READINGS)
def test_no_reading_raises_on_junk(name):
    kinds, reading = READINGS[name]

    @BOUNDED
    @given(charts(*kinds))
    def read(entries):
        chart = record(*entries)
        before = repr(entries)
        reading(chart)
        assert repr(entries) == before, "a reading changed a resource in place"

    read()


@BOUNDED
@given(rubbish("ServiceRequest", "DeviceRequest", "MedicationRequest"), charts(*ELEMENTS))
def test_no_order_raises_on_junk(order, entries):
    chart = record(*entries)
    found = read_order(order, zone=ZONE, terms=TERMS, resolve=chart.resolve)
    assert isinstance(found.anchor(date(2026, 3, 2)).day, date)
    assert all(isinstance(found.amounts(kind), tuple) for kind in KINDS)


@BOUNDED
@given(rubbish("ServiceRequest", "DeviceRequest", "MedicationRequest"))
def test_no_change_of_an_order_raises_on_junk(order):
    before = repr(order)
    restated(order, TERMS, "approach", "lateral-transarticular")
    recoded(order, Coding("http://example.org", "x", "X"))
    with_quantity(order, Decimal(4))
    for value in ("posterior", ""):
        with_value(order, TERMS, "approach", value)
    for side in ("left", None):
        with_side(order, TERMS, side)
    for drug in (Coding(RXNORM, "7052", "Morphine"), None):
        with_drug(order, TERMS, drug)
    for day in (date(2026, 3, 2), None):
        with_planned_day(order, day)
    with_reason(order, Coding("", "", "Pain"))
    with_detail(order, "Left")
    with_notes(order, ["One", "Two"])
    without_item(order, "orderDetail", 0)
    assert all(map(str, words_of([order.get("orderDetail"), order.get("parameter")])))
    assert all(isinstance(each, str) for each in notes_of(order))
    assert repr(order) == before


@BOUNDED
@given(RUBBISH)
def test_no_concept_raises_on_junk(value):
    assert all(coding.code for coding in codings(value))
    assert isinstance(concept_text(value), str)


@BOUNDED
@given(charts("Procedure", "Observation"))
def test_no_relief_exceeds_the_pain_there_was(entries):
    chart = record(*entries)
    found = reliefs(chart, procedures(chart, anything), anything, WINDOW)
    assert all(each.most is None or each.least <= each.most <= 100 for each in found)
