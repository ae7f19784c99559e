"""What every hook call shares: the FHIR server that it may read, what is logged of it, and the style of its cards."""

from collections.abc import Sequence
from dataclasses import replace

from cards.build import AssessedCard
from cards.style import CardStyle
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.reading_report import searches_in_short
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import HookResponse, default_style
from cds_service.hooks.review import Review
from cds_service.http.authentication import client_of_request
from cds_service.http.services import Services
from cds_service.http.watching import tell_watcher
from cds_service.observability.call_log import Call, bind_hook_instance
from cds_service.observability.counted_source import CountedSource
from cds_service.records.rows import SUPPRESSED


def note_request(call: Call, request: HookRequest, found: Services) -> None:
    """Add to the log what a call states of itself, and warn of what about it is not as it should be."""
    call.hook_instance = request.hook_instance
    bind_hook_instance(request.hook_instance)
    call.orders = len(request.orders.judged)
    if request.orders.is_selection_unknown:
        found.log.warning("no selection names a draft order; all count as selected")
    if request.fhir is not None and request.fhir.token_deviations:
        is_used = "no" if request.fhir.token_fault else "yes"
        found.log.warning("fhirAuthorization faulty", faults=list(request.fhir.token_deviations), token_used=is_used)


def note_reading(call: Call, reviewed: Review, found: Services) -> None:
    """Add to the log line of the call what each search got, and warn of a server that sent data of other patients."""
    call.fhir_server = reviewed.server
    call.searches = searches_in_short(reviewed.searches, reviewed.answers)
    types = sorted({report.search.resource_type for report in reviewed.searches})
    # Only of types that the service searched: any other text in place of a type could be a patient's data.
    others = {kind: count for kind in types if (count := reviewed.record.other_patients[kind])}
    if others:
        found.log.warning("resources of other patients excluded", server=reviewed.server, count=others)


def note_cards(call: Call, shown: Sequence[AssessedCard], response: HookResponse, found: Services) -> None:
    """Add to the log line how many cards are shown and suppressed, count those that are shown, and tell a watcher."""
    call.cards = len(shown)
    if len(shown) < len(response.cards):
        call.suppressed = {SUPPRESSED: len(response.cards) - len(shown)}
    for each in () if call.is_test else shown:
        found.metrics.count_card(each.assessment.determinations[0].policy, each.card["indicator"])
    tell_watcher(response, shown)


def open_source(request: HookRequest, deadline: Deadline, found: Services) -> FhirSource | None:
    """Open the FHIR server of a call, if the client may name it."""
    if request.fhir is None:
        return None
    client = client_of_request()
    access = replace(request.fhir, registered=client.fhir_servers if client else None)
    source = found.open_fhir_server(access, deadline)
    return source if client is not None and client.is_sandbox else CountedSource(source, found.metrics)


def card_style(found: Services) -> CardStyle:
    """Return how the client of the current request wants its cards."""
    default = default_style(found.settings)
    client = client_of_request()
    return client.card_style(default) if client else default
