"""Security rule: whom and what one rule of a security group lets in, read from the inputs of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from infra.domain.plan import UNKNOWN

RULE = "openstack:networking/secGroupRule:SecGroupRule"
ADDRESS_GROUP = "openstack:networking/addressGroupV2:AddressGroupV2"
_ANY = frozenset({"", "any", "0", UNKNOWN})
_NUMBERS = {"6": "tcp", "17": "udp", "33": "dccp", "132": "sctp", "136": "udplite"}
_WITH_PORTS = frozenset({"", *_NUMBERS.values()})
# The largest networks that anybody has for themselves: 10.0.0.0/8 and fc00::/7.
_LARGEST_PRIVATE = {4: 8, 6: 7}


@dataclass(frozen=True)
class SecurityRule:
    """An ingress rule. `protocol` is "" for any, `first` and `last` are 0 and 65535 where no port is named.

    What is not known before the run counts as the widest that it may be. `prefix` is "" for everybody;
    `others` names the security group or address group that is let in instead of a prefix.
    """

    group: str
    ethertype: str
    protocol: str
    first: int
    last: int
    prefix: str
    others: str = ""

    def opens(self, port: int) -> bool:
        """Whether somebody comes in at this port, by whatever protocol that has ports."""
        return self.protocol in _WITH_PORTS and self.first <= port <= self.last

    @property
    def to_the_world(self) -> bool:
        return not self.others and is_the_world(self.prefix)

    def covers(self, other: SecurityRule) -> bool:
        """Whether all that `other` lets in is let in by this one too, the security group aside."""
        if self.ethertype != other.ethertype or self.others != other.others:
            return False
        if self.protocol not in ("", other.protocol):
            return False
        return self.first <= other.first and other.last <= self.last and _within(other.prefix, self.prefix)


def security_rule(inputs: Mapping[str, Any]) -> SecurityRule | None:
    """None for a rule on what goes out."""
    if inputs.get("direction") not in ("ingress", UNKNOWN):
        return None
    told = inputs.get("protocol") or ""
    protocol = (str(int(told)) if isinstance(told, float) else str(told)).lower()
    protocol = "" if protocol in _ANY else _NUMBERS.get(protocol, protocol)
    prefix = str(inputs.get("remoteIpPrefix") or "")
    network = _network(prefix)
    return SecurityRule(
        str(inputs.get("securityGroupId") or ""),
        str(inputs.get("ethertype") or ""),
        protocol,
        _port(inputs.get("portRangeMin")) or 0,  # 0 is how some programs say "none"
        _port(inputs.get("portRangeMax")) or 65535,
        "" if prefix == UNKNOWN or (network and not network.prefixlen) else prefix,
        str(inputs.get("remoteGroupId") or inputs.get("remoteAddressGroupId") or ""),
    )


def is_the_world(prefix: str) -> bool:
    """No prefix is everybody, and so is one that is larger than any network that one can have alone: the
    world in two halves is still the world.
    """
    network = _network(prefix)
    if network is None:
        return not prefix  # the provider's check refuses what is no network
    return network.prefixlen < _LARGEST_PRIVATE[network.version]


def _within(inner: str, outer: str) -> bool:
    if not outer or inner == outer:
        return True
    one, other = _network(inner), _network(outer)
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)


def _network(prefix: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(prefix, strict=False)
    except ValueError:
        return None


def _port(value: Any) -> int | None:
    """Whatever type the program gave it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() else None
