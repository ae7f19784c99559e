"""What must hold for the service to answer calls: the database, the policies, and the keys of clients.

The answers are open to everyone who reaches the service, so they name no client, no address, and no secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cds_service.clients.authenticator import Authenticator
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import SchemaState, state


@dataclass(frozen=True, slots=True)
class Condition:
    """How one thing stands that calls need, and what is to be said of it."""

    is_ready: bool
    says: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The condition as it stands in the answer."""
        return {"ready": self.is_ready, **self.says}


class Check(Protocol):
    """Looks at one thing that calls need, when asked. `name` is what it is called in the answer."""

    name: str

    def __call__(self) -> Condition:
        """How it stands now. Does not raise."""


class DatabaseReady:
    """The database can be read and its schema is that of this version."""

    name = "database"

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self) -> Condition:
        """Asks the database, for as long as calls would wait for it."""
        try:
            found = state(self._database)
        except UnavailableError as error:
            return Condition(False, {"reason": str(error)})
        if found is SchemaState.CURRENT:
            return Condition(True)
        return Condition(False, {"reason": f"the schema is {found.value}"})


class PoliciesReady:
    """Policy texts are loaded, so many, since a moment."""

    name = "policies"

    def __init__(self, texts: int, since: datetime) -> None:
        self._texts = texts
        self._since = since

    def __call__(self) -> Condition:
        """Counts; nothing is read again."""
        since = self._since.isoformat(timespec="seconds")
        return Condition(self._texts > 0, {"texts": self._texts, "since": since})


class KeysReady:
    """The keys of clients are at hand.

    One client whose key server is down is no reason to answer nobody; having the keys of no client at all is. Asking
    also begins reading keys that are missing or old: a service that is not ready gets no calls that would.
    """

    name = "keys"

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    def __call__(self) -> Condition:
        """Says how old the oldest keys are, in seconds since they were read."""
        self._authenticator.warm_up()
        standing = self._authenticator.key_statuses()
        ages = [each.age_seconds for each in standing if each.age_seconds is not None]
        says: dict[str, object] = {
            "clients": len(standing),
            "without_keys": sum(not each.is_usable for each in standing),
            "stale": sum(each.is_usable and each.is_stale for each in standing),
        }
        if ages:
            says["oldest_read_seconds_ago"] = round(max(ages))
        return Condition(any(each.is_usable for each in standing), says)
