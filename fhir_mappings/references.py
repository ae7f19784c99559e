"""References to resources in one normal form, so that every way to write a reference finds the same resource.

FHIR R4 lets a reference be relative, absolute, with a version, or a URN (2.3.0.1), and Bundle.entry.fullUrl be any of
the last three. URLs compare by RFC 3986, section 6.2.2: the case of the host, the default port, and the encoding of
plain characters make no difference. Nor does the scheme: behind a proxy that ends TLS, a server writes http.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource

T = TypeVar("T")

_HTTP = re.compile("https?://", re.IGNORECASE)
_TYPE = re.compile(r"[A-Z][A-Za-z]+\Z")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]\Z")
_URN = "urn:"
_DEFAULT_PORTS = (None, 80, 443)


class Address(Struct, frozen=True):
    """The target of a reference. `base` is the server as host, port, and path; it is empty for a relative reference.

    `name` is `Type/id`; for a reference of another form (a URN, a fragment, a bare id), all of it.
    """

    base: str
    name: str


_NOWHERE = Address("", "")


def address_of(reference: str) -> Address:
    """Return the target of a reference or of a full URL, without its version."""
    if not reference:
        return _NOWHERE
    text = reference.strip()
    host = ""
    path = text.removeprefix("/")
    if ":" in text:
        if text[:4].lower() == _URN:
            return Address("", text.lower())
        if _HTTP.match(text):
            host, path = _host_and_path(text)
            if not host:
                return Address("", text)
    segments = path.split("/")
    if len(segments) > 2 and segments[-2] == "_history":
        segments = segments[:-2]
    *before, kind, own_id = segments if len(segments) > 1 else ["", ""]
    if not own_id or not _TYPE.match(kind) or (before and not host):
        return Address("", text)
    return Address("/".join([host, *before]).rstrip("/"), f"{kind}/{own_id}")


def urn_of(full_url: str) -> str:
    """Return the URN that a full URL is, in one form; empty for any other one."""
    name = address_of(full_url).name if full_url else ""
    return name if name.startswith(_URN) else ""


def server_of(address: str) -> str:
    """Return the base address of a server as `Address.base` has it; empty if it is not an http address."""
    host, path = _host_and_path(address.strip())
    return f"{host}/{path}".rstrip("/") if host else ""


def _host_and_path(url: str) -> tuple[str, str]:
    """Return host with port, and path without its first slash; two empty strings if a server cannot have the URL."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "", ""
    if parts.scheme.lower() not in ("http", "https") or parts.username is not None or parts.query or parts.fragment:
        return "", ""
    path: list[str] = []
    for segment in _ESCAPE.sub(_decoded, parts.path).split("/")[1:]:
        if segment == "..":
            path = path[:-1]
        elif segment != ".":
            path.append(segment)
    return host if port in _DEFAULT_PORTS else f"{host}:{port}", "/".join(path)


def _decoded(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.match(character) else escape[0].upper()


def addresses(full_url: str, resource: Resource) -> tuple[Address, ...]:
    """Return the addresses of a resource: by its id on the server of its full URL, then by its full URL itself."""
    url = address_of(full_url) if full_url else _NOWHERE
    own_id = resource.get("id")
    if not isinstance(own_id, str) or not own_id:
        return (url,) if url.name else ()
    by_id = Address(url.base, f"{resource.get('resourceType')}/{own_id}")
    return (by_id, url) if url.name else (by_id,)


@dataclass(frozen=True, slots=True)
class ChartServer:
    """The server that a chart comes from, by every address under which it is known; none if `bases` is empty."""

    bases: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def known_as(cls, server_addresses: Iterable[str]) -> "ChartServer":
        """Return the server with these base addresses; those that are not http addresses are ignored."""
        return cls(frozenset(base for address in server_addresses if (base := server_of(address))))

    def sharing_ids_with(self, entries: Collection[Entry]) -> "ChartServer":
        """Return the server with every other base whose ids can be taken for its own.

        A gateway writes full URLs with a base of its own. The entries of a merged chart come from several servers, on
        which one id names different resources: there, one resource type has entries of several bases, or another entry
        of the same id has no full URL. URNs say nothing of a server.
        """
        if not any(url for url, _ in entries):
            return self
        placed = [(address_of(url) if url else _NOWHERE, resource) for url, resource in entries]
        if not any(url.base for url, _ in placed):
            return self
        unplaced = {_name(each): each for url, each in placed if not url.base and not url.name.startswith(_URN)}
        by_type: dict[str, set[str]] = {}
        mixed: set[str] = set()
        for url, resource in placed:
            if base := url.base:
                by_type.setdefault(str(resource.get("resourceType")), set()).add("" if base in self.bases else base)
                if unplaced.get(_name(resource), resource) != resource:
                    mixed.add(base)
        mixed |= {base for bases in by_type.values() if len(bases) > 1 for base in bases}
        return ChartServer(self.bases | ({base for bases in by_type.values() for base in bases} - mixed - {""}))

    def local(self, address: Address) -> Address:
        """Return the address, without base if it is on this server."""
        return Address("", address.name) if address.base in self.bases else address


def _name(resource: Resource) -> tuple[str, str]:
    return str(resource.get("resourceType")), str(resource.get("id"))


class ReferenceIndex(Generic[T]):
    """Values by every reference that may mean their resource.

    On a known server a reference without base, and a resource without full URL, are of that server. If the server is
    unknown, an address without base matches any base as long as only one resource fits, and a bare id matches the only
    resource with that id. Where different resources with URNs as full URLs have one id, an address by id means none of
    them, or the one that has no URN.
    """

    def __init__(self, server: ChartServer | None = None) -> None:
        self._server = server or ChartServer()
        self._values: dict[Address, T] = {}
        self._added: list[tuple[Address, T]] = []
        """Every address with its value, also of those that were replaced."""
        self._by_urn: dict[Address, tuple[T, Resource] | None] = {}
        """What only resources with a URN have claimed, by address; None if they are different ones."""
        self._has_bases = False
        self._alike: _Alike[T] | None = None
        """Those that were added, by parts of their addresses; made when it is first needed."""

    @classmethod
    def of(cls, found: Iterable[Entry]) -> "ReferenceIndex[Entry]":
        """Return the entries of an unknown server, each by its references."""
        index: ReferenceIndex[Entry] = ReferenceIndex()
        for entry in found:
            index.add(*entry, entry)
        return index

    def add(self, full_url: str, resource: Resource, value: T) -> None:
        """Add the value of a resource; it replaces that of a resource with the same address."""
        self._alike = None
        found = addresses(full_url, resource)
        if full_url and found and not found[0].base and urn_of(full_url):
            self._add_by_urn(found, resource, value)
            return
        for address in found:
            local = address
            if address.base:
                local = self._server.local(address)
                self._has_bases = self._has_bases or bool(local.base)
            if self._by_urn:
                self._by_urn.pop(local, None)
            self._values[local] = value
            self._added.append((local, value))

    def _add_by_urn(self, found: Iterable[Address], resource: Resource, value: T) -> None:
        for address in found:
            if address not in self._by_urn:
                if address in self._values:
                    continue
                self._by_urn[address] = value, resource
            claim = self._by_urn[address]
            if claim is None or (claim[0] != value and claim[1] != resource):
                self._by_urn[address] = None
                self._values.pop(address, None)
            else:
                self._values[address] = value
                self._added.append((address, value))

    def find(self, reference: str, base: str = "") -> T | None:
        """Return the value for a reference; `base` is the server of the resource that has it, if another one."""
        address = self._server.local(address_of(reference))
        if not address.base and base:
            address = Address(base, address.name)
        found = self._values.get(address)
        if found is not None or self._server.bases:
            return found
        if not self._has_bases and "/" in address.name:
            # A base, or the type of a bare id, is all that an address can have more than another one of its resource.
            return self._values.get(Address("", address.name)) if address.base else None
        if self._alike is None:
            self._alike = _Alike(each for each in self._added if each[0] in self._values)
        candidates = self._alike.candidates(address)
        return candidates[0] if candidates and all(each == candidates[0] for each in candidates) else None


class _Alike(Generic[T]):
    """Values of an unknown server by name, then by base, and by id."""

    def __init__(self, added: Iterable[tuple[Address, T]]) -> None:
        self._bases: dict[str, dict[str, T]] = {}
        self._by_id: dict[str, list[T]] = {}
        for address, value in added:
            self._bases.setdefault(address.name, {})[address.base] = value
            self._by_id.setdefault(address.name.rpartition("/")[2], []).append(value)

    def candidates(self, address: Address) -> list[T]:
        """Return the values that an address may mean: of any base if it has none, of any type if it is a bare id."""
        alike = self._bases.get(address.name, {})
        if not alike and "/" not in address.name:
            return self._by_id.get(address.name.removeprefix("#"), [])
        if not address.base:
            return list(alike.values())
        return [alike[""]] if "" in alike else []
