"""The judge behind the hooks: policy texts held against draft orders, answered with cards."""

from collections.abc import Callable
from datetime import datetime, tzinfo

from cards.deck import deck
from cds_service.judge import DraftOrders, Judgement
from coverage_policies.assessment import Session, applicable, assess, read_session
from coverage_policies.library import Library
from coverage_policies.searches import Search
from fhir_mappings.dates import Span
from fhir_mappings.record import PatientRecord


class PolicyJudge:
    """Judges by one library of texts. Holds no state of a call; safe to use from several threads.

    `clock` gives the current moment with its zone, `new_id` a new UUID as text.
    """

    def __init__(
        self,
        library: Library,
        *,
        zone: tzinfo,
        answers_valid: Span,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._library = library
        self._zone = zone
        self._answers_valid = answers_valid
        self._clock = clock
        self._new_id = new_id

    def all_searches(self) -> tuple[Search, ...]:
        """Everything that some order may need."""
        return self._library.searches()

    def searches(self, orders: DraftOrders) -> tuple[Search, ...]:
        """What the texts need that speak about these orders; empty where none does."""
        unread = PatientRecord("", (), read_at=self._clock(), zone=self._zone, availability={})
        session = self._session(orders, unread)
        return self._library.searches(policy for _, policy in applicable(self._library, session, unread))

    def answer(self, hook: str, orders: DraftOrders, record: PatientRecord) -> Judgement:
        """One card per order and text where there is something to say."""
        session = self._session(orders, record)
        pairs = applicable(self._library, session, record)
        found = assess(pairs, session, record, answers_valid=self._answers_valid)
        settled = any(each.is_settled for each in found)
        return Judgement(deck(found, hook, self._new_id), settled)

    def _session(self, orders: DraftOrders, record: PatientRecord) -> Session:
        return read_session(orders.judged, orders.others, record)
