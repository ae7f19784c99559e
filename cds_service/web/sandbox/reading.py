"""Read the chart of a patient for the sandbox: one wave of searches, and what could not be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.server import unread_note
from cds_service.fhir_client.source import FhirAccess, FhirSource, UnreadableSource
from cds_service.hooks.chart_reader import SearchReport, read_chart
from cds_service.hooks.draft_orders import DraftOrders
from cds_service.hooks.request import HookRequest
from cds_service.http.services import services
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.reading_problems import ReadingProblem, problem_of, section_problem
from cds_service.web.sandbox.servers import refusal_of
from cds_service.web.site import operator_site
from coverage_policies.format.searches import (
    ALLERGIES,
    ANSWERS,
    CHARGES,
    CLAIMS,
    CONDITIONS,
    DISPENSES,
    ENCOUNTERS,
    IMAGING_STUDIES,
    ORDERS,
    PRESCRIPTIONS,
    PROCEDURES,
    REPORTS,
    STATEMENTS,
    Search,
    merge,
)
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability, PatientRecord, unread_record

_VITAL_SIGNS = Search(
    "Observation", "vitalSigns", (("category", "vital-signs"),), look_back=CalendarPeriod(24, "months")
)
_ALWAYS_SHOWN = (
    *(CONDITIONS, PROCEDURES, REPORTS, IMAGING_STUDIES, PRESCRIPTIONS, DISPENSES, STATEMENTS, ANSWERS, ALLERGIES),
    *(ORDERS, ENCOUNTERS, _VITAL_SIGNS),
)
_NOT_SHOWN = (CHARGES.resource_type, CLAIMS.resource_type)
"""Bills repeat what other records say, and a chart has hundreds of them."""


@dataclass(frozen=True, slots=True)
class ChartReading:
    """What was read of a chart. `problem` says why there is no patient, None if there is one.

    `unread` says in words what is not there of a resource type, by its name: `were not read completely: …`.
    """

    record: PatientRecord
    problem: ReadingProblem | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def read(case: Case, token: str) -> ChartReading:
    """Read the chart of a case with a token, within the time limit of a call. Never raises for what a server does."""
    found = services()
    settings = found.settings
    at = found.clock()
    assessor = found.assessor
    problem = refusal_of(case.fhir_server, token)
    if problem is not None:
        return ChartReading(unread_record(at, settings.time_zone, assessor.order_terms), problem)
    today = at.astimezone(settings.time_zone).date()
    needed = (each for each in assessor.library.searches() if each.resource_type not in _NOT_SHOWN)
    searches = tuple(each.bounded(today) for each in merge([*needed, *_ALWAYS_SHOWN]))
    deadline = Deadline(settings.call_timeout_seconds, found.monotonic)
    source = open_chart(case, token, deadline)
    with found.turns.turn() as turn:
        chart = read_chart(
            HookRequest("", "", case.user, case.patient, "", DraftOrders(()), {}, FhirAccess(case.fhir_server)),
            searches,
            source,
            read_at=at,
            zone=settings.time_zone,
            terms=assessor.order_terms,
            deadline=deadline,
            max_prefetched=settings.max_call_resources,
            waiting=turn.waiting,
        )
    has_patient = bool(chart.record.of_type("Patient"))
    return ChartReading(
        chart.record, None if has_patient else problem_of(source.answers), _unread(chart.searches, source.answers)
    )


def read_resource(case: Case, token: str, reference: str) -> Resource | None:
    """Return one resource of the server of a case, `Type/id`; None if it is not there or may not be read."""
    found = services()
    entry = open_chart(case, token, Deadline(found.settings.call_timeout_seconds, found.monotonic)).read(reference)
    return entry[1] if entry else None


def open_chart(case: Case, token: str, deadline: Deadline) -> FhirSource:
    """Open the FHIR server of a case as the test client, which may read the servers of the sandbox only.

    What may not be read, or not with this token, is a source without a server behind it.
    """
    if refusal_of(case.fhir_server, token) is ReadingProblem.NOT_A_TOKEN:
        return UnreadableSource(case.fhir_server, (unread_note("the access token is not one"),))
    access = FhirAccess(case.fhir_server, token, registered=operator_site().client.fhir_servers)
    return services().open_fhir_server(access, deadline)


def _unread(reports: Iterable[SearchReport], answers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for report in reports:
        if report.availability is not Availability.COMPLETE:
            is_offered = report.availability is Availability.UNAVAILABLE
            why = f"were not read completely: {section_problem(answers.get(report.search.key, ()))}"
            said.setdefault(report.search.resource_type, why if is_offered else "are not offered by this server")
    return said
