"""Why a login does not succeed, in words for the person in front of the page."""

from http import HTTPStatus

_AGAIN = "Sign in again."


class LoginError(Exception):
    """A login that does not succeed: `says` what happened, `to_do` what helps."""

    def __init__(self, status: HTTPStatus, title: str, says: str, to_do: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.says = says
        self.to_do = to_do


def not_started_here(why: str) -> LoginError:
    """Return the error for an answer of the identity provider to a login that this browser did not begin."""
    return LoginError(HTTPStatus.FORBIDDEN, "This login cannot be used", why, _AGAIN)


def declined() -> LoginError:
    """Return the error for a user whom the identity provider did not sign in."""
    return LoginError(
        HTTPStatus.FORBIDDEN,
        "You are not signed in",
        "You, or the identity provider, ended the login.",
        "Sign in again. If it happens again, ask the operator of this service whether you may use it.",
    )


def not_allowed() -> LoginError:
    """Return the error for a user who is signed in, and is not an operator."""
    return LoginError(
        HTTPStatus.FORBIDDEN,
        "You may not open these pages",
        "You are signed in, but you are not among the operators of this service.",
        "Ask the operator of this service to add you (CDS_OPERATOR_VALUES), then sign in again.",
    )


def provider_failed(what: str) -> LoginError:
    """Return the error for an identity provider that does not answer as OpenID Connect asks it to."""
    return LoginError(
        HTTPStatus.BAD_GATEWAY,
        "The identity provider did not answer as expected",
        what,
        "Try again. If it happens again, tell the operator of this service what this page says.",
    )


def not_verified(what: str) -> LoginError:
    """Return the error for an ID token that does not prove who signed in."""
    return LoginError(HTTPStatus.FORBIDDEN, "The login cannot be verified", what, _AGAIN)


def sessions_unavailable() -> LoginError:
    """Return the error for a database that cannot say now who is signed in."""
    return LoginError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service cannot read now who is signed in",
        "Its database does not answer, so nothing was done.",
        "Try again in a moment.",
    )
