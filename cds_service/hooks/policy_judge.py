"""The judge behind the hooks: policy texts held against draft orders, answered with cards."""

from collections.abc import Callable
from datetime import datetime, tzinfo

from cards.build import build_cards, is_shown
from cds_service.hooks.judge import Finding, Judgement
from cds_service.hooks.request import DraftOrders
from coverage_policies.format.searches import Search
from coverage_policies.judging.assessment import Assessment, Assessor
from coverage_policies.judging.order_session import Session, read_session
from coverage_policies.judging.plan_rules import Visibility
from fhir_mappings.record import PatientRecord


class PolicyJudge:
    """Judges by the texts and rules of an assessor. Holds no state of a call; safe to use from several threads.

    `clock` gives the current moment with its zone, `new_id` a new UUID as text.
    """

    def __init__(
        self, assessor: Assessor, *, zone: tzinfo, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._assessor = assessor
        self._zone = zone
        self._clock = clock
        self._new_id = new_id

    def all_searches(self) -> tuple[Search, ...]:
        """Everything that some order may need."""
        return self._assessor.library.searches()

    def searches(self, hook: str, orders: DraftOrders) -> tuple[Search, ...] | None:
        """What the texts need that may judge these orders; None where none has anything to say."""
        unread = PatientRecord("", (), read_at=self._clock(), zone=self._zone, availability={})
        return self._assessor.searches(self._session(orders, unread), unread, hook)

    def answer(self, hook: str, orders: DraftOrders, record: PatientRecord) -> Judgement:
        """One card per order and policy where there is something to say."""
        found = self._assessor.assess(self._session(orders, record), record, hook)
        settled = any(each.is_settled for assessment in found for each in assessment.determinations)
        open_ones = [part for each in found if (part := self._part(each, hook, Visibility.ON))]
        shadows = [part for each in found if (part := self._part(each, hook, Visibility.SHADOW))]
        cards = build_cards(open_ones, hook, self._new_id)
        without_card = [*(each for each in open_ones if not is_shown(each.outcome, hook)), *shadows]
        findings = [Finding(*each) for each in cards] + [Finding(each, None) for each in without_card]
        return Judgement(tuple(card for _, card in cards), settled, tuple(findings))

    def _part(self, assessment: Assessment, hook: str, visibility: Visibility) -> Assessment | None:
        """Return the assessment by the revisions of this visibility alone; None if there are none."""
        rules = self._assessor.rules
        kept = tuple(d for d in assessment.determinations if rules.visibility(d.full_name, hook) is visibility)
        return Assessment(kept) if kept else None

    def _session(self, orders: DraftOrders, record: PatientRecord) -> Session:
        return read_session(orders.judged, orders.others, record, self._assessor.rules, orders.referenced)
