"""What a value must look like, said before the cloud is asked. Each returns what is wrong, None when nothing
is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from infra.provider.mark import LONGEST_DESCRIPTION


def cidr(value: Any) -> str | None:
    """A network in CIDR form, without host bits: what Neutron stores, so that nothing differs afterwards."""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as wrong:
        return f"must be a network such as 10.64.1.0/24: {wrong}"
    if str(network) != str(value).lower():
        return f"must be a network without host bits, as it is written: {network}"
    return None


def address(value: Any) -> str | None:
    """One IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError as wrong:
        return f"must be an IP address: {wrong}"
    return None


def addresses(value: Any) -> str | None:
    """A list of IP addresses."""
    return next((wrong for item in value if (wrong := address(item))), None)


def one_of(*allowed: Any) -> Callable[[Any], str | None]:
    """One of a few values."""

    def rule(value: Any) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(map(str, allowed))}, not {value!r}"

    return rule


def between(low: int, high: int) -> Callable[[Any], str | None]:
    """A number from `low` to `high`, both included."""

    def rule(value: Any) -> str | None:
        return None if low <= value <= high else f"must be from {low} to {high}, not {value}"

    return rule


at_least_zero = between(0, 2**31 - 1)
at_least_one = between(1, 2**31 - 1)


def limit(value: Any) -> str | None:
    """A quota: 0 or more, or -1 for no limit."""
    return None if value >= -1 else f"must be 0 or more, or -1 for no limit, not {value}"


def name(value: Any) -> str | None:
    """A name that every OpenStack service takes: 1 to 255 characters, not blank, on one line."""
    if not value.strip() or len(value) > 255 or "\n" in value:
        return "must be 1 to 255 characters on one line, and not blank"
    return None


def description(value: Any) -> str | None:
    """A description that leaves room for the provider's mark."""
    if len(value) > LONGEST_DESCRIPTION:
        return f"must be at most {LONGEST_DESCRIPTION} characters, not {len(value)}: a mark is added to it"
    return None


def metadata(value: Any) -> str | None:
    """Metadata of a server or volume: keys of 1 to 255 characters, values of up to 255."""
    odd = next((key for key, held in value.items() if not 0 < len(key) <= 255 or len(held) > 255), None)
    return None if odd is None else f"a key is 1 to 255 characters and a value up to 255, not so {odd!r}"


def server_tags(value: Any) -> str | None:
    """Tags of a server: Nova takes 50, of 1 to 60 characters without comma and slash; one is our mark."""
    if len(set(value)) > 49:
        return f"must be at most 49 tags, not {len(set(value))}: Nova takes 50, and a mark is added to them"
    odd = next((tag for tag in value if not 0 < len(tag) <= 60 or set(tag) & {",", "/"}), None)
    return None if odd is None else f"a tag is 1 to 60 characters without comma and slash, not so {odd!r}"
