"""Judge the orders of a form: by the one walk, over the chart that the CRD call before it has read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from cards.coverage_parts import Occasion
from cards.crd_versions import CrdVersion
from cds_service.crd.answer import AnsweredOrder, Answering
from cds_service.crd.assertions import AssertionIds, KeyedHash
from cds_service.crd.payer_check import CoverageInHand, coverage_of, keep_possible_coverages
from cds_service.crd.records_protocol import CallContext
from cds_service.crd.request import read_crd_request, servers_of_patient
from cds_service.crd.services import service_at
from cds_service.dtr.same_order import takes_its_place
from cds_service.fhir_client.kept_chart import OnlyKept
from cds_service.fhir_client.source import COVERAGE, FhirSource
from cds_service.hooks.chart_reader import Waiting
from cds_service.hooks.draft_orders import named_orders
from cds_service.hooks.hooks import Service
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review, ReviewLimits, review
from coverage_policies.format.canonicals import questionnaire_canonical
from coverage_policies.format.model import Policy
from coverage_policies.judging.assessment import Assessment, Assessor
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.next_screen import Screen
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Json, Resource, loads
from fhir_mappings.orders import Order

_HOOK = "order-sign"
_VERSION = CrdVersion.V2_2


@dataclass(frozen=True, slots=True)
class About:
    """What is to be judged: orders of a patient, their Coverage, and the CRD call that had the chart, if any did.

    Without a Coverage it is that of the CRD call.

    `client` is the name of the client whose CRD call it was, else of the one that calls now. `assertion_ids` are the
    ids under which CRD has answered for orders, by the reference of the order.
    """

    client: str
    patient_id: str = field(repr=False)
    orders: Sequence[Entry] = field(repr=False)
    coverage: Resource | None = field(repr=False)
    seen: CallContext | None = field(default=None, repr=False)
    assertion_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """Orders that were judged, and what their payer says of them; `seen` is the CRD call that had their chart."""

    review: Review
    answering: Answering
    seen: CallContext | None

    @property
    def coverage(self) -> CoverageInHand:
        """Return the Coverage and its payer."""
        return self.answering.coverage

    @cached_property
    def answered(self) -> tuple[AnsweredOrder, ...]:
        """Return the answer to each order that may carry one."""
        return tuple(self.answering.orders())

    def order(self, reference: str) -> Order | None:
        """Return an order by its reference."""
        return next((each for each in self.review.session.judged if each.reference == reference), None)

    def determination(self, order: Order, policy: Policy) -> Determination | None:
        """Return the determination of an order under a revision; None if the revision does not judge it."""
        return next(
            (
                each
                for each in self.review.determinations
                if each.full_name == policy.full_name and each.order == order.reference
            ),
            None,
        )

    def answered_after(self, order: Order, screen: Screen) -> AnsweredOrder | None:
        """Return what the payer says of an order once the answers count that led to a screen."""
        made = screen.determination
        assessments = tuple(_with(each, made) for each in self.review.assessments)
        changed = replace(self.answering, review=replace(self.review, assessments=assessments))
        return next((each for each in changed.orders() if each.order.reference == order.reference), None)


class FormJudge:
    """Judges orders for forms. Thread-safe, and holds nothing of a call.

    `order_keys` makes the identifiers by which answers name orders, for a patient. `on_fault` is told which rules of
    CRD a composed answer breaks.
    """

    def __init__(
        self,
        assessor: Assessor,
        limits: ReviewLimits,
        *,
        canonicals: str,
        policy_pages: str,
        keyed_hash: KeyedHash,
        order_keys: Callable[[str], Callable[[Order], str]],
        on_fault: Callable[[Sequence[str]], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.assessor = assessor
        self.canonicals = canonicals
        self._limits = limits
        self._occasion = Occasion(_VERSION, is_signing=True, canonicals=canonicals, policy_pages=policy_pages)
        self._keyed_hash = keyed_hash
        self._order_keys = order_keys
        self._on_fault = on_fault
        self._clock = clock
        self._monotonic = monotonic

    def canonical(self, policy: Policy) -> str:
        """Return the canonical of the form of a revision, with its version."""
        return questionnaire_canonical(self.canonicals, policy.name, policy.revision, policy.edition)

    def policy(self, canonical: str) -> Policy | None:
        """Return the revision whose form has a canonical with its version; None if no current edition has it."""
        return next(
            (each for each in self.assessor.library.policies.values() if self.canonical(each) == canonical), None
        )

    def now(self) -> datetime:
        """Return the local time."""
        return self._clock().astimezone(self._limits.time_zone)

    def judged(self, about: About, waiting: Waiting) -> Judged:
        """Judge orders as of the time at which their chart was read; now, and without a chart, if CRD has read none.

        Raise RefusedError if the Coverage is not one that this service answers for.
        """
        service = service_at(about.seen.path) if about.seen else None
        version = service.crd_version if service else _VERSION
        before = _call_of(about.seen, service) if about.seen and service else None
        call = _call_about(about, before)
        source: FhirSource | None = None
        if about.seen and before and before.fhir:
            source = OnlyKept(about.seen.chart, before.fhir.server)
        read_at = about.seen.at if about.seen else self._clock()
        found = review(
            call,
            self.assessor,
            self._limits,
            open_source=(lambda _: source) if source is not None else None,
            clock=lambda: read_at,
            monotonic=self._monotonic,
            waiting=waiting,
            order_key=self._order_keys(about.patient_id),
            always_reads=True,
            narrow=keep_possible_coverages,
        )
        coverage = coverage_of(found, self.assessor.rules, version)
        ids = AssertionIds(
            self._keyed_hash,
            about.client,
            about.patient_id,
            coverage.reference,
            server=call.fhir.server if call.fhir else "",
            orders=found.session.judged,
            issued=about.assertion_ids,
        )
        answering = Answering(
            review=found,
            rules=self.assessor.rules,
            hook=_HOOK,
            coverage=coverage,
            assertion_ids=ids,
            occasion=replace(self._occasion, version=version),
            today=self.now().date(),
            on_fault=self._on_fault,
        )
        return Judged(found, answering, about.seen)

    def next_screen(self, judged: Judged, policy: Policy, order: Order, answers: Mapping[str, str]) -> Screen:
        """Return what a form asks next about an order, after answers by `linkId`."""
        return self.assessor.next_screen(policy, order, judged.review.session, judged.review.record, answers)


def _with(assessment: Assessment, made: Determination) -> Assessment:
    """Return an assessment with the determination of the same order and revision that was made last."""
    return replace(
        assessment,
        determinations=tuple(
            replace(made, notes=each.notes, caveats=each.caveats, lines=each.lines)
            if (each.order, each.full_name) == (made.order, made.full_name)
            else each
            for each in assessment.determinations
        ),
    )


def _call_of(seen: CallContext, service: Service) -> HookRequest:
    """Return the call of CRD as it was received, without its token, which has expired and is not stored."""
    call = read_crd_request(loads(seen.request), service).call
    return replace(call, fhir=replace(call.fhir, token="", token_fault="") if call.fhir else None)


def _call_about(about: About, before: HookRequest | None) -> HookRequest:
    """Return the call of CRD with these orders and this Coverage in place of its own; without one, a bare call."""
    sent: dict[str, Json] = {}
    if about.coverage is not None:
        entry = {"resource": about.coverage}
        sent[COVERAGE.key] = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]}
    orders = named_orders(about.orders, about.patient_id, before.fhir.server if before and before.fhir else "")
    if before is None:
        return HookRequest(_HOOK, "", "", about.patient_id, "", orders, sent, None)
    beside = tuple(
        each
        for each in (*before.orders.judged, *before.orders.others)
        if not any(takes_its_place(order, each) for order in about.orders)
    )
    servers = (*before.chart_servers, *servers_of_patient(sent.get(COVERAGE.key), about.patient_id))
    return replace(
        before,
        hook=_HOOK,
        orders=replace(orders, others=beside),
        order_references=(),
        prefetch={**before.prefetch, **sent},
        chart_servers=tuple(dict.fromkeys(servers)),
    )
