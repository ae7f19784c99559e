"""Read the exchanges of CRD calls, record who read them, and purge those that have expired."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, insert, select

from cds_service.observability.call_log import SANDBOX
from cds_service.records.crd_assertions import IS_HOOK_CALL
from cds_service.records.database import Database
from cds_service.records.sealing import key_name
from cds_service.records.tables import CRD_ACCESSES, CRD_ASSERTIONS, CRD_EXCHANGES

PURGE = "purge"
"""The action of an access that purged expired rows; the triggers of the tables look for it."""

FORM_ERRORS_PATH = "fhir/Questionnaire/$log-questionnaire-errors"
"""The path of the operation by which DTR clients report errors of forms, as exchanges have it."""

_PAGE = 500
_BATCH = 200
_PAUSE_SECONDS = 0.05
"""Between two batches of a purge. SQLite lets writers in that happen to try while nobody else writes."""
_HEAD_BYTES = 16
"""As much of sealed content as has the name of its key."""
_HEAD = func.substr(CRD_EXCHANGES.c.sealed, 1, _HEAD_BYTES)
_ASIDE = ("sealed", "sealed_chart", "metrics")
_HAS_CHART = CRD_EXCHANGES.c.sealed_chart.is_not(None).label("has_chart")
_METADATA = [*(column for column in CRD_EXCHANGES.c if column.name not in _ASIDE), _HAS_CHART]


def exchange_row(database: Database, call_id: str, now: datetime) -> Mapping[str, Any] | None:
    """Find an exchange by the id of its call (the X-Request-Id), or else the newest with this hookInstance.

    Return None if there is none, or if it has expired.
    """
    is_id = CRD_EXCHANGES.c.exchange == call_id
    newest = (
        select(CRD_EXCHANGES, _HAS_CHART)
        .where(is_id | (CRD_EXCHANGES.c.hook_instance == call_id), CRD_EXCHANGES.c.expires_at > now)
        .order_by(is_id.desc(), CRD_EXCHANGES.c.at.desc())
        .limit(1)
    )
    with database.reading() as connection:
        row = connection.execute(newest).mappings().first()
    return dict(row) if row else None


def chart_row(database: Database, call_id: str, now: datetime) -> Mapping[str, Any] | None:
    """Find an exchange with a chart by the id of its call; None if there is none, or if it has expired."""
    is_it = CRD_EXCHANGES.c.exchange == call_id, CRD_EXCHANGES.c.sealed_chart.is_not(None)
    with database.reading() as connection:
        found = connection.execute(select(CRD_EXCHANGES).where(*is_it, CRD_EXCHANGES.c.expires_at > now))
        row = found.mappings().first()
    return dict(row) if row else None


def exchange_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of an exchange says without a key, as JSON, without empty members."""
    found = {
        "exchange": row["exchange"],
        "at": row["at"].isoformat(),
        "path": row["path"],
        "hookInstance": row["hook_instance"],
        "client": row["client"],
        "issuer": row["issuer"],
        "status": row["status"],
        "expires_at": row["expires_at"].isoformat(),
        "key": key_name(bytes(row["sealed"])) if row["sealed"] else "",
        "chart": "stored" if row["has_chart"] else "",
    }
    return {name: value for name, value in found.items() if value != ""}


def exchanges(database: Database, since: datetime, client: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the exchanges since a moment, the oldest first, without `metrics`.

    `sealed` is only the beginning that names the key. `client` limits them to one client.
    """
    chosen = [CRD_EXCHANGES.c.client == client] if client is not None else []
    yield from _pages(database, [*_METADATA, _HEAD.label("sealed")], since, *chosen)


def form_errors(database: Database, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield what DTR clients reported of forms since a moment, the oldest first: the call, and what its report says.

    Calls that were refused are left out: they have no report.
    """
    columns = [CRD_EXCHANGES.c[name] for name in ("exchange", "at", "client", "metrics")]
    is_report = (CRD_EXCHANGES.c.path == FORM_ERRORS_PATH, CRD_EXCHANGES.c.status < 400)
    for row in _pages(database, columns, since, *is_report):
        client = {"client": row["client"]} if row["client"] else {}
        yield {"exchange": row["exchange"], "at": row["at"].isoformat(), **client, **row["metrics"]}


def metrics(database: Database, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the CRDMetricData of every call of a hook since a moment, the oldest first, without those of test calls."""
    columns = [CRD_EXCHANGES.c[name] for name in ("exchange", "at", "client", "metrics")]
    for row in _pages(database, columns, since, IS_HOOK_CALL):
        if row["client"] != SANDBOX:
            yield row["metrics"]


def accesses(database: Database, since: datetime) -> list[Mapping[str, Any]]:
    """Return who read sealed content or purged expired rows since a moment, the oldest first."""
    found = select(CRD_ACCESSES).where(CRD_ACCESSES.c.at >= since).order_by(CRD_ACCESSES.c.at, CRD_ACCESSES.c.access)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(found).mappings()]


def record_access(database: Database, *, who: str, action: str, subject: str, reason: str, at: datetime) -> None:
    """Record that somebody reads sealed content: the user of the operating system, what, and why."""
    row = _access(who=who, action=action, subject=subject, reason=reason, at=at)
    database.write(lambda connection: connection.execute(insert(CRD_ACCESSES), row))


def purge_expired(database: Database, *, who: str, now: datetime) -> int:
    """Delete the exchanges that have expired, and the assertions issued in them; return the number of exchanges.

    The purge is recorded first, if there is anything to delete: the triggers allow deletions up to its moment only.
    Calls that are stored meanwhile wait for some exchanges, not for all.
    """
    old = select(CRD_EXCHANGES.c.exchange).where(CRD_EXCHANGES.c.expires_at <= now).limit(_BATCH)
    count = 0
    while True:
        with database.writing() as connection:
            names = connection.execute(old).scalars().all()
            if names and not count:
                row = _access(who=who, action=PURGE, subject="", reason="expired", at=now)
                connection.execute(insert(CRD_ACCESSES), row)
            connection.execute(delete(CRD_ASSERTIONS).where(CRD_ASSERTIONS.c.exchange.in_(names)))
            connection.execute(delete(CRD_EXCHANGES).where(CRD_EXCHANGES.c.exchange.in_(names)))
        count += len(names)
        if len(names) < _BATCH:
            return count
        time.sleep(_PAUSE_SECONDS)


def _access(**columns: Any) -> dict[str, Any]:
    return {"access": str(uuid4()), **columns}


def _pages(
    database: Database, columns: list[Any], since: datetime, *chosen: ColumnElement[bool]
) -> Iterator[Mapping[str, Any]]:
    """Yield the columns of the chosen exchanges, `at` and `exchange` among them, in their order; read page by page."""
    at, name = CRD_EXCHANGES.c.at, CRD_EXCHANGES.c.exchange
    rows = select(*columns).where(at >= since, *chosen).order_by(at, name).limit(_PAGE)
    page = rows
    while True:
        with database.reading() as connection:
            found = [dict(row) for row in connection.execute(page).mappings()]
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1]
        page = rows.where((at > last["at"]) | ((at == last["at"]) & (name > last["exchange"])))
