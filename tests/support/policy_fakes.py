"""Small policy texts, value sets, orders and charts: what the tests of this room are made of.

The value set `alpha` knows the SNOMED CT code `alpha`, which decides, and `alpha-asks`, which only asks; the others
are alike. An order carries the billing code 10001 and is judged by section I unless a test says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from textwrap import dedent, indent
from typing import Any
from zoneinfo import ZoneInfo

from coverage_policies.format.loader import parse_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.operator import ClauseCheck, ClauseResult, Context
from coverage_policies.format.registry import operators, resource_types
from coverage_policies.format.terms import Status
from coverage_policies.format.value_sets import Row, ValueSet, ValueSets
from coverage_policies.judging.determination import CriterionResult, Determination
from coverage_policies.judging.evaluator import ANSWERS_VALID, evaluate
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.codings import CPT, LOINC, RXNORM, SNOMED, Course
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Anchor, Order, read_order
from fhir_mappings.record import Availability, PatientRecord
from tests.support.terms import TERMS

MET, NOT_MET, UNKNOWN = Status.MET, Status.NOT_MET, Status.UNKNOWN

ZONE = ZoneInfo("America/New_York")
READ_AT = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
ANCHOR = date(2026, 3, 2)

COMPLETE = Availability.COMPLETE
NOT_OFFERED = Availability.NOT_OFFERED
UNAVAILABLE = Availability.UNAVAILABLE

# --- value sets and texts --------------------------------------------------------------------------------------------


def row(system: str, code: str, *, asks: bool = False, since: date | None = None, until: date | None = None) -> Row:
    return Row(system, code, f"Label of {code}", "test", since, until, not asks)


def coded(name: str) -> ValueSet:
    return ValueSet(name, [row(SNOMED, name), row(SNOMED, f"{name}-asks", asks=True)])


def acute(name: str) -> ValueSet:
    return ValueSet(name, [replace(each, course=Course.ACUTE) for each in coded(name).rows])


SETS: Mapping[str, ValueSet] = {
    name: coded(name) for name in ("alpha", "beta", "gamma", "delta", "trial", "cancer", "other-pain")
} | {
    "the-order": ValueSet("the-order", [row(CPT, "10001")]),
    "another-order": ValueSet("another-order", [row(CPT, "10002")]),
    "acute": acute("acute"),
    "drug": ValueSet("drug", [row(RXNORM, "7052"), row(RXNORM, "drug-asks", asks=True)]),
    "pain-severity-0-10": ValueSet("pain-severity-0-10", [row(LOINC, "72514-3")]),
    "other-scale": ValueSet("other-scale", [row(LOINC, "38208-5")]),
    "pain-score-panel": ValueSet("pain-score-panel", [row(LOINC, "85353-1")]),
    "measurement-panels": ValueSet("measurement-panels", [row(LOINC, "85354-9")]),
    "back": ValueSet("back", [row(SNOMED, "back")]),
    "other-body-region": ValueSet("other-body-region", [row(SNOMED, "knee"), row(SNOMED, "back-and-knee")]),
}

HEAD = """\
policy: CP.TEST
revision: 2025-01
edition: 1
title: Test fusion
owner: Test Plan
lines_of_business: [medicare, medicare-advantage]
"""
ENTRY = "- {codes: the-order, sections: [I]}"
ON_ONE_SCREEN = """
I:
  says: s
  all:
    - id: I.A
      says: The whole
      about: site
      all:
        - {id: I.A.one, says: First, show: {condition: {in: gamma}}, ask: Is it the first}
        - {id: I.A.two, says: Second, ask: Is it not the second, met_by: no}
"""
"""A section of one criterion with two parts, which are asked as one question."""


def text(sections: str, *, orders: str = ENTRY, pathway: str = "", head: str = HEAD) -> str:
    """A whole document around these sections."""
    parts = [head, "orders:\n" + indent(dedent(orders).strip(), "  ")]
    if pathway:
        parts.append("pathway:\n" + indent(dedent(pathway).strip(), "  "))
    return "\n".join([*parts, "sections:", indent(dedent(sections).strip(), "  "), ""])


def policy(sections: str, *, orders: str = ENTRY, pathway: str = "", sets: Mapping[str, ValueSet] = SETS) -> Policy:
    return parse_policy(text(sections, orders=orders, pathway=pathway), "test.yaml", ValueSets(sets, TERMS))


# --- charts ----------------------------------------------------------------------------------------------------------


def concept(*codes: str, system: str = SNOMED, display: str = "") -> dict[str, Any]:
    extra = {"display": display} if display else {}
    return {"coding": [{"system": system, "code": code} | extra for code in codes]}


def _of_patient(kind: str, identity: str, **members: Any) -> Resource:
    subject = "patient" if kind in ("AllergyIntolerance", "Device") else "subject"
    found = {"resourceType": kind, "id": identity, subject: {"reference": "Patient/p"}, **members}
    return {name: value for name, value in found.items() if value is not None}


def condition(code: str, onset: str | None = "2025-01-01", status: str = "active", **more: Any) -> Resource:
    members = {
        "clinicalStatus": concept(status, system="http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "code": concept(code),
        "onsetDateTime": onset,
    }
    return _of_patient("Condition", more.pop("id", f"{code}-1"), **(members | more))


def procedure(code: str, at: str | None = "2026-02-01", status: str = "completed", **more: Any) -> Resource:
    members = {"status": status, "code": concept(code), "performedDateTime": at}
    return _of_patient("Procedure", more.pop("id", f"{code}-{at}"), **(members | more))


def report(code: str, at: str | None = "2026-02-01", status: str = "final", **more: Any) -> Resource:
    members = {"status": status, "code": concept(code), "effectiveDateTime": at}
    return _of_patient("DiagnosticReport", more.pop("id", f"{code}-{at}"), **(members | more))


def score(value: str, at: str, code: str = "72514-3", status: str = "final", **more: Any) -> Resource:
    members = {
        "status": status,
        "code": concept(code, system=LOINC),
        "effectiveDateTime": at,
        "valueQuantity": {"value": Decimal(value), "unit": "{score}"},
    }
    return _of_patient("Observation", more.pop("id", f"{code}-{at}-{value}".replace(":", "")), **(members | more))


def answers(said: Mapping[str, str], authored: str = "2026-03-02T10:00:00Z", **more: Any) -> Resource:
    """A clinician's answers by criterion, as text, about the usual order."""
    items = [{"linkId": link, "answer": [{"valueString": word}]} for link, word in said.items()]
    members = {
        "status": "completed",
        "author": {"reference": "Practitioner/dr"},
        "authored": authored,
        "basedOn": [{"reference": "ServiceRequest/order-1"}],
        "item": items,
    }
    return _of_patient("QuestionnaireResponse", more.pop("id", f"qr-{authored}".replace(":", "")), **(members | more))


def available(**changed: Availability) -> dict[str, Availability]:
    """Every search succeeded, but for those named."""
    return dict.fromkeys(resource_types(), COMPLETE) | changed


def all_of(how: Availability) -> dict[str, Availability]:
    return dict.fromkeys(resource_types(), how)


def chart(
    *resources: Resource,
    availability: Mapping[str, Availability] | None = None,
    unasked: Iterable[str] = (),
    read_at: datetime = READ_AT,
) -> PatientRecord:
    return PatientRecord(
        "p",
        [("", resource) for resource in resources],
        read_at=read_at,
        zone=ZONE,
        availability=available() if availability is None else availability,
        terms=TERMS,
        unasked=unasked,
    )


# --- orders ----------------------------------------------------------------------------------------------------------


def draft(code: str = "10001", planned: str | None = "2026-03-02", **more: Any) -> Resource:
    members = {
        "status": "draft",
        "intent": "order",
        "code": concept(code, system=CPT),
        "occurrenceDateTime": planned,
    }
    return _of_patient("ServiceRequest", more.pop("id", "order-1"), **(members | more))


def order(code: str = "10001", planned: str | None = "2026-03-02", **more: Any) -> Order:
    return read_order(draft(code, planned, **more), zone=ZONE, terms=TERMS)


def case(
    *resources: Resource,
    of: Order | None = None,
    others: Iterable[Order] = (),
    availability: Mapping[str, Availability] | None = None,
    unasked: Iterable[str] = (),
    anchor: date = ANCHOR,
) -> Context:
    record = chart(*resources, availability=availability, unasked=unasked)
    return Context(of or order(), tuple(others), record, anchor)


def clause(operator: str, sets: Mapping[str, ValueSet] = SETS, **arguments: Any) -> ClauseCheck:
    """A clause as the loader makes it; `in_` stands for `in`."""
    return operators()[operator].parse(
        {name.rstrip("_"): value for name, value in arguments.items()}, ValueSets(sets, TERMS)
    )


def run(test: ClauseCheck, *resources: Resource, **more: Any) -> ClauseResult:
    return test.evaluate(case(*resources, **more))


# --- judging ---------------------------------------------------------------------------------------------------------


def judge(
    by: Policy,
    *resources: Resource,
    of: Order | None = None,
    others: Iterable[Order] = (),
    availability: Mapping[str, Availability] | None = None,
    unasked: Iterable[str] = (),
    anchor: date = ANCHOR,
    answers_valid: CalendarPeriod = ANSWERS_VALID,
    ignore_code_dates: bool = False,
    should_stop: ShouldStop = never,
) -> Determination:
    record = chart(*resources, availability=availability, unasked=unasked)
    on = Anchor(anchor, "planned service date")
    return evaluate(
        by,
        of or order(),
        list(others),
        record,
        on,
        answers_valid=answers_valid,
        ignore_code_dates=ignore_code_dates,
        should_stop=should_stop,
    )


def after(count: int) -> ShouldStop:
    """Say to stop once this many criteria were judged."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= count


def statuses(found: Determination) -> dict[str, Status]:
    return {result.id: result.status for result in found.criteria}


def result_of(found: Determination, criterion: str) -> CriterionResult:
    return found.criterion(criterion)


def references(found: Determination, criterion: str) -> list[str]:
    return [item.reference for item in found.criterion(criterion).evidence]
