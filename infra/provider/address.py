"""IP and MAC addresses and networks, as programs write them and as Neutron writes them back."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from infra.provider.values import UNKNOWN

_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")


def canonical(value: Any) -> Any:
    """The value with every address, network and MAC inside it in one spelling."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return _spelled(value) if isinstance(value, str) else value


def as_network(text: str) -> str:
    """A network, or one address as a network of one, without host bits; any other text as it is."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def merged(prefixes: Any) -> list[str]:
    """Networks as Neutron keeps those of a pool: neighbours made one, sorted. Unknown ones are left out."""
    known = [ipaddress.ip_network(item, strict=False) for item in prefixes if item is not UNKNOWN]
    four = [item for item in known if isinstance(item, ipaddress.IPv4Network)]
    six = [item for item in known if isinstance(item, ipaddress.IPv6Network)]
    return [*map(str, ipaddress.collapse_addresses(four)), *map(str, ipaddress.collapse_addresses(six))]


def network(value: Any) -> str | None:
    """What is wrong with a network in CIDR form; host bits, which Neutron cuts off, are not."""
    if "/" not in str(value):
        return "must be a network such as 10.64.1.0/24"
    return network_or_address(value)


def network_or_address(value: Any) -> str | None:
    """What is wrong with a network or a single address."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as wrong:
        return f"must be a network such as 10.64.1.0/24: {wrong}"
    return None


def networks(value: Any) -> str | None:
    """What is wrong with a list of networks."""
    return next((wrong for item in value if item is not UNKNOWN and (wrong := network(item))), None)


def mac(value: Any) -> str | None:
    """What is wrong with a MAC address."""
    return None if _MAC.fullmatch(str(value)) else "must be a MAC address such as fa:16:3e:12:34:56"


def made_of_mac(text: str, mac: str) -> bool:
    """Whether Neutron formed this address of the port's MAC (modified EUI-64, RFC 4291, appendix A): it adds
    one for every IPv6 subnet with SLAAC that the network has or gets, whatever the port asked for.
    """
    if not _MAC.fullmatch(mac) or ":" not in text:
        return False
    octets = bytes.fromhex(re.sub("[:-]", "", mac))
    interface = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return ipaddress.IPv6Address(text).packed[8:] == interface


def domain(value: Any) -> str | None:
    """What is wrong with a DNS domain: Neutron takes fully qualified ones only."""
    return None if not value or str(value).endswith(".") else f"must end with a dot: {value}."


def _spelled(text: str) -> str:
    if _MAC.fullmatch(text):
        return text.lower().replace("-", ":")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return as_network(text)
