"""The database that commands read and write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from cds_service.cli.inputs import exit_on_error
from cds_service.crd.services import service_at
from cds_service.records.crd_log import exchange_row
from cds_service.records.database import Database, UnavailableError
from cds_service.records.decision_log import Decision, decision
from cds_service.records.schema import state
from cds_service.settings import Settings
from cds_service.wiring.records import NotReadyError, open_database

SINCE = click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on (UTC).")
"""An option of commands that read what was recorded; see `moment_of`."""

_WAIT_SECONDS = 600.0
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def opened_database(settings: Settings, *, create: bool = False) -> Iterator[Database]:
    """Open the database for the time of a command, and end the command with what is wrong with it.

    Only with `create` it is made where there is none.
    """
    with exit_on_error(NotReadyError, UnavailableError):
        database = open_database(settings, wait_seconds=_WAIT_SECONDS, create=create)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def current_database(settings: Settings) -> Iterator[Database]:
    """Open the database, and end the command unless its schema fits this version."""
    with opened_database(settings) as database:
        found = state(database)
        if not found.is_usable:
            raise click.ClickException(f"The schema of the database is {found.value}. Run `cds-service db upgrade`.")
        yield database


def decision_of(settings: Settings, decision_id: str) -> Decision:
    """Return a decision by its id or hookInstance. End the command if there is none."""
    with current_database(settings) as database:
        found = decision(database, decision_id)
        exchange = exchange_row(database, decision_id, datetime.now(UTC)) if found is None else None
    if exchange is not None and service_at(exchange["path"]) is None:
        raise click.ClickException(
            f"{decision_id} is a call of {exchange['path']}, and only calls of hooks make decisions. "
            f"See `cds-service crd exchange {decision_id}`."
        )
    if found is None:
        raise click.ClickException(f"No decision {decision_id} is recorded.")
    return found


def moment_of(day: datetime | None) -> datetime:
    """Return the start of a day in UTC; the beginning of time without one."""
    return day.replace(tzinfo=UTC) if day else _BEGINNING
