"""Which FHIR servers may be read: those that are registered, or, where nobody registered any, public ones."""

import re
from collections.abc import Sequence
from enum import Enum
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


class ServerTrust(Enum):
    """What is known of the server that a call names."""

    NAMED = "named"
    """Registered by its full address: it may lie in a private network."""
    PUBLIC = "public"
    """It matches a pattern, or nobody registered any server: only public addresses."""
    NOT_REGISTERED = "not registered"
    """Others are registered, this one is not."""
    UNPROTECTED = "token over plain http"
    """Nobody registered it, and a token would travel where everyone can read it."""


def standing(address: str, token: str, registered: Sequence[str] | None) -> ServerTrust:
    """Whether a server may be read. `registered` is None where nobody registered any, which is not the same as none."""
    try:
        origin, path = _parts(address)
    except ValueError:
        return ServerTrust.NOT_REGISTERED
    if registered is None:
        scheme, host, _ = origin
        is_open = scheme == "http" and token and host not in _OWN_MACHINE
        return ServerTrust.UNPROTECTED if is_open else ServerTrust.PUBLIC
    if any("*" not in server and _parts(server) == (origin, path) for server in registered):
        return ServerTrust.NAMED
    if any("*" in server and _matches(server, origin, path) for server in registered):
        return ServerTrust.PUBLIC
    return ServerTrust.NOT_REGISTERED


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, which tell nothing of a patient; empty for what is no address."""
    try:
        (scheme, host, port), _ = _parts(address)
    except ValueError:
        return ""
    return f"{scheme}://{host}:{port}"


_Origin = tuple[str, str, int]


def _parts(address: str) -> tuple[_Origin, str]:
    """Scheme, host, port and path; ValueError for a path that climbs, or for what is no address."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    segments = unquote(path).replace("\\", "/").split("/")
    if not parts.hostname or parts.scheme not in _PORTS or "." in segments or ".." in segments:
        raise ValueError("no address of a server")
    return (parts.scheme, parts.hostname.rstrip("."), parts.port or _PORTS[parts.scheme]), path


def _matches(pattern: str, origin: _Origin, path: str) -> bool:
    (scheme, host, port), wanted = _parts(pattern)
    return (
        (scheme, port) == (origin[0], origin[2]) and _fits(host, origin[1], "[^/.]+") and _fits(wanted, path, "[^/]+")
    )


def _fits(pattern: str, text: str, any_part: str) -> bool:
    return re.fullmatch(any_part.join(re.escape(part) for part in pattern.split("*")), text) is not None
