"""Remember used tokens in the database, so that each is good for one call in any process (CDS Hooks 2.0.1, jti)."""

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from cds_service.records.database import Database, insert_once
from cds_service.records.tables import USED_TOKENS

_CLEARED_EVERY = timedelta(minutes=5)
_KEPT_AFTER_EXPIRY = timedelta(days=1)
"""How far the clock may be ahead for a while without a token being accepted twice once it is set back."""


class UsedTokens:
    """Remembers tokens by issuer and `jti` until a day after they expire. Safe to use from several threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._cleared = clock()
        self._lock = threading.Lock()

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Return whether a token is used for the first time, and remember it until this moment (with a time zone).

        Raises UnavailableError if the database fails; the caller must then reject the token.
        """
        now = self._clock()
        hashed = hashlib.sha256(jti.encode("utf-8", "backslashreplace")).hexdigest()
        row = {"issuer": issuer, "jti": hashed, "expires_at": until}
        clears = self._is_time_to_clear(now)

        def remember(connection: Connection) -> bool:
            if clears:
                connection.execute(delete(USED_TOKENS).where(USED_TOKENS.c.expires_at < now - _KEPT_AFTER_EXPIRY))
            return insert_once(connection, USED_TOKENS, row)

        return self._database.write(remember)

    def _is_time_to_clear(self, now: datetime) -> bool:
        with self._lock:
            if abs(now - self._cleared) < _CLEARED_EVERY:  # the clock may have been set back
                return False
            self._cleared = now
            return True
