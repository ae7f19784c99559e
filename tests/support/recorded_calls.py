"""Recorded calls for tests of what counts them: rows of decisions, determinations, cards, and feedback."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from cds_service.records.database import Database
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS, FEEDBACK

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def record_call(
    database: Database,
    *determinations: Mapping[str, Any],
    at: datetime = AT,
    service: str = "coverage-order-sign",
    client: str = "north",
    status: int = 200,
    milliseconds: int | None = 20,
    card: str = "",
    **of_card: Any,
) -> str:
    """Store a call, its determinations, and the card that shows them if it is named; return the id of the call."""
    name = str(uuid4())
    decision = {
        "decision": name,
        "at": at,
        "path": f"cds-services/{service}",
        "hook_instance": str(uuid4()),
        "client": client,
        "status": status,
        "snapshot": None,
        "labels": {"app": "cds-coverage-policies", "version": "0", "key": "key"},
        "input": {},
        "metrics": {} if milliseconds is None else {"timer_call_ns": milliseconds * 1_000_000 + 999},
        "failure": "",
    }
    shown = {"outcome": "supported", "indicator": "info", "suppressed": "", "suggestions": {}} | of_card
    rows = [
        {"decision": name, "position": number, "card": card or None} | each
        for number, each in enumerate(determinations)
    ]
    with database.writing() as connection:
        connection.execute(insert(DECISIONS), decision)
        if card:
            connection.execute(insert(CARDS), shown | {"decision": name, "card": card})
        if rows:
            connection.execute(insert(DETERMINATIONS), rows)
    return name


def determination(
    policy: str = "CP.TEST",
    revision: str = "2025-01",
    outcome: str = "supported",
    criteria: Sequence[tuple[str, str, str]] = (),
    targets: Sequence[str] = (),
) -> dict[str, Any]:
    """The columns of a determination; `criteria` are id, status, and reason."""
    return {
        "policy": policy,
        "revision": revision,
        "edition": 1,
        "content_hash": "hash",
        "section": "I",
        "order_hash": "hash",
        "outcome": outcome,
        "pathway": "",
        "criteria": [dict(zip(("id", "status", "reason"), each, strict=True)) for each in criteria],
        "criteria_targeted": list(targets),
        "facts_hash": "hash",
        "answer_hash": "hash",
    }


def record_feedback(database: Database, card: str, outcome: str = "overridden", reason: str = "", **more: Any) -> None:
    """Store feedback on a card."""
    row = {
        "feedback": str(uuid4()),
        "card": card,
        "path": "cds-services/coverage-order-sign/feedback",
        "client": "north",
        "outcome": outcome,
        "reason": reason,
        "suggestions": [],
        "comment": "",
        "outcome_at": AT,
        "received_at": AT,
    }
    with database.writing() as connection:
        connection.execute(insert(FEEDBACK), row | more)
