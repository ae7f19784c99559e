"""What the service asks of whatever knows the policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cds_service.hooks.request import DraftOrders
from coverage_policies.format.searches import Search
from coverage_policies.judging.assessment import Assessment
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one order and policy, and the card that says so; None where it is not to be said."""

    assessment: Assessment
    card: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The cards of an answer (CDS Hooks 2.0.1, Card), and whether every order settled itself without the chart.

    `findings` are what they were made from, and what no card was made from.
    """

    cards: tuple[Mapping[str, Any], ...]
    settled: bool = False
    findings: tuple[Finding, ...] = ()


class Judge(Protocol):
    """Finds the policies that speak about orders, and answers by them. Safe to use from several threads."""

    def all_searches(self) -> tuple[Search, ...]:
        """Every search that some order may need, one per prefetch key: what discovery asks for."""

    def searches(self, hook: str, orders: DraftOrders) -> tuple[Search, ...] | None:
        """The searches that these orders need; None where no policy has anything to say about any judged one."""

    def answer(self, hook: str, orders: DraftOrders, record: PatientRecord) -> Judgement:
        """The cards for the judged orders; called only where `searches` was not None."""
