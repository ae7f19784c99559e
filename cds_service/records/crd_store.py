"""Store CRD calls and the assertions issued in them in a database, and find what later calls need of them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from cds_service.crd.records_protocol import CallContext, CrdRecords, Exchange, IssuedAssertion, StoredAssertion
from cds_service.crd.stated_codes import stated_codes
from cds_service.observability.call_log import Call
from cds_service.records.crd_assertions import assertion_row, newest_row, stored_assertion
from cds_service.records.crd_log import chart_row
from cds_service.records.crd_sealing import (
    opened_bodies,
    opened_chart,
    opened_content,
    sealed_bodies,
    sealed_chart,
    sealed_content,
)
from cds_service.records.database import Database, UnavailableError
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.prepared import Prepared
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.sealing import Sealer
from cds_service.records.tables import CRD_ASSERTIONS, CRD_EXCHANGES


class SqlCrdRecords:
    """Stores calls in a database whose schema is current, for `keep_for`. Without a sealer, nothing of a patient is.

    `snapshot` has the content hashes of the policies in force. `charts_for` is how long a chart may be judged by.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer | None,
        *,
        snapshot: PolicySnapshot,
        pseudonym: Pseudonymizer,
        keep_for: timedelta,
        charts_for: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._snapshot = snapshot
        self._pseudonym = pseudonym
        self._keep_for = keep_for
        self._charts_for = charts_for
        self._clock = clock
        dialect = database.engine.dialect
        self._add_exchange = Prepared(insert(CRD_EXCHANGES), dialect)
        self._add_assertions = Prepared(insert(CRD_ASSERTIONS), dialect)

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        """Store all of a call in one transaction; it is on disk when this returns."""
        now = self._clock()
        row = {
            "exchange": call.id,
            "at": now,
            "path": path.strip("/"),
            "hook_instance": call.hook_instance,
            "client": call.client,
            "issuer": exchange.issuer,
            "status": exchange.status,
            "metrics": exchange.metrics,
            "sealed": sealed_bodies(self._sealer, call.id, exchange),
            "expires_at": now + self._keep_for,
            "sealed_chart": sealed_chart(self._sealer, call.id, exchange),
        }
        rows = [self._assertion(call, position, each) for position, each in enumerate(assertions)]

        def write(connection: Connection) -> None:
            self._add_exchange.execute(connection, row)
            if rows:
                self._add_assertions.execute(connection, *rows)

        self._database.write(write)

    def find(self, assertion_id: str) -> StoredAssertion | None:
        """Return an assertion as it was issued last; None if there is none, or if it has expired."""
        row = assertion_row(self._database, assertion_id, self._clock())
        return stored_assertion(row, opened_content(row, self._sealer)) if row else None

    def newest(self, order: str, coverage: str, client: str) -> StoredAssertion | None:
        """Return the newest assertion of a client for an order and a Coverage whose call has a chart."""
        order_hash, coverage_hash = self._order_hash(order), self._coverage_hash(coverage, client)
        row = newest_row(self._database, order_hash, coverage_hash, self._clock())
        return stored_assertion(row, opened_content(row, self._sealer)) if row else None

    def context(self, call_id: str) -> CallContext | None:
        """Return what a CRD call judged by; None if its chart is not stored, is too old, or has expired."""
        now = self._clock()
        row = chart_row(self._database, call_id, now)
        bodies = opened_bodies(row, self._sealer) if row else None
        chart = opened_chart(row, self._sealer) if row else None
        if row is None or bodies is None or chart is None or chart.read_at <= now - self._charts_for:
            return None
        return CallContext(
            call_id, row["path"], at=chart.read_at, client=row["client"], request=bodies[0], chart=chart.kept
        )

    def _order_hash(self, order: str) -> str:
        return self._pseudonym("order", order)

    def _coverage_hash(self, coverage: str, client: str) -> str:
        return self._pseudonym("coverage", client, coverage)

    def _assertion(self, call: Call, position: int, issued: IssuedAssertion) -> dict[str, Any]:
        return {
            "exchange": call.id,
            "position": position,
            "assertion": issued.assertion_id,
            "order_hash": self._order_hash(issued.order),
            "coverage_hash": self._coverage_hash(issued.coverage, call.client),
            "policies": [
                {
                    "policy": each.policy,
                    "revision": each.revision,
                    "edition": each.edition,
                    "content_hash": self._snapshot.policies[each.full_name].content,
                    "outcome": each.outcome.value,
                }
                for each in issued.determinations
            ],
            "codes": [stated_codes(each) for each in issued.extensions],
            "sealed": sealed_content(self._sealer, call.id, position, issued),
        }


class BestEffortCrdRecords:
    """Records whose failures do not prevent the answer to a call; the log line of the call reports them as errors."""

    def __init__(self, records: CrdRecords) -> None:
        self._records = records

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        """Store all of a call, unless that fails."""
        try:
            self._records.store(call, path, exchange, assertions)
        except UnavailableError as error:
            call.failure = f"answered unrecorded: {error}"

    def find(self, assertion_id: str) -> StoredAssertion | None:
        """Return an assertion as it was issued last; raise UnavailableError if the database fails."""
        return self._records.find(assertion_id)

    def newest(self, order: str, coverage: str, client: str) -> StoredAssertion | None:
        """Return the newest assertion whose call has a chart; raise UnavailableError if the database fails."""
        return self._records.newest(order, coverage, client)

    def context(self, call_id: str) -> CallContext | None:
        """Return what a CRD call judged by; raise UnavailableError if the database fails."""
        return self._records.context(call_id)
