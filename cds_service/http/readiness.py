"""Readiness checks: the database, the policies, and the keys of clients.

The responses are public, so they name no client, address, or secret.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cds_service.clients.authenticator import Authenticator
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import SchemaState, state
from cds_service.records.write_probe import try_write


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether one thing that calls need is ready, and details for the answer."""

    is_ready: bool
    says: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the readiness as the answer holds it."""
        return {"ready": self.is_ready, **self.says}


class Check(Protocol):
    """A readiness check; `name` is its name in the answer."""

    name: str

    def __call__(self) -> Readiness:
        """Return the condition now. Never raises."""


class DatabaseReady:
    """The check that the database is readable, has a schema that fits this version, and took the last write.

    After a failed write the check tries one itself, because a service that is not ready gets no calls that would.
    """

    name = "database"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing = threading.Lock()

    def __call__(self) -> Readiness:
        """Query the database, with the same time limit as calls."""
        try:
            found = state(self._database)
            if not found.is_usable:
                return Readiness(False, {"reason": f"the schema is {found.value}"})
        except UnavailableError as error:
            return Readiness(False, {"reason": str(error)})
        if self._database.write_failure:
            self._try_write()
        failure = self._database.write_failure
        if failure:
            return Readiness(False, {"reason": f"the last write failed: {failure}"})
        return Readiness(True, {"schema": "newer"} if found is SchemaState.NEWER else {})

    def _try_write(self) -> None:
        """Write unless another check is doing so: anyone can ask, and each try may wait for a lock."""
        if self._writing.acquire(blocking=False):
            try:
                with suppress(UnavailableError):
                    try_write(self._database)
            finally:
                self._writing.release()


class PoliciesReady:
    """The check that policy revisions are loaded; `since` is the time of the load."""

    name = "policies"

    def __init__(self, revisions: int, since: datetime) -> None:
        self._revisions = revisions
        self._since = since

    def __call__(self) -> Readiness:
        """Report the number of revisions and the time of the load."""
        since = self._since.isoformat(timespec="seconds")
        return Readiness(self._revisions > 0, {"revisions": self._revisions, "since": since})


class KeysReady:
    """The check that the keys of at least one client are usable.

    One key server that is down must not take the service away from all other clients. The check also starts fetching
    keys that are missing or old, because a service that is not ready gets no calls that would.
    """

    name = "keys"

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    def __call__(self) -> Readiness:
        """Count the clients by key status; give the age of the oldest keys in seconds."""
        self._authenticator.warm_up()
        statuses = self._authenticator.key_statuses()
        ages = [each.age_seconds for each in statuses if each.age_seconds is not None]
        says: dict[str, object] = {
            "clients": len(statuses),
            "without_keys": sum(not each.is_usable for each in statuses),
            "stale": sum(each.is_usable and each.is_stale for each in statuses),
        }
        if ages:
            says["oldest_read_seconds_ago"] = round(max(ages))
        return Readiness(any(each.is_usable for each in statuses), says)
