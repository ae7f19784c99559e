"""Connections to FHIR servers: only to checked addresses, and with a time limit on every response.

Each connection resolves its host name once, checks every address, and dials a checked address. The Host header, SNI,
and certificate check keep the name, so a name that resolves differently a moment later (DNS rebinding) has no effect.
"""

import io
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
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
"""The addresses of this machine."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_IPV4_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_WITHOUT_SERVERS = tuple(map(ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20")))
"""Of protocols, local NAT64, and documentation (IANA's registries of special-purpose addresses). Versions of Python
differ on whether they are public, private, or neither."""
_CARRIER_GRADE_NAT = IPv4Network("100.64.0.0/10")


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host from the system resolver; raise OSError if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressRefusedError(NewConnectionError):
    """A host has an address that this service does not connect to."""


class GuardedConnector:
    """A dialer for hosts whose addresses are all allowed.

    Public addresses and the `allowed` networks are. With `private`, so is every address of a private network or of
    this machine. Link-local, multicast, and unspecified addresses need an entry in `allowed`.
    """

    def __init__(self, *, private: bool, allowed: Iterable[Network], resolver: Resolver = resolve) -> None:
        self._private = private
        self._allowed = tuple(allowed)
        self._resolver = resolver

    def dial(self, connection: HTTPConnection, host: str) -> socket.socket:
        """Return a socket connected to the host; raise urllib3's exceptions if that fails."""
        port = connection.port or connection.default_port
        try:
            addresses = self._resolver(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
        if not addresses or not all(self.permits(address) for address in addresses):
            raise AddressRefusedError(connection, "an address that is not allowed")
        return self._connect(connection, addresses, port)

    def permits(self, text: str) -> bool:
        """Return whether an address that a resolver gave is allowed."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return all(self._permits(one) for one in (address, *_embedded_ipv4(address)))

    def _permits(self, address: Address) -> bool:
        if any(address in network for network in self._allowed if network.version == address.version):
            return True
        if address.is_multicast or address.is_unspecified or address.is_link_local:
            return False
        if address in _IPV4_COMPATIBLE:  # deprecated, and Python counts it as global
            return self._private
        if _embedded_ipv4(address):
            return True
        if any(address in network for network in _WITHOUT_SERVERS if network.version == address.version):
            return False
        is_public = address.is_global and (isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST)
        return is_public or (self._private and (address.is_private or address in _CARRIER_GRADE_NAT))

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


def _embedded_ipv4(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address embeds (mapped, compatible, NAT64, 6to4, or Teredo)."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and not (address.is_loopback or address.is_unspecified)):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(one for one in found if one is not None)


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes with one deadline for all of them, so that a server cannot stall by sending byte by byte."""

    def __init__(self, source: Any, sock: socket.socket, end: float) -> None:
        self._source = source
        self._socket = sock
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the response takes too long")
        self._socket.settimeout(left)
        found: int | None = self._source.readinto(buffer)
        return found

    def close(self) -> None:
        self._source.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """A response whose headers and body must all arrive within the timeout that the socket has at the start."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        if timeout is not None:
            buffered = self.fp
            self.fp = io.BufferedReader(_DeadlineReader(buffered.detach(), sock, time.monotonic() + timeout))


class GuardedAdapter(HTTPAdapter):
    """An HTTP adapter whose connections all go through one dialer."""

    def __init__(self, dialer: GuardedConnector, *, size: int) -> None:
        self._dialer = dialer
        super().__init__(pool_maxsize=size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **members: Any) -> None:
        """Create the pool manager; its pools connect through the dialer."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **members)
        self.poolmanager.pool_classes_by_scheme = _pools(self._dialer)

    def proxy_manager_for(self, proxy: str, **members: Any) -> Any:  # noqa: ARG002
        """Raise ValueError: a proxy would resolve the name a second time."""
        raise ValueError("FHIR servers are not read through a proxy")


def _pools(dialer: GuardedConnector) -> dict[str, Any]:
    class Plain(HTTPConnection):
        response_class = _DeadlineResponse

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, self._dns_host)

    class Protected(HTTPSConnection):
        response_class = _DeadlineResponse

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, self._dns_host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class ProtectedPool(HTTPSConnectionPool):
        ConnectionCls = Protected

    return {"http": PlainPool, "https": ProtectedPool}
