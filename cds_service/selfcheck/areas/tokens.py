"""The tokens of clients (CDS Hooks 2.0.1, Trusting CDS Clients)."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from cds_service.selfcheck.areas.calls import AREA as CALLS
from cds_service.selfcheck.areas.calls import expect_cards
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.credentials import symmetric, tampered, unsigned
from cds_service.selfcheck.hook_requests import hook_body, usable_service
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.services import a_service, services_of_hooks
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_TRUST = "CDS Hooks 2.0.1, Trusting CDS Clients"
_JWT = "RFC 7519"
_PAST, _AHEAD = 7200, 7200
"""More seconds than clocks may differ by."""


def _not_offered(session: Session) -> str:
    if session.target.credentials is None:
        return "no key was given (--key), so the server was taken for one that asks for no tokens"
    return CALLS.not_offered(session)


AREA = Area("tokens", "CDS Hooks: tokens of clients", _not_offered)


def _called(session: Session, token: str) -> Answer:
    """Return the answer to a right call with a token; empty for none."""
    service, case = usable_service(session)
    body = hook_body(session, service, case)
    return session.web.send(
        "POST", session.address(service.id), token=session.secret(token) if token else "", body=body
    )


def _made(session: Session, claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
    return session.credentials.token(session.address(a_service(session).id), claims, header)


def _refused(session: Session, what: str, token: str) -> Answer:
    answer = _called(session, token)
    expect(answer.is_client_error, f"a call with {what} is answered {answer.status}", "It is refused, with 401.")
    return answer


@AREA.check("accepted", Level.SHALL, _TRUST, "A call with a token as the standard describes it is answered.")
def _accepted(session: Session) -> str:
    _expect_accepted(session)
    return session.credentials.algorithm


def _expect_accepted(session: Session) -> None:
    """Expect that a call with a right token is answered: else a refusal of any other says nothing."""

    def make() -> None:
        expect_cards(_called(session, _made(session)), "a call with a token")

    session.once("a right token", make)


def _needs_tokens(session: Session) -> Answer:
    _expect_accepted(session)
    return session.once("without a token", lambda: _refused(session, "no token", ""))


@AREA.check("missing", Level.SHALL, _TRUST, "A call without a token is refused.")
def _missing(session: Session) -> str:
    return str(_needs_tokens(session).status)


@AREA.check("malformed", Level.SHALL, _JWT, "A call with something else than a token is refused.")
def _malformed(session: Session) -> str:
    _needs_tokens(session)
    return str(_refused(session, "a token that is no JWT", "not.a.token").status)


@AREA.check("expired", Level.SHALL, f"{_JWT}, exp", "A token that has expired is refused.")
def _expired(session: Session) -> str:
    _needs_tokens(session)
    now = int(time.time())
    token = _made(session, {"iat": now - _PAST - 300, "exp": now - _PAST})
    return str(_refused(session, "an expired token", token).status)


@AREA.check("audience", Level.SHALL, f"{_JWT}, aud", "A token for another address is refused.")
def _audience(session: Session) -> str:
    _needs_tokens(session)
    token = session.credentials.token("https://another.example.org/cds-services/another")
    return str(_refused(session, "a token for another address", token).status)


@AREA.check(
    "audience-list", Level.SHALL, f"{_TRUST}: aud is a string or an array", "aud may be an array with the address."
)
def _audience_list(session: Session) -> str:
    _expect_accepted(session)
    address = session.address(a_service(session).id)
    expect_cards(_called(session, session.credentials.token([address])), "a call whose token has aud as an array")
    return "answered"


@AREA.check("issuer", Level.SHOULD, _TRUST, "A token of an issuer that is not registered is refused.")
def _issuer(session: Session) -> str:
    _needs_tokens(session)
    address = session.address(a_service(session).id)
    token = session.credentials.token(address, issuer="https://unregistered.example.org/self-check")
    return str(_refused(session, "a token of another issuer", token).status)


@AREA.check("signature", Level.SHALL, "RFC 7515, 5.2", "A token whose claims were changed after signing is refused.")
def _signature(session: Session) -> str:
    _needs_tokens(session)
    return str(_refused(session, "a tampered token", tampered(_made(session))).status)


@AREA.check("foreign-key", Level.SHALL, "RFC 7515, 5.2", "A token that another key has signed is refused.")
def _foreign_key(session: Session) -> str:
    _needs_tokens(session)
    address = session.address(a_service(session).id)
    token = session.credentials.token(address, key=session.credentials.foreign_key())
    return str(_refused(session, "a token of another key", token).status)


@AREA.check("key-id", Level.SHALL, _TRUST, "A token that names no key, or one that is not registered, is refused.")
def _key_id(session: Session) -> str:
    _needs_tokens(session)
    _refused(session, "a token without kid", _made(session, header={"kid": None}))
    return str(
        _refused(session, "a token with an unknown kid", _made(session, header={"kid": str(uuid.uuid4())})).status
    )


def _lacks(claim: str) -> Callable[[Session], str]:
    def run(session: Session) -> str:
        _needs_tokens(session)
        return str(_refused(session, f"a token without {claim}", _made(session, {claim: None})).status)

    return run


for _claim in ("iss", "aud", "exp", "iat", "jti"):
    AREA.check(
        f"without-{_claim}", Level.SHALL, f"{_TRUST}: {_claim} is required", f"A token without {_claim} is refused."
    )(_lacks(_claim))


@AREA.check("unsigned", Level.SHALL, _TRUST, "A token with the algorithm none is refused.")
def _unsigned(session: Session) -> str:
    _needs_tokens(session)
    return str(_refused(session, "an unsigned token", unsigned(_made(session))).status)


@AREA.check(
    "symmetric", Level.SHALL, _TRUST, "A token that is signed by HMAC, with the public key as secret, is refused."
)
def _symmetric(session: Session) -> str:
    _needs_tokens(session)
    token = symmetric(_made(session), session.credentials.key)
    return str(_refused(session, "a token signed by HMAC", token).status)


@AREA.check("future", Level.ADVICE, _TRUST, "A token that was issued in the future is refused.")
def _future(session: Session) -> str:
    _needs_tokens(session)
    now = int(time.time())
    token = _made(session, {"iat": now + _AHEAD, "exp": now + _AHEAD + 300})
    return str(_refused(session, "a token of the future", token).status)


@AREA.check("replayed", Level.SHOULD, f"{_TRUST}: jti", "A token that was used before is refused.")
def _replayed(session: Session) -> str:
    _needs_tokens(session)
    token = _made(session)
    first = _called(session, token)
    if not first.is_success:
        raise NotTriedError(f"the first use of the token was answered {first.status}")
    return str(_refused(session, "a token that was used before", token).status)


@AREA.check("discovery", Level.SHOULD, _TRUST, "Discovery is refused without a token, too.")
def _discovery(session: Session) -> str:
    _needs_tokens(session)
    found = session.web.send("GET", session.address())
    expect(found.is_client_error, f"it is answered {found.status}")
    return str(found.status)


@AREA.check("feedback", Level.SHOULD, _TRUST, "Feedback is refused without a token, too.")
def _feedback(session: Session) -> str:
    _needs_tokens(session)
    service = services_of_hooks(session, a_service(session).hook)[0]
    found = session.web.send("POST", session.address(service.id, "/feedback"), body={"feedback": []})
    expect(found.is_client_error, f"it is answered {found.status}")
    return str(found.status)


@AREA.check(
    "status", Level.ADVICE, "CDS Hooks best practices", "The status is 401, and the answer does not explain it."
)
def _status(session: Session) -> str:
    found = _needs_tokens(session)
    expect(found.status == 401, f"a call without a token is answered {found.status}")
    expired = int(time.time()) - _PAST
    refused = _called(session, _made(session, {"iat": expired - 300, "exp": expired}))
    explains = refused.is_client_error and b"exp" in refused.body.lower()
    expect(not explains, "the answer to an expired token says that it has expired")
    return "401"
