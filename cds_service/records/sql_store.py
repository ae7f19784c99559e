"""Store decisions and feedback in a database; a decision is on disk before it is answered."""

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select

from cards.build import AssessedCard
from cds_service.hooks.feedback import OVERRIDDEN, UNLISTED, Feedback
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import HookResponse
from cds_service.observability.call_log import Call
from cds_service.records.database import Database, insert_once
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.prepared import Prepared
from cds_service.records.protocol import Override
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.rows import SUPPRESSED, InputDigest, card_row, determination_row
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS, FEEDBACK, POLICY_SNAPSHOTS
from coverage_policies.judging.assessment import Assessment

_Row = dict[str, Any]


class SqlStore:
    """Stores decisions and feedback in a database whose schema is current.

    `version` is that of the service. A card stays suppressed for `suppress_for` after an override; zero suppresses
    none. `store_comments` allows storing the comments of clinicians.
    """

    def __init__(
        self,
        database: Database,
        *,
        snapshot: PolicySnapshot,
        pseudonym: Pseudonymizer,
        version: str,
        suppress_for: timedelta,
        store_comments: bool,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._snapshot = snapshot
        self._snapshot_name = snapshot.name
        self._snapshot_is_stored = False
        self._pseudonym = pseudonym
        self._labels = {"app": "cds-coverage-policies", "version": version, "key": pseudonym.name}
        self._suppress_for = suppress_for
        self._store_comments = store_comments
        self._clock = clock
        self._monotonic = monotonic
        dialect = database.engine.dialect
        self._add_decision = Prepared(insert(DECISIONS), dialect)
        self._add_cards = Prepared(insert(CARDS), dialect)
        self._add_determinations = Prepared(insert(DETERMINATIONS), dialect)
        self._outcomes_of = functools.cache(lambda cards: Prepared(_outcomes_of(cards), dialect))

    def store_decision(
        self, call: Call, path: str, request: HookRequest, response: HookResponse
    ) -> tuple[AssessedCard, ...]:
        """Store an answer; return the cards to show, without suppressed ones."""
        review = response.review
        digest = InputDigest.of(self._pseudonym, call.client, request, review)
        cards, determinations = self._rows(call.id, response)
        timers = {"timer_read_ns": review.read_seconds, "timer_judge_ns": review.judge_seconds}

        def store(connection: Connection) -> None:
            overridden = self._overridden(connection, {row["card"] for row in cards})
            for row in cards:
                row["suppressed"] = SUPPRESSED if row["card"] in overridden else ""
            if not self._snapshot_is_stored:
                insert_once(
                    connection, POLICY_SNAPSHOTS, {"snapshot": self._snapshot_name, "content": self._snapshot.as_json()}
                )
            decision = self._decision(call, path, 200, review.at, timers)
            row = decision | {"snapshot": self._snapshot_name, "input": digest.as_json()}
            self._add_decision.execute(connection, row)
            if cards:
                self._add_cards.execute(connection, *cards)
            if determinations:
                self._add_determinations.execute(connection, *determinations)

        self._database.write(store)
        self._snapshot_is_stored = True
        return tuple(made for made, row in zip(response.cards, cards, strict=True) if not row["suppressed"])

    def store_refusal(self, call: Call, path: str, status: int) -> None:
        """Store that the answer to a call was an error with this HTTP status."""
        row = self._decision(call, path, status, self._clock(), {})
        self._database.write(lambda connection: self._add_decision.execute(connection, row))

    def store_feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:
        """Store feedback, once even if it comes again; return the new overrides."""
        now = self._clock()
        entries = tuple(given)

        def store(connection: Connection) -> tuple[Override, ...]:
            new: list[Override] = []
            for each in entries:
                known = connection.execute(select(CARDS.c.suggestions).where(CARDS.c.card == each.card)).scalar()
                row = {
                    "feedback": self._pseudonym("feedback", *each.sent),
                    "card": each.card,
                    "path": path.strip("/"),
                    "client": call.client,
                    "outcome": each.outcome,
                    "reason": each.reason,
                    "suggestions": _accepted_criteria(each.suggestions, known or {}),
                    "comment": each.comment if self._store_comments else "",
                    "outcome_at": each.at,
                    "received_at": now,
                }
                if insert_once(connection, FEEDBACK, row) and each.outcome == OVERRIDDEN:
                    about = select(DETERMINATIONS.c.policy).where(DETERMINATIONS.c.card == each.card).limit(1)
                    policy = connection.execute(about).scalar()
                    new.append(Override(policy or "unknown", each.reason or "none"))
            return tuple(new)

        return self._database.write(store)

    def _rows(self, decision: str, response: HookResponse) -> tuple[list[_Row], list[_Row]]:
        """Return the rows of the cards, in their order, and of the determinations of a call."""
        position = itertools.count()

        def rows_of(assessment: Assessment, card: str | None) -> list[_Row]:
            return [
                determination_row(decision, next(position), each, card, self._pseudonym, self._snapshot)
                for each in assessment.all_determinations
            ]

        cards: list[_Row] = []
        determinations: list[_Row] = []
        recorded: set[int] = set()
        for made in response.cards:
            cards.append(card_row(decision, made))
            if id(made.assessment) not in recorded:  # several cards of CRD are about one assessment
                recorded.add(id(made.assessment))
                determinations += rows_of(made.assessment, made.card["uuid"])
        for assessment in response.not_shown:
            determinations += rows_of(assessment, None)
        return cards, determinations

    def _overridden(self, connection: Connection, cards: set[str]) -> set[str]:
        """Return those of the cards that were overridden within `suppress_for`."""
        if not cards or not self._suppress_for:
            return set()
        asked = {f"card_{n}": card for n, card in enumerate(sorted(cards))}
        values = asked | {"outcome": OVERRIDDEN, "since": self._clock() - self._suppress_for}
        return {card for (card,) in self._outcomes_of(len(asked)).execute(connection, values)}

    def _decision(self, call: Call, path: str, status: int, at: datetime, timers: Mapping[str, float]) -> _Row:
        seconds = {**timers, "timer_call_ns": self._monotonic() - call.started}
        return {
            "decision": call.id,
            "at": at,
            "path": path.strip("/"),
            "hook_instance": call.hook_instance,
            "client": call.client,
            "status": status,
            "snapshot": None,
            "labels": self._labels,
            "input": {},
            "metrics": {name: round(value * 1e9) for name, value in seconds.items()},
            "failure": call.failure,
        }


def _outcomes_of(cards: int) -> Select[tuple[str]]:
    """Return the statement that finds which of so many cards (`card_0`, ...) had an `outcome` after `since`."""
    return select(FEEDBACK.c.card).where(
        FEEDBACK.c.card.in_([bindparam(f"card_{n}") for n in range(cards)]),
        FEEDBACK.c.outcome == bindparam("outcome"),
        FEEDBACK.c.received_at > bindparam("since"),
    )


def _accepted_criteria(accepted: Iterable[str], known: Mapping[str, list[str]]) -> list[str]:
    """Return the criteria that the accepted suggestions were made for; `unlisted` for one that the card lacks."""
    return sorted({criterion for each in accepted for criterion in known.get(each, [UNLISTED])})
