"""The sealed sessions of the questionnaire app and of operators in the database, where every process finds them."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from cds_service.records.database import Database
from cds_service.records.tables import SMART_SESSIONS


class SmartSessions:
    """Keeps sealed sessions until they expire; each new one clears those that have. Safe to use from several threads.

    Every method raises UnavailableError if the database fails.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def put(self, name: str, sealed: bytes, until: datetime) -> None:
        """Keep a sealed session under a name that no other one has."""
        now = self._clock()

        def write(connection: Connection) -> None:
            connection.execute(delete(SMART_SESSIONS).where(SMART_SESSIONS.c.expires_at <= now))
            connection.execute(insert(SMART_SESSIONS).values(name=name, sealed=sealed, expires_at=until))

        self._database.write(write)

    def find(self, name: str) -> tuple[bytes, datetime] | None:
        """Return a session that is kept, and until when."""
        with self._database.reading() as connection:
            row = connection.execute(select(SMART_SESSIONS).where(SMART_SESSIONS.c.name == name)).mappings().first()
        return (bytes(row["sealed"]), row["expires_at"]) if row else None

    def replace(self, name: str, sealed: bytes) -> bool:
        """Replace a session; return False if it is kept no more."""
        changed = (
            update(SMART_SESSIONS)
            .where(SMART_SESSIONS.c.name == name, SMART_SESSIONS.c.expires_at > self._clock())
            .values(sealed=sealed)
        )
        return self._database.write(lambda connection: connection.execute(changed).rowcount == 1)

    def remove(self, name: str) -> bool:
        """Remove a session; return whether this call removed it. Only one of several callers gets True."""
        removed = delete(SMART_SESSIONS).where(SMART_SESSIONS.c.name == name)
        return self._database.write(lambda connection: connection.execute(removed).rowcount == 1)
