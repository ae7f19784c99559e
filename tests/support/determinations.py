"""Criteria and determinations for tests of cards: only what a test is about has to be given."""

from datetime import date
from typing import Any

from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.determination import CriterionResult, Determination


def criterion(name: str, status: Status = Status.UNKNOWN, parent: str = "", **more: Any) -> CriterionResult:
    """Return a criterion that counts by its status, and says `<name> is so`."""
    values = {"id": name, "status": status, "says": f"{name} is so", "parent": parent, "counted": status}
    return CriterionResult(**(values | more))


def determination(outcome: Outcome, *criteria: CriterionResult, **more: Any) -> Determination:
    """Return the determination of the order `ServiceRequest/1`, a fusion, under CP.TEST of 2025-01."""
    values = {
        "policy": "CP.TEST",
        "revision": "2025-01",
        "edition": 1,
        "title": "Test fusion",
        "order": "ServiceRequest/1",
        "outcome": outcome,
        "anchor_date": date(2026, 3, 2),
        "anchor_from": "planned service date",
        "owner": "Test Plan",
        "order_label": "Fusion",
        "criteria": criteria,
    }
    return Determination(**(values | more))
