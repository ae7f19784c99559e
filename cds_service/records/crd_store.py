"""Store CRD calls and the assertions issued in them in a database; what they hold of a patient is sealed."""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from cds_service.crd.records_protocol import (
    AssertionContent,
    CrdRecords,
    Exchange,
    IssuedAssertion,
    StoredAssertion,
)
from cds_service.crd.stated_codes import stated_codes
from cds_service.observability.call_log import Call
from cds_service.packing import pack, unpack
from cds_service.records.database import Database, UnavailableError
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.sealing import Sealer, UnsealableError
from cds_service.records.tables import CRD_ASSERTIONS, CRD_EXCHANGES

_LEVEL = 1
"""The level of zlib: a body of JSON gets hardly smaller at higher ones, which take several times as long."""
_LENGTH_BYTES = 8
_ACCESS_TOKEN = re.compile(rb'("access_token"\s*:\s*)"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_KEYS = "It was sealed, and CDS_ENCRYPTION_KEYS is empty. Set the keys of the service."

_ADD_EXCHANGE, _ADD_ASSERTIONS = insert(CRD_EXCHANGES), insert(CRD_ASSERTIONS)


class SqlCrdRecords:
    """Stores CRD calls in a database whose schema is current, for `keep_for`. Without a sealer, bodies are not stored.

    `snapshot` has the content hashes of the policies in force.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer | None,
        *,
        snapshot: PolicySnapshot,
        pseudonym: Pseudonymizer,
        keep_for: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._snapshot = snapshot
        self._pseudonym = pseudonym
        self._keep_for = keep_for
        self._clock = clock

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
            "sealed": self._sealed_bodies(call.id, exchange),
            "expires_at": now + self._keep_for,
        }
        rows = [self._assertion(call, position, each) for position, each in enumerate(assertions)]

        def write(connection: Connection) -> None:
            connection.execute(_ADD_EXCHANGE, row)
            if rows:
                connection.execute(_ADD_ASSERTIONS, rows)

        self._database.write(write)

    def find(self, assertion_id: str) -> StoredAssertion | None:
        """Return an assertion as it was issued last; None if there is none, or if it has expired."""
        row = assertion_row(self._database, assertion_id, self._clock())
        return stored_assertion(row, opened_content(row, self._sealer)) if row else None

    def _sealed_bodies(self, call_id: str, exchange: Exchange) -> bytes | None:
        if self._sealer is None:
            return None
        request = _ACCESS_TOKEN.sub(rb'\1"not stored"', exchange.request)
        framed = len(request).to_bytes(_LENGTH_BYTES) + request + exchange.response
        return self._sealer.seal(zlib.compress(framed, _LEVEL), CRD_EXCHANGES.name, call_id)

    def _assertion(self, call: Call, position: int, issued: IssuedAssertion) -> dict[str, Any]:
        return {
            "exchange": call.id,
            "position": position,
            "assertion": issued.assertion_id,
            "order_hash": self._pseudonym("order", issued.order),
            "coverage_hash": self._pseudonym("coverage", call.client, issued.coverage),
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
            "sealed": self._sealed_assertion(call.id, position, issued),
        }

    def _sealed_assertion(self, call_id: str, position: int, issued: IssuedAssertion) -> bytes | None:
        if self._sealer is None:
            return None
        content = AssertionContent(
            order=issued.order,
            coverage=issued.coverage,
            patient_id=issued.patient_id,
            determinations=[each.as_json() for each in issued.determinations],
            order_resource=issued.order_resource,
            extensions=list(issued.extensions),
        )
        members = {each.name: getattr(content, each.name) for each in fields(content)}
        return self._sealer.seal(pack(members, _LEVEL), *_row_of(call_id, position, issued.assertion_id))


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


def assertion_row(database: Database, assertion_id: str, now: datetime) -> Mapping[str, Any] | None:
    """Return the row of an assertion as it was issued last, with that of its exchange; None if it has expired."""
    exchange = (CRD_EXCHANGES.c[name] for name in ("at", "client", "expires_at"))
    newest = (
        select(CRD_ASSERTIONS, *exchange)
        .join(CRD_EXCHANGES, CRD_EXCHANGES.c.exchange == CRD_ASSERTIONS.c.exchange)
        .where(CRD_ASSERTIONS.c.assertion == assertion_id, CRD_EXCHANGES.c.expires_at > now)
        .order_by(CRD_EXCHANGES.c.at.desc(), CRD_ASSERTIONS.c.exchange, CRD_ASSERTIONS.c.position.desc())
        .limit(1)
    )
    with database.reading() as connection:
        row = connection.execute(newest).mappings().first()
    return dict(row) if row else None


def stored_assertion(row: Mapping[str, Any], content: AssertionContent | None) -> StoredAssertion:
    """Return the assertion in a row of `assertion_row`."""
    return StoredAssertion(
        assertion_id=row["assertion"],
        call_id=row["exchange"],
        issued_at=row["at"],
        client=row["client"],
        policies=tuple(row["policies"]),
        codes=tuple(row["codes"]),
        content=content,
    )


def opened_content(row: Mapping[str, Any], sealer: Sealer | None) -> AssertionContent | None:
    """Return what is sealed in a row of an assertion; None if nothing is. Raise UnsealableError."""
    if row["sealed"] is None:
        return None
    opened = _opened(row["sealed"], sealer, *_row_of(row["exchange"], row["position"], row["assertion"]))
    return AssertionContent(**unpack(opened))


def opened_bodies(row: Mapping[str, Any], sealer: Sealer | None) -> tuple[bytes, bytes] | None:
    """Return the bodies of request and response in a row of an exchange; None if they were not stored.

    The access token of the request is replaced by `not stored`. Raise UnsealableError.
    """
    if row["sealed"] is None:
        return None
    framed = zlib.decompress(_opened(row["sealed"], sealer, CRD_EXCHANGES.name, row["exchange"]))
    length, bodies = int.from_bytes(framed[:_LENGTH_BYTES]), framed[_LENGTH_BYTES:]
    return bodies[:length], bodies[length:]


def _opened(sealed: bytes, sealer: Sealer | None, *row: str) -> bytes:
    if sealer is None:
        raise UnsealableError(_NO_KEYS)
    return sealer.open(bytes(sealed), *row)


def _row_of(call_id: str, position: int, assertion_id: str) -> tuple[str, ...]:
    return CRD_ASSERTIONS.name, call_id, str(position), assertion_id
