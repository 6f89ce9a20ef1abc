"""Where a camera may be: an address that a user types must not open the deployment's own doors.

Server-side request forgery (CWE-918): whoever may add a camera makes this program connect to what
he names, from inside its network.
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from pathlib import Path

import ifaddr

from ingest.address import CameraUrl
from ingest.troubles import Forbidden, Unreachable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL: Sequence[tuple[Network, str]] = [
    (ip_network(network), word)
    for network, word in (
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("169.254.170.2/32", "a cloud's metadata service"),
        ("100.100.100.200/32", "a cloud's metadata service"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("192.0.0.192/32", "a cloud's metadata service"),
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("0.0.0.0/8", "this host"),
        ("::/128", "this host"),
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("fe80::/10", "link-local"),
        ("224.0.0.0/4", "multicast"),
        ("ff00::/8", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
]
"""The most particular first: IANA's registries of special-purpose addresses (RFC 6890), and where
Amazon, Alibaba, Azure and Oracle tell virtual machines their secrets."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_CONTAINER = ("/.dockerenv", "/run/.containerenv")


@dataclass(frozen=True, slots=True)
class Destinations:
    """Which addresses may be connected to.

    An address must lie in one of the ``allowed`` networks. One that lies in a special network too
    (loopback, link-local, a cloud's metadata service, ``own``) needs an allowed network that lies
    wholly within that special one: 0.0.0.0/0 does not open it, 127.0.0.1/32 does. What is written
    exactly as one of ``hosts`` (``name:port``) may be anywhere.
    """

    allowed: Sequence[Network]
    own: Sequence[Network] = ()
    hosts: Sequence[str] = ()

    def addresses(self, url: CameraUrl) -> Sequence[str]:
        """What the host's name stands for now; blocks while that is looked up.

        All of it must be allowed, however it is written (decimal, octal, IPv4 inside IPv6).

        Raises:
            BadInput: one of them is not allowed.
            Transient: the name is not known.
        """
        try:
            found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable(f"{url}: out of reach; is the host's name right?") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in () if f"{url.host}:{url.port}" in self.hosts else addresses:
            if why := self.refusal(address):
                raise Forbidden(f"{url}: {why}; RTSP_ALLOWED_NETWORKS says what is allowed")
        return addresses

    def refusal(self, text: str) -> str:
        """Why an address is not allowed, empty if it is."""
        for address in _meant(ip_address(text.partition("%")[0])):
            for network, word in (*_SPECIAL, *((one, "the deployment's own") for one in self.own)):
                if _within(address, network) and not self._opened(address, network):
                    return f"{address} is {word}: no camera may be there unless it is listed"
            if not any(_within(address, network) for network in self.allowed):
                return f"{address} lies in no allowed network"
        return ""

    def _opened(self, address: Address, special: Network) -> bool:
        return any(
            _within(address, network) and _is_part(network, special) for network in self.allowed
        )


def own_networks() -> Sequence[Network]:
    """What is this deployment's: in a container its networks, elsewhere this machine's addresses.

    In a container's network are the database and the index. On a plain host it is the cameras' own.
    """
    contained = any(Path(mark).exists() for mark in _CONTAINER)
    interfaces = [
        ip_interface(f"{ip.ip if ip.is_IPv4 else ip.ip[0]}/{ip.network_prefix}")
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    return [one.network if contained else ip_network(one.ip) for one in interfaces]


def _meant(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 address that an IPv6 one carries (mapped, 6to4, NAT64)."""
    yield address
    if isinstance(address, IPv6Address):
        carried = (address.ipv4_mapped, address.sixtofour)
        yield from (one for one in carried if one is not None)
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _is_part(network: Network, whole: Network) -> bool:
    match network, whole:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return network.subnet_of(whole)  # type: ignore[arg-type] # of one kind, as matched
        case _:
            return False
