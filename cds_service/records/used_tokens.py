"""Tokens that were used: each may be used once, whichever process sees it (CDS Hooks 2.0.1, jti)."""

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete

from cds_service.records.database import Database, insert_once
from cds_service.records.tables import USED_TOKENS

_CLEARED_EVERY = timedelta(minutes=5)


class UsedTokens:
    """Remembers tokens by issuer and `jti` until they have expired. Safe to use from several threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._cleared = clock()
        self._lock = threading.Lock()

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Whether a token is used for the first time; remembered until this moment, which has a zone.

        Raises UnavailableError where that cannot be told: such a token is not to be accepted.
        """
        now = self._clock()
        hashed = hashlib.sha256(jti.encode("utf-8", "backslashreplace")).hexdigest()
        with self._database.writing() as connection:
            if self._is_time_to_clear(now):
                connection.execute(delete(USED_TOKENS).where(USED_TOKENS.c.expires_at < now))
            row = {"issuer": issuer, "jti": hashed, "expires_at": until}
            return insert_once(connection, USED_TOKENS, row)

    def _is_time_to_clear(self, now: datetime) -> bool:
        with self._lock:
            if now - self._cleared < _CLEARED_EVERY:
                return False
            self._cleared = now
            return True
