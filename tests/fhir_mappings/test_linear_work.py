"""Input made to be slow to read: the work of every reading grows with its size, or stops at a bound."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from coverage_policies.format.library import load_library
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.policy_selection import candidates
from fhir_mappings.allergies import allergies
from fhir_mappings.answers import answer_forms, newest
from fhir_mappings.codings import CPT, RXNORM, Coding
from fhir_mappings.condition_course import Times, conditions_on
from fhir_mappings.conditions import statements, unidentified
from fhir_mappings.coverages import coverages
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.days_covered import days_covered
from fhir_mappings.defined_elements import only_defined
from fhir_mappings.drug_contents import contents_of_label
from fhir_mappings.drug_exposure import supplies
from fhir_mappings.drug_names import substances_named
from fhir_mappings.drug_use import uses
from fhir_mappings.known_drugs import is_known_non_opioid
from fhir_mappings.measurement_states import is_recorded
from fhir_mappings.medications import medications
from fhir_mappings.observations import MAX_COMPONENTS, measurements, observations
from fhir_mappings.opioids.history import MAX_INSTRUCTIONS
from fhir_mappings.opioids.names import names_an_opioid
from fhir_mappings.opioids.product_names import product_named
from fhir_mappings.opioids.reduction import TOO_MANY, opioid_reduction
from fhir_mappings.opioids.sig_words import read_directions
from fhir_mappings.order_amounts import amounts_of
from fhir_mappings.order_drugs import drugs_named
from fhir_mappings.order_elements import MAX_ORDER_LENGTH
from fhir_mappings.order_replacement import recoded
from fhir_mappings.order_text import MAX_PHRASE_LENGTH, names_an_operation, read_phrase
from fhir_mappings.orders import Order, read_order
from fhir_mappings.pain_relief import MAX_PROCEDURES, MAX_SCORES, Window, reliefs
from fhir_mappings.procedures import procedures
from fhir_mappings.record import Availability
from fhir_mappings.validity import MAX_FAULTS, faults
from tests.support.fhir_builders import (
    KNOWN,
    PATIENT,
    ZONE,
    concept,
    condition,
    knows,
    procedure,
    record,
    resource,
    score,
)
from tests.support.growth import Work, is_linear
from tests.support.opioid_chart import PERIODS
from tests.support.terms import TERMS

DAY = date(2026, 3, 2)
WINDOW = Window(timedelta(hours=24), timedelta(hours=24), following_days=7)
OPIOID = {"coding": [{"system": RXNORM, "code": "892582"}]}


def order(**members: Any) -> Callable[[], Order]:
    found = resource("ServiceRequest", status="draft", intent="order", **members)
    return lambda: read_order(found, zone=ZONE, terms=TERMS, resolve=lambda _: None)


def contained(kind: str, count: int) -> list[dict[str, str]]:
    return [{"resourceType": kind, "id": f"c{i}"} for i in range(count)]


def labeled(count: int, kind: str) -> list[dict[str, str]]:
    return [{"code": f"x{i}", "display": f"morphine {i} mg {kind}"} for i in range(count)]


def references(count: int) -> list[dict[str, str]]:
    return [{"reference": f"#c{i}"} for i in range(count)]


def policies_about(code: str) -> Work:
    library = load_library()
    found = order(code={"coding": [{"system": CPT, "code": code}]})()
    return lambda: candidates(library, found, (), DAY, PlanRules())


def coverage(**members: Any) -> Work:
    found = resource("Coverage", beneficiary=PATIENT, status="active", **{"payor": [{"display": "x"}], **members})
    return lambda: coverages(record(found), DAY)


def response(**members: Any) -> Work:
    found = resource("QuestionnaireResponse", status="completed", authored="2026-03-01", **members)
    return lambda: newest(answer_forms(record(found)))


def dosage(position: int) -> dict[str, Any]:
    start = date(2020, 1, 1) + timedelta(days=position)
    bounds = {"start": start.isoformat(), "end": (start + timedelta(days=900)).isoformat()}
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "boundsPeriod": bounds}
    return {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}


def prescription(number: int = 0, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"status": "active", "intent": "order", "authoredOn": "2026-02-01", "id": f"m{number}"}
    made |= {"medicationCodeableConcept": OPIOID, "dosageInstruction": [dosage(number)]}
    return resource("MedicationRequest", **made | members)


def reordered(number: int) -> dict[str, Any]:
    """A prescription a day, each at another dose than the day before and stopped for the next."""
    dose = {"timing": {"code": {"text": "BID"}}, "doseAndRate": [{"doseQuantity": {"value": number % 7 + 1}}]}
    return prescription(
        number,
        status="stopped",
        authoredOn=(date(2025, 1, 1) + timedelta(days=number)).isoformat(),
        statusReason={"text": "Reorder"},
        priorPrescription={"reference": f"MedicationRequest/m{number - 1}"},
        dosageInstruction=[dose],
        dispenseRequest={"expectedSupplyDuration": {"value": 30, "code": "d"}},
    )


def opioids(*found: dict[str, Any]) -> Work:
    chart = record(*found, availability={"MedicationRequest": Availability.COMPLETE})
    return lambda: opioid_reduction(chart, DAY, PERIODS)


def pain(count: int) -> Work:
    done = [procedure(f"2026-01-05T10:00:00.{i:06}-05:00", id=f"p{i}") for i in range(count)]
    before = [score(8, f"2026-01-05T09:00:00.{i:06}-05:00", name=f"b{i}") for i in range(count)]
    after = [score(2, f"2026-01-05T12:00:00.{i:06}-05:00", name=f"a{i}") for i in range(count)]
    chart = record(*done, *before, *after)
    return lambda: reliefs(chart, procedures(chart, KNOWN), knows("72514-3"), WINDOW)


def amounts(kind: str, **members: Any) -> Work:
    return lambda: amounts_of({"resourceType": "ServiceRequest", **members}, kind)


def named(count: int) -> Any:
    """An order with many other words beside its code."""
    code = {"coding": [{"system": RXNORM, "code": "892582"}], "text": "Morphine"}
    return {"resourceType": "ServiceRequest", "code": code, "note": [{"text": "other words"}] * count}


_TODAY = date(2026, 3, 2)
TIMES = Times(_TODAY, _TODAY, "", CalendarPeriod(12, "months"), CalendarPeriod(14, "days"), CalendarPeriod(7, "days"))


def differing(i: int) -> Any:
    """One of many conditions of one kind, of which every second is over."""
    return condition(("active", "resolved")[i % 2], id=f"c{i}", recordedDate="2025-01-01")


def states(members: int, panels: int) -> Callable[[], object]:
    """Panels whose members are measurements and, each at its own time, what was recorded with them."""
    found = []
    for p in range(panels):
        names = [f"m{p}-{i}" for i in range(members)]
        found.append(resource("Observation", id=f"p{p}", hasMember=[{"reference": f"Observation/{n}"} for n in names]))
        for i, name in enumerate(names):
            at = f"2026-01-05T09:{i // 60:02}:{i % 60:02}Z"
            found.append(score(1, at, name, code="72514-3" if i % 2 else "state"))
    known, state = knows("72514-3"), knows("state")

    def read() -> object:
        chart = record(*found)
        return [is_recorded(chart, each, known, state) for each in measurements(chart, known)]

    return read


def ended(number: int) -> dict[str, Any]:
    """A prescription a day, each stopped the day after."""
    day = date(2020, 1, 1) + timedelta(days=number)
    return prescription(
        number,
        status="stopped",
        statusReason={"text": "nausea"},
        medicationCodeableConcept=concept(),
        authoredOn=str(day),
        meta={"lastUpdated": f"{day + timedelta(days=1)}T12:00:00Z"},
    )


def refill(number: int) -> dict[str, Any]:
    return resource(
        "MedicationDispense",
        id=f"d{number}",
        status="completed",
        medicationCodeableConcept=concept(),
        whenHandedOver=str(DAY - timedelta(days=number % 900)),
        daysSupply={"value": 30, "unit": "d"},
    )


READINGS: dict[str, tuple[Callable[[int], Work], int]] = {
    **{
        f"words {words!r}": (lambda n, words=words: lambda: read_phrase(words * n, TERMS), 500)  # type: ignore[misc]
        for words in (
            *("pump ", "trial ", "left ", "linq ", "fluoro ", "left and right ", "without any image ", "not a "),
            *("diagnostic ", "after ", "after 0.", "postop ", "pain ", "first a ", "trial of a pump ", "epidural "),
        )
    },
    **{
        f"drugs {words!r}": (lambda n, words=words: lambda: drugs_named(words * n, TERMS), 500)  # type: ignore[misc]
        for words in ("morphine, ", "a, ", "lidocaine skin and ", "steroid ", "for, morphine; ")
    },
    "doses of an order": (lambda n: amounts("dose", dosageInstruction=[{"text": "Take 1 tablet daily"}] * n), 200),
    "frequencies of an order": (lambda n: amounts("frequency", dosageInstruction=[{"timing": {}}] * n), 500),
    "flows of an order": (lambda n: amounts("flow", orderDetail=[{"text": f"{i} L/min " * 9} for i in range(n)]), 200),
    "a flow in words": (lambda n: amounts("flow", orderDetail=[{"text": "1.1 " * n}]), 500),
    "the code of an order": (lambda n: lambda: recoded(named(n), Coding("", "x", "X")), 500),
    "faults of one element": (lambda n: lambda: faults(condition(category=[0] * n)), 1000),
    "elements that FHIR does not define": (
        lambda n: lambda: only_defined(condition(**{f"x{i}": 1 for i in range(n)}, note=[{"text": "A", "x": 1}] * n)),
        2000,
    ),
    "unknown members": (lambda n: lambda: faults(condition(**{f"x{i}": 1 for i in range(n)})), 1000),
    "an unknown type contained": (
        lambda n: lambda: faults(condition(contained=[{"resourceType": "X"}], **{f"x{i}": 1 for i in range(n)})),
        500,
    ),
    "contained devices": (lambda n: order(contained=contained("Device", n), supportingInfo=references(n)), 500),
    "contained devices missed": (
        lambda n: order(contained=contained("Device", n), supportingInfo=[{"reference": "#"}] * n),
        500,
    ),
    "one device again and again": (
        lambda n: order(
            contained=[{"resourceType": "Device", "id": "c0", "deviceName": [{"name": "left"}] * n}],
            supportingInfo=references(1) * n,
        ),
        200,
    ),
    "order details": (lambda n: order(orderDetail=[{"text": "pump trial left"}] * n), 100),
    "a long code": (lambda n: policies_about("6" * n), 4000),
    "a long coverage code": (
        lambda n: coverage(type={"coding": [{"system": "https://nahdo.org/sopt", "code": "x" * n}]}),
        4000,
    ),
    "contained payers": (lambda n: coverage(payor=references(n), contained=contained("Organization", n)), 500),
    "contained authors": (lambda n: response(author=references(n), contained=contained("Organization", n)), 500),
    "answers": (
        lambda n: response(
            author={"reference": "Practitioner/1"},
            item=[{"linkId": f"q{i}", "answer": [{"valueString": "yes"}]} for i in range(n)],
        ),
        500,
    ),
    "copies of one resource": (
        lambda n: lambda: record(condition(code={"text": "x" * n * 100}), *[condition() for _ in range(n)]),
        300,
    ),
    "an order of a supply again and again": (
        lambda n: (
            lambda: supplies(
                record(
                    prescription(
                        medicationCodeableConcept=concept(),
                        authorizingPrescription=[{"reference": "MedicationRequest/m0"}] * n,
                        dosageInstruction=[{"text": "daily"}] * n,
                    )
                ),
                KNOWN,
            )
        ),
        100,
    ),
    "spaces after a brand": (lambda n: lambda: names_an_opioid("tylenol" + " " * n), 4000),
    "words of directions": (lambda n: lambda: read_directions("1 tab at 8 am and " * n), 200),
    "directions of many instructions": (
        lambda n: opioids(prescription(dosageInstruction=[{"text": f"{i} tabs daily (1 am)"} for i in range(n)])),
        200,
    ),
    "words of a label": (lambda n: lambda: product_named("oxycodone 5 mg / " * n), 400),
    "brands": (lambda n: lambda: names_an_opioid("tylenol no " * n), 2000),
    "dosage instructions": (lambda n: opioids(prescription(dosageInstruction=[*map(dosage, range(n))])), 500),
    "opioid prescriptions": (lambda n: opioids(*(prescription(i) for i in range(n))), 500),
    "opioid prescriptions that end each other": (lambda n: opioids(*map(reordered, range(n))), 120),
    "names on a label": (lambda n: lambda: contents_of_label("metformin / " * n), 100),
    "stops and what follows them": (
        lambda n: lambda: uses(record(*map(ended, range(n))), KNOWN, DAY, CalendarPeriod(1, "years")),
        200,
    ),
    "refills": (
        lambda n: lambda: days_covered(record(*map(refill, range(n))), KNOWN, DAY - timedelta(days=900), DAY),
        200,
    ),
    "names in a text": (lambda n: lambda: substances_named("morphine - / " * n), 500),
    "the words of a label": (lambda n: lambda: is_known_non_opioid("- " * n), 2000),
    "labels of one drug": (
        lambda n: (
            lambda: medications(record(prescription(medicationCodeableConcept={"coding": labeled(n, "tablet")})), KNOWN)
        ),
        200,
    ),
    "labels of an allergy": (
        lambda n: (
            lambda: allergies(
                record(resource("AllergyIntolerance", patient=PATIENT, code={"coding": labeled(n, "allergy")})), KNOWN
            )
        ),
        200,
    ),
    "pain scores": (pain, 100),
    "codings of a condition": (
        lambda n: lambda: statements(record(condition(code={"coding": [{"code": f"x{i}"} for i in range(n)]})), KNOWN),
        500,
    ),
    "conditions that differ": (lambda n: lambda: conditions_on(record(*map(differing, range(n))), KNOWN, TIMES), 200),
    "conditions in words": (
        lambda n: lambda: unidentified(record(condition(code={"text": "gout, sciatica" * n})), lambda _: False),
        500,
    ),
    "states of measurements": (lambda n: states(n, 1), 100),
    "states of measurements in panels": (lambda n: states(MAX_COMPONENTS, n), 2),
    "observations": (
        lambda n: lambda: observations(record(*(score(1, "2026-01-01", f"s{i}") for i in range(n))), knows("72514-3")),
        200,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READINGS)
def test_the_work_of_a_reading_grows_with_its_input(name: str) -> None:
    prepare, size = READINGS[name]
    assert is_linear(prepare, size)


def test_a_phrase_at_the_limit_states_and_a_longer_one_only_hints() -> None:
    text = "left" + " " * (MAX_PHRASE_LENGTH - 4)
    assert [each.is_stated for each in read_phrase(text, TERMS, ("side",))] == [True]
    assert [each.is_stated for each in read_phrase(text + " ", TERMS, ("side",))] == [False]


def test_a_phrase_longer_than_the_limit_names_no_operation() -> None:
    text = "fusion" + " " * (MAX_PHRASE_LENGTH - 6)
    assert names_an_operation(text)
    assert not names_an_operation(text + " ")


def test_an_order_with_more_words_than_are_read_only_hints() -> None:
    detail = "left".ljust(MAX_PHRASE_LENGTH)
    at_limit = order(orderDetail=[{"text": detail}] * (MAX_ORDER_LENGTH // (MAX_PHRASE_LENGTH + 50)))()
    beyond = order(orderDetail=[{"text": f"{detail[:-1]}{i}"} for i in range(MAX_ORDER_LENGTH // MAX_PHRASE_LENGTH)])()
    assert at_limit.stated["side"] == {"left"}
    assert not at_limit.hinted
    assert beyond.hinted["side"] == {"left"}
    assert not beyond.stated


def test_long_notes_take_nothing_from_what_an_order_states() -> None:
    found = order(orderDetail=[{"text": "left"}], note=[{"text": "x" * MAX_ORDER_LENGTH}] * 10)()
    assert found.stated["side"] == {"left"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("pump trial", {"pump-trial"}),
        ("trial of a pump, then a pump", {"pump-trial"}),
        ("pump first, epidural trial then", {"pump-trial"}),
        ("pump", set()),
        ("trial", set()),
        ("pump" + " " * 50 + "trial", {"pump-trial"}),
        ("pump" + " " * 51 + "trial", set()),
    ],
)
def test_a_pump_trial_is_a_pump_and_a_trial_close_together(text: str, values: set[str]) -> None:
    assert {each.value for each in read_phrase(text, TERMS, ("purpose",))} == values


def test_faults_are_listed_up_to_the_limit_and_one_at_the_root_beyond_it() -> None:
    assert {each.element for each in faults(condition(category=[0] * MAX_FAULTS))} == {"category"}
    (fault,) = faults(condition(category=[0] * (MAX_FAULTS + 1)))
    assert (fault.path, fault.element) == ("Condition", "")


def test_more_instructions_than_the_limit_are_not_added_up() -> None:
    at_limit = opioid_reduction(_chart(MAX_INSTRUCTIONS), DAY, PERIODS)
    beyond = opioid_reduction(_chart(MAX_INSTRUCTIONS + 1), DAY, PERIODS)
    assert (at_limit.problem == TOO_MANY, beyond.problem == TOO_MANY) == (False, True)


def _chart(instructions: int) -> Any:
    found = prescription(dosageInstruction=[dosage(0)] * instructions)
    return record(found, availability={"MedicationRequest": Availability.COMPLETE})


def _measured(procedures_: int, scores: int) -> set[bool]:
    done = [procedure(id=f"p{i}") for i in range(procedures_)]
    before = score(8, "2026-01-05T09:00:00-05:00")
    after = [score(2, f"2026-01-05T12:00:00.{i:06}-05:00", name=f"a{i}") for i in range(scores - 1)]
    chart = record(*done, before, *after)
    found = reliefs(chart, procedures(chart, KNOWN), knows("72514-3"), Window(WINDOW.before, WINDOW.after))
    return {each.least is not None for each in found}


def test_relief_is_measured_up_to_the_limit_of_procedures() -> None:
    assert _measured(MAX_PROCEDURES, 2) == {True}
    assert _measured(MAX_PROCEDURES + 1, 2) == {False}


def test_relief_is_measured_up_to_the_limit_of_scores() -> None:
    assert _measured(1, MAX_SCORES) == {True}
    assert _measured(1, MAX_SCORES + 1) == {False}
