"""Read the decision log, as rows and in the format of Open Policy Agent's decision log, and purge it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from cds_service.observability.call_log import SANDBOX
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicyVersion
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS, FEEDBACK, POLICY_SNAPSHOTS, PURGES

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """A recorded call: its row, the policies and rules in force, and the rows of its determinations and cards."""

    row: Mapping[str, Any]
    policies: Mapping[str, PolicyVersion]
    rules: str
    determinations: tuple[Mapping[str, Any], ...]
    cards: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, object]:
        """Return the decision in the format of OPA's decision log, without empty members."""
        row = self.row
        used = {f"{each['policy']}@{each['revision']}" for each in self.determinations}
        found = {
            "decision_id": row["decision"],
            "timestamp": row["at"].isoformat(),
            "labels": row["labels"],
            "path": row["path"],
            "bundles": {
                name: {"revision": f"edition {policy.edition}, sha256 {policy.content}"}
                for name, policy in self.policies.items()
                if name in used
            },
            "input": _filled({"hookInstance": row["hook_instance"], "client": row["client"], **row["input"]}),
            "result": _filled(
                {
                    "status": row["status"],
                    "failure": row["failure"],
                    "determinations": [_without(each, "decision", "position") for each in self.determinations],
                    "cards": [_without(each, "decision") for each in self.cards],
                }
            ),
            "metrics": row["metrics"],
        }
        return _filled(found)


def decision(database: Database, decision_id: str) -> Decision | None:
    """Find a decision by its id (the X-Request-Id of the answer), or else the newest with this hookInstance."""
    newest = (
        select(DECISIONS)
        .where((DECISIONS.c.decision == decision_id) | (DECISIONS.c.hook_instance == decision_id))
        .order_by((DECISIONS.c.decision == decision_id).desc(), DECISIONS.c.at.desc())
        .limit(1)
    )
    with database.reading() as connection:
        row = connection.execute(newest).mappings().first()
        return _whole(connection, row) if row else None


def decisions(database: Database, since: datetime, *, tests: bool = False) -> Iterator[Decision]:
    """Yield every decision since that moment, the oldest first; read one page at a time.

    Those of test calls are left out unless `tests`.
    """
    after: tuple[datetime, str] | None = None
    while True:
        page = select(DECISIONS).where(DECISIONS.c.at >= since).order_by(DECISIONS.c.at, DECISIONS.c.decision)
        if not tests:
            page = page.where(DECISIONS.c.client != SANDBOX)
        if after is not None:
            at, name = after
            page = page.where((DECISIONS.c.at > at) | ((DECISIONS.c.at == at) & (DECISIONS.c.decision > name)))
        with database.reading() as connection:
            rows = connection.execute(page.limit(_PAGE)).mappings().all()
            found = [_whole(connection, row) for row in rows]
        yield from found
        if len(rows) < _PAGE:
            return
        after = (rows[-1]["at"], rows[-1]["decision"])


def purge(database: Database, before: datetime, now: datetime) -> int:
    """Delete the decisions before a moment, their cards and feedback; return the number of decisions.

    Feedback on a card that a later decision has again stays. Record the purge first: the triggers only allow deletions
    that a recorded purge covers.
    """
    old = select(DECISIONS.c.decision).where(DECISIONS.c.at < before)
    cards = select(CARDS.c.card).where(CARDS.c.decision.in_(old))
    kept = select(CARDS.c.card).where(CARDS.c.decision.not_in(old))
    with database.writing() as connection:
        connection.execute(insert(PURGES), {"at": now, "before": before})
        connection.execute(delete(FEEDBACK).where(FEEDBACK.c.card.in_(cards), FEEDBACK.c.card.not_in(kept)))
        connection.execute(delete(DETERMINATIONS).where(DETERMINATIONS.c.decision.in_(old)))
        connection.execute(delete(CARDS).where(CARDS.c.decision.in_(old)))
        return connection.execute(delete(DECISIONS).where(DECISIONS.c.at < before)).rowcount


def _whole(connection: Connection, row: RowMapping) -> Decision:
    name = row["decision"]
    determinations = select(DETERMINATIONS).where(DETERMINATIONS.c.decision == name).order_by(DETERMINATIONS.c.position)
    cards = select(CARDS).where(CARDS.c.decision == name).order_by(CARDS.c.card)
    content = select(POLICY_SNAPSHOTS.c.content).where(POLICY_SNAPSHOTS.c.snapshot == row["snapshot"])
    stored = connection.execute(content).scalar() or {}
    versions = stored.get("policies", {}).items()
    policies = {policy: PolicyVersion(each["edition"], each["content"]) for policy, each in versions}
    return Decision(
        dict(row),
        policies,
        stored.get("rules", ""),
        tuple(dict(each) for each in connection.execute(determinations).mappings()),
        tuple(dict(each) for each in connection.execute(cards).mappings()),
    )


def _filled(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return _filled({name: value for name, value in row.items() if name not in names})
