"""What the checks of one run share: the server under test, the EHR beside it, and what earlier checks found."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from cds_service.selfcheck.cases import Case
from cds_service.selfcheck.credentials import Credentials
from cds_service.selfcheck.loopback_ehr import LoopbackEhr
from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.web import Answer, Json, Web

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The server under test: the base address of its CDS Hooks services and, empty if unknown, of its forms (DTR).

    `credentials` are None for a server that asks for no tokens. `value_set` is a canonical to expand; it may be empty.
    """

    url: str
    credentials: Credentials | None = None
    dtr_url: str = ""
    value_set: str = ""


class Session:
    """One run of the self-check. `has_samples` means that its orders are those that it comes with."""

    def __init__(
        self, target: Target, web: Web, ehr: LoopbackEhr, cases: Sequence[Case], *, has_samples: bool = True
    ) -> None:
        self.target = target
        self.web = web
        self.ehr = ehr
        self.cases = tuple(cases)
        self.has_samples = has_samples
        self._kept: dict[object, tuple[Any, Exception | None]] = {}
        self._secrets = {ehr.token}
        self.user = self._new_user()

    def _new_user(self) -> str:
        """Return the reference to a user of this run alone, whose feedback hides no card from another run."""
        own_id = f"self-check-{secrets.token_hex(6)}"
        user = {"resourceType": "Practitioner", "id": own_id, "active": True, "name": [{"family": "Self-check"}]}
        self.ehr.charts.write(self.ehr.base, user, updated=datetime.now(UTC).isoformat(timespec="seconds"))
        return f"Practitioner/{own_id}"

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Return what `make` returned when it was first asked for.

        What failed then has failed for one check; all later ones cannot be tried.
        """
        if key in self._kept:
            value, error = self._kept[key]
            if error is not None:
                raise NotTriedError(
                    str(error) if isinstance(error, NotTriedError) else f"an earlier check failed: {error}"
                )
            found: T = value
            return found
        try:
            made = make()
        except (FailedError, NotTriedError) as error:
            self._kept[key] = None, error
            raise
        self._kept[key] = made, None
        return made

    @property
    def credentials(self) -> Credentials:
        """Return the credentials of the run. Raise NotTriedError without any."""
        if self.target.credentials is None:
            raise NotTriedError("no key was given; give one with --key if the server asks for tokens")
        return self.target.credentials

    def address(self, service_id: str = "", end: str = "") -> str:
        """Return the address of discovery, of a service, or of what is below it."""
        return f"{self.target.url}/cds-services{f'/{service_id}' if service_id else ''}{end}"

    def secret(self, token: str) -> str:
        """Return a token, after noting that no report may show it."""
        self._secrets.add(token)
        return token

    def without_secrets(self, text: str) -> str:
        """Return a text without the tokens of this run."""
        for each in self._secrets:
            text = text.replace(each, "[token]")
        return text

    def token_for(self, address: str) -> str:
        """Return a new token of CDS Hooks for an address; empty if the server asks for none."""
        found = self.target.credentials
        return self.secret(found.token(address)) if found else ""

    def get(self, address: str, **members: Any) -> Answer:
        """Return the answer to a GET with a token of CDS Hooks."""
        return self.web.send("GET", address, token=self.token_for(address), **members)

    def post(self, address: str, body: Json = None, **members: Any) -> Answer:
        """Return the answer to a POST with a token of CDS Hooks."""
        return self.web.send("POST", address, token=self.token_for(address), body=body, **members)
