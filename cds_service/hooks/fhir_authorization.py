"""The access token of a call, read leniently: what is wrong with it costs the token or nothing, never the call."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict, Field

from cds_service.hooks.wire import WireModel
from fhir_mappings.fhir_json import Json

_TOKEN = re.compile(r"[!-~]+\Z")
_TYPE = "Bearer"
_SECONDS = re.compile(r"\s*-?\d{1,12}(?:\.\d{1,9})?\s*\Z", re.ASCII)


class FhirAuthorization(WireModel):
    """The token that the FHIR server of a call takes."""

    model_config = ConfigDict(
        json_schema_extra={"required": ["access_token", "token_type", "expires_in", "scope", "subject"]}
    )

    access_token: Any = Field(
        None,
        description="Send the OAuth 2.0 access token in printable ASCII characters.",
        json_schema_extra={"type": "string"},
    )
    token_type: Any = Field(None, description="Send Bearer.", json_schema_extra={"type": "string"})
    expires_in: Any = Field(
        None, description="Send the lifetime of the token in whole seconds.", json_schema_extra={"type": "integer"}
    )
    scope: Any = Field(
        None,
        description="Send the SMART scopes of the token, separated by spaces.",
        json_schema_extra={"type": "string"},
    )
    subject: Any = Field(
        None,
        description="Send the client id of this service at the authorization server.",
        json_schema_extra={"type": "string"},
    )


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The access token of a call, and its lifetime in seconds, infinite where that is not known.

    `token` is empty if it cannot be used, and `fault` says why. `deviations` are what is not as CDS Hooks wants it.
    Neither quotes a value.
    """

    token: str
    expires_in: float
    fault: str
    deviations: tuple[str, ...]

    def __repr__(self) -> str:
        return "AccessToken()"


def read_token(sent: FhirAuthorization) -> AccessToken:
    """Return the token in an authorization. Never raises."""
    token = sent.access_token.strip() if isinstance(sent.access_token, str) else sent.access_token
    fault = _fault(token, sent.token_type)
    lifetime = _seconds(sent.expires_in)
    return AccessToken(
        token="" if fault else str(token),
        expires_in=math.inf if lifetime is None else lifetime,
        fault=fault,
        deviations=tuple(_deviations(sent, fault)),
    )


def _fault(token: Json, token_type: Json) -> str:
    """Return why a token cannot be used; empty if it can."""
    if token is None or token == "":
        return "access_token is missing or empty"
    if not isinstance(token, str) or not _TOKEN.match(token):
        return "access_token is not a string of printable ASCII characters"
    kind = token_type.strip() if isinstance(token_type, str) else token_type
    if kind is None or (isinstance(kind, str) and kind.casefold() == _TYPE.casefold()):
        return ""
    return f"token_type is not {_TYPE}"


def _seconds(lifetime: Json) -> float | None:
    """Return a lifetime in seconds, written as a number or as text; None if it is missing or something else."""
    if isinstance(lifetime, str) and _SECONDS.match(lifetime):
        return float(lifetime)
    is_number = isinstance(lifetime, int | float | Decimal) and not isinstance(lifetime, bool)
    return _as_float(lifetime) if is_number else None


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else 0.0


def _deviations(sent: FhirAuthorization, fault: str) -> Iterator[str]:
    if fault:
        yield fault
    if sent.token_type not in (None, _TYPE) and "token_type" not in fault:
        yield f"token_type is not written {_TYPE}"
    if sent.expires_in is not None and (isinstance(sent.expires_in, bool) or not isinstance(sent.expires_in, int)):
        yield "expires_in is not a whole number"
    for name in ("token_type", "expires_in", "scope", "subject"):
        if getattr(sent, name) is None:
            yield f"{name} is missing"
