"""What is kept of a login: the secrets until the identity provider sends the browser back, then who signed in."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cds_service.clients.authorization_proof import Proof
from cds_service.cookie_sessions import CookieSessions, SealedSessions
from cds_service.login.provider import Endpoints

LIFETIME = timedelta(hours=8)
"""How long an operator stays signed in."""
LOGIN_LIFETIME = timedelta(minutes=10)
"""How long a user may take to sign in. Anyone can begin a login, and each one stores a row."""


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A login until the identity provider sends the browser back. `back` is the page that was asked for."""

    proof: Proof
    endpoints: Endpoints
    back: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Who may open the pages for operators; everything is empty where nobody has to sign in.

    `name` is for the page, `subject` the provider's own id of the user (`sub`), for the log, and `sign_out_at` where
    the user signs out of the provider; it may be empty.
    """

    name: str = ""
    subject: str = ""
    sign_out_at: str = ""


class LoginSessions:
    """Keeps pending logins and signed-in operators. The cookie of each is its id and its key."""

    def __init__(self, store: SealedSessions, clock: Callable[[], datetime]) -> None:
        self._pending = CookieSessions(store, clock, "login")
        self._operators = CookieSessions(store, clock, "operator")

    def begin(self, pending: PendingLogin) -> str:
        """Keep a new login, and return its cookie."""
        return self._pending.begin(asdict(pending), LOGIN_LIFETIME)

    def take(self, cookie: str) -> PendingLogin | None:
        """Return the pending login of a cookie, and end it; None if it is over, or was taken before."""
        said = self._pending.find(cookie)
        if said is None or not self._pending.end(cookie):
            return None
        endpoints = Endpoints(**{**said["endpoints"], "scopes": tuple(said["endpoints"]["scopes"])})
        return PendingLogin(Proof(**said["proof"]), endpoints, said["back"])

    def sign_in(self, operator: Operator) -> str:
        """Keep the session of an operator, and return its cookie."""
        return self._operators.begin(asdict(operator), LIFETIME)

    def operator(self, cookie: str) -> Operator | None:
        """Return the operator of a cookie; None if the session is over, or is none of ours."""
        said = self._operators.find(cookie)
        return None if said is None else Operator(**said)

    def sign_out(self, cookie: str) -> None:
        """End the session of an operator, if there is one."""
        self._operators.end(cookie)
