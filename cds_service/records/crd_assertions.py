"""Find the coverage assertions that were issued: by their id, or by order and Coverage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from cds_service.crd.records_protocol import AssertionContent, StoredAssertion
from cds_service.records.database import Database
from cds_service.records.tables import CRD_ASSERTIONS, CRD_EXCHANGES

IS_HOOK_CALL = CRD_EXCHANGES.c.path.startswith("cds-services/", autoescape=True)
"""The exchanges of CRD services; the others are calls of DTR operations, which judge no order by a hook."""

_HAS_CHART = CRD_EXCHANGES.c.sealed_chart.is_not(None)


def assertion_row(database: Database, assertion_id: str, now: datetime) -> Mapping[str, Any] | None:
    """Return the row of an assertion as it was issued last, with that of its exchange; None if it has expired.

    `chart_exchange` is the newest exchange with this assertion that has a chart, None if none has.
    """
    is_it = CRD_ASSERTIONS.c.assertion == assertion_id
    with_chart = _newest(CRD_ASSERTIONS.c.exchange, now=now).where(is_it, _HAS_CHART).correlate(None)
    return _row(database, _whole(with_chart.scalar_subquery(), now).where(is_it))


def newest_row(database: Database, order_hash: str, coverage_hash: str, now: datetime) -> Mapping[str, Any] | None:
    """Return the row of the newest assertion for an order and a Coverage of a client whose exchange has a chart.

    It has the members of `assertion_row`. None if there is none, or if it has expired.
    """
    is_it = CRD_ASSERTIONS.c.order_hash == order_hash, CRD_ASSERTIONS.c.coverage_hash == coverage_hash
    return _row(database, _whole(CRD_ASSERTIONS.c.exchange, now).where(*is_it, _HAS_CHART))


def hook_call_with(database: Database, assertion_id: str, now: datetime) -> str | None:
    """Return the id of the newest call of a CRD service that issued an assertion; None if it has expired."""
    newest = _newest(CRD_ASSERTIONS.c.exchange, now=now).where(CRD_ASSERTIONS.c.assertion == assertion_id)
    row = _row(database, newest.where(IS_HOOK_CALL))
    return row["exchange"] if row else None


def stored_assertion(row: Mapping[str, Any], content: AssertionContent | None) -> StoredAssertion:
    """Return the assertion in a row of `assertion_row`."""
    return StoredAssertion(
        assertion_id=row["assertion"],
        call_id=row["exchange"],
        chart_call_id=row["chart_exchange"] or "",
        path=row["path"],
        issued_at=row["at"],
        client=row["client"],
        policies=tuple(row["policies"]),
        codes=tuple(row["codes"]),
        content=content,
    )


def _whole(chart_exchange: ColumnElement[str], now: datetime) -> Select[Any]:
    exchange = (CRD_EXCHANGES.c[name] for name in ("at", "path", "client", "expires_at"))
    return _newest(*CRD_ASSERTIONS.c, *exchange, chart_exchange.label("chart_exchange"), now=now)


def _newest(*columns: ColumnElement[Any], now: datetime) -> Select[Any]:
    """Select these columns of the newest assertion; of several in one call, the last one counts."""
    return (
        select(*columns)
        .join_from(CRD_ASSERTIONS, CRD_EXCHANGES, CRD_EXCHANGES.c.exchange == CRD_ASSERTIONS.c.exchange)
        .where(CRD_EXCHANGES.c.expires_at > now)
        .order_by(CRD_EXCHANGES.c.at.desc(), CRD_ASSERTIONS.c.exchange, CRD_ASSERTIONS.c.position.desc())
        .limit(1)
    )


def _row(database: Database, query: Select[Any]) -> Mapping[str, Any] | None:
    with database.reading() as connection:
        row = connection.execute(query).mappings().first()
    return dict(row) if row else None
