"""Connections to FHIR servers: only to addresses that were checked, and with an end to every answer.

A name is resolved once per connection, every address it has is checked, and the connection goes to a checked address
while Host, SNI and the certificate keep the name: a name that resolves otherwise a moment later leads nowhere else.
"""

import io
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]

LOOPBACK = IPv4Network("127.0.0.0/8")
"""This machine."""

_NAT64 = IPv6Network("64:ff9b::/96")
_CARRIER = IPv4Network("100.64.0.0/10")


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system knows them; OSError where it knows none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressRefusedError(NewConnectionError):
    """A host with an address that this service does not connect to."""


class GuardedConnector:
    """Opens connections to hosts whose every address is allowed.

    A public address is; one of `allowed` is; with `private` so is any address of a private network or this machine.
    Link-local, multicast and unspecified ones are only where `allowed` holds them.
    """

    def __init__(self, *, private: bool, allowed: Iterable[Network], resolver: Resolver = resolve) -> None:
        self._private = private
        self._allowed = tuple(allowed)
        self._resolver = resolver

    def dial(self, connection: HTTPConnection, host: str) -> socket.socket:
        """A socket connected to a host, for this connection; raises what urllib3 raises where there is none."""
        port = connection.port or connection.default_port
        try:
            addresses = self._resolver(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
        if not addresses or not all(self.permits(address) for address in addresses):
            raise AddressRefusedError(connection, "an address that is not allowed")
        return self._connect(connection, addresses, port)

    def permits(self, text: str) -> bool:
        """Whether an address, as a resolver gives it, is one to connect to."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return all(self._permits(one) for one in (address, *_within(address)))

    def _permits(self, address: Address) -> bool:
        if any(address in network for network in self._allowed if network.version == address.version):
            return True
        if address.is_multicast or address.is_unspecified or address.is_link_local:
            return False
        if isinstance(address, IPv6Address) and _within(address):
            return True
        return address.is_global or (self._private and (address.is_private or address in _CARRIER))

    def _connect(self, connection: HTTPConnection, addresses: Sequence[str], port: int) -> socket.socket:
        timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
        end = None if timeout is None else time.monotonic() + timeout
        failure: OSError | None = None
        for address in addresses:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            try:
                sock = socket.create_connection((address, port), left)
            except TimeoutError as error:
                failure = error
                break
            except OSError as error:
                failure = error
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        if failure is None or isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(connection, "connecting took too long") from failure
        raise NewConnectionError(connection, "no address answers") from failure


def _within(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, translated or tunneled to."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(one for one in found if one is not None)


class _Timed(io.RawIOBase):
    """A socket's bytes until a moment: whoever sends one byte at a time does not gain more."""

    def __init__(self, source: Any, sock: socket.socket, end: float) -> None:
        self._source = source
        self._socket = sock
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(left)
        found: int | None = self._source.readinto(buffer)
        return found

    def close(self) -> None:
        self._source.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """An answer that must be whole, headers and body, within the time-out that its socket has at the start."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        if timeout is not None:
            buffered = self.fp
            self.fp = io.BufferedReader(_Timed(buffered.detach(), sock, time.monotonic() + timeout))


class CheckedAdapter(HTTPAdapter):
    """A pool of connections that all went through one dialer."""

    def __init__(self, dialer: GuardedConnector, *, size: int) -> None:
        self._dialer = dialer
        super().__init__(pool_maxsize=size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **members: Any) -> None:
        """Make the pool manager; its pools connect through the dialer."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **members)
        self.poolmanager.pool_classes_by_scheme = _pools(self._dialer)

    def proxy_manager_for(self, proxy: str, **members: Any) -> Any:  # noqa: ARG002
        """Nothing: a proxy would resolve the name a second time."""
        raise ValueError("FHIR servers are not read through a proxy")


def _pools(dialer: GuardedConnector) -> dict[str, Any]:
    class Plain(HTTPConnection):
        response_class = _TimedResponse

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, self._dns_host)

    class Protected(HTTPSConnection):
        response_class = _TimedResponse

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, self._dns_host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class ProtectedPool(HTTPSConnectionPool):
        ConnectionCls = Protected

    return {"http": PlainPool, "https": ProtectedPool}
