"""Answer a call of a Da Vinci CRD service: coverage information for every order, and the cards that go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from flask import Response, g, request

from cards.associated_orders import orders_of
from cards.build import AssessedCard
from cards.coverage_parts import Occasion
from cards.crd_cards import CrdCards
from cds_service.crd.answer import AnsweredOrder, Answering
from cds_service.crd.assertions import AssertionIds
from cds_service.crd.metric_data import Returned, metric_data
from cds_service.crd.payer_check import check_sent_coverage, coverage_of, keep_possible_coverages
from cds_service.crd.reads import check_named_orders, check_number_of_orders
from cds_service.crd.records_protocol import Exchange, IssuedAssertion
from cds_service.crd.request import CrdRequest, named_orders_in, read_crd_request
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.kept_chart import Kept, KeptChart
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.hooks import Service
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import HookResponse, addresses_of
from cds_service.hooks.review import Review, review
from cds_service.hooks.wire import is_uuid
from cds_service.http.authentication import client_of_request
from cds_service.http.json_body import json_body, json_response
from cds_service.http.reading import card_style, note_cards, note_reading, note_request, open_source
from cds_service.http.request_body import check_orders
from cds_service.http.services import Services, services
from cds_service.observability.call_log import Call
from cds_service.records.card_ids import CardIds
from cds_service.records.order_keys import order_keys
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.fhir_json import Json

_ORDER_SELECT = "order-select"


@dataclass(slots=True)
class CrdCall:
    """What the record of an exchange says beside its bodies; filled as the call goes on."""

    received: datetime
    body: bytes = field(default=b"", repr=False)
    asked: CrdRequest | None = None
    reviewed: Review | None = None
    payer: Payer | None = None
    returned: Sequence[Returned] = ()
    issued: Sequence[IssuedAssertion] = ()
    issues: Sequence[Issue] = field(default=())
    chart: Kept | None = field(default=None, repr=False)


def answer_crd_call(service: Service, found: Services) -> Response:
    """Answer the call in the current request body, after storing its decision. Raise RefusedError."""
    g.crd = CrdCall(found.clock())
    g.call.hook = service.hook
    try:
        return _answered(service, found, g.crd)
    except RefusedError as error:
        g.crd.issues = error.issues
        raise


def _answered(service: Service, found: Services, record: CrdCall) -> Response:
    version, rules = service.crd_version, found.assessor.rules
    call: Call = g.call
    with found.turns.turn() as turn:
        record.body = request.get_data()
        value = json_body()
        check_orders(value, most=found.settings.max_orders)
        note_hook_instance(call, value)
        record.asked = asked = read_crd_request(value, service)
        note_request(call, asked.call, found)
        named, named_in = asked.call.order_references, named_orders_in(service.hook)
        check_number_of_orders(named, named_in, found.settings.max_orders)
        check_sent_coverage(asked.call, rules, version)
        opened = _OpenedChart(asked.call, found)
        record.reviewed = reviewed = review(
            asked.call,
            found.assessor,
            found.limits,
            open_source=opened.open,
            clock=found.clock,
            monotonic=found.monotonic,
            waiting=turn.waiting,
            order_key=order_keys(found.pseudonym, asked.call.patient_id),
            always_reads=True,
            narrow=keep_possible_coverages,
        )
        note_reading(call, reviewed, found)
        call.orders = len(reviewed.orders.judged)
        coverage = coverage_of(reviewed, rules, version)
        record.payer = coverage.payer
        check_named_orders(reviewed, named, named_in, version)
        addresses = addresses_of(found.settings)
        answering = Answering(
            review=reviewed,
            rules=rules,
            hook=service.hook,
            coverage=coverage,
            assertion_ids=AssertionIds(
                found.pseudonym,
                call.client,
                asked.call.patient_id,
                coverage.reference,
                server=asked.call.fhir.server if asked.call.fhir else "",
                orders=reviewed.session.judged,
            ),
            occasion=Occasion(version, service.hook != _ORDER_SELECT, addresses.canonicals, addresses.policy_pages),
            today=reviewed.record.today,
            on_fault=lambda broken: found.log.error("coverage information breaks rules of CRD", rules=list(broken)),
        )
        answered = tuple(answering.orders())
        sent = replace(asked.call, orders=reviewed.orders)
        cards = _cards(answering, answered, sent, asked, found)
        response = HookResponse(reviewed, cards, _not_on(cards, reviewed.assessments))
    shown = found.records.store_decision(call, request.path, sent, response)
    note_cards(call, shown, response, found)
    wants_information = asked.choices.wants_coverage_information
    told = [each for each in answered if each.is_new and wants_information]
    record.returned = [
        Returned(each.order, each.extensions if each.is_new and wants_information else (), _topics(each, shown))
        for each in answered
    ]
    if asked.choices.may_issue and wants_information:
        # An order may carry the answer of a what-if call, which says nothing new now but was not issued yet.
        record.issued = [_issued(each, asked, coverage.reference) for each in answered]
        if any(information.questionnaires for each in answered for information in each.information):
            record.chart = opened.kept
    body: dict[str, object] = {"cards": [each.card for each in shown]}
    if told:
        body["systemActions"] = [each.as_system_action() for each in told]
    return json_response(body)


class _OpenedChart:
    """The source of a call, and what it answered: for the forms that the answer to the call names."""

    def __init__(self, asked: HookRequest, found: Services) -> None:
        self._asked = asked
        self._found = found
        self._chart: KeptChart | None = None

    def open(self, deadline: Deadline) -> KeptChart | None:
        """Open the FHIR server of the call, if it names one."""
        source = open_source(self._asked, deadline, self._found)
        self._chart = KeptChart(source, {}) if source is not None else None
        return self._chart

    @property
    def kept(self) -> Kept:
        """Return what was read; nothing of a call that names no server."""
        return self._chart.kept if self._chart is not None else {}


def note_hook_instance(call: Call, value: Json) -> None:
    """Add the hookInstance to the record of a call that may be refused, if it is a UUID."""
    stated = value.get("hookInstance") if isinstance(value, Mapping) else None
    if isinstance(stated, str) and is_uuid(stated):
        call.hook_instance = stated


def _cards(
    answering: Answering, answered: Sequence[AnsweredOrder], sent: HookRequest, asked: CrdRequest, found: Services
) -> tuple[AssessedCard, ...]:
    """Return the cards that the client wants.

    There are none while the payer is not known, and none about an order on whose day the member has no plan.
    """
    client, occasion = client_of_request(), answering.occasion
    cards = CrdCards(
        payer=answering.coverage.payer,
        version=occasion.version,
        hook=answering.hook,
        style=card_style(found),
        card_id=CardIds(found.pseudonym, g.call.client, sent),
        wants=asked.choices.wants,
        most=asked.choices.max_cards,
        patient=f"Patient/{sent.patient_id}",
        orders={each.reference: each.resource for each in answering.review.session.judged},
        day=answering.today,
        authorized=frozenset(each.order.reference for each in answered if each.is_authorized),
        policy_pages=occasion.policy_pages,
        canonicals=occasion.canonicals if occasion.is_signing and client is not None and not client.has_dtr else "",
    )
    assessments = [assessment for each in answered if each.has_plan for assessment in each.assessments]
    return cards.of(assessments)


def _not_on(cards: Sequence[AssessedCard], assessments: Sequence[Assessment]) -> tuple[Assessment, ...]:
    """Return the assessments that no card is about."""
    told = {id(each) for card in cards for each in card.assessment.all_determinations}
    return tuple(each for each in assessments if not told & {id(found) for found in each.determinations})


def _topics(answered: AnsweredOrder, shown: Sequence[AssessedCard]) -> tuple[str, ...]:
    """Return the topics of the cards about an order."""
    cards = (each.card for each in shown if answered.order.reference in orders_of(each.card))
    return tuple(card["source"]["topic"]["code"] for card in cards)


def _issued(answered: AnsweredOrder, asked: CrdRequest, coverage: str) -> IssuedAssertion:
    return IssuedAssertion(
        assertion_id=answered.assertion_id,
        order=answered.order.reference,
        coverage=coverage,
        patient_id=asked.call.patient_id,
        determinations=tuple(each for found in answered.assessments for each in found.determinations),
        order_resource=answered.order.resource,
        extensions=answered.extensions,
    )


def store_exchange(response: Response) -> None:
    """Store the call of a CRD service in the current request, with its response, errors included.

    Raise UnavailableError if that fails.
    """
    found, record = services(), g.crd
    call: Call = g.call
    client = client_of_request()
    metrics = metric_data(
        call,
        status=response.status_code,
        received=record.received,
        answered=found.clock(),
        payer=record.payer,
        request=record.asked.call if record.asked else None,
        review=record.reviewed,
        returned=record.returned,
        issues=record.issues,
    )
    exchange = Exchange(
        status=response.status_code,
        request=record.body,
        response=response.get_data(),
        metrics=metrics,
        issuer=client.issuer if client else "",
        chart=record.chart,
        chart_read_at=record.reviewed.at if record.reviewed else None,
    )
    found.crd_records.store(call, request.path, exchange, record.issued)
