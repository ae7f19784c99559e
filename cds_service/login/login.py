"""The login of operators: from the page that was asked for, to the identity provider, and back."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]

from cds_service.clients.authorization_proof import Proof
from cds_service.login.allowed import is_allowed
from cds_service.login.errors import declined, not_allowed, not_started_here, provider_failed
from cds_service.login.provider import Provider
from cds_service.login.sessions import LoginSessions, Operator, PendingLogin

PATH = "/login"
CALLBACK = f"{PATH}/callback"
HOME = "/sandbox"
"""The page after a login for which none was asked for."""
_DECLINED = ("access_denied", "login_required", "consent_required", "interaction_required")
_OWN_PAGE = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}\Z")
"""A path of this service, with its query: no scheme, no host, and no backslash, which browsers read as a slash."""
_NAMES = ("name", "preferred_username", "email", "sub")
_LONGEST_NAME = 100


def own_page(address: str) -> str:
    """Return the address if it is a path of this service, else that of the first page."""
    return address if _OWN_PAGE.match(address) else HOME


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login that succeeded: who signed in, the cookie of the session, and the page that was asked for."""

    operator: Operator
    cookie: str
    back: str


class Login:
    """Signs operators in and out. `values` are those of the claim that operators have; if empty, every user is one."""

    def __init__(self, provider: Provider, sessions: LoginSessions, values: Sequence[str]) -> None:
        self._provider = provider
        self._sessions = sessions
        self._values = values

    def begin(self, back: str) -> tuple[str, str]:
        """Return where to send the browser to sign in, and the cookie of this login. Raise LoginError.

        `back` is the page that was asked for; any address that is not a path of this service counts as none.
        """
        endpoints, proof = self._provider.endpoints(), Proof.random()
        address = self._provider.authorization_address(endpoints, proof)
        return address, self._sessions.begin(PendingLogin(proof, endpoints, own_page(back)))

    def complete(self, cookie: str, *, state: str, code: str, error: str, iss: str) -> SignedIn:
        """Exchange the code that the identity provider sent, and keep the session of the operator. Raise LoginError.

        The login ends with this call, whatever comes of it: a `state` works once. `iss` is empty if the provider does
        not name itself (RFC 9207).
        """
        pending = self._sessions.take(cookie)
        if pending is None:
            raise not_started_here("There is no open login in this browser: it took too long, or it is over.")
        if not secrets.compare_digest(state.encode(), pending.proof.state.encode()):
            raise not_started_here("The identity provider sent you back with the state of another login.")
        if iss and iss != self._provider.registration.issuer:
            raise not_started_here("Another identity provider sent you back.")
        if error in _DECLINED:
            raise declined()
        if error or not code:
            raise provider_failed("It sent you back without an authorization code.")
        claims = self._provider.claims(pending.endpoints, pending.proof, code)
        if not is_allowed(claims, self._provider.registration.claim, self._values):
            raise not_allowed()
        operator = Operator(_name(claims), str(claims["sub"])[:_LONGEST_NAME], pending.endpoints.end)
        return SignedIn(operator, self._sessions.sign_in(operator), pending.back)

    def operator(self, cookie: str) -> Operator | None:
        """Return the operator with this cookie; None if nobody is signed in. Raise UnavailableError."""
        return self._sessions.operator(cookie)

    def sign_out(self, cookie: str) -> str:
        """End the session of a cookie, and return where the user signs out of the identity provider.

        That is empty if there was no session, or if the provider names no such address.
        """
        operator = self._sessions.operator(cookie)
        self._sessions.sign_out(cookie)
        if operator is None or not operator.sign_out_at:
            return ""
        return str(add_params_to_uri(operator.sign_out_at, [("client_id", self._provider.registration.client_id)]))


def _name(claims: Mapping[str, Any]) -> str:
    """Return how the page greets an operator."""
    found = (claims.get(name) for name in _NAMES)
    return next((each[:_LONGEST_NAME] for each in found if isinstance(each, str) and each), "")
