"""Which of the users that the identity provider signs in are operators."""

from collections.abc import Mapping, Sequence
from typing import Any


def is_allowed(claims: Mapping[str, Any], claim: str, values: Sequence[str]) -> bool:
    """Return whether a claim has one of these values; without values, every user is allowed.

    The claim is a string or a list of strings. A value that starts with @ is a domain: of an e-mail address that the
    identity provider has verified.
    """
    if not values:
        return True
    stated = claims.get(claim)
    found = [each for each in (stated if isinstance(stated, list) else [stated]) if isinstance(each, str)]
    is_verified = claims.get("email_verified") is True
    return any(_fits(each, value, is_verified=is_verified) for each in found for value in values)


def _fits(stated: str, value: str, *, is_verified: bool) -> bool:
    if value.startswith("@"):
        return is_verified and stated.count("@") == 1 and stated.casefold().endswith(value.casefold())
    return stated == value
