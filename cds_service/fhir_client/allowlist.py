"""The allowlist of FHIR servers: the registered ones, or public ones if the operator registered none."""

import re
from collections.abc import Sequence
from enum import Enum
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class ServerTrust(Enum):
    """How far the service trusts the FHIR server of a call."""

    NAMED = "named"
    """Registered by its full address; may be in a private network."""
    PUBLIC = "public"
    """Matches a registered pattern, or no servers are registered; public addresses only."""
    NOT_REGISTERED = "not registered"
    """Other servers are registered, this one is not."""
    UNPROTECTED = "token over plain http"
    """Not registered, and the token would be sent unencrypted."""


def trust_of(address: str, token: str, registered: Sequence[str] | None) -> ServerTrust:
    """Return how far to trust a server.

    `registered` is None if no list of servers was configured; an empty list allows no server.
    """
    try:
        origin, path = _parts(address)
    except ValueError:
        return ServerTrust.NOT_REGISTERED
    if registered is None:
        scheme, host, _ = origin
        exposes_token = scheme == "http" and token and host not in _LOOPBACK_HOSTS
        return ServerTrust.UNPROTECTED if exposes_token else ServerTrust.PUBLIC
    if any("*" not in server and _parts(server) == (origin, path) for server in registered):
        return ServerTrust.NAMED
    if any("*" in server and _matches(server, origin, path) for server in registered):
        return ServerTrust.PUBLIC
    return ServerTrust.NOT_REGISTERED


def origin_of(address: str) -> str:
    """Return scheme, host, and port of an address, which hold no patient data; empty if it is not an address."""
    try:
        (scheme, host, port), _ = _parts(address)
    except ValueError:
        return ""
    return f"{scheme}://{host}:{port}"


_Origin = tuple[str, str, int]


def _parts(address: str) -> tuple[_Origin, str]:
    """Return the origin and the path; raise ValueError for `.` or `..` in the path or an invalid address."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    segments = unquote(path).replace("\\", "/").split("/")
    if not parts.hostname or parts.scheme not in _PORTS or "." in segments or ".." in segments:
        raise ValueError("not the address of a server")
    return (parts.scheme, parts.hostname.rstrip("."), parts.port or _PORTS[parts.scheme]), path


def _matches(pattern: str, origin: _Origin, path: str) -> bool:
    (scheme, host, port), path_pattern = _parts(pattern)
    return (
        (scheme, port) == (origin[0], origin[2])
        and _matches_wildcard(host, origin[1], "[^/.]+")
        and _matches_wildcard(path_pattern, path, "[^/]+")
    )


def _matches_wildcard(pattern: str, text: str, any_part: str) -> bool:
    return re.fullmatch(any_part.join(re.escape(part) for part in pattern.split("*")), text) is not None
