"""Network: an address range of the site and who may stand in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations


@dataclass(frozen=True)
class SiteNetwork:
    """A network between the site's servers; `interface` is its name on every server."""

    cidr: IPv4Network
    interface: str


@dataclass(frozen=True)
class ExternalNetwork:
    """The network outside, from which floating addresses and router gateways are taken: `first` to `last`,
    inclusive.

    `vlan` is the 802.1Q tag on `interface` (None: untagged), `mtu` in bytes.
    """

    cidr: IPv4Network
    interface: str
    gateway: IPv4Address
    first: IPv4Address
    last: IPv4Address
    mtu: int
    vlan: int | None = None

    @property
    def pool_size(self) -> int:
        """Addresses in the pool; 0 if `last` is below `first`."""
        return max(int(self.last) - int(self.first) + 1, 0)

    def pool_contains(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last


def is_usable(address: IPv4Address, network: IPv4Network) -> bool:
    """Whether a server may have this address: inside, and neither the network's own nor its broadcast
    address.
    """
    return address in network and address not in (network.network_address, network.broadcast_address)


def overlapping(named: Iterable[tuple[str, IPv4Network]]) -> tuple[tuple[str, str], ...]:
    """Every pair of names whose networks share an address."""
    return tuple((a, b) for (a, left), (b, right) in combinations(named, 2) if left.overlaps(right))
